// SPDX-License-Identifier: Apache-2.0
#include "card/store/password.h"

#include <argon2.h>
#include <sys/mman.h>

namespace cipherdeck::card::store {
namespace {

// The blocks that the password is mixed into: not for core dumps, and not for the swap where the
// limit of locked memory allows that.
int allocate(std::uint8_t** memory, std::size_t len) {
  void* const pages =
      mmap(nullptr, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return ARGON2_MEMORY_ALLOCATION_ERROR;
  (void)mlock(pages, len);
  (void)madvise(pages, len, MADV_DONTDUMP);
  *memory = static_cast<std::uint8_t*>(pages);
  return ARGON2_OK;
}

void release(std::uint8_t* memory, std::size_t len) {
  wipe({memory, len});
  munmap(memory, len);
}

}  // namespace

bool PasswordCost::is_sane() const noexcept {
  return lanes >= 1 && lanes <= 4 && passes >= 1 && passes <= 16 && memory_kib >= 8 * lanes &&
         memory_kib <= 1U << 20;
}

Result<Stretching> make_stretching(const PasswordCost& cost, RandomSource& random) {
  Stretching made{.cost = cost, .salt = {}};
  CIPHERDECK_TRY(random.fill(made.salt));
  return made;
}

Result<Secret<32>> stretch(Bytes password, const Stretching& stretching) {
  const bool valid_len = password.size() >= kMinPasswordLen && password.size() <= kMaxPasswordLen;
  if (!valid_len || !stretching.cost.is_sane()) return Error::invalid_argument;
  Secret<kMaxPasswordLen> copy;  // the library's interface is not const
  std::memcpy(copy.data(), password.data(), password.size());
  std::array<std::uint8_t, kSaltLen> salt = stretching.salt;
  Secret<32> key;
  argon2_context context{};
  context.out = key.data();
  context.outlen = static_cast<std::uint32_t>(key.size());
  context.pwd = copy.data();
  context.pwdlen = static_cast<std::uint32_t>(password.size());
  context.salt = salt.data();
  context.saltlen = static_cast<std::uint32_t>(salt.size());
  context.t_cost = stretching.cost.passes;
  context.m_cost = stretching.cost.memory_kib;
  context.lanes = stretching.cost.lanes;
  context.threads = 1;
  context.version = ARGON2_VERSION_13;
  context.allocate_cbk = allocate;
  context.free_cbk = release;
  context.flags = ARGON2_FLAG_CLEAR_PASSWORD;
  const int code = argon2_ctx(&context, Argon2_id);
  if (code == ARGON2_MEMORY_ALLOCATION_ERROR) return Error::no_memory;
  if (code != ARGON2_OK) return Error::internal;
  return key;
}

}  // namespace cipherdeck::card::store

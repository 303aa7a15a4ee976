// SPDX-License-Identifier: Apache-2.0
// A stand-in chip for tests: AES-128 by OpenSSL in a chip's place. It is not SM1, says so, and
// offers only the identifiers that stand-ins have. Its argument makes it misbehave:
//   hold=N, fail=N, refuse=N   jobs of N bytes and more wait until stand_in_release() is called,
//   fail,
//                              or do not like their key
//   hold-test, fail-test, fail-open, wrong
//                              the self-test waits or fails; it cannot be opened; decryption is
//                              wrong
#include <cipherdeck/chip.h>
#include <cipherdeck/function.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

#ifndef STAND_IN_ABI
#define STAND_IN_ABI CIPHERDECK_CHIP_ABI
#endif
#ifndef STAND_IN_CIPHER
#define STAND_IN_CIPHER CIPHERDECK_ALG_STAND_IN
#endif
#ifndef STAND_IN_ENTRY
#define STAND_IN_ENTRY cipherdeck_chip_entry
#endif
#define STAND_IN_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr std::size_t kBlock = CIPHERDECK_CHIP_BLOCK_LEN;

// A thread that is held ends only when it is released.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  unsigned num_held = 0;

  void pass() {
    std::unique_lock lock(mutex);
    ++num_held;
    changed.notify_all();
    changed.wait(lock, [this] { return open; });
    --num_held;
  }
};
Gate g_gate;

struct Context {
  std::string argument;
  // The N of "WORD=N", or more than any length.
  std::size_t bound(const char* word) const {
    const std::string start = std::string(word) + "=";
    if (argument.rfind(start, 0) != 0) return SIZE_MAX;
    return std::strtoul(argument.c_str() + start.size(), nullptr, 10);
  }
};

const EVP_CIPHER* cipher_of(std::uint32_t mode) {
  switch (mode) {
    case CIPHERDECK_ALG_ECB:
      return EVP_aes_128_ecb();
    case CIPHERDECK_ALG_CFB:
      return EVP_aes_128_cfb128();
    case CIPHERDECK_ALG_OFB:
      return EVP_aes_128_ofb();
    default:
      return EVP_aes_128_cbc();
  }
}

void xor_into(std::uint8_t* to, const std::uint8_t* a, const std::uint8_t* b) {
  for (std::size_t i = 0; i < kBlock; ++i) to[i] = a[i] ^ b[i];
}

bool crypt(const cipherdeck_chip_job& job, bool encrypt, std::uint8_t* output) {
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  int len = 0;
  const EVP_CIPHER* const cipher = cipher_of(job.algorithm & CIPHERDECK_ALG_MODE_MASK);
  const bool done =
      context != nullptr &&
      EVP_CipherInit_ex(context, cipher, nullptr, job.key, job.iv, encrypt ? 1 : 0) == 1 &&
      EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
      EVP_CipherUpdate(context, output, &len, job.data, static_cast<int>(job.len)) == 1;
  EVP_CIPHER_CTX_free(context);
  return done && len == static_cast<int>(job.len);
}

int run_cipher(const cipherdeck_chip_job& job) {
  const bool encrypt = job.operation != CIPHERDECK_CHIP_DECRYPT;
  std::string output(job.len, '\0');
  auto* const out = reinterpret_cast<std::uint8_t*>(output.data());
  if (!crypt(job, encrypt, out)) return CIPHERDECK_CHIP_FAILED;
  if (job.iv != nullptr && job.len >= kBlock) {
    const std::uint8_t* const in_last = job.data + job.len - kBlock;
    const std::uint8_t* const out_last = out + job.len - kBlock;
    if ((job.algorithm & CIPHERDECK_ALG_MODE_MASK) == CIPHERDECK_ALG_OFB) {
      xor_into(job.iv, in_last, out_last);
    } else {
      std::memcpy(job.iv, encrypt ? out_last : in_last, kBlock);
    }
  }
  if (job.operation != CIPHERDECK_CHIP_MAC) std::memcpy(job.data, out, job.len);
  return CIPHERDECK_CHIP_OK;
}

// ---- what the card calls ------------------------------------------------------------------------

int open_chip(const char* argument, void** context) {
  // A thread that hangs is still here when the process ends.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
  if (std::strcmp(argument, "fail-open") == 0) return CIPHERDECK_CHIP_FAILED;
  *context = new Context{argument};
  return CIPHERDECK_CHIP_OK;
}

// FIPS 197, appendix B.
int self_test(void* context) {
  const std::string& argument = static_cast<Context*>(context)->argument;
  if (argument == "hold-test") g_gate.pass();
  if (argument == "fail-test") return CIPHERDECK_CHIP_FAILED;
  const std::uint8_t key[kBlock] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                    0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
  std::uint8_t data[kBlock] = {0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d,
                               0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07, 0x34};
  const std::uint8_t expected[kBlock] = {0x39, 0x25, 0x84, 0x1d, 0x02, 0xdc, 0x09, 0xfb,
                                         0xdc, 0x11, 0x85, 0x97, 0x19, 0x6a, 0x0b, 0x32};
  const cipherdeck_chip_job job{STAND_IN_CIPHER | CIPHERDECK_ALG_ECB,
                                CIPHERDECK_CHIP_ENCRYPT,
                                key,
                                nullptr,
                                data,
                                sizeof data};
  const bool right =
      run_cipher(job) == CIPHERDECK_CHIP_OK && std::memcmp(data, expected, sizeof data) == 0;
  return right ? CIPHERDECK_CHIP_OK : CIPHERDECK_CHIP_FAILED;
}

int run(void* opened, const cipherdeck_chip_job* job) {
  const Context& context = *static_cast<Context*>(opened);
  if (job->len >= context.bound("hold")) g_gate.pass();
  if (job->len >= context.bound("fail")) return CIPHERDECK_CHIP_FAILED;
  if (job->len >= context.bound("refuse")) return CIPHERDECK_CHIP_BAD_KEY;
  const int status = run_cipher(*job);
  if (context.argument == "wrong" && job->operation == CIPHERDECK_CHIP_DECRYPT) job->data[0] ^= 1;
  return status;
}

void close_chip(void* context) { delete static_cast<Context*>(context); }

constexpr std::uint32_t kAlgorithms[] = {
    STAND_IN_CIPHER | CIPHERDECK_ALG_ECB, STAND_IN_CIPHER | CIPHERDECK_ALG_CBC,
    STAND_IN_CIPHER | CIPHERDECK_ALG_CFB, STAND_IN_CIPHER | CIPHERDECK_ALG_OFB,
    STAND_IN_CIPHER | CIPHERDECK_ALG_MAC};

constexpr cipherdeck_chip kChip{.abi = STAND_IN_ABI,
                                .flags = CIPHERDECK_CHIP_STAND_IN,
                                .vendor = "CipherDeck project",
                                .name = "stand-in (AES-128), not SM1",
                                .algorithms = kAlgorithms,
                                .num_algorithms = std::size(kAlgorithms),
                                .key_len = 16,
                                .max_len = 64U << 10,
                                .reserved = 0,
                                .open = open_chip,
                                .self_test = self_test,
                                .run = run,
                                .close = close_chip};

}  // namespace

STAND_IN_EXPORT const cipherdeck_chip* STAND_IN_ENTRY(std::uint32_t) { return &kChip; }

// For tests in the same process. What is held ends, and nothing is held from now on until
// stand_in_hold().
STAND_IN_EXPORT void stand_in_release() {
  const std::lock_guard lock(g_gate.mutex);
  g_gate.open = true;
  g_gate.changed.notify_all();
}

STAND_IN_EXPORT void stand_in_hold() {
  const std::lock_guard lock(g_gate.mutex);
  g_gate.open = false;
}

// Waits until so many threads are held.
STAND_IN_EXPORT void stand_in_wait_held(unsigned num) {
  std::unique_lock lock(g_gate.mutex);
  g_gate.changed.wait(lock, [num] { return g_gate.num_held >= num; });
}

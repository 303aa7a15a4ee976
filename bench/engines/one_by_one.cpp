// SPDX-License-Identifier: Apache-2.0
#include "engines/one_by_one.h"

#include "engine/sm9/sm9.h"
#include "engine/zuc/zuc.h"

#include <functional>
#include <vector>

namespace cipherdeck::bench {
namespace {

using Operation = std::function<Result<void>()>;
using Buffer = std::vector<std::uint8_t>;

class Repeated final : public Workload {
 public:
  Repeated(Operation operation, std::uint32_t times)
      : m_operation(std::move(operation)), m_times(times) {}
  void run() noexcept override {
    for (std::uint32_t i = 0; i < m_times; ++i) m_result = m_operation();
  }
  [[nodiscard]] Result<void> result() const override { return m_result; }

 private:
  Operation m_operation;
  std::uint32_t m_times;
  Result<void> m_result;
};

template <typename T>
Result<void> without_value(const Result<T>& result) {
  return result ? Result<void>{} : result.error();
}

Result<Operation> make_sm9_signature(bool is_verification, std::uint32_t bytes,
                                     RandomSource& random) {
  CIPHERDECK_ASSIGN(const auto master, engine::Sm9SignMasterKey::generate(random));
  CIPHERDECK_ASSIGN(const auto user, master.extract(as_bytes("Alice")));
  Buffer message(bytes);
  CIPHERDECK_TRY(random.fill(message));
  CIPHERDECK_ASSIGN(const auto signature,
                    engine::sm9_sign(user, master.public_key(), message, random));
  if (is_verification) {
    return Operation([=] {
      return engine::sm9_verify(master.public_key(), as_bytes("Alice"), message, signature);
    });
  }
  return Operation([=, &random] {
    return without_value(engine::sm9_sign(user, master.public_key(), message, random));
  });
}

Result<Operation> make_sm9_encryption(bool is_decryption, std::uint32_t bytes,
                                      RandomSource& random) {
  CIPHERDECK_ASSIGN(const auto master, engine::Sm9EncryptMasterKey::generate(random));
  CIPHERDECK_ASSIGN(const auto user, master.extract(as_bytes("Bob"), engine::Sm9Use::encrypt));
  Buffer text(bytes), ciphertext(bytes + engine::kSm9CiphertextOverhead);
  CIPHERDECK_TRY(random.fill(text));
  CIPHERDECK_TRY(
      engine::sm9_encrypt(ciphertext, {}, master.public_key(), as_bytes("Bob"), text, random));
  if (is_decryption) {
    return Operation([=]() mutable {
      return without_value(engine::sm9_decrypt(text, {}, user, as_bytes("Bob"), ciphertext));
    });
  }
  return Operation([=, &random]() mutable {
    return engine::sm9_encrypt(ciphertext, {}, master.public_key(), as_bytes("Bob"), text, random);
  });
}

Result<Operation> make_sm9_user_key(RandomSource& random) {
  CIPHERDECK_ASSIGN(const auto master, engine::Sm9EncryptMasterKey::generate(random));
  return Operation(
      [=] { return without_value(master.extract(as_bytes("Bob"), engine::Sm9Use::encrypt)); });
}

Result<Operation> make_zuc(bool is_mac, std::uint32_t bytes, RandomSource& random) {
  std::array<std::uint8_t, engine::kZucKeyLen> key{};
  CIPHERDECK_TRY(random.fill(key));
  Buffer data(bytes);
  if (is_mac) {
    return Operation([=]() -> Result<void> {
      engine::ZucEia3 eia3(key, {});
      eia3.update(data);
      (void)eia3.finish();
      return {};
    });
  }
  return Operation([=]() mutable -> Result<void> {
    engine::ZucEea3(key, {}).crypt(data.data(), data.data(), data.size(), true);
    return {};
  });
}

Result<Operation> make_operation(std::string_view algorithm, std::uint32_t bytes,
                                 RandomSource& random) {
  if (algorithm == "sm9-sign") return make_sm9_signature(false, bytes, random);
  if (algorithm == "sm9-verify") return make_sm9_signature(true, bytes, random);
  if (algorithm == "sm9-encrypt") return make_sm9_encryption(false, bytes, random);
  if (algorithm == "sm9-decrypt") return make_sm9_encryption(true, bytes, random);
  if (algorithm == "sm9-user-key") return make_sm9_user_key(random);
  if (algorithm == "zuc-eea3") return make_zuc(false, bytes, random);
  if (algorithm == "zuc-eia3") return make_zuc(true, bytes, random);
  return Error::invalid_argument;
}

}  // namespace

Result<std::unique_ptr<Workload>> make_one_by_one(std::string_view algorithm, std::uint32_t bytes,
                                                  std::uint32_t streams, RandomSource& random) {
  CIPHERDECK_ASSIGN(Operation operation, make_operation(algorithm, bytes, random));
  return std::unique_ptr<Workload>(std::make_unique<Repeated>(std::move(operation), streams));
}

}  // namespace cipherdeck::bench

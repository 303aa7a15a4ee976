// SPDX-License-Identifier: Apache-2.0
// The card's management commands with their operands and answers as C++ values.
#pragma once

#include "base/result.h"
#include "host/manager/pf_driver.h"

#include <cipherdeck/function.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cipherdeck::manager {

/// One of the key spaces of a partition.
enum class KeyKind : std::uint32_t {
  pair = CIPHERDECK_KEY_PAIR,
  kek = CIPHERDECK_KEY_KEK,
  rsa = CIPHERDECK_KEY_RSA,
  symmetric = CIPHERDECK_KEY_SYMMETRIC,
  sm9_sign_master = CIPHERDECK_KEY_SM9_SIGN_MASTER,
  sm9_encrypt_master = CIPHERDECK_KEY_SM9_ENCRYPT_MASTER,
  sm9_sign_user = CIPHERDECK_KEY_SM9_SIGN_USER,
  sm9_encrypt_user = CIPHERDECK_KEY_SM9_ENCRYPT_USER,
};

/// The key of an SM9 user that is to be made.
struct Sm9User {
  KeyKind kind = KeyKind::sm9_sign_user;
  std::uint32_t master = 0;  // index of the master key of the same use
  std::string id;
};

/// A text field of the function interface, up to its first zero byte.
template <std::size_t N>
[[nodiscard]] std::string text_of(const cipherdeck_u8 (&field)[N]) {
  const std::string_view view(reinterpret_cast<const char*>(field), N);
  return std::string(view.substr(0, view.find('\0')));
}

/// Thread-safe, as the driver is. Every call fails with the command's own error (function.h) or as
/// PfDriver::admin does.
class CardControl {
 public:
  explicit CardControl(PfDriver& driver) : m_driver(driver) {}

  Result<cipherdeck_card_status> status();
  Result<cipherdeck_identity> identity();
  Result<std::vector<cipherdeck_chip_record>> chips();

  /// These three answer for a card that refuses service, too. The tests may take seconds.
  Result<cipherdeck_card_health> health();
  Result<std::vector<cipherdeck_self_test_record>> self_test();
  /// `level` is a CIPHERDECK_RANDOM_TEST_.
  Result<std::vector<cipherdeck_random_test_record>> test_random(std::uint32_t level);
  Result<void> initialise(const std::string& label);

  Result<std::vector<cipherdeck_partition_record>> partitions();
  Result<std::uint32_t> create_partition(const std::string& name);
  Result<void> remove_partition(std::uint32_t partition);

  /// VFs only, by number.
  Result<std::vector<cipherdeck_function_record>> functions();
  /// `partition` 0 unbinds.
  Result<void> bind(std::uint32_t function, std::uint32_t partition);

  /// Holds until the card is restarted. Fails with limit if more would be committed in all than the
  /// card has.
  Result<void> set_share(std::uint32_t function, const cipherdeck_function_share& share);

  Result<std::vector<cipherdeck_key_record>> keys(std::uint32_t partition);
  Result<void> generate_key_pair(std::uint32_t partition, std::uint32_t index, Bytes access_code);
  /// `access_code` may be empty: then every session of the partition may use the KEK.
  Result<void> generate_kek(std::uint32_t partition, std::uint32_t index, std::uint32_t bits,
                            Bytes access_code);
  Result<void> generate_symmetric_key(std::uint32_t partition, std::uint32_t index,
                                      std::uint32_t bits, Bytes access_code);
  /// Takes seconds.
  Result<void> generate_rsa_key_pair(std::uint32_t partition, std::uint32_t index,
                                     std::uint32_t bits, Bytes access_code);
  Result<void> generate_sm9_master(std::uint32_t partition, KeyKind kind, std::uint32_t index);
  Result<void> generate_sm9_user_key(std::uint32_t partition, std::uint32_t index,
                                     const Sm9User& user, Bytes access_code);
  Result<void> remove_key(std::uint32_t partition, KeyKind kind, std::uint32_t index);
  Result<void> set_access_code(std::uint32_t partition, KeyKind kind, std::uint32_t index,
                               Bytes access_code);

 private:
  template <typename Record>
  Result<std::vector<Record>> list(const cipherdeck_command& command);
  template <typename Record>
  Result<Record> one(std::uint16_t opcode);

  PfDriver& m_driver;
};

}  // namespace cipherdeck::manager

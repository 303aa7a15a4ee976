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

/// What protects the management key: CIPHERDECK_PROTECT_ and, for that kind, a passphrase.
struct Protection {
  std::uint32_t kind = CIPHERDECK_PROTECT_KEY_FILE;
  std::string passphrase;
};

/// What the card gave to who logged in: CIPHERDECK_TOKEN_LEN bytes, or empty.
using LoginToken = std::vector<std::uint8_t>;

/// A partition outside the card: its keys, wrapped, and shares of what wraps them, wiped when it
/// goes.
struct PartitionBackup {
  std::vector<std::uint8_t> backup;
  std::vector<std::uint8_t> shares;  // of CIPHERDECK_SHARE_LEN each

  PartitionBackup() = default;
  PartitionBackup(PartitionBackup&&) = default;
  PartitionBackup& operator=(PartitionBackup&&) = default;
  ~PartitionBackup();
};

/// Thread-safe, as the driver is. Every call fails with the command's own error (function.h) or as
/// PfDriver::admin does.
class CardControl {
 public:
  /// `token` is that of the login in whose name the commands go, or empty.
  explicit CardControl(PfDriver& driver, LoginToken token = {})
      : m_driver(driver), m_token(std::move(token)) {}

  Result<cipherdeck_card_status> status();
  Result<cipherdeck_identity> identity();
  Result<std::vector<cipherdeck_chip_record>> chips();

  /// These three answer for a card that refuses service, too. The tests may take seconds.
  Result<cipherdeck_card_health> health();
  Result<std::vector<cipherdeck_self_test_record>> self_test();
  /// `level` is a CIPHERDECK_RANDOM_TEST_.
  Result<std::vector<cipherdeck_random_test_record>> test_random(std::uint32_t level);

  Result<void> initialise(const std::string& label, const Protection& protection);
  Result<void> unlock(const std::string& passphrase);
  Result<void> protect(const Protection& protection);
  /// Destroys all keys of the card; it is then as new.
  Result<void> zeroize();

  /// A login's token.
  Result<LoginToken> login(const std::string& name, const std::string& password);
  Result<void> logout();
  /// Whose the token is. Fails with login_required or role_denied unless the card would do `opcode`
  /// (0: any) for it. A record with role 0 tells that the card has no users.
  Result<cipherdeck_user_record> check_login(std::uint16_t opcode = 0);
  Result<std::vector<cipherdeck_user_record>> users();
  Result<void> add_user(const std::string& name, std::uint32_t role, std::uint32_t partition,
                        const std::string& password);
  Result<void> remove_user(const std::string& name);
  Result<void> set_password(const std::string& name, const std::string& password);

  Result<std::vector<cipherdeck_audit_record>> audit_records(std::uint64_t from,
                                                             std::uint64_t max_num);
  Result<cipherdeck_audit_report> verify_audit();
  Result<void> clear_audit(std::uint64_t up_to);

  Result<std::vector<cipherdeck_partition_record>> partitions();
  Result<std::uint32_t> create_partition(const std::string& name);
  Result<void> remove_partition(std::uint32_t partition);
  /// Destroys it with its keys, even in use.
  Result<void> zeroize_partition(std::uint32_t partition);

  /// A partition's backup, and as many shares of its key as asked for, of which `threshold` open
  /// it.
  Result<PartitionBackup> backup_partition(std::uint32_t partition, std::uint32_t threshold,
                                           std::uint32_t num_shares);
  /// Gives the partition's number.
  Result<std::uint32_t> restore_partition(const std::string& name, const PartitionBackup& backup);

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
  Result<Record> one(const cipherdeck_command& command);
  Result<driver::AdminReply> admin(const cipherdeck_command& command, Bytes input = {},
                                   std::size_t output_room = 0);
  Result<void> run(const cipherdeck_command& command, Bytes input = {});

  PfDriver& m_driver;
  LoginToken m_token;
};

}  // namespace cipherdeck::manager

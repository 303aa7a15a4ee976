// SPDX-License-Identifier: Apache-2.0
// The manager's local API: HTTP with JSON on a UNIX socket.
//
//   GET    /v1/card                                   state of the card
//   POST   /v1/card/init                              {"label", "protection", "passphrase"}
//   POST   /v1/card/unlock                            {"passphrase"}
//   PUT    /v1/card/protection                        {"protection", "passphrase"}
//   POST   /v1/card/zeroize
//   POST   /v1/login                                  {"name", "password"}: gives a token
//   GET    /v1/login                                  who the token's user is
//   DELETE /v1/login
//   GET    /v1/users
//   POST   /v1/users                                  {"name", "role", "partition", "password"}
//   DELETE /v1/users/{name}
//   PUT    /v1/users/{name}/password                  {"password"}
//   GET    /v1/audit?from=N&most=N                    records of the audit trail
//   GET    /v1/audit/report                           verifies it
//   POST   /v1/audit/clear                            {"up_to"}
//   GET    /v1/vfs                                    all VFs
//   PUT    /v1/vfs                                    {"count", "force"}
//   GET    /v1/vfs/{n}
//   PUT    /v1/vfs/{n}/partition                      {"partition"}: bind
//   DELETE /v1/vfs/{n}/partition                      unbind
//   PUT    /v1/vfs/{n}/share                          {"weight", "committed_percent",
//                                                      "peak_percent"}
//   GET    /v1/partitions
//   POST   /v1/partitions                             {"name"}
//   GET    /v1/partitions/{p}                         p: name or id
//   DELETE /v1/partitions/{p}
//   POST   /v1/partitions/{p}/zeroize
//   POST   /v1/partitions/{p}/backup                  {"threshold", "shares"}
//   POST   /v1/restore                                {"name", "backup", "shares"}
//   GET    /v1/partitions/{p}/keys
//   POST   /v1/partitions/{p}/keys                    {"kind", "index", "bits", "access_code"}
//   DELETE /v1/partitions/{p}/keys/{kind}/{index}
//   PUT    /v1/partitions/{p}/keys/{kind}/{index}/access-code   {"access_code"}
//
// A login's token goes in the header "Authorization: Bearer HEX". A failure is {"error": "what and
// why", "remedy": "what to do"}; 503 means that the card cannot be reached.
#pragma once

#include "host/manager/card_control.h"
#include "host/manager/outcome.h"
#include "host/manager/requests.h"
#include "host/manager/vf_keeper.h"

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace cipherdeck::manager {

using Json = nlohmann::ordered_json;

/// What the requests do. Thread-safe.
class Api {
 public:
  /// `run_dir` is where the card's sockets are, absolute. `token` is that of who asks, or empty.
  Api(PfDriver& driver, VfKeeper& keeper, std::filesystem::path run_dir, LoginToken token = {})
      : m_driver(driver),
        m_card(driver, std::move(token)),
        m_keeper(keeper),
        m_run_dir(std::move(run_dir)) {}

  /// The same for a request that came with this token.
  [[nodiscard]] Api with(LoginToken token) const {
    return {m_driver, m_keeper, m_run_dir, std::move(token)};
  }

  Outcome<Json> card();
  Outcome<Json> initialise(const std::string& body);
  Outcome<Json> self_test();
  Outcome<Json> test_random(const std::string& body);
  Outcome<Json> unlock(const std::string& body);
  Outcome<Json> protect(const std::string& body);
  Outcome<Json> zeroize();

  Outcome<Json> login(const std::string& body);
  Outcome<Json> login_info();
  Outcome<Json> logout();
  Outcome<Json> users();
  Outcome<Json> add_user(const std::string& body);
  Outcome<Json> remove_user(const std::string& name);
  Outcome<Json> set_password(const std::string& name, const std::string& body);

  Outcome<Json> audit(const std::string& from, const std::string& most);
  Outcome<Json> audit_report();
  Outcome<Json> clear_audit(const std::string& body);

  Outcome<Json> vfs();
  Outcome<Json> vf(const std::string& number);
  Outcome<Json> set_vfs(const std::string& body);
  Outcome<Json> bind(const std::string& number, const std::string& body);
  Outcome<Json> unbind(const std::string& number);
  Outcome<Json> set_share(const std::string& number, const std::string& body);

  Outcome<Json> partitions();
  Outcome<Json> partition(const std::string& selector);
  Outcome<Json> create_partition(const std::string& body);
  Outcome<Json> remove_partition(const std::string& selector);
  Outcome<Json> zeroize_partition(const std::string& selector);
  Outcome<Json> backup_partition(const std::string& selector, const std::string& body);
  Outcome<Json> restore_partition(const std::string& body);

  Outcome<Json> keys(const std::string& partition);
  Outcome<Json> generate_key(const std::string& partition, const std::string& body);
  Outcome<Json> remove_key(const std::string& partition, const std::string& kind,
                           const std::string& index);
  Outcome<Json> set_access_code(const std::string& partition, const std::string& kind,
                                const std::string& index, const std::string& body);

 private:
  /// A partition by id or name.
  Outcome<cipherdeck_partition_record> find_partition(const std::string& selector);
  Result<void> generate(std::uint32_t partition, const KeyRequest& request);
  Outcome<Json> vf_list();
  /// Whether who asks may change VFs, which is the manager's own to do. A card without users, or
  /// one that is not initialised, lets everybody.
  Result<void> may_change_vfs();
  [[nodiscard]] std::filesystem::path vf_socket(std::uint32_t number) const;

  PfDriver& m_driver;
  CardControl m_card;
  VfKeeper& m_keeper;
  const std::filesystem::path m_run_dir;
};

}  // namespace cipherdeck::manager

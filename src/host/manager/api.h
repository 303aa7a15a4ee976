// SPDX-License-Identifier: Apache-2.0
// The manager's local API: HTTP with JSON on a UNIX socket.
//
//   GET    /v1/card                                   state of the card
//   POST   /v1/card/init                              {"label"}
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
//   GET    /v1/partitions/{p}/keys
//   POST   /v1/partitions/{p}/keys                    {"kind", "index", "bits", "access_code"}
//   DELETE /v1/partitions/{p}/keys/{kind}/{index}
//   PUT    /v1/partitions/{p}/keys/{kind}/{index}/access-code   {"access_code"}
//
// A failure is {"error": "what and why", "remedy": "what to do"}; 503 means that the card cannot be
// reached.
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
  /// `run_dir` is where the card's sockets are, absolute.
  Api(CardControl& card, VfKeeper& keeper, std::filesystem::path run_dir)
      : m_card(card), m_keeper(keeper), m_run_dir(std::move(run_dir)) {}

  Outcome<Json> card();
  Outcome<Json> initialise(const std::string& body);

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

  Outcome<Json> keys(const std::string& partition);
  Outcome<Json> generate_key(const std::string& partition, const std::string& body);
  Outcome<Json> remove_key(const std::string& partition, const std::string& kind,
                           const std::string& index);
  Outcome<Json> set_access_code(const std::string& partition, const std::string& kind,
                                const std::string& index, const std::string& body);

 private:
  Result<void> make_key(std::uint32_t partition, const KeyRequest& request);
  /// A partition by id or name.
  Outcome<cipherdeck_partition_record> find_partition(const std::string& selector);
  Outcome<Json> vf_list();
  [[nodiscard]] std::filesystem::path vf_socket(std::uint32_t number) const;

  CardControl& m_card;
  VfKeeper& m_keeper;
  const std::filesystem::path m_run_dir;
};

}  // namespace cipherdeck::manager

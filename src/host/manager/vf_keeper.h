// SPDX-License-Identifier: Apache-2.0
// The IOVM's part that makes VFs and makes them again: after the card or the manager was restarted
// there are as many as were asked for last, with the shares that they had.
#pragma once

#include "host/manager/card_control.h"
#include "host/manager/outcome.h"
#include "host/manager/pf_driver.h"
#include "host/manager/state_file.h"

#include <cstdint>
#include <filesystem>
#include <mutex>

namespace cipherdeck::manager {

/// Thread-safe.
class VfKeeper {
 public:
  /// `run_dir` is where the VFs' sockets are.
  VfKeeper(PfDriver& driver, CardControl& card, std::filesystem::path run_dir,
           std::filesystem::path state_file, State state)
      : m_driver(driver),
        m_card(card),
        m_run_dir(std::move(run_dir)),
        m_path(std::move(state_file)),
        m_state(state) {}

  /// Changes the number of VFs, and remembers it. When there are VFs already they all go for a
  /// moment: without `force` that is refused while one has a client. Gives the number
  /// there is now.
  Outcome<std::uint32_t> set(std::uint32_t count, bool force);

  /// Sets a VF's share of the card's time, and remembers it.
  Outcome<cipherdeck_function_share> set_share(std::uint32_t vf,
                                               const cipherdeck_function_share& share);

  /// Connects if need be, and makes the VFs again on a card that has been restarted. Logs what it
  /// does and every change between reachable and not. To be called every second or so.
  void tend();

 private:
  Outcome<std::uint32_t> apply(std::uint32_t count, bool force);
  Outcome<std::uint32_t> remember(State state, const std::string& what);
  void restore();
  bool restore_vfs();
  void restore_shares();
  /// A VF that has a client, or 0.
  Result<std::uint32_t> find_vf_in_use();
  [[nodiscard]] bool has_client(const cipherdeck_function_record& record) const;

  PfDriver& m_driver;
  CardControl& m_card;
  const std::filesystem::path m_run_dir;
  const std::filesystem::path m_path;
  std::mutex m_mutex;
  State m_state;
  std::uint64_t m_tended = 0;      // the connection whose VFs were restored
  std::uint16_t m_last_error = 0;  // logged; not again while it stays the same
};

}  // namespace cipherdeck::manager

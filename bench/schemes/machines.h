// SPDX-License-Identifier: Apache-2.0
// Many tenants at once, each a virtual machine with a function of its own.
#pragma once

#include "functions/load.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cipherdeck::bench {

class Machine;

/// The command that boots a machine with the function at this vfio-user socket, whose console is
/// its standard input and output and whose first program is cipherdeck-load.
using MachineCommand = std::function<std::vector<std::string>(const std::filesystem::path& socket)>;

/// Running machines, all ended with the object.
class Machines {
 public:
  /// Boots a machine for each socket, all at once, and waits until all are up; `progress` is told
  /// how many are. They boot on any processor and then stay on `cpu`. On failure `why` says which
  /// machine and how its console ends.
  static Result<Machines> boot(const std::vector<std::filesystem::path>& sockets,
                               const MachineCommand& command, int cpu,
                               const std::function<void(std::size_t num_up)>& progress,
                               std::string& why);

  Machines(Machines&&) noexcept;
  Machines& operator=(Machines&&) = delete;
  Machines(const Machines&) = delete;
  Machines& operator=(const Machines&) = delete;
  ~Machines();

  /// Has the first `num` machines do the load: they open their queue pairs and sessions, and when
  /// all have, begin at the same time. Gives a sample for each, or the first error; `why` as above.
  Result<std::vector<Sample>> run(std::size_t num, const Load& load, std::string& why);

  [[nodiscard]] std::size_t size() const noexcept { return m_machines.size(); }

 private:
  Machines();
  std::vector<std::unique_ptr<Machine>> m_machines;
};

}  // namespace cipherdeck::bench

// SPDX-License-Identifier: Apache-2.0
#include "host/manager/pf_driver.h"

#include "host/manager/sriov.h"

#include <utility>

namespace cipherdeck::manager {
namespace {

class FunctionConfig final : public ConfigSpace {
 public:
  explicit FunctionConfig(driver::HostFunction& function) : m_function(function) {}
  Result<void> read(std::uint32_t offset, MutableBytes bytes) override {
    return m_function.read_config(offset, bytes);
  }
  Result<void> write(std::uint32_t offset, Bytes bytes) override {
    return m_function.write_config(offset, bytes);
  }

 private:
  driver::HostFunction& m_function;
};

}  // namespace

Result<std::shared_ptr<driver::HostFunction>> PfDriver::function() {
  if (m_function && m_function->read_register(CIPHERDECK_REG_STATUS).ok()) return m_function;
  m_function.reset();  // first: the card serves one client of a function at a time
  auto opened = driver::HostFunction::open(m_socket);
  if (!opened) return opened.error() == Error::not_found ? Error::disconnected : opened.error();
  m_function = std::move(*opened);
  ++m_num_connections;
  return m_function;
}

Result<std::uint64_t> PfDriver::connect() {
  const std::lock_guard lock(m_mutex);
  CIPHERDECK_TRY(function());
  return m_num_connections;
}

Result<driver::AdminReply> PfDriver::admin(const cipherdeck_command& command, Bytes input,
                                           std::size_t output_room, Bytes token) {
  const std::lock_guard lock(m_mutex);
  CIPHERDECK_ASSIGN(const auto pf, function());
  return pf->admin(command, input, output_room, token);
}

Result<std::uint32_t> PfDriver::total_vfs() {
  const std::lock_guard lock(m_mutex);
  CIPHERDECK_ASSIGN(const auto pf, function());
  FunctionConfig config(*pf);
  CIPHERDECK_ASSIGN(const Sriov sriov, Sriov::find(config));
  return sriov.total_vfs();
}

Result<std::uint32_t> PfDriver::num_vfs() {
  const std::lock_guard lock(m_mutex);
  CIPHERDECK_ASSIGN(const auto pf, function());
  FunctionConfig config(*pf);
  CIPHERDECK_ASSIGN(Sriov sriov, Sriov::find(config));
  return sriov.num_vfs();
}

Result<void> PfDriver::set_num_vfs(std::uint32_t count) {
  const std::lock_guard lock(m_mutex);
  CIPHERDECK_ASSIGN(const auto pf, function());
  FunctionConfig config(*pf);
  CIPHERDECK_ASSIGN(Sriov sriov, Sriov::find(config));
  return sriov.set_num_vfs(count);
}

}  // namespace cipherdeck::manager

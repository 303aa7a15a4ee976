// SPDX-License-Identifier: Apache-2.0
// A live device with an EchoCard, in a run directory of its own.
#pragma once

#include "device/device.h"
#include "wire/echo_card.h"
#include "wire/test_driver.h"

#include <gtest/gtest.h>
#include <temporary_directory.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>

namespace cipherdeck::wire {

class WireTest : public ::testing::Test {
 protected:
  void SetUp() override { start_device(2); }

  void start_device(std::uint32_t num_vfs) {
    device::DeviceOptions options;
    options.run_directory = m_directory.path();
    options.num_vfs = num_vfs;
    auto started = device::Device::start(std::move(options), m_card);
    ASSERT_TRUE(started) << to_string(started.error());
    m_device = std::move(started).value();
  }

  [[nodiscard]] std::filesystem::path pf() const { return m_directory.path() / "pf.sock"; }
  [[nodiscard]] std::filesystem::path vf(std::uint32_t number) const {
    return m_directory.path() / ("vf" + std::to_string(number) + ".sock");
  }

  /// Waits until the server has noticed that clients came or went.
  [[nodiscard]] bool clients_become(std::uint32_t count) const {
    for (int i = 0; i < 5000; ++i) {
      if (m_device->num_clients() == count) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

  test::TemporaryDirectory m_directory;
  EchoCard m_card;
  std::unique_ptr<device::Device> m_device;
};

}  // namespace cipherdeck::wire

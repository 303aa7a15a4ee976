// SPDX-License-Identifier: Apache-2.0
// What a process has open: devices, sessions, keys, each behind a handle. A child of fork() gets a
// library of its own, which knows no handle of its parent.
#pragma once

#include "base/result.h"
#include "driver/user/channel.h"
#include "sdf/config.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

namespace cipherdeck::sdf {

/// A handle as programs hold it: a number, never a pointer, never given twice.
using Handle = std::uintptr_t;

[[nodiscard]] inline Handle to_handle(const void* opaque) noexcept {
  return reinterpret_cast<Handle>(opaque);
}
[[nodiscard]] inline void* to_opaque(Handle handle) noexcept {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): SDF's handles are void*
  return reinterpret_cast<void*>(handle);
}

/// One queue pair to the card, shared by all who open the same device.
struct Device {
  Device(Config configuration, std::unique_ptr<driver::QueuePair> queue_pair)
      : config(std::move(configuration)), channel(std::move(queue_pair)) {}

  const Config config;
  driver::Channel channel;
};

struct Parts;

/// A session at the card. Immutable but for its operations in parts; thread-safe as its channel is.
struct Session {
  std::shared_ptr<Device> device;
  std::shared_ptr<Parts> parts;  // part_stream.h
  std::uint32_t number = 0;      // the card's
  Handle opened_by = 0;

  /// Runs a command of this session.
  Result<driver::Reply> execute(driver::Request request) const {
    request.session = number;
    return device->channel.execute(request);
  }
  /// The same where the reply tells nothing.
  Result<void> perform(const driver::Request& request) const {
    const auto reply = execute(request);
    return reply ? Result<void>{} : reply.error();
  }
  [[nodiscard]] const Config& config() const noexcept { return device->config; }
};

enum class KeyKind { session_key, agreement };

/// Thread-safe. The session's handle goes with its keys' when it is closed.
class Library {
 public:
  /// This process's.
  static Library& instance();

  /// Opens the device of `config_file`, or of the environment: another handle on the same queue
  /// pair if this process has it open and alive. `why` says what failed and what to do.
  Result<Handle> open_device(const std::optional<std::filesystem::path>& config_file,
                             std::string& why);
  Result<void> close_device(Handle handle);
  Result<Handle> open_session(Handle device);
  Result<void> close_session(Handle handle);

  /// Fails with no_session.
  Result<std::shared_ptr<const Session>> session(const void* opaque);

  /// A handle for the card's key `number` in the session behind `session`.
  Result<Handle> add_key(const void* session, KeyKind kind, std::uint32_t number);
  /// The card's number of a key of that session. Fails with key_not_found.
  Result<std::uint32_t> key(const void* session, const void* opaque, KeyKind kind);
  /// Of either kind.
  Result<std::uint32_t> any_key(const void* session, const void* opaque);
  void forget_key(const void* opaque);

 private:
  struct Key {
    KeyKind kind;
    std::uint32_t number;
    Handle session;
  };
  using SessionPointer = std::shared_ptr<const Session>;
  using Object = std::variant<std::shared_ptr<Device>, SessionPointer, Key>;

  explicit Library(Handle first);

  Handle add(Object object);  // with m_mutex held
  Result<std::shared_ptr<Device>> find_or_open(Config config, std::string& why);
  // Takes sessions out of the table, with their keys; the caller closes them at the card.
  std::vector<SessionPointer> take_sessions(Handle opened_by);
  void drop_keys(Handle session);

  const std::uint64_t m_generation;
  std::mutex m_open_mutex;  // one device is opened at a time; taken before m_mutex
  std::vector<std::weak_ptr<Device>> m_devices;

  std::mutex m_mutex;  // guards all below
  std::unordered_map<Handle, Object> m_objects;
  std::atomic<Handle> m_next;  // read without the mutex in a child of fork()
};

}  // namespace cipherdeck::sdf

// SPDX-License-Identifier: Apache-2.0
#include "sdf/library.h"

#include "driver/user/fork_guard.h"
#include "driver/user/queue_pair.h"
#include "sdf/part_stream.h"

#include <algorithm>
#include <atomic>

namespace cipherdeck::sdf {
namespace {

// Handles look like addresses of nothing: programs print them, and only ever compare them with 0.
constexpr Handle kFirstHandle = 0x10000;
constexpr Handle kHandleStep = 0x10;

std::atomic<Library*> g_library{nullptr};

Result<void> close_at_card(const Session& session) {
  driver::Request request;
  request.opcode = CIPHERDECK_OP_SESSION_CLOSE;
  auto reply = session.execute(request);
  return reply ? Result<void>{} : reply.error();
}

}  // namespace

// Never destroyed: at the end of the process the card sees the connection close, and a library of a
// parent process is left as fork() found it, with locks that its threads may have held.
Library& Library::instance() {
  Library* current = g_library.load(std::memory_order_acquire);
  while (current == nullptr || current->m_generation != driver::fork_generation()) {
    // Handles of the parent stay unknown: numbers go on where it was.
    const Handle first =
        current == nullptr ? kFirstHandle : current->m_next.load(std::memory_order_relaxed);
    auto fresh = std::unique_ptr<Library>(new Library(first));
    if (g_library.compare_exchange_strong(current, fresh.get(), std::memory_order_acq_rel)) {
      return *fresh.release();
    }
  }
  return *current;
}

Library::Library(Handle first) : m_generation(driver::fork_generation()), m_next(first) {}

Handle Library::add(Object object) {
  const Handle handle = m_next.fetch_add(kHandleStep, std::memory_order_relaxed);
  m_objects.emplace(handle, std::move(object));
  return handle;
}

Result<Handle> Library::open_device(const std::optional<std::filesystem::path>& config_file,
                                    std::string& why) {
  CIPHERDECK_ASSIGN(Config config, Config::load(config_file, why));
  CIPHERDECK_ASSIGN(auto device, find_or_open(std::move(config), why));
  const std::lock_guard lock(m_mutex);
  return add(std::move(device));
}

Result<std::shared_ptr<Device>> Library::find_or_open(Config config, std::string& why) {
  const std::lock_guard lock(m_open_mutex);
  std::erase_if(m_devices, [](const auto& device) { return device.expired(); });
  for (const auto& entry : m_devices) {
    auto device = entry.lock();
    const bool same = device && device->config.device == config.device &&
                      device->config.sm4_base == config.sm4_base &&
                      device->config.cipher_layout == config.cipher_layout &&
                      device->config.rsa_max_bits == config.rsa_max_bits;
    if (same && device->channel.alive()) return device;
  }
  const std::string address = config.device;
  CIPHERDECK_ASSIGN(auto queue_pair, driver::open_queue_pair(address, {}, why));
  auto device = std::make_shared<Device>(std::move(config), std::move(queue_pair));
  m_devices.push_back(device);
  return device;
}

Result<void> Library::close_device(Handle handle) {
  std::shared_ptr<Device> device;
  std::vector<SessionPointer> sessions;
  {
    const std::lock_guard lock(m_mutex);
    const auto found = m_objects.find(handle);
    auto* const held =
        found == m_objects.end() ? nullptr : std::get_if<std::shared_ptr<Device>>(&found->second);
    if (held == nullptr) return Error::invalid_argument;
    device = std::move(*held);
    m_objects.erase(found);
    sessions = take_sessions(handle);
  }
  // If the card is gone they are closed already.
  for (const auto& session : sessions) (void)close_at_card(*session);
  return {};
}

std::vector<Library::SessionPointer> Library::take_sessions(Handle opened_by) {
  std::vector<SessionPointer> taken;
  std::vector<Handle> handles;
  for (const auto& entry : m_objects) {
    const auto* const session = std::get_if<SessionPointer>(&entry.second);
    if (session == nullptr || (*session)->opened_by != opened_by) continue;
    taken.push_back(*session);
    handles.push_back(entry.first);
  }
  for (const Handle handle : handles) {
    drop_keys(handle);
    m_objects.erase(handle);
  }
  return taken;
}

void Library::drop_keys(Handle session) {
  std::erase_if(m_objects, [session](const auto& entry) {
    const auto* const key = std::get_if<Key>(&entry.second);
    return key != nullptr && key->session == session;
  });
}

Result<Handle> Library::open_session(Handle device_handle) {
  std::shared_ptr<Device> device;
  {
    const std::lock_guard lock(m_mutex);
    const auto found = m_objects.find(device_handle);
    const auto* const held =
        found == m_objects.end() ? nullptr : std::get_if<std::shared_ptr<Device>>(&found->second);
    if (held == nullptr) return Error::invalid_argument;
    device = *held;
  }
  driver::Request request;
  request.opcode = CIPHERDECK_OP_SESSION_OPEN;
  CIPHERDECK_ASSIGN(const driver::Reply reply, device->channel.execute(request));
  auto session = std::make_shared<const Session>(Session{.device = std::move(device),
                                                         .parts = std::make_shared<Parts>(),
                                                         .number = reply.value,
                                                         .opened_by = device_handle});
  {
    const std::lock_guard lock(m_mutex);
    // The device may have been closed meanwhile, by another thread.
    if (m_objects.contains(device_handle)) return add(session);
  }
  (void)close_at_card(*session);
  return Error::invalid_argument;
}

Result<void> Library::close_session(Handle handle) {
  SessionPointer session;
  {
    const std::lock_guard lock(m_mutex);
    const auto found = m_objects.find(handle);
    auto* const held =
        found == m_objects.end() ? nullptr : std::get_if<SessionPointer>(&found->second);
    if (held == nullptr) return Error::no_session;
    session = std::move(*held);
    m_objects.erase(found);
    drop_keys(handle);
  }
  return close_at_card(*session);
}

Result<std::shared_ptr<const Session>> Library::session(const void* opaque) {
  const std::lock_guard lock(m_mutex);
  const auto found = m_objects.find(to_handle(opaque));
  const auto* const session =
      found == m_objects.end() ? nullptr : std::get_if<SessionPointer>(&found->second);
  if (session == nullptr) return Error::no_session;
  return *session;
}

Result<Handle> Library::add_key(const void* session, KeyKind kind, std::uint32_t number) {
  const std::lock_guard lock(m_mutex);
  const Handle owner = to_handle(session);
  // Closed meanwhile by another thread: the card has destroyed the key.
  if (!m_objects.contains(owner)) return Error::no_session;
  return add(Key{.kind = kind, .number = number, .session = owner});
}

Result<std::uint32_t> Library::key(const void* session, const void* opaque, KeyKind kind) {
  const std::lock_guard lock(m_mutex);
  const auto found = m_objects.find(to_handle(opaque));
  const auto* const key = found == m_objects.end() ? nullptr : std::get_if<Key>(&found->second);
  const bool known = key != nullptr && key->session == to_handle(session) && key->kind == kind;
  if (!known) return Error::key_not_found;
  return key->number;
}

Result<std::uint32_t> Library::any_key(const void* session, const void* opaque) {
  auto number = key(session, opaque, KeyKind::session_key);
  return number ? number : key(session, opaque, KeyKind::agreement);
}

void Library::forget_key(const void* opaque) {
  const std::lock_guard lock(m_mutex);
  m_objects.erase(to_handle(opaque));
}

}  // namespace cipherdeck::sdf

// SPDX-License-Identifier: Apache-2.0
#include "host/emulator/emulated_card.h"

#include "base/secret.h"

#include <new>
#include <utility>

namespace cipherdeck::emulator {
namespace {

Result<void> copy_in(std::vector<std::uint8_t>& to, const ring::QueueMemory& memory,
                     const cipherdeck_extent& extent) {
  to.clear();
  if (extent.len == 0) return {};
  if (extent.len > CIPHERDECK_MAX_DATA_LEN) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const MutableBytes from, ring::resolve(memory, extent));
  to.assign(from.begin(), from.end());
  return {};
}

}  // namespace

Result<std::unique_ptr<EmulatedCard>> EmulatedCard::start(std::unique_ptr<driver::Channel> host) {
  cipherdeck_identity identity{};
  driver::Request request;
  request.opcode = CIPHERDECK_OP_DEVICE_INFO;
  request.output = {reinterpret_cast<std::uint8_t*>(&identity), sizeof identity};
  CIPHERDECK_TRY(host->execute(request));
  std::unique_ptr<EmulatedCard> card(new EmulatedCard(std::move(host), identity));
  card->m_thread = std::thread([raw = card.get()] { raw->loop(); });
  return card;
}

EmulatedCard::EmulatedCard(std::unique_ptr<driver::Channel> host,
                           const cipherdeck_identity& identity)
    : m_host(std::move(host)), m_identity(identity) {}

EmulatedCard::~EmulatedCard() {
  {
    const std::lock_guard lock(m_mutex);
    m_is_ending = true;
  }
  m_changed.notify_all();
  if (m_thread.joinable()) m_thread.join();
}

// ---- the device's calls ------------------------------------------------------------------------

Result<card::QueuePairHandle> EmulatedCard::attach(card::FunctionNumber function,
                                                   const ring::QueueMemory& memory,
                                                   std::shared_ptr<card::InterruptLine> interrupt,
                                                   std::chrono::microseconds) {
  auto queue_pair = std::make_shared<QueuePair>();
  queue_pair->function = function;
  queue_pair->end = ring::DeviceEnd(memory);
  queue_pair->end.start();  // needs_kick stays set: every command is announced by a trapped write
  queue_pair->interrupt = std::move(interrupt);
  const std::lock_guard lock(m_mutex);
  m_queue_pairs.emplace(++m_last_handle, std::move(queue_pair));
  return m_last_handle;
}

void EmulatedCard::detach(card::QueuePairHandle handle) noexcept {
  std::shared_ptr<QueuePair> queue_pair;
  {
    std::unique_lock lock(m_mutex);
    const auto found = m_queue_pairs.find(handle);
    if (found == m_queue_pairs.end()) return;
    queue_pair = std::move(found->second);
    m_queue_pairs.erase(found);
    queue_pair->is_gone = true;
    m_changed.wait(lock, [&] { return !queue_pair->at_work; });
    std::erase(m_turns, queue_pair);
  }
  close_sessions(*queue_pair);
  queue_pair->end.stop();
}

void EmulatedCard::kick(card::QueuePairHandle handle) noexcept {
  {
    const std::lock_guard lock(m_mutex);
    const auto found = m_queue_pairs.find(handle);
    if (found == m_queue_pairs.end() || found->second->is_waiting) return;
    found->second->is_waiting = true;
    m_turns.push_back(found->second);
  }
  m_changed.notify_all();
}

card::ManagementReply EmulatedCard::manage(const cipherdeck_command&, Bytes, Bytes) {
  return {.status = CIPHERDECK_STATUS_NOT_SUPPORTED};
}

cipherdeck_identity EmulatedCard::identity(card::FunctionNumber function) const {
  cipherdeck_identity identity = m_identity;
  identity.function = function;
  return identity;
}

std::uint32_t EmulatedCard::state() const noexcept {
  return m_host->alive() ? CIPHERDECK_CARD_READY : CIPHERDECK_CARD_FAILED;
}

// ---- the serving thread ------------------------------------------------------------------------

void EmulatedCard::loop() {
  std::unique_lock lock(m_mutex);
  for (;;) {
    m_changed.wait(lock, [this] { return m_is_ending || !m_turns.empty(); });
    if (m_is_ending) return;
    const std::shared_ptr<QueuePair> queue_pair = std::move(m_turns.front());
    m_turns.pop_front();
    queue_pair->is_waiting = false;  // a kick from here on gives it another turn
    queue_pair->at_work = true;
    lock.unlock();
    const bool has_served = serve_one(*queue_pair);
    lock.lock();
    queue_pair->at_work = false;
    if (has_served && !queue_pair->is_waiting && !queue_pair->is_gone) {
      queue_pair->is_waiting = true;
      m_turns.push_back(queue_pair);
    }
    m_changed.notify_all();
  }
}

// False: there was no command.
bool EmulatedCard::serve_one(QueuePair& queue_pair) noexcept {
  const auto waiting = queue_pair.end.pending();
  if (!waiting) {
    queue_pair.end.fail(Error::ring_broken);
    queue_pair.interrupt->raise();
    return false;
  }
  if (*waiting == 0) return false;
  const cipherdeck_command command = queue_pair.end.take();
  ring::Completion done;
  try {
    auto forwarded = forward(queue_pair, command);
    done = forwarded ? *forwarded : ring::Completion{.status = forwarded.status()};
  } catch (const std::bad_alloc&) {
    done.status = to_status(Error::no_memory);
  }
  done.command_id = command.command_id;
  wipe(m_copies.input);
  wipe(m_copies.params);
  wipe(m_copies.output);
  queue_pair.end.complete(done);
  if (queue_pair.end.interrupt_due()) queue_pair.interrupt->raise();
  return true;
}

Result<ring::Completion> EmulatedCard::forward(QueuePair& queue_pair,
                                               const cipherdeck_command& command) {
  const ring::QueueMemory& memory = queue_pair.end.memory();
  // The host's function knows the sessions of all machines; each shall reach its own only.
  if (command.session != 0 && !queue_pair.sessions.contains(command.session)) {
    return Error::no_session;
  }
  MutableBytes output;
  if (command.output.len != 0) {
    CIPHERDECK_ASSIGN(output, ring::resolve(memory, command.output));
  }
  if (output.size() > CIPHERDECK_MAX_DATA_LEN) return Error::invalid_argument;
  CIPHERDECK_TRY(copy_in(m_copies.input, memory, command.input));
  CIPHERDECK_TRY(copy_in(m_copies.params, memory, command.params));
  CIPHERDECK_TRY(copy_in(m_copies.aux, memory, command.aux));
  m_copies.output.resize(output.size());

  driver::Request request;
  request.opcode = command.opcode;
  request.session = command.session;
  request.key = command.key;
  request.algorithm = command.algorithm;
  request.arg0 = command.arg[0];
  request.arg1 = command.arg[1];
  request.input = m_copies.input;
  request.params = m_copies.params;
  request.aux = m_copies.aux;
  request.output = m_copies.output;
  request.params_result = m_copies.params;  // an IV is given back in its place
  std::uint32_t needed = 0;
  const auto reply = m_host->execute(request, &needed);
  if (!reply) {
    if (reply.error() != Error::buffer_too_small) return reply.error();
    return ring::Completion{.status = reply.status(), .output_len = needed};
  }
  const std::size_t len = std::min<std::size_t>(reply->output_len, output.size());
  if (len != 0) std::memcpy(output.data(), m_copies.output.data(), len);
  if (!m_copies.params.empty()) {
    CIPHERDECK_ASSIGN(const MutableBytes params, ring::resolve(memory, command.params));
    std::memcpy(params.data(), m_copies.params.data(), params.size());
  }
  if (command.opcode == CIPHERDECK_OP_SESSION_OPEN) queue_pair.sessions.insert(reply->value);
  if (command.opcode == CIPHERDECK_OP_SESSION_CLOSE) queue_pair.sessions.erase(command.session);
  return ring::Completion{.value = reply->value, .output_len = reply->output_len};
}

void EmulatedCard::close_sessions(QueuePair& queue_pair) noexcept {
  for (const std::uint32_t session : queue_pair.sessions) {
    driver::Request request;
    request.opcode = CIPHERDECK_OP_SESSION_CLOSE;
    request.session = session;
    (void)m_host->execute(request);  // a host's function that is gone has wiped it
  }
}

}  // namespace cipherdeck::emulator

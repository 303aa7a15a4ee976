// SPDX-License-Identifier: Apache-2.0
#include "device/vfio_user/connection.h"

#include <new>

namespace cipherdeck::device::vfio_user {
namespace {

// Messages of one client in a row before the others get their turn.
constexpr int kMessageBudget = 8;

}  // namespace

Connection::Connection(FileDescriptor socket, Function& function)
    : m_function(function), m_stream(std::move(socket)), m_session(function) {}

Connection::~Connection() { m_function.disconnect(); }

bool Connection::on_readable() try {
  for (int served = 0; served < kMessageBudget && !m_stream.sending(); ++served) {
    Message message;
    const Stream::Received received = m_stream.receive(message);
    if (received == Stream::Received::nothing_yet) return true;
    if (received == Stream::Received::closed) return false;
    if (!serve(std::move(message))) return false;
  }
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

bool Connection::on_writable() { return m_stream.flush(); }

bool Connection::serve(Message message) {
  const Header asked = message.header;
  const Reply reply = m_session.handle(std::move(message));
  if ((asked.flags & kFlagNoReply) == 0) {
    const Bytes payload = reply.error == 0 ? Bytes(reply.payload) : Bytes();
    const Header header{.message_id = asked.message_id,
                        .command = asked.command,
                        .size = static_cast<std::uint32_t>(sizeof header + payload.size()),
                        .flags = kFlagReply | (reply.error != 0 ? kFlagError : 0),
                        .error = static_cast<std::uint32_t>(reply.error)};
    if (!m_stream.send(header, payload, reply.fd)) return false;
  }
  return !m_session.finished();
}

}  // namespace cipherdeck::device::vfio_user

// SPDX-License-Identifier: Apache-2.0
// One client on its socket: the function is its own from construction to destruction.
#pragma once

#include "device/vfio_user/session.h"

namespace cipherdeck::device::vfio_user {

class Connection {
 public:
  /// `function` has been connect()ed for this client, and is disconnected on destruction.
  Connection(FileDescriptor socket, Function& function);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// What the socket is ready for has been done; false: close it.
  [[nodiscard]] bool on_readable();
  [[nodiscard]] bool on_writable();

  /// A reply waits for room in the socket. No message is read meanwhile.
  [[nodiscard]] bool sending() const noexcept { return m_stream.sending(); }
  [[nodiscard]] int fd() const noexcept { return m_stream.fd(); }

 private:
  [[nodiscard]] bool serve(Message message);

  Function& m_function;
  Stream m_stream;
  Session m_session;
};

}  // namespace cipherdeck::device::vfio_user

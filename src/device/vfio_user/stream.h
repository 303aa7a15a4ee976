// SPDX-License-Identifier: Apache-2.0
// Whole messages over a socket that gives and takes them in pieces, descriptors included.
#pragma once

#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "device/vfio_user/protocol.h"

#include <sys/socket.h>

#include <cstdint>
#include <vector>

namespace cipherdeck::device::vfio_user {

struct Message {
  Header header{};
  std::vector<std::uint8_t> payload;
  std::vector<FileDescriptor> fds;
};

/// One end of a connection, non-blocking. For one thread.
class Stream {
 public:
  /// `socket` is a Unix stream socket; it is made non-blocking.
  explicit Stream(FileDescriptor socket);

  enum class Received : std::uint8_t { message, nothing_yet, closed };

  /// Reads what there is of the next message. Closed: the peer is gone, or has sent what cannot be
  /// the start of a message, or descriptors that did not fit; nothing more can be read then.
  Received receive(Message& message);

  /// Sends header and payload in one call, with `fd` if it is not negative; what the socket does
  /// not take is kept for flush(). Only while sending() is false. False: the connection is broken.
  [[nodiscard]] bool send(const Header& header, Bytes payload, int fd);
  [[nodiscard]] bool flush();
  [[nodiscard]] bool sending() const noexcept { return !m_unsent.empty(); }

  [[nodiscard]] int fd() const noexcept { return m_socket.get(); }

 private:
  enum class Filled : std::uint8_t { yes, not_yet, closed };
  Filled fill(MutableBytes into, std::size_t& have);
  Filled fill_payload();
  bool collect(msghdr& message);

  FileDescriptor m_socket;
  Message m_partial;
  std::size_t m_header_have = 0;
  std::size_t m_payload_have = 0;
  std::vector<std::uint8_t> m_unsent;
};

}  // namespace cipherdeck::device::vfio_user

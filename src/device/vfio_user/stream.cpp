// SPDX-License-Identifier: Apache-2.0
#include "device/vfio_user/stream.h"

#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace cipherdeck::device::vfio_user {
namespace {

// Memory for a payload grows as its bytes come: a header alone may not make us allocate a megabyte.
constexpr std::size_t kPayloadStep = 64U << 10;

// Room for more descriptors than may come, so that too many are seen and not only cut off.
constexpr std::size_t kControlLen = CMSG_SPACE((kMaxMessageFds + 1) * sizeof(int));

}  // namespace

Stream::Stream(FileDescriptor socket) : m_socket(std::move(socket)) {
  const int flags = fcntl(m_socket.get(), F_GETFL);
  fcntl(m_socket.get(), F_SETFL, flags | O_NONBLOCK);
}

// Takes every descriptor of a received piece, whatever becomes of the message.
bool Stream::collect(msghdr& message) {
  bool good = (message.msg_flags & MSG_CTRUNC) == 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      m_partial.fds.emplace_back(fd);
    }
  }
  return good && m_partial.fds.size() <= kMaxMessageFds;
}

Stream::Filled Stream::fill(MutableBytes into, std::size_t& have) {
  alignas(cmsghdr) std::uint8_t control[kControlLen];
  while (have < into.size()) {
    iovec piece{.iov_base = into.data() + have, .iov_len = into.size() - have};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = recvmsg(m_socket.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Filled::not_yet;
    if (got <= 0) return Filled::closed;
    m_partial.fds.reserve(kMaxMessageFds + 1);
    if (!collect(message)) return Filled::closed;
    have += static_cast<std::size_t>(got);
  }
  return Filled::yes;
}

Stream::Filled Stream::fill_payload() {
  const std::size_t len = m_partial.header.size - sizeof(Header);
  auto& payload = m_partial.payload;
  while (m_payload_have < len) {
    payload.resize(std::min(len, m_payload_have + kPayloadStep));
    const Filled filled = fill(payload, m_payload_have);
    if (filled != Filled::yes) return filled;
  }
  return Filled::yes;
}

Stream::Received Stream::receive(Message& message) {
  const MutableBytes header{reinterpret_cast<std::uint8_t*>(&m_partial.header), sizeof(Header)};
  Filled filled = fill(header, m_header_have);
  if (filled == Filled::yes) {
    const std::uint32_t size = m_partial.header.size;
    if (size < sizeof(Header) || size > kMaxMessageLen) return Received::closed;
    filled = fill_payload();
  }
  if (filled != Filled::yes) {
    return filled == Filled::closed ? Received::closed : Received::nothing_yet;
  }
  message = std::exchange(m_partial, Message{});
  m_header_have = 0;
  m_payload_have = 0;
  return Received::message;
}

bool Stream::send(const Header& header, Bytes payload, int fd) {
  iovec pieces[2] = {
      {.iov_base = const_cast<Header*>(&header), .iov_len = sizeof header},
      {.iov_base = const_cast<std::uint8_t*>(payload.data()), .iov_len = payload.size()}};
  alignas(cmsghdr) std::uint8_t control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
  }
  ssize_t sent;
  do {
    sent = sendmsg(m_socket.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  // A client that leaves so many replies unread that not even a header fits does not get to keep
  // descriptors waiting here: it is cut off.
  if (sent < 0) return false;
  const auto taken = static_cast<std::size_t>(sent);
  const Bytes head = object_bytes(header);
  if (taken < head.size()) m_unsent.assign(head.begin() + sent, head.end());
  const std::size_t skip = taken > head.size() ? taken - head.size() : 0;
  m_unsent.insert(m_unsent.end(), payload.begin() + static_cast<std::ptrdiff_t>(skip),
                  payload.end());
  return true;
}

bool Stream::flush() {
  while (!m_unsent.empty()) {
    const ssize_t sent =
        ::send(m_socket.get(), m_unsent.data(), m_unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    m_unsent.erase(m_unsent.begin(), m_unsent.begin() + sent);
  }
  return true;
}

}  // namespace cipherdeck::device::vfio_user

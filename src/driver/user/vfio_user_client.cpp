// SPDX-License-Identifier: Apache-2.0
#include "driver/user/vfio_user_client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>

namespace cipherdeck::driver {
namespace {

using device::vfio_user::Command;
using device::vfio_user::Header;
namespace protocol = device::vfio_user;

constexpr std::chrono::seconds kReplyTimeout{10};
constexpr std::string_view kCapabilities =
    R"({"capabilities":{"max_msg_fds":16,"max_data_xfer_size":1048576,"pgsizes":4096}})";

Error error_of_errno(std::uint32_t number) noexcept {
  switch (number) {
    case EBUSY:
      return Error::busy;
    case EACCES:
    case EPERM:
      return Error::access_denied;
    case EINVAL:
      return Error::invalid_argument;
    case ENOTSUP:
    case ENOSYS:
      return Error::not_supported;
    case ENOMEM:
      return Error::no_memory;
    case ENOSPC:
      return Error::limit;
    default:
      return Error::io;
  }
}

Error error_of_connect(int number) noexcept {
  switch (number) {
    case ENOENT:
    case ECONNREFUSED:
      return Error::not_found;
    case EACCES:
    case EPERM:
      return Error::access_denied;
    case EAGAIN:
      return Error::busy;  // nobody takes connections off the listener's queue
    default:
      return Error::io;
  }
}

void set_timeouts(int socket) noexcept {
  const timeval limit{.tv_sec = kReplyTimeout.count(), .tv_usec = 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

void attach_fds(msghdr& message, std::span<std::uint8_t> control,
                std::span<const int> fds) noexcept {
  if (fds.empty()) return;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(fds.size_bytes());
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
}

void take_fds(msghdr& message, std::vector<FileDescriptor>& fds) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      fds.emplace_back(fd);
    }
  }
}

constexpr std::size_t kControlLen = CMSG_SPACE(protocol::kMaxMessageFds * sizeof(int));

}  // namespace

Result<std::unique_ptr<VfioUserClient>> VfioUserClient::connect(
    const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& path = socket.native();
  if (path.empty() || path.size() >= sizeof address.sun_path) return Error::invalid_argument;
  std::memcpy(address.sun_path, path.data(), path.size());

  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return Error::io;
  set_timeouts(fd.get());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return error_of_connect(errno);
  }
  std::unique_ptr<VfioUserClient> client(new VfioUserClient(std::move(fd)));
  CIPHERDECK_TRY(client->negotiate());
  return client;
}

Result<void> VfioUserClient::negotiate() {
  const protocol::Version version{.major = 0, .minor = 0};
  // The text ends with its zero byte.
  const Bytes text(reinterpret_cast<const std::uint8_t*>(kCapabilities.data()),
                   kCapabilities.size() + 1);
  auto reply = call(Command::version, object_bytes(version), text);
  // A server that has its one client closes the connection instead of answering.
  if (!reply) return reply.error() == Error::disconnected ? Error::busy : reply.error();
  if (reply->body.size() < sizeof version) return Error::not_supported;
  return load<protocol::Version>(reply->body).major == version.major ? Result<void>{}
                                                                     : Error::not_supported;
}

Result<VfioUserClient::Region> VfioUserClient::region(std::uint32_t index) {
  vfio_region_info info{};
  info.argsz = sizeof info;
  info.index = index;
  CIPHERDECK_ASSIGN(Reply reply, call(Command::device_get_region_info, object_bytes(info)));
  if (reply.body.size() < sizeof info) return Error::not_supported;
  info = load<vfio_region_info>(reply.body);
  if (info.argsz > sizeof info && info.argsz <= protocol::kMaxMessageLen) {
    // There are capabilities behind it, and the descriptor comes when they have room.
    const std::uint32_t argsz = info.argsz;
    info = {};
    info.argsz = argsz;
    info.index = index;
    CIPHERDECK_ASSIGN(reply, call(Command::device_get_region_info, object_bytes(info)));
    if (reply.body.size() < sizeof info) return Error::not_supported;
    info = load<vfio_region_info>(reply.body);
  }
  Region region{.len = info.size,
                .mappable = (info.flags & VFIO_REGION_INFO_FLAG_MMAP) != 0,
                .offset = info.offset,
                .fd = {}};
  if (!reply.fds.empty()) region.fd = std::move(reply.fds.front());
  return region;
}

Result<std::uint32_t> VfioUserClient::num_interrupts(std::uint32_t index) {
  vfio_irq_info info{};
  info.argsz = sizeof info;
  info.index = index;
  CIPHERDECK_ASSIGN(const Reply reply, call(Command::device_get_irq_info, object_bytes(info)));
  if (reply.body.size() < sizeof info) return Error::not_supported;
  return load<vfio_irq_info>(reply.body).count;
}

Result<void> VfioUserClient::set_interrupts(std::uint32_t index, std::span<const int> event_fds) {
  vfio_irq_set set{};
  set.argsz = sizeof set;
  set.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
  set.index = index;
  set.count = static_cast<std::uint32_t>(event_fds.size());
  auto reply = call(Command::device_set_irqs, object_bytes(set), {}, event_fds);
  return reply ? Result<void>{} : reply.error();
}

Result<void> VfioUserClient::map_dma(int fd, std::uint64_t address, std::uint64_t len) {
  const protocol::DmaMap map{.argsz = sizeof map,
                             .flags = protocol::kDmaRead | protocol::kDmaWrite,
                             .offset = 0,
                             .address = address,
                             .size = len};
  auto reply = call(Command::dma_map, object_bytes(map), {}, {&fd, 1});
  return reply ? Result<void>{} : reply.error();
}

Result<void> VfioUserClient::unmap_dma(std::uint64_t address, std::uint64_t len) {
  const protocol::DmaUnmap unmap{
      .argsz = sizeof unmap, .flags = 0, .address = address, .size = len};
  auto reply = call(Command::dma_unmap, object_bytes(unmap));
  return reply ? Result<void>{} : reply.error();
}

Result<void> VfioUserClient::read(std::uint32_t region, std::uint64_t offset, MutableBytes bytes) {
  const protocol::RegionAccess access{
      .offset = offset, .region = region, .count = static_cast<std::uint32_t>(bytes.size())};
  CIPHERDECK_ASSIGN(const Reply reply, call(Command::region_read, object_bytes(access)));
  if (reply.body.size() != sizeof access + bytes.size()) return Error::io;
  std::memcpy(bytes.data(), reply.body.data() + sizeof access, bytes.size());
  return {};
}

Result<void> VfioUserClient::write(std::uint32_t region, std::uint64_t offset, Bytes bytes) {
  const protocol::RegionAccess access{
      .offset = offset, .region = region, .count = static_cast<std::uint32_t>(bytes.size())};
  auto reply = call(Command::region_write, object_bytes(access), bytes);
  return reply ? Result<void>{} : reply.error();
}

Result<void> VfioUserClient::post(std::uint32_t region, std::uint64_t offset, Bytes bytes) {
  const protocol::RegionAccess access{
      .offset = offset, .region = region, .count = static_cast<std::uint32_t>(bytes.size())};
  const Header header{
      .message_id = m_next_id++,
      .command = static_cast<std::uint16_t>(Command::region_write),
      .size = static_cast<std::uint32_t>(sizeof(Header) + sizeof access + bytes.size()),
      .flags = protocol::kFlagNoReply,
      .error = 0};
  return send(header, object_bytes(access), bytes, {});
}

Result<VfioUserClient::Reply> VfioUserClient::call(Command command, Bytes fixed, Bytes data,
                                                   std::span<const int> fds) {
  const Header header{
      .message_id = m_next_id++,
      .command = static_cast<std::uint16_t>(command),
      .size = static_cast<std::uint32_t>(sizeof(Header) + fixed.size() + data.size()),
      .flags = protocol::kFlagCommand,
      .error = 0};
  if (!connected()) return Error::disconnected;
  const std::lock_guard lock(m_call_mutex);
  CIPHERDECK_TRY(send(header, fixed, data, fds));
  return receive(header);
}

Result<void> VfioUserClient::send(const Header& header, Bytes fixed, Bytes data,
                                  std::span<const int> fds) {
  if (!connected()) return Error::disconnected;
  std::array<iovec, 3> parts{{{const_cast<Header*>(&header), sizeof header},
                              {const_cast<std::uint8_t*>(fixed.data()), fixed.size()},
                              {const_cast<std::uint8_t*>(data.data()), data.size()}}};
  alignas(cmsghdr) std::array<std::uint8_t, kControlLen> control{};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  attach_fds(message, control, fds);

  const std::lock_guard lock(m_send_mutex);
  ssize_t sent;
  do {
    sent = sendmsg(m_socket.get(), &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  // Messages are a few hundred bytes: a partial write means a server that has stopped reading.
  if (sent != static_cast<ssize_t>(header.size)) return broken();
  return {};
}

Result<VfioUserClient::Reply> VfioUserClient::receive(const Header& request) {
  Reply reply;
  Header header{};
  CIPHERDECK_TRY(
      receive_exactly({reinterpret_cast<std::uint8_t*>(&header), sizeof header}, reply.fds));
  const bool sane = header.message_id == request.message_id && header.command == request.command &&
                    (header.flags & protocol::kFlagTypeMask) == protocol::kFlagReply &&
                    header.size >= sizeof header && header.size <= protocol::kMaxMessageLen;
  if (!sane) return broken();
  reply.body.resize(header.size - sizeof header);
  CIPHERDECK_TRY(receive_exactly(reply.body, reply.fds));
  if ((header.flags & protocol::kFlagError) != 0) return error_of_errno(header.error);
  return reply;
}

Result<void> VfioUserClient::receive_exactly(MutableBytes bytes, std::vector<FileDescriptor>& fds) {
  while (!bytes.empty()) {
    alignas(cmsghdr) std::array<std::uint8_t, kControlLen> control;
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = recvmsg(m_socket.get(), &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return broken();
    take_fds(message, fds);
    if ((message.msg_flags & MSG_CTRUNC) != 0) return broken();
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

Error VfioUserClient::broken() noexcept {
  m_broken.store(true);
  shutdown(m_socket.get(), SHUT_RDWR);
  return Error::disconnected;
}

}  // namespace cipherdeck::driver

// SPDX-License-Identifier: Apache-2.0
#include "wire/raw_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace cipherdeck::wire {
namespace {

constexpr int kPatienceMs = 10000;

constexpr std::string_view kQemuCapabilities =
    R"({"capabilities": {"max_msg_fds": 16, "max_data_xfer_size": 1048576, "pgsizes": 4096, )"
    R"("max_dma_maps": 65535, "write_multiple": true}})";

}  // namespace

RawClient::RawClient(const std::filesystem::path& socket_path) {
  FileDescriptor made(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path.c_str(), sizeof address.sun_path - 1);
  if (connect(made.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    m_socket = std::move(made);
  }
}

bool RawClient::send_raw(Bytes bytes, const std::vector<int>& fds) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    iovec piece{.iov_base = const_cast<std::uint8_t*>(bytes.data()) + sent,
                .iov_len = bytes.size() - sent};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    std::vector<std::uint8_t> control(CMSG_SPACE(fds.size() * sizeof(int)));
    if (!fds.empty() && sent == 0) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* const part = CMSG_FIRSTHDR(&message);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
      std::memcpy(CMSG_DATA(part), fds.data(), fds.size() * sizeof(int));
    }
    const ssize_t done = sendmsg(m_socket.get(), &message, MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    sent += static_cast<std::size_t>(done);
  }
  return true;
}

bool RawClient::send(vu::Command command, const Payload& payload, const std::vector<int>& fds,
                     std::uint32_t flags) {
  const vu::Header header{
      .message_id = m_next_id++,
      .command = static_cast<std::uint16_t>(command),
      .size = static_cast<std::uint32_t>(sizeof header + payload.bytes().size()),
      .flags = flags,
      .error = 0};
  Payload whole(header);
  whole.add_bytes(payload.bytes());
  return send_raw(whole.bytes(), fds);
}

bool RawClient::read_whole(MutableBytes into, std::vector<FileDescriptor>& fds) {
  std::size_t have = 0;
  while (have < into.size()) {
    pollfd state{.fd = m_socket.get(), .events = POLLIN, .revents = 0};
    if (poll(&state, 1, kPatienceMs) != 1) return false;
    iovec piece{.iov_base = into.data() + have, .iov_len = into.size() - have};
    alignas(cmsghdr) std::uint8_t control[CMSG_SPACE(16 * sizeof(int))];
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = recvmsg(m_socket.get(), &message, MSG_CMSG_CLOEXEC);
    if (got <= 0) return false;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
      for (std::size_t i = 0; i < (part->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
        int fd;
        std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
        fds.emplace_back(fd);
      }
    }
    have += static_cast<std::size_t>(got);
  }
  return true;
}

std::optional<Answer> RawClient::receive() {
  Answer answer;
  MutableBytes header{reinterpret_cast<std::uint8_t*>(&answer.header), sizeof answer.header};
  if (!m_socket || !read_whole(header, answer.fds)) return std::nullopt;
  if (answer.header.size < sizeof answer.header) return std::nullopt;
  answer.payload.resize(answer.header.size - sizeof answer.header);
  if (!read_whole(answer.payload, answer.fds)) return std::nullopt;
  return answer;
}

Answer RawClient::call(vu::Command command, const Payload& payload, const std::vector<int>& fds) {
  Answer none;
  none.header.error = ENOTCONN;
  const std::uint16_t id = m_next_id;
  if (!send(command, payload, fds)) return none;
  auto answer = receive();
  if (!answer || answer->header.message_id != id) return none;
  return std::move(*answer);
}

bool RawClient::closed_by_server() {
  pollfd state{.fd = m_socket.get(), .events = POLLIN, .revents = 0};
  if (poll(&state, 1, kPatienceMs) != 1) return false;
  std::uint8_t byte;
  return recv(m_socket.get(), &byte, 1, 0) <= 0;
}

bool RawClient::negotiate() {
  Payload payload(VersionBody{});
  payload.add_bytes(as_bytes(kQemuCapabilities)).add(std::uint8_t{0});
  return call(vu::Command::version, payload).error() == 0;
}

int RawClient::map(std::uint64_t address, std::uint64_t size, int fd, std::uint64_t offset,
                   std::uint32_t flags) {
  const vu::DmaMap request{
      .argsz = sizeof request, .flags = flags, .offset = offset, .address = address, .size = size};
  return call(vu::Command::dma_map, Payload(request),
              fd >= 0 ? std::vector<int>{fd} : std::vector<int>{})
      .error();
}

int RawClient::unmap(std::uint64_t address, std::uint64_t size, std::uint32_t flags) {
  const vu::DmaUnmap request{
      .argsz = sizeof request, .flags = flags, .address = address, .size = size};
  return call(vu::Command::dma_unmap, Payload(request)).error();
}

int RawClient::reset() { return call(vu::Command::device_reset).error(); }

int RawClient::set_irqs(std::uint32_t index, std::uint32_t flags, std::uint32_t start,
                        std::uint32_t count, const std::vector<int>& fds, Bytes data) {
  const std::uint32_t request[5] = {static_cast<std::uint32_t>(20 + data.size()), flags, index,
                                    start, count};
  Payload payload(request);
  payload.add_bytes(data);
  return call(vu::Command::device_set_irqs, payload, fds).error();
}

std::vector<std::uint8_t> RawClient::read(std::uint32_t region, std::uint64_t offset,
                                          std::uint32_t count) {
  const vu::RegionAccess request{.offset = offset, .region = region, .count = count};
  const Answer answer = call(vu::Command::region_read, Payload(request));
  if (answer.error() != 0 || answer.payload.size() != sizeof request + count) return {};
  return {answer.payload.begin() + sizeof request, answer.payload.end()};
}

int RawClient::write(std::uint32_t region, std::uint64_t offset, Bytes data) {
  const vu::RegionAccess request{
      .offset = offset, .region = region, .count = static_cast<std::uint32_t>(data.size())};
  Payload payload(request);
  payload.add_bytes(data);
  return call(vu::Command::region_write, payload).error();
}

FileDescriptor RawClient::doorbells() {
  vfio_region_info request{};
  request.argsz = 64;
  request.index = VFIO_PCI_BAR2_REGION_INDEX;
  Answer answer = call(vu::Command::device_get_region_info, Payload(request));
  return answer.fds.size() == 1 ? std::move(answer.fds.front()) : FileDescriptor();
}

}  // namespace cipherdeck::wire

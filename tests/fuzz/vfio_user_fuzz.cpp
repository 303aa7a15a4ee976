// SPDX-License-Identifier: Apache-2.0
// Any bytes and descriptors to the connection of a real function, with guest memory and doorbells
// that change at will.
#include "device/vfio_user/connection.h"
#include "device_harness.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <array>
#include <optional>

namespace cipherdeck::fuzz {
namespace {

namespace vu = device::vfio_user;

constexpr std::uint64_t kBase = 0x10000;
constexpr std::size_t kGuestLen = 0x40000;

// What a client may pass: memory sealed and not, an eventfd, a file, a socket.
class Pool {
 public:
  Pool() {
    for (const int seals : {F_SEAL_SHRINK, 0}) {
      m_fds.emplace_back(memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING));
      require(ftruncate(m_fds.back().get(), kGuestLen) == 0, "no memory file");
      if (seals != 0) fcntl(m_fds.back().get(), F_ADD_SEALS, seals);
    }
    m_fds.emplace_back(eventfd(0, EFD_NONBLOCK));
    m_fds.emplace_back(open("/dev/null", O_RDWR));
    m_fds.emplace_back(socket(AF_UNIX, SOCK_STREAM, 0));
    m_guest = static_cast<std::uint8_t*>(
        mmap(nullptr, kGuestLen, PROT_READ | PROT_WRITE, MAP_SHARED, m_fds[0].get(), 0));
  }
  [[nodiscard]] int get(std::size_t index) const { return m_fds[index % m_fds.size()].get(); }
  [[nodiscard]] std::uint8_t* guest() const { return m_guest; }

 private:
  std::vector<FileDescriptor> m_fds;
  std::uint8_t* m_guest = nullptr;
};

const Pool& pool() {
  static const Pool made;
  return made;
}

class Client {
 public:
  Client(bool pf, FuzzedDataProvider& data)
      : m_data(data), m_function(pf ? 0 : 5, m_card, m_host, signaller()) {
    require(m_function.connect().ok(), "no doorbell pages");
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0,
            "no socket pair");
    m_socket = FileDescriptor(ends[0]);
    m_connection.emplace(FileDescriptor(ends[1]), m_function);
    m_doorbells = static_cast<std::uint8_t*>(mmap(nullptr, CIPHERDECK_BAR_DOORBELLS_LEN,
                                                  PROT_READ | PROT_WRITE, MAP_SHARED,
                                                  m_function.doorbell_fd(), 0));
  }

  ~Client() {
    m_connection.reset();
    require(m_card.num_attached() == 0, "a queue pair outlives its client");
    require(m_function.num_dma_maps() == 0, "a map outlives its client");
    munmap(m_doorbells, CIPHERDECK_BAR_DOORBELLS_LEN);
  }

  // False: the connection was closed.
  bool step() {
    switch (m_data.ConsumeIntegralInRange(0, 13)) {
      case 0:
        send_bytes(m_data.ConsumeBytes<std::uint8_t>(m_data.ConsumeIntegralInRange(0, 300)));
        break;
      case 1:
      case 2:
        send_message();
        break;
      case 3:
        take_up();
        break;
      case 4:
        write_register();
        break;
      case 5:
        poke_doorbell();
        break;
      case 6:
        poke_guest();
        break;
      case 7:
        m_host.run_job(m_function, m_card);
        break;
      case 8:
        submit_admin();
        break;
      case 9:
        submit_io();
        break;
      case 10:
        access_region();
        break;
      case 11:
        unmap();
        break;
      case 12:
        set_irqs();
        break;
      default:
        m_host.run_backlog(m_function);
    }
    return serve();
  }

  bool negotiate() {
    const std::uint32_t version = 0;
    send(vu::Command::version, object_bytes(version));
    return serve();
  }

 private:
  std::vector<int> some_fds() {
    std::vector<int> fds(m_data.ConsumeIntegralInRange(0, 20) / 4);
    for (int& fd : fds) fd = pool().get(m_data.ConsumeIntegral<std::uint8_t>());
    return fds;
  }

  void send_bytes(const std::vector<std::uint8_t>& bytes) {
    if (!bytes.empty()) transmit(bytes, some_fds());
  }

  void transmit(Bytes bytes, const std::vector<int>& fds) {
    iovec piece{.iov_base = const_cast<std::uint8_t*>(bytes.data()), .iov_len = bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    std::vector<std::uint8_t> control(CMSG_SPACE(fds.size() * sizeof(int)));
    if (!fds.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* const part = CMSG_FIRSTHDR(&message);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
      std::memcpy(CMSG_DATA(part), fds.data(), fds.size() * sizeof(int));
    }
    sendmsg(m_socket.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  void send(vu::Command command, Bytes payload, const std::vector<int>& fds = {}) {
    const vu::Header header{.message_id = 1,
                            .command = static_cast<std::uint16_t>(command),
                            .size = static_cast<std::uint32_t>(sizeof header + payload.size()),
                            .flags = 0,
                            .error = 0};
    const Bytes head = object_bytes(header);
    std::vector<std::uint8_t> whole(head.begin(), head.end());
    whole.insert(whole.end(), payload.begin(), payload.end());
    transmit(whole, fds);
  }

  void send_message() {
    const auto command = static_cast<vu::Command>(m_data.ConsumeIntegralInRange(1, 19));
    const auto fds = some_fds();
    const auto payload =
        m_data.ConsumeBytes<std::uint8_t>(m_data.ConsumeIntegralInRange<std::size_t>(0, 128));
    send(command, payload, fds);
  }

  void write_bar(std::uint64_t offset, std::uint32_t value) {
    struct {
      vu::RegionAccess access;
      std::uint32_t value;
      std::uint32_t unused;
    } message{{.offset = offset, .region = 0, .count = 4}, value, 0};
    send(vu::Command::region_write, object_bytes(message).first(20));
  }

  // What a driver does, so that the rest gets deep: maps guest memory, enables the function.
  void take_up() {
    const vu::DmaMap map{.argsz = 32, .flags = 3, .offset = 0, .address = kBase, .size = kGuestLen};
    send(vu::Command::dma_map, object_bytes(map), {pool().get(0)});
    serve();
    const std::pair<std::uint64_t, std::uint32_t> registers[] = {
        {CIPHERDECK_REG_ADMIN_SQ_LO, kBase},
        {CIPHERDECK_REG_ADMIN_CQ_LO, kBase + 0x1000},
        {CIPHERDECK_REG_ADMIN_ARENA_LO, kBase + 0x2000},
        {CIPHERDECK_REG_ADMIN_ARENA_LEN, 0x2000},
        {CIPHERDECK_REG_ADMIN_ENTRIES, 16},
        {CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_ENABLE}};
    for (const auto& entry : registers) write_bar(entry.first, entry.second);
    serve();
    // A queue pair in the first slot of the admin ring, for fuzzed kicks to find.
    const cipherdeck_queue_pair_create create{.number = m_data.ConsumeIntegralInRange(0U, 3U),
                                              .entries = 1U << m_data.ConsumeIntegralInRange(0, 7),
                                              .submission = kBase + 0x8000,
                                              .completion = kBase + 0xa000,
                                              .arena = kBase + 0x10000,
                                              .arena_len = 0x4000,
                                              .vector = m_data.ConsumeIntegralInRange(0U, 8U)};
    std::memcpy(pool().guest() + 0x2000, &create, sizeof create);
    cipherdeck_command command{};
    command.opcode = CIPHERDECK_OP_QUEUE_PAIR_CREATE;
    command.input = {0, sizeof create};
    for (int slot = 0; slot < 4; ++slot) {
      std::memcpy(pool().guest() + slot * sizeof command, &command, sizeof command);
    }
  }

  void write_register() {
    write_bar(m_data.ConsumeIntegralInRange(0, 21) * 4U,
              m_data.ConsumeBool() ? m_data.ConsumeIntegralInRange(0U, 4U)
                                   : m_data.ConsumeIntegral<std::uint32_t>());
  }

  void kick(std::uint32_t queue_pair) { write_bar(CIPHERDECK_REG_KICK, queue_pair); }

  void advance_tail(std::size_t page, std::uint32_t by) {
    std::uint8_t* const tail = m_doorbells + page * CIPHERDECK_DOORBELL_STRIDE;
    std::uint32_t value;
    std::memcpy(&value, tail, sizeof value);
    value += by;
    std::memcpy(tail, &value, sizeof value);
  }

  // A command of some sense in the next slots of the admin ring.
  void submit_admin() {
    constexpr std::uint16_t kOpcodes[] = {
        CIPHERDECK_OP_IDENTIFY,           CIPHERDECK_OP_QUEUE_PAIR_CREATE,
        CIPHERDECK_OP_QUEUE_PAIR_DESTROY, CIPHERDECK_OP_CARD_STATUS,
        CIPHERDECK_OP_KEY_LIST,           CIPHERDECK_OP_NOP};
    cipherdeck_command command{};
    command.opcode = m_data.PickValueInArray(kOpcodes);
    const bool creates = command.opcode == CIPHERDECK_OP_QUEUE_PAIR_CREATE;
    command.input = {0, creates && m_data.ConsumeBool()
                            ? std::uint32_t{sizeof(cipherdeck_queue_pair_create)}
                            : m_data.ConsumeIntegralInRange(0U, 0x2100U)};
    command.output = {0x1000, m_data.ConsumeIntegralInRange(0U, 0x1100U)};
    command.arg[0] = m_data.ConsumeIntegralInRange(0, 4);
    for (std::size_t slot = 0; slot < 16; ++slot) {
      std::memcpy(pool().guest() + slot * sizeof command, &command, sizeof command);
    }
    advance_tail(0, m_data.ConsumeIntegralInRange(1U, 5U));
    kick(0);
  }

  void submit_io() {
    const std::uint32_t number = m_data.ConsumeIntegralInRange(1U, 3U);
    cipherdeck_command command{};
    command.input = {m_data.ConsumeIntegralInRange(0U, 0x4100U),
                     m_data.ConsumeIntegralInRange(0U, 0x4100U)};
    command.output = {m_data.ConsumeIntegralInRange(0U, 0x4100U),
                      m_data.ConsumeIntegralInRange(0U, 0x4100U)};
    for (std::size_t slot = 0; slot < 64; ++slot) {
      std::memcpy(pool().guest() + 0x8000 + slot * sizeof command, &command, sizeof command);
    }
    advance_tail(number, m_data.ConsumeIntegralInRange(1U, 4U));
    kick(number);
  }

  void access_region() {
    constexpr std::uint32_t kRegions[] = {0, 2, 7};
    const bool write = m_data.ConsumeBool();
    const auto bytes =
        m_data.ConsumeBytes<std::uint8_t>(m_data.ConsumeIntegralInRange<std::size_t>(1, 16));
    const vu::RegionAccess access{.offset = m_data.ConsumeIntegralInRange(0U, 0x1b0U),
                                  .region = m_data.PickValueInArray(kRegions),
                                  .count = static_cast<std::uint32_t>(bytes.size())};
    const Bytes head = object_bytes(access);
    std::vector<std::uint8_t> payload(head.begin(), head.end());
    if (write) payload.insert(payload.end(), bytes.begin(), bytes.end());
    send(write ? vu::Command::region_write : vu::Command::region_read, payload);
  }

  void unmap() {
    const vu::DmaUnmap request{
        .argsz = 24,
        .flags = 0,
        .address = m_data.ConsumeIntegralInRange<std::uint64_t>(0, 0x60) << 12,
        .size = m_data.ConsumeBool() ? m_data.ConsumeIntegralInRange<std::uint64_t>(1, 0x40) << 12
                                     : m_data.ConsumeIntegral<std::uint64_t>()};
    send(vu::Command::dma_unmap, object_bytes(request));
  }

  void set_irqs() {
    const vu::IrqSet request{.argsz = sizeof request,
                             .flags = m_data.ConsumeIntegralInRange(0U, 0x3fU),
                             .index = m_data.ConsumeIntegralInRange(0U, 5U),
                             .start = m_data.ConsumeIntegralInRange(0U, 9U),
                             .count = m_data.ConsumeIntegralInRange(0U, 9U)};
    const Bytes head = object_bytes(request);
    std::vector<std::uint8_t> payload(head.begin(), head.end());
    payload.resize(payload.size() + m_data.ConsumeIntegralInRange<std::size_t>(0, 9), 1);
    const std::size_t num_fds = m_data.ConsumeIntegralInRange<std::size_t>(0, 4);
    send(vu::Command::device_set_irqs, payload, std::vector<int>(num_fds, pool().get(2)));
  }

  void poke_doorbell() {
    const std::size_t page = m_data.ConsumeIntegralInRange(0, 4);
    const std::size_t word = m_data.ConsumeIntegralInRange(0, 31);
    const std::uint32_t value = m_data.ConsumeBool() ? m_data.ConsumeIntegralInRange(0U, 20U)
                                                     : m_data.ConsumeIntegral<std::uint32_t>();
    std::memcpy(m_doorbells + page * CIPHERDECK_DOORBELL_STRIDE + word * 4, &value, sizeof value);
  }

  void poke_guest() {
    const std::size_t at = m_data.ConsumeIntegralInRange<std::size_t>(0, 0x4000);
    const auto bytes =
        m_data.ConsumeBytes<std::uint8_t>(m_data.ConsumeIntegralInRange<std::size_t>(0, 64));
    if (!bytes.empty()) std::memcpy(pool().guest() + at, bytes.data(), bytes.size());
  }

  bool serve() {
    std::array<std::uint8_t, 65536> scratch;
    for (int i = 0; i < 32; ++i) {
      if (m_connection->sending() && !m_connection->on_writable()) return false;
      if (!m_connection->sending() && !m_connection->on_readable()) return false;
      if (recv(m_socket.get(), scratch.data(), scratch.size(), MSG_DONTWAIT) <= 0) break;
    }
    require(m_card.num_attached() == m_function.num_io_queue_pairs(),
            "card and function disagree on queue pairs");
    require(m_function.num_dma_maps() <= device::dma::kMaxMaps, "too many maps");
    return true;
  }

  FuzzedDataProvider& m_data;
  wire::EchoCard m_card;
  Host m_host;
  device::Function m_function;
  FileDescriptor m_socket;
  std::optional<vu::Connection> m_connection;
  std::uint8_t* m_doorbells = nullptr;
};

}  // namespace
}  // namespace cipherdeck::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t len) {
  using namespace cipherdeck::fuzz;
  FuzzedDataProvider data(bytes, len);
  std::memset(pool().guest(), 0, 0x20000);
  const bool pf = data.ConsumeBool();
  Client client(pf, data);
  if (data.ConsumeBool() && !client.negotiate()) return 0;
  for (int i = 0; i < 64 && data.remaining_bytes() != 0; ++i) {
    if (!client.step()) break;
  }
  return 0;
}

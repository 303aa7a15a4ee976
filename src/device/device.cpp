// SPDX-License-Identifier: Apache-2.0
#include "device/device.h"

#include "device/function.h"
#include "device/management_thread.h"
#include "device/vfio_user/connection.h"
#include "device/vfio_user/listener.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace cipherdeck::device {
namespace {

using vfio_user::Connection;
using vfio_user::Listener;

enum class Source : std::uint32_t { stop, management, listener, connection };

constexpr std::uint64_t tag_of(Source source, card::FunctionNumber number) noexcept {
  return (std::uint64_t{static_cast<std::uint32_t>(source)} << 32) | number;
}

// Hostile clients can make events that are worth a line; not more than this of them a second.
constexpr int kMaxLinesPerSecond = 20;

class Log {
 public:
  explicit Log(std::function<void(std::string_view)> sink) : m_sink(std::move(sink)) {}

  void operator()(std::string_view line) {
    if (!m_sink) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - m_since >= std::chrono::seconds(1)) {
      if (m_left_out != 0) m_sink(std::to_string(m_left_out) + " lines left out");
      m_since = now;
      m_lines = 0;
      m_left_out = 0;
    }
    if (++m_lines <= kMaxLinesPerSecond) {
      m_sink(line);
    } else {
      ++m_left_out;
    }
  }

 private:
  std::function<void(std::string_view)> m_sink;
  std::chrono::steady_clock::time_point m_since;
  int m_lines = 0;
  int m_left_out = 0;
};

// Each function has a listener, and each client some ninety descriptors at most.
void raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

// Everything but the counters belongs to the message thread once that runs.
class Device::Impl final : public FunctionHost {
 public:
  Impl(DeviceOptions options, CardPort& card, std::unique_ptr<CardPort> owned_card)
      : m_owned_card(std::move(owned_card)),
        m_card(card),
        m_run_directory(std::move(options.run_directory)),
        m_vf_rights{.mode = options.socket_mode,
                    .gid = options.socket_gid,
                    .allowed_uids = std::move(options.allowed_uids),
                    .allowed_gids = std::move(options.allowed_gids)},
        m_trap_doorbells(options.trap_doorbells),
        m_log(std::move(options.log)),
        m_signaller(std::make_shared<EventSignaller>()) {
    m_pf_rights.allowed_uids.push_back(geteuid());
    m_vf_rights.allowed_uids.push_back(geteuid());
  }

  ~Impl() override;

  Result<void> start(std::uint32_t num_vfs);

  Result<void> make_vfs(std::uint32_t num_vfs) override;
  void remove_vfs() override;
  void manage(ManagementJob job) override { m_management->submit(std::move(job)); }
  void serve_admin_later(card::FunctionNumber function) override { m_backlog.insert(function); }
  void log(std::string_view line) override { m_log(line); }
  [[nodiscard]] bool traps_doorbells() const noexcept override { return m_trap_doorbells; }

  std::atomic<std::uint32_t> m_num_vfs = 0;
  std::atomic<std::uint32_t> m_num_clients = 0;

 private:
  // A function as the outside sees it. Order counts: the connection ends before the function.
  struct Slot {
    Slot(Listener opened, card::FunctionNumber number, Impl& impl)
        : listener(std::move(opened)), function(number, impl.m_card, impl, impl.m_signaller) {}
    Listener listener;
    Function function;
    std::unique_ptr<Connection> connection;
  };

  Result<void> add_slot(card::FunctionNumber number);
  void remove_slot();
  Slot* slot(card::FunctionNumber number) noexcept;
  // Who may use VFs is not to manage the card.
  [[nodiscard]] const vfio_user::SocketRights& rights(card::FunctionNumber number) const noexcept {
    return number == 0 ? m_pf_rights : m_vf_rights;
  }
  [[nodiscard]] bool watch(int fd, std::uint64_t tag, std::uint32_t events) noexcept;

  void run();
  void on_event(const epoll_event& event);
  void on_listener(Slot& slot);
  void on_connection(Slot& slot, std::uint32_t events);
  void open_connection(Slot& slot, FileDescriptor socket);
  void close_connection(Slot& slot);
  void turn_away_without_descriptors(Slot& slot);
  void on_management();
  void serve_backlog();

  std::unique_ptr<CardPort> m_owned_card;
  CardPort& m_card;
  const std::filesystem::path m_run_directory;
  vfio_user::SocketRights m_pf_rights;
  vfio_user::SocketRights m_vf_rights;
  const bool m_trap_doorbells;
  Log m_log;
  std::shared_ptr<EventSignaller> m_signaller;
  FileDescriptor m_epoll;
  FileDescriptor m_stop;
  FileDescriptor m_spare;  // closed to accept, and turn away, a client when there are no more
  std::unique_ptr<ManagementThread> m_management;
  std::vector<std::unique_ptr<Slot>> m_slots;  // by function number
  std::set<card::FunctionNumber> m_backlog;    // functions with admin commands waiting
  std::thread m_thread;
  bool m_stopping = false;
};

Device::Impl::~Impl() {
  if (m_thread.joinable()) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(m_stop.get(), &one, sizeof one);
    m_thread.join();
  }
  m_management.reset();
  while (!m_slots.empty()) remove_slot();
}

Result<void> Device::Impl::start(std::uint32_t num_vfs) {
  raise_descriptor_limit();
  m_epoll = FileDescriptor(epoll_create1(EPOLL_CLOEXEC));
  m_stop = FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  m_spare = FileDescriptor(eventfd(0, EFD_CLOEXEC));
  if (!m_epoll || !m_stop || !m_spare) return Error::io;
  CIPHERDECK_ASSIGN(m_management, ManagementThread::start(m_card));
  const bool watched = watch(m_stop.get(), tag_of(Source::stop, 0), EPOLLIN) &&
                       watch(m_management->ready_fd(), tag_of(Source::management, 0), EPOLLIN);
  if (!watched) return Error::io;
  CIPHERDECK_TRY(add_slot(0));
  if (num_vfs != 0) {
    CIPHERDECK_TRY(make_vfs(num_vfs));
    m_slots[0]->function.note_enabled_vfs(static_cast<std::uint16_t>(num_vfs));
  }
  try {
    m_thread = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    return Error::io;
  }
  return {};
}

Result<void> Device::Impl::add_slot(card::FunctionNumber number) {
  const std::string name = number == 0 ? "pf.sock" : "vf" + std::to_string(number) + ".sock";
  CIPHERDECK_ASSIGN(Listener listener, Listener::open(m_run_directory / name, rights(number)));
  auto made = std::make_unique<Slot>(std::move(listener), number, *this);
  if (!watch(made->listener.fd(), tag_of(Source::listener, number), EPOLLIN)) return Error::io;
  m_slots.push_back(std::move(made));
  return {};
}

void Device::Impl::remove_slot() {
  Slot& last = *m_slots.back();
  last.function.announce_removal();
  if (last.connection) close_connection(last);
  m_backlog.erase(last.function.number());
  m_slots.pop_back();
}

Device::Impl::Slot* Device::Impl::slot(card::FunctionNumber number) noexcept {
  return number < m_slots.size() ? m_slots[number].get() : nullptr;
}

bool Device::Impl::watch(int fd, std::uint64_t tag, std::uint32_t events) noexcept {
  epoll_event event{.events = events, .data = {.u64 = tag}};
  return epoll_ctl(m_epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

Result<void> Device::Impl::make_vfs(std::uint32_t num_vfs) {
  if (num_vfs > CIPHERDECK_TOTAL_VFS) return Error::invalid_argument;
  while (m_slots.size() < num_vfs + std::size_t{1}) {
    const auto added = add_slot(static_cast<card::FunctionNumber>(m_slots.size()));
    if (!added) {
      remove_vfs();
      return added;
    }
  }
  m_num_vfs = num_vfs;
  m_card.set_num_vfs(num_vfs);
  m_log(std::to_string(num_vfs) + " VFs enabled");
  return {};
}

void Device::Impl::remove_vfs() {
  while (m_slots.size() > 1) remove_slot();
  if (m_num_vfs.exchange(0) == 0) return;
  m_card.set_num_vfs(0);
  m_log("VFs removed");
}

void Device::Impl::run() {
  std::array<epoll_event, 64> events;
  while (!m_stopping) {
    const int timeout = m_backlog.empty() ? -1 : 0;
    const int count = epoll_wait(m_epoll.get(), events.data(), events.size(), timeout);
    for (int i = 0; i < count && !m_stopping; ++i) on_event(events[static_cast<std::size_t>(i)]);
    serve_backlog();
  }
}

// An event may be about a function that an earlier event of the same round removed.
void Device::Impl::on_event(const epoll_event& event) {
  const auto source = static_cast<Source>(event.data.u64 >> 32);
  Slot* const of = slot(static_cast<card::FunctionNumber>(event.data.u64));
  switch (source) {
    case Source::stop:
      m_stopping = true;
      return;
    case Source::management:
      return on_management();
    case Source::listener:
      if (of != nullptr) on_listener(*of);
      return;
    case Source::connection:
      if (of != nullptr && of->connection) on_connection(*of, event.events);
      return;
  }
}

void Device::Impl::on_listener(Slot& slot) {
  FileDescriptor socket(
      accept4(slot.listener.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket) {
    if (errno == EMFILE || errno == ENFILE) turn_away_without_descriptors(slot);
    return;
  }
  if (slot.connection) return;  // one client a function: closed at once
  if (!vfio_user::peer_is_allowed(socket.get(), rights(slot.function.number()))) {
    return m_log(slot.listener.path().native() + ": connection refused to another user");
  }
  open_connection(slot, std::move(socket));
}

void Device::Impl::turn_away_without_descriptors(Slot& slot) {
  m_spare.reset();
  FileDescriptor(accept4(slot.listener.fd(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
  m_spare.reset(eventfd(0, EFD_CLOEXEC));
  m_log("no descriptors left: connection refused");
}

void Device::Impl::open_connection(Slot& slot, FileDescriptor socket) {
  const int fd = socket.get();
  if (!slot.function.connect()) return m_log("no memory for doorbell pages: connection refused");
  slot.connection = std::make_unique<Connection>(std::move(socket), slot.function);
  ++m_num_clients;
  if (!watch(fd, tag_of(Source::connection, slot.function.number()), EPOLLIN)) {
    return close_connection(slot);
  }
  m_log(slot.listener.path().native() + ": client connected");
}

void Device::Impl::close_connection(Slot& slot) {
  slot.connection.reset();
  --m_num_clients;
  m_log(slot.listener.path().native() + ": client disconnected");
}

void Device::Impl::on_connection(Slot& slot, std::uint32_t events) {
  Connection& connection = *slot.connection;
  const bool was_sending = connection.sending();
  bool good = true;
  if ((events & EPOLLOUT) != 0) good = connection.on_writable();
  if (good && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) good = connection.on_readable();
  if (good && (events & (EPOLLHUP | EPOLLERR)) != 0 && connection.sending()) good = false;
  if (good && connection.sending() != was_sending) {
    const std::uint32_t wanted = connection.sending() ? EPOLLOUT : EPOLLIN;
    epoll_event event{.events = wanted,
                      .data = {.u64 = tag_of(Source::connection, slot.function.number())}};
    good = epoll_ctl(m_epoll.get(), EPOLL_CTL_MOD, connection.fd(), &event) == 0;
  }
  if (!good) close_connection(slot);
}

void Device::Impl::on_management() {
  for (const ManagementResult& result : m_management->take_results()) {
    m_slots[0]->function.complete_management(result.epoch, result.command, result.reply);
  }
}

void Device::Impl::serve_backlog() {
  for (const card::FunctionNumber number : std::exchange(m_backlog, {})) {
    Slot* const of = slot(number);
    if (of != nullptr && of->function.serve_admin()) m_backlog.insert(number);
  }
}

Device::Device(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
Device::~Device() = default;

Result<std::unique_ptr<Device>> Device::start(DeviceOptions options, CardPort& card) {
  return start(std::move(options), card, nullptr);
}

Result<std::unique_ptr<Device>> Device::start(DeviceOptions options, CardPort& card,
                                              std::unique_ptr<CardPort> owned) {
  const std::uint32_t num_vfs = options.num_vfs;
  auto impl = std::make_unique<Impl>(std::move(options), card, std::move(owned));
  CIPHERDECK_TRY(impl->start(num_vfs));
  return std::unique_ptr<Device>(new Device(std::move(impl)));
}

std::uint32_t Device::num_vfs() const noexcept { return m_impl->m_num_vfs; }
std::uint32_t Device::num_clients() const noexcept { return m_impl->m_num_clients; }

}  // namespace cipherdeck::device

// SPDX-License-Identifier: Apache-2.0
#include "host/process/hardening.h"

#include <linux/prctl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace cipherdeck::process {
namespace {

// clang-format off
constexpr const char* kAllowed[] = {
    // memory
    "brk", "mmap", "munmap", "mprotect", "mremap", "madvise", "mlock", "mlock2", "munlock",
    "memfd_create", "membarrier",
    // files: the store, the state file, sockets' names
    "open", "openat", "close", "close_range", "read", "write", "readv", "writev", "pread64",
    "pwrite64", "lseek", "stat", "fstat", "lstat", "newfstatat", "statx", "statfs", "fstatfs",
    "access", "faccessat", "faccessat2", "fcntl", "flock", "dup", "dup2", "dup3", "pipe2",
    "ftruncate", "fallocate", "fsync", "fdatasync", "rename", "renameat", "renameat2", "link",
    "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "chmod", "fchmod", "fchmodat", "chown", "fchown",
    "fchownat", "lchown", "umask", "getcwd", "readlink", "readlinkat", "getdents64", "utimensat",
    "fadvise64",
    // waiting
    "poll", "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait",
    "epoll_pwait", "epoll_pwait2", "eventfd2", "timerfd_create", "timerfd_settime", "signalfd4",
    "futex", "nanosleep", "clock_nanosleep", "restart_syscall",
    // interrupts: eventfds of clients, signalled without ever waiting for them
    "io_setup", "io_submit", "io_getevents", "io_destroy",
    // sockets; making one is allowed by family below
    "bind", "listen", "accept", "accept4", "connect", "getsockname", "getpeername", "getsockopt",
    "setsockopt", "shutdown", "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg",
    // threads, signals, time and identity
    "exit", "exit_group", "set_robust_list", "get_robust_list", "rseq", "gettid", "getpid",
    "getppid", "sched_yield", "sched_getaffinity", "sched_setaffinity", "sched_getparam",
    "sched_getscheduler", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait",
    "rt_sigpending", "sigaltstack", "clock_gettime", "clock_getres", "gettimeofday", "time",
    "getrandom", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups",
    "getrlimit", "getrusage", "sysinfo", "uname", "getcpu",
};
// clang-format on

/// Ends the process at once: nothing here runs programs or looks into others.
constexpr const char* kFatal[] = {"execve", "execveat", "ptrace", "process_vm_readv",
                                  "process_vm_writev"};

using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;

bool add(void* filter, std::uint32_t action, const char* name) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return true;  // not on this architecture
  const int status = seccomp_rule_add(filter, action, number, 0);
  return status == 0 || status == -EDOM;
}

bool add_if(void* filter, int number, const scmp_arg_cmp& condition) {
  return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &condition) == 0;
}

scmp_arg_cmp equal(unsigned argument, std::uint64_t value) {
  return {argument, SCMP_CMP_EQ, value, 0};
}

bool add_conditional(void* filter, Devices devices) {
  bool ok = true;
  if (devices == Devices::ioctl) ok &= add(filter, SCMP_ACT_ALLOW, "ioctl");
  ok &= add_if(filter, SCMP_SYS(socket), equal(0, AF_UNIX));
  ok &= add_if(filter, SCMP_SYS(socketpair), equal(0, AF_UNIX));
  // Threads, not processes. glibc takes clone() when clone3(), whose flags a filter cannot see, is
  // said not to exist.
  ok &= add_if(filter, SCMP_SYS(clone), {0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD});
  ok &= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
  ok &= add_if(filter, SCMP_SYS(tgkill), equal(0, static_cast<std::uint64_t>(getpid())));
  ok &= add_if(filter, SCMP_SYS(prctl), equal(0, PR_SET_NAME));
  ok &= add_if(filter, SCMP_SYS(prctl), equal(0, PR_GET_NAME));
  ok &= add_if(filter, SCMP_SYS(prlimit64), equal(2, 0));  // asking, not setting
  ok &= add_if(filter, SCMP_SYS(ioctl), equal(1, TCGETS));
  ok &= add_if(filter, SCMP_SYS(ioctl), equal(1, FIONBIO));
  ok &= add_if(filter, SCMP_SYS(ioctl), equal(1, FIONREAD));
  return ok;
}

[[maybe_unused]] Result<void> load_filter(Devices devices) {
  const Filter filter{seccomp_init(SCMP_ACT_ERRNO(EPERM)), &seccomp_release};
  if (!filter) return Error::no_memory;
  bool ok = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1) == 0;
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_LOG, 1);  // not on every kernel
  for (const char* name : kAllowed) ok &= add(filter.get(), SCMP_ACT_ALLOW, name);
  for (const char* name : kFatal) ok &= add(filter.get(), SCMP_ACT_KILL_PROCESS, name);
  ok &= add_conditional(filter.get(), devices);
  if (!ok || seccomp_load(filter.get()) != 0) return Error::io;
  return {};
}

}  // namespace

Result<void> confine([[maybe_unused]] Devices devices) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Error::io;
#ifdef CIPHERDECK_SANITIZED
  return {};
#else
  return load_filter(devices);
#endif
}

}  // namespace cipherdeck::process

// SPDX-License-Identifier: Apache-2.0
// Tests of the Linux module, run inside a guest: module_test [TEST...]. What a program may do with
// /dev/cipherdeckN, what it may not, and what it sees when the function is reset or taken away.
#define _GNU_SOURCE /* mremap */
#include "module_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char* g_device = "/dev/cipherdeck0";

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) {                                                           \
      printf("%s:%d: %s (errno %d: %s)\n", __FILE__, __LINE__, #condition, errno, \
             strerror(errno));                                                    \
      exit(1);                                                                    \
    }                                                                             \
  } while (0)
#define CHECK_FAILS(call, error) CHECK((errno = 0, (call) == -1) && errno == (error))

static const uint32_t kArenaLen = 65536;

static struct queue open_queue(uint32_t entries) {
  struct queue queue;
  errno = queue_open(&queue, entries, kArenaLen);
  CHECK(errno == 0);
  return queue;
}

static int open_device(void) {
  int fd = open(g_device, O_RDWR | O_CLOEXEC);
  CHECK(fd >= 0);
  return fd;
}

static void write_text(const char* path, const char* text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  CHECK(fd >= 0);
  CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  close(fd);
}

/* /sys/bus/pci/devices/... of the first function. */
static const char* device_path(void) {
  static char path[PATH_MAX];
  if (path[0] == '\0') CHECK(realpath("/sys/class/cipherdeck/cipherdeck0/device", path));
  return path;
}

static void reset_function(void) {
  char path[PATH_MAX + 8];
  snprintf(path, sizeof(path), "%s/reset", device_path());
  write_text(path, "1");
}

static short poll_for(int fd, int timeout_ms) {
  struct pollfd entry = {.fd = fd, .events = POLLIN};
  CHECK(poll(&entry, 1, timeout_ms) >= 0);
  return entry.revents;
}

static void expect_exit(pid_t child, int status) {
  int got = 0;
  CHECK(waitpid(child, &got, 0) == child);
  CHECK(WIFEXITED(got) && WEXITSTATUS(got) == status);
}

static void expect_works(void) {
  struct queue queue = open_queue(16);
  CHECK(queue_nop(&queue) == CIPHERDECK_STATUS_OK);
  queue_close(&queue);
}

/* ---- what a program may do ---------------------------------------------------------------- */

static void test_info(void) {
  struct cipherdeck_ioc_info info;
  int fd = open_device();
  CHECK(ioctl(fd, CIPHERDECK_IOC_INFO, &info) == 0);
  CHECK(info.version == CIPHERDECK_VERSION);
  CHECK(info.features & CIPHERDECK_FEATURE_SM2);
  CHECK(info.max_entries >= 2 && info.max_arena_len >= 4096);
  close(fd);
}

static void open_as_nobody(void) {
  errno = 0;
  _exit(setgid(65534) == 0 && setuid(65534) == 0 && open(g_device, O_RDWR) < 0 && errno == EACCES
            ? 0
            : 1);
}

static void test_permissions(void) {
  struct stat status;
  CHECK(stat(g_device, &status) == 0 && (status.st_mode & 0777) == 0660);
  pid_t child = fork();
  if (child == 0) open_as_nobody();
  expect_exit(child, 0);
}

static void test_round_trips(void) {
  struct queue queue = open_queue(8);
  for (int i = 0; i < 1000; i++) CHECK(queue_nop(&queue) == CIPHERDECK_STATUS_OK);
  queue_close(&queue);
}

static void test_batches(void) {
  struct queue queue = open_queue(64);
  struct cipherdeck_command nop = {.opcode = CIPHERDECK_OP_NOP};
  for (int round = 0; round < 100; round++) {
    for (int i = 0; i < 64; i++) queue_submit(&queue, nop);
    for (int i = 0; i < 64; i++) CHECK(queue_wait(&queue) == CIPHERDECK_STATUS_OK);
  }
  queue_close(&queue);
}

static void test_interrupts(void) {
  struct queue queue = open_queue(8);
  struct cipherdeck_command nop = {.opcode = CIPHERDECK_OP_NOP};
  CHECK(poll_for(queue.fd, 0) == 0);
  for (int i = 0; i < 100; i++) {
    queue_arm(&queue);
    queue_submit(&queue, nop);
    CHECK(poll_for(queue.fd, 5000) == POLLIN);
    CHECK(poll_for(queue.fd, 0) == 0); /* once after each interrupt */
    CHECK(queue_ready(&queue) && queue_wait(&queue) == CIPHERDECK_STATUS_OK);
  }
  CHECK(queue_nop(&queue) == CIPHERDECK_STATUS_OK); /* not asked for: no interrupt */
  CHECK(poll_for(queue.fd, 50) == 0);
  queue_close(&queue);
}

/* Queue pairs share a vector, but not their interrupts. */
static void test_interrupts_are_private(void) {
  struct queue one = open_queue(8), other = open_queue(8);
  struct cipherdeck_command nop = {.opcode = CIPHERDECK_OP_NOP};
  queue_arm(&one);
  queue_submit(&one, nop);
  CHECK(poll_for(one.fd, 5000) == POLLIN);
  CHECK(poll_for(other.fd, 50) == 0);
  queue_close(&one);
  queue_close(&other);
}

static void test_largest(void) {
  struct cipherdeck_ioc_info info;
  struct queue queue;
  int fd = open_device();
  CHECK(ioctl(fd, CIPHERDECK_IOC_INFO, &info) == 0);
  close(fd);
  CHECK(queue_open(&queue, info.max_entries, 1u << 30) == 0);
  CHECK(queue.arena_len >= 4096 && queue.arena_len <= info.max_arena_len);
  memset(queue.arena, 1, queue.arena_len);
  CHECK(queue_nop(&queue) == CIPHERDECK_STATUS_OK);
  queue_close(&queue);
}

static void test_memory_is_zeroed(void) {
  for (int round = 0; round < 8; round++) {
    struct queue queue = open_queue(8);
    for (uint32_t i = 0; i < queue.arena_len; i++) CHECK(queue.arena[i] == 0);
    memset(queue.arena, 0x5a, queue.arena_len);
    queue_close(&queue);
  }
}

/* More in all than the guest has. */
static void test_memory_comes_back(void) {
  for (int round = 0; round < 400; round++) {
    struct queue queue;
    CHECK(queue_open(&queue, 1024, 1u << 20) == 0);
    CHECK(queue.arena_len == 1u << 20);
    queue.arena[queue.arena_len - 1] = 1;
    queue_close(&queue);
  }
}

static void test_as_many_as_there_are(void) {
  struct queue queues[CIPHERDECK_MAX_QUEUE_PAIRS + 1];
  for (int round = 0; round < 2; round++) {
    int num = 0, error = 0;
    while (num <= CIPHERDECK_MAX_QUEUE_PAIRS && !(error = queue_open(&queues[num], 4, 4096))) num++;
    CHECK(error == ENOSPC && num >= 1 && num < CIPHERDECK_MAX_QUEUE_PAIRS);
    CHECK(queue_nop(&queues[num - 1]) == CIPHERDECK_STATUS_OK);
    for (int i = 0; i < num; i++) queue_close(&queues[i]);
  }
}

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Not a test: prints what a round trip takes, looked for and waited for. */
static void test_figures(void) {
  enum { kRounds = 2000 };
  struct queue queue = open_queue(64);
  double begin = seconds_now();
  for (int i = 0; i < kRounds; i++) CHECK(queue_nop(&queue) == CIPHERDECK_STATUS_OK);
  printf("NOP, polled: %.2f us\n", (seconds_now() - begin) / kRounds * 1e6);
  begin = seconds_now();
  for (int i = 0; i < kRounds; i++) {
    queue_arm(&queue);
    queue_submit(&queue, (struct cipherdeck_command){.opcode = CIPHERDECK_OP_NOP});
    CHECK(poll_for(queue.fd, 5000) == POLLIN && queue_wait(&queue) == CIPHERDECK_STATUS_OK);
  }
  printf("NOP, by interrupt: %.2f us\n", (seconds_now() - begin) / kRounds * 1e6);
  queue_close(&queue);
}

/* ---- what it may not ---------------------------------------------------------------------- */

static void expect_setup(uint32_t entries, uint32_t arena_len, uint32_t reserved, int error) {
  struct cipherdeck_ioc_setup setup = {
      .entries = entries, .arena_len = arena_len, .reserved = reserved};
  int fd = open_device();
  CHECK_FAILS(ioctl(fd, CIPHERDECK_IOC_SETUP, &setup), error);
  close(fd);
}

static void test_bad_ioctls(void) {
  int fd = open_device();
  expect_setup(0, 4096, 0, EINVAL);
  expect_setup(1, 4096, 0, EINVAL);
  expect_setup(3, 4096, 0, EINVAL);
  expect_setup(8192, 4096, 0, EINVAL);
  expect_setup(0x80000000u, 4096, 0, EINVAL);
  expect_setup(16, 0, 0, EINVAL);
  expect_setup(16, 4095, 0, EINVAL);
  expect_setup(16, 4096, 1, EINVAL);
  CHECK_FAILS(ioctl(fd, CIPHERDECK_IOC_SETUP, (void*)8), EFAULT);
  CHECK_FAILS(ioctl(fd, CIPHERDECK_IOC_INFO, (void*)8), EFAULT);
  CHECK_FAILS(ioctl(fd, CIPHERDECK_IOC_KICK), EINVAL);
  CHECK_FAILS(ioctl(fd, _IO(CIPHERDECK_IOC_MAGIC, 99)), ENOTTY);
  CHECK_FAILS(read(fd, &fd, 1), EINVAL);
  close(fd);

  struct queue queue = open_queue(8);
  struct cipherdeck_ioc_setup again = {.entries = 8, .arena_len = 4096};
  CHECK_FAILS(ioctl(queue.fd, CIPHERDECK_IOC_SETUP, &again), EBUSY);
  queue_close(&queue);
}

static void expect_mmap(int fd, size_t len, int protection, int flags, off_t offset, int error) {
  errno = 0;
  CHECK(mmap(NULL, len, protection, flags, fd, offset) == MAP_FAILED && errno == error);
}

static void test_bad_mappings(void) {
  const int rw = PROT_READ | PROT_WRITE;
  int fd = open_device();
  expect_mmap(fd, 4096, rw, MAP_SHARED, CIPHERDECK_MMAP_DOORBELL, EINVAL); /* not set up */
  close(fd);

  struct queue queue = open_queue(8);
  expect_mmap(queue.fd, 4096, rw, MAP_PRIVATE, CIPHERDECK_MMAP_ARENA, EINVAL);
  expect_mmap(queue.fd, queue.arena_len, rw | PROT_EXEC, MAP_SHARED, CIPHERDECK_MMAP_ARENA, EPERM);
  expect_mmap(queue.fd, queue.arena_len + 4096, rw, MAP_SHARED, CIPHERDECK_MMAP_ARENA, EINVAL);
  expect_mmap(queue.fd, queue.arena_len - 4096, rw, MAP_SHARED, CIPHERDECK_MMAP_ARENA, EINVAL);
  expect_mmap(queue.fd, 4096, rw, MAP_SHARED, CIPHERDECK_MMAP_ARENA + 4096, EINVAL);
  expect_mmap(queue.fd, 8192, rw, MAP_SHARED, CIPHERDECK_MMAP_DOORBELL, EINVAL);
  expect_mmap(queue.fd, 4096, rw, MAP_SHARED, CIPHERDECK_MMAP_DOORBELL + 4096, EINVAL);
  expect_mmap(queue.fd, 4096, rw, MAP_SHARED, CIPHERDECK_MMAP_DOORBELL - 4096, EINVAL);
  expect_mmap(queue.fd, 4096, rw, MAP_SHARED, 1L << 40, EINVAL);
  CHECK_FAILS(mprotect(queue.arena, queue.arena_len, PROT_READ | PROT_EXEC), EACCES);
  CHECK_FAILS(mprotect(queue.doorbell, 4096, PROT_READ | PROT_EXEC), EACCES);
  CHECK(mremap(queue.doorbell, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED);
  CHECK(mremap(queue.arena, queue.arena_len, queue.arena_len * 2, MREMAP_MAYMOVE) == MAP_FAILED);
  queue_close(&queue);
}

static void touch_arena(const struct queue* queue) {
  struct sigaction by_default = {.sa_handler = SIG_DFL};
  sigaction(SIGSEGV, &by_default, NULL);
  queue->arena[0] = 1;
  _exit(0);
}

static void test_children_do_not_inherit(void) {
  struct queue queue = open_queue(8);
  int status = 0;
  pid_t child = fork();
  if (child == 0) touch_arena(&queue);
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
  CHECK(queue_nop(&queue) == CIPHERDECK_STATUS_OK);
  queue_close(&queue);
}

static void test_broken_ring(void) {
  struct queue queue = open_queue(8), bystander = open_queue(8);
  __atomic_store_n(&queue.doorbell->sq_tail, 0x7fffffffu, __ATOMIC_SEQ_CST);
  CHECK(ioctl(queue.fd, CIPHERDECK_IOC_KICK) == 0);
  for (int i = 0; i < 500 && queue.doorbell->state == CIPHERDECK_QUEUE_LIVE; i++) usleep(10000);
  CHECK(queue.doorbell->state == CIPHERDECK_QUEUE_FAILED);
  CHECK(queue_nop(&bystander) == CIPHERDECK_STATUS_OK);
  memset(queue.doorbell, 0xff, 4096);
  queue_close(&queue);
  CHECK(queue_nop(&bystander) == CIPHERDECK_STATUS_OK);
  queue_close(&bystander);
  expect_works();
}

/* ---- ends --------------------------------------------------------------------------------- */

static void test_close_in_flight(void) {
  struct cipherdeck_command nop = {.opcode = CIPHERDECK_OP_NOP};
  for (int round = 0; round < 100; round++) {
    struct queue queue = open_queue(64);
    for (int i = 0; i < 64; i++) queue_submit(&queue, nop);
    queue_close(&queue);
  }
  expect_works();
}

static void work_until_killed(int ready) {
  struct queue queue = open_queue(16);
  for (;;) {
    CHECK(queue_nop(&queue) == CIPHERDECK_STATUS_OK);
    if (ready >= 0) CHECK(write(ready, "x", 1) == 1);
    ready = -1;
  }
}

static pid_t start_worker(void) {
  int ends[2];
  char byte;
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) work_until_killed(ends[1]);
  CHECK(child > 0 && read(ends[0], &byte, 1) == 1);
  close(ends[0]);
  close(ends[1]);
  return child;
}

static void kill_worker(pid_t child) {
  int status = 0;
  CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
}

static void test_killed(void) {
  for (int round = 0; round < 5; round++) {
    pid_t one = start_worker(), other = start_worker();
    kill_worker(one);
    kill_worker(other);
  }
  test_as_many_as_there_are();
}

static void wait_in_poll(short expected) {
  struct queue queue = open_queue(8);
  queue_arm(&queue);
  _exit(poll_for(queue.fd, 20000) == expected ? 0 : 1);
}

static void test_reset(void) {
  struct queue queue = open_queue(8);
  pid_t waiter = fork();
  if (waiter == 0) wait_in_poll(POLLERR);
  usleep(300000);
  CHECK(queue_nop(&queue) == CIPHERDECK_STATUS_OK);
  reset_function();
  expect_exit(waiter, 0);
  CHECK(poll_for(queue.fd, 0) == POLLERR);
  CHECK_FAILS(ioctl(queue.fd, CIPHERDECK_IOC_KICK), EIO);
  CHECK(queue.doorbell->state == CIPHERDECK_QUEUE_NONE);

  /* The page is no longer the device's: another opener may have that number now. */
  struct queue next = open_queue(8);
  memset(queue.doorbell, 0xff, 4096);
  CHECK(queue_nop(&next) == CIPHERDECK_STATUS_OK);
  queue_close(&queue);
  CHECK(queue_nop(&next) == CIPHERDECK_STATUS_OK);
  queue_close(&next);
}

/* Openers come and go while the function is reset again and again. */
static void open_and_close_for(int seconds) {
  time_t end = time(NULL) + seconds;
  struct queue queue;
  while (time(NULL) < end) {
    int error = queue_open(&queue, 8, kArenaLen);
    if (error == 0) {
      struct cipherdeck_command nop = {.opcode = CIPHERDECK_OP_NOP};
      queue_submit(&queue, nop);
      poll_for(queue.fd, 1);
      queue_close(&queue);
    } else if (error != EIO && error != ENOMEM && error != ENOSPC) {
      printf("open under resets: %s\n", strerror(error));
      _exit(1);
    }
  }
  _exit(0);
}

static void test_reset_storm(void) {
  pid_t children[3];
  for (int i = 0; i < 3; i++)
    if ((children[i] = fork()) == 0) open_and_close_for(4);
  for (int i = 0; i < 12; i++) {
    reset_function();
    usleep(150000);
  }
  for (int i = 0; i < 3; i++) expect_exit(children[i], 0);
  test_as_many_as_there_are();
}

static void expect_gone(const struct queue* queue) {
  struct cipherdeck_ioc_info info;
  CHECK(poll_for(queue->fd, 0) == POLLHUP);
  CHECK_FAILS(ioctl(queue->fd, CIPHERDECK_IOC_KICK), ENODEV);
  CHECK_FAILS(ioctl(queue->fd, CIPHERDECK_IOC_INFO, &info), ENODEV);
  expect_mmap(queue->fd, 4096, PROT_READ, MAP_SHARED, CIPHERDECK_MMAP_DOORBELL, ENODEV);
  CHECK(queue->doorbell->state == CIPHERDECK_QUEUE_NONE);
  queue->doorbell->sq_tail = 1; /* touches a page of its own */
  queue->arena[0] = 1;
}

static void test_removal(void) {
  struct queue queue = open_queue(8);
  int unused = open_device();
  char path[PATH_MAX + 8];
  pid_t waiter = fork();
  if (waiter == 0) wait_in_poll(POLLHUP);
  usleep(300000);
  CHECK(queue_nop(&queue) == CIPHERDECK_STATUS_OK);

  snprintf(path, sizeof(path), "%s/remove", device_path());
  write_text(path, "1");
  expect_exit(waiter, 0);
  expect_gone(&queue);
  struct cipherdeck_ioc_setup setup = {.entries = 8, .arena_len = 4096};
  CHECK_FAILS(ioctl(unused, CIPHERDECK_IOC_SETUP, &setup), ENODEV);
  CHECK(poll_for(unused, 0) == POLLHUP);
  queue_close(&queue);
  close(unused);

  write_text("/sys/bus/pci/rescan", "1");
  for (int i = 0; i < 500 && access(g_device, F_OK) != 0; i++) usleep(10000);
  expect_works();
}

/* Waits for the device to be pulled out from outside, after saying that it is ready. */
static void test_unplug(void) {
  struct queue queue = open_queue(8);
  CHECK(queue_nop(&queue) == CIPHERDECK_STATUS_OK);
  puts("ready to be unplugged");
  fflush(stdout);
  CHECK(poll_for(queue.fd, 60000) == POLLHUP);
  expect_gone(&queue);
  queue_close(&queue);
}

/* ------------------------------------------------------------------------------------------- */

struct test {
  const char* name;
  void (*run)(void);
  bool by_name_only;
};

static const struct test kTests[] = {
    {"info", test_info, false},
    {"permissions", test_permissions, false},
    {"round_trips", test_round_trips, false},
    {"batches", test_batches, false},
    {"interrupts", test_interrupts, false},
    {"interrupts_are_private", test_interrupts_are_private, false},
    {"largest", test_largest, false},
    {"memory_is_zeroed", test_memory_is_zeroed, false},
    {"memory_comes_back", test_memory_comes_back, false},
    {"as_many_as_there_are", test_as_many_as_there_are, false},
    {"bad_ioctls", test_bad_ioctls, false},
    {"bad_mappings", test_bad_mappings, false},
    {"children_do_not_inherit", test_children_do_not_inherit, false},
    {"broken_ring", test_broken_ring, false},
    {"close_in_flight", test_close_in_flight, false},
    {"killed", test_killed, false},
    {"reset", test_reset, false},
    {"reset_storm", test_reset_storm, false},
    {"removal", test_removal, false},
    {"unplug", test_unplug, true},
    {"figures", test_figures, true},
};

static bool selected(const struct test* test, int argc, char** argv) {
  if (argc < 2) return !test->by_name_only;
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], test->name) == 0) return true;
  return false;
}

/* Each test is a process of its own: what it leaves open is closed by its end. */
static bool run(const struct test* test) {
  const double begin = seconds_now();
  int status = 0;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    test->run();
    exit(0);
  }
  waitpid(child, &status, 0);
  bool passed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  printf("%s module.%s (%.2f s)\n", passed ? "ok" : "FAILED", test->name, seconds_now() - begin);
  return passed;
}

int main(int argc, char** argv) {
  int num_passed = 0, num_failed = 0;
  for (size_t i = 0; i < sizeof(kTests) / sizeof(kTests[0]); i++) {
    if (!selected(&kTests[i], argc, argv)) continue;
    if (run(&kTests[i]))
      num_passed++;
    else
      num_failed++;
  }
  printf("%d passed, %d failed\n", num_passed, num_failed);
  return num_failed != 0 || num_passed == 0;
}

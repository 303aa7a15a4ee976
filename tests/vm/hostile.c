// SPDX-License-Identifier: Apache-2.0
// A hostile tenant, run inside a guest: hostile SECONDS [SEED]. By turns it is a process that
// misuses its queue pairs, and a kernel that misuses the registers, the configuration space and the
// admin queue pair of its function, until a line comes on standard input or the time is over. What
// it does to itself does not matter; what it asks is that nobody else notices, and that its
// function works again after a reset.
#include "module_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

const char* g_device = "/dev/cipherdeck0";

static uint64_t g_random;
static unsigned long g_num_acts;

static uint32_t draw(void) {
  g_random ^= g_random << 13;
  g_random ^= g_random >> 7;
  g_random ^= g_random << 17;
  return (uint32_t)(g_random >> 16);
}
static uint32_t below(uint32_t bound) { return draw() % bound; }
static bool one_in(uint32_t n) { return below(n) == 0; }

static void fail(const char* what) {
  printf("hostile: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* ---- as a process ------------------------------------------------------------------------- */

static const uint16_t kOpcodes[] = {
    CIPHERDECK_OP_NOP,           CIPHERDECK_OP_SESSION_OPEN,
    CIPHERDECK_OP_SESSION_CLOSE, CIPHERDECK_OP_DEVICE_INFO,
    CIPHERDECK_OP_RANDOM,        CIPHERDECK_OP_KEY_ACCESS_GET,
    CIPHERDECK_OP_KEY_IMPORT,    CIPHERDECK_OP_KEY_GENERATE_EPK,
    CIPHERDECK_OP_KEY_DESTROY,   CIPHERDECK_OP_AGREEMENT_START,
    CIPHERDECK_OP_SM2_SIGN,      CIPHERDECK_OP_SM2_VERIFY_EXTERNAL,
    CIPHERDECK_OP_SM2_DECRYPT,   CIPHERDECK_OP_ENCRYPT,
    CIPHERDECK_OP_DECRYPT,       CIPHERDECK_OP_MAC,
    CIPHERDECK_OP_AUTH_ENCRYPT,  CIPHERDECK_OP_AUTH_DECRYPT,
    CIPHERDECK_OP_HASH_INIT,     CIPHERDECK_OP_HASH_UPDATE,
    CIPHERDECK_OP_HASH_FINAL,    CIPHERDECK_OP_HASH,
    CIPHERDECK_OP_IDENTIFY,      CIPHERDECK_OP_QUEUE_PAIR_CREATE,
    CIPHERDECK_OP_CARD_INIT,     CIPHERDECK_OP_PARTITION_REMOVE,
    CIPHERDECK_OP_FUNCTION_BIND, CIPHERDECK_OP_ACCESS_CODE_SET,
};
static const uint32_t kAlgorithms[] = {
    CIPHERDECK_ALG_SM4_ECB, CIPHERDECK_ALG_SM4_CBC, CIPHERDECK_ALG_SM4_CTR, CIPHERDECK_ALG_SM4_MAC,
    CIPHERDECK_ALG_SM4_GCM, CIPHERDECK_ALG_SM4_CCM, CIPHERDECK_ALG_SM4_XTS, CIPHERDECK_ALG_SM3,
};
#define COUNT(array) (uint32_t)(sizeof(array) / sizeof((array)[0]))

static uint32_t odd_number(uint32_t limit) {
  const uint32_t edges[] = {0, 1, limit - 1, limit, limit + 1, 0x7fffffff, 0x80000000u, ~0u};
  return one_in(4) ? edges[below(COUNT(edges))] : below(limit + 1);
}

static struct cipherdeck_extent odd_extent(uint32_t arena_len) {
  struct cipherdeck_extent extent = {odd_number(arena_len), odd_number(one_in(2) ? 64 : arena_len)};
  return extent;
}

static struct cipherdeck_command odd_command(uint32_t arena_len) {
  struct cipherdeck_command command;
  if (one_in(16)) {
    for (size_t i = 0; i < sizeof(command); i++) ((uint8_t*)&command)[i] = (uint8_t)draw();
    return command;
  }
  command = (struct cipherdeck_command){
      .opcode = kOpcodes[below(COUNT(kOpcodes))],
      .command_id = (uint16_t)draw(),
      .session = odd_number(4),
      .key = odd_number(4),
      .algorithm = kAlgorithms[below(COUNT(kAlgorithms))],
      .input = odd_extent(arena_len),
      .output = odd_extent(arena_len),
      .params = odd_extent(arena_len),
      .aux = odd_extent(arena_len),
      .arg = {odd_number(256), odd_number(4)},
  };
  return command;
}

/* Changes commands and indices under the card's hands. */
static void meddle(struct queue* queue) {
  queue->submission[below(queue->entries)] = odd_command(queue->arena_len);
  queue->arena[below(queue->arena_len)] = (uint8_t)draw();
  if (one_in(200)) queue->doorbell->cq_head = draw();
  if (one_in(200)) queue->doorbell->sq_tail = draw();
  if (one_in(20)) memset(&queue->doorbell->needs_kick, (int)draw(), 64);
  if (one_in(4)) queue->doorbell->irq_at = queue->sq_tail + below(queue->entries);
}

static void misuse_queue_pair(void) {
  struct queue queue;
  errno = queue_open(&queue, 2u << below(8), 4096u << below(8));
  if (errno) return;
  for (uint32_t i = 0, end = below(2000); i < end; i++) {
    queue_submit(&queue, odd_command(queue.arena_len));
    meddle(&queue);
    if (!one_in(8)) queue.doorbell->cq_head = queue.sq_tail;
    if (one_in(16)) ioctl(queue.fd, CIPHERDECK_IOC_KICK);
    g_num_acts++;
  }
  queue_close(&queue);
}

/* ---- as a kernel -------------------------------------------------------------------------- */

enum { kNumPages = 32 };

struct bars {
  char path[PATH_MAX];
  volatile uint32_t* registers;
  uint8_t* doorbells;
  int config;
  uint8_t* pages; /* memory of our own: what the device is made to write lands here */
  uint64_t addresses[kNumPages];
};

static int open_under(const char* path, const char* name, int flags) {
  char full[PATH_MAX + 32];
  snprintf(full, sizeof(full), "%s/%s", path, name);
  int fd = open(full, flags | O_CLOEXEC);
  if (fd < 0) fail(full);
  return fd;
}

static void write_under(const char* path, const char* name, const char* text) {
  int fd = open_under(path, name, O_WRONLY);
  if (write(fd, text, strlen(text)) < 0) fail(name);
  close(fd);
}

static void* map_bar(const char* path, const char* name, size_t len) {
  int fd = open_under(path, name, O_RDWR);
  void* bar = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (bar == MAP_FAILED) fail(name);
  close(fd);
  return bar;
}

static void find_addresses(struct bars* bars) {
  bars->pages = mmap(NULL, kNumPages * 4096, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
  if (bars->pages == MAP_FAILED) fail("memory");
  int fd = open_under("/proc/self", "pagemap", O_RDONLY);
  for (int i = 0; i < kNumPages; i++) {
    uint64_t entry = 0;
    off_t offset = (off_t)((uintptr_t)(bars->pages + i * 4096) / 4096 * 8);
    if (pread(fd, &entry, 8, offset) != 8 || !(entry & ((1ull << 55) - 1))) fail("pagemap");
    bars->addresses[i] = (entry & ((1ull << 55) - 1)) * 4096;
  }
  close(fd);
}

static void take_device(struct bars* bars) {
  if (!realpath("/sys/class/cipherdeck/cipherdeck0/device", bars->path)) fail("no device");
  const char* name = strrchr(bars->path, '/') + 1;
  write_under("/sys/bus/pci/drivers/cipherdeck", "unbind", name);
  write_under(bars->path, "enable", "1");
  bars->registers = map_bar(bars->path, "resource0", CIPHERDECK_BAR_REGISTERS_LEN);
  bars->doorbells = map_bar(bars->path, "resource2", CIPHERDECK_BAR_DOORBELLS_LEN);
  bars->config = open_under(bars->path, "config", O_RDWR);
  find_addresses(bars);
}

/* Where the device may write without harm to this guest: our own pages, or nowhere at all. */
static uint64_t odd_address(const struct bars* bars) {
  const uint64_t nowhere[] = {1ull << 40, ~0ull, ~0ull << 12, 1ull << 63, 0xfee00000ull};
  if (one_in(4)) return nowhere[below(COUNT(nowhere))];
  uint64_t address = bars->addresses[below(kNumPages)];
  return one_in(8) ? address + below(4096 - 64) : address;
}

static void write_register(struct bars* bars, uint32_t reg, uint32_t value) {
  bars->registers[reg / 4] = value;
}

static void odd_admin_queue(struct bars* bars) {
  for (uint32_t reg = CIPHERDECK_REG_ADMIN_SQ_LO; reg <= CIPHERDECK_REG_ADMIN_ARENA_LO; reg += 8) {
    uint64_t address = odd_address(bars);
    write_register(bars, reg, (uint32_t)address);
    write_register(bars, reg + 4, (uint32_t)(address >> 32));
  }
  /* Pages of ours are not contiguous: rings and arena of one page, or lengths that are refused. */
  write_register(bars, CIPHERDECK_REG_ADMIN_ARENA_LEN, one_in(4) ? odd_number(8) : 4096);
  write_register(bars, CIPHERDECK_REG_ADMIN_ENTRIES, one_in(4) ? odd_number(8) : 2u << below(5));
  write_register(bars, CIPHERDECK_REG_MODERATION, draw());
  write_register(bars, CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_ENABLE);
}

static void odd_admin_commands(struct bars* bars) {
  volatile struct cipherdeck_doorbell* doorbell = (void*)bars->doorbells;
  for (int i = 0; i < kNumPages; i++) {
    struct cipherdeck_command command = odd_command(4096);
    struct cipherdeck_queue_pair_create create = {
        .number = odd_number(64),
        .entries = one_in(4) ? odd_number(64) : 2u << below(5),
        .submission = odd_address(bars),
        .completion = odd_address(bars),
        .arena = odd_address(bars),
        .arena_len = 4096,
        .vector = odd_number(8),
    };
    command.opcode = (uint16_t)(CIPHERDECK_OP_IDENTIFY + below(4));
    if (one_in(8)) command.opcode = (uint16_t)(CIPHERDECK_OP_CARD_STATUS + below(0x40));
    command.input = (struct cipherdeck_extent){0, sizeof(create)};
    command.output = (struct cipherdeck_extent){64, 1024};
    for (int page = 0; page < kNumPages; page++) {
      memcpy(bars->pages + page * 4096, one_in(2) ? (void*)&command : (void*)&create, 40);
    }
    doorbell->sq_tail += one_in(32) ? draw() : 1;
    doorbell->cq_head = doorbell->sq_tail;
    write_register(bars, CIPHERDECK_REG_KICK, one_in(4) ? draw() : 0);
  }
}

static void odd_configuration(struct bars* bars) {
  /* Behind the header: capabilities, FLR among them; MSI itself belongs to QEMU. */
  uint8_t byte = (uint8_t)draw();
  if (pwrite(bars->config, &byte, 1, 0x40 + below(0xfc0)) < 0 && errno != EPERM) fail("config");
}

static void misuse_function(struct bars* bars) {
  odd_admin_queue(bars);
  odd_admin_commands(bars);
  for (int i = 0; i < 16; i++) {
    write_register(bars, 4 * below(CIPHERDECK_BAR_REGISTERS_LEN / 4), draw() & ~1u);
    (void)bars->registers[below(CIPHERDECK_BAR_REGISTERS_LEN / 4)];
    bars->doorbells[below(CIPHERDECK_BAR_DOORBELLS_LEN)] = (uint8_t)draw();
  }
  if (one_in(4)) odd_configuration(bars);
  if (one_in(2)) write_register(bars, CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_RESET);
  g_num_acts += kNumPages + 16;
}

static void give_device_back(struct bars* bars) {
  struct queue queue;
  const char* name = strrchr(bars->path, '/') + 1;
  write_register(bars, CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_RESET);
  munmap((void*)bars->registers, CIPHERDECK_BAR_REGISTERS_LEN);
  munmap(bars->doorbells, CIPHERDECK_BAR_DOORBELLS_LEN);
  munmap(bars->pages, kNumPages * 4096);
  close(bars->config);
  write_under(bars->path, "enable", "0");
  write_under("/sys/bus/pci/drivers/cipherdeck", "bind", name);
  for (int i = 0; i < 500 && access(g_device, F_OK) != 0; i++) usleep(10000);
  errno = queue_open(&queue, 16, 4096);
  if (errno) fail("the function does not come back");
  if (queue_nop(&queue) != CIPHERDECK_STATUS_OK) fail("no answer after misuse");
  queue_close(&queue);
}

/* ------------------------------------------------------------------------------------------- */

enum { kTurnSeconds = 4 };

static void take_turns(void) {
  static struct bars bars;
  time_t end = time(NULL) + kTurnSeconds;
  while (time(NULL) < end) misuse_queue_pair();
  take_device(&bars);
  end = time(NULL) + kTurnSeconds;
  while (time(NULL) < end) misuse_function(&bars);
  give_device_back(&bars);
}

static bool told_to_stop(void) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, 0) == 1 && (input.revents & POLLIN);
}

int main(int argc, char** argv) {
  const time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);
  g_random = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL) * 2654435761u + 1;
  printf("hostile: seed %llu\n", (unsigned long long)g_random);
  do {
    take_turns();
    printf("hostile: %lu acts, and the function works\n", g_num_acts);
    fflush(stdout);
  } while (!told_to_stop() && time(NULL) < end);
  puts("hostile: done");
  return 0;
}

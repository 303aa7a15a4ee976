// SPDX-License-Identifier: Apache-2.0
#include "module_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static size_t pages(size_t len) { return (len + 4095) & ~(size_t)4095; }

static void* map(int fd, size_t len, off_t offset) {
  void* memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
  return memory == MAP_FAILED ? NULL : memory;
}

static void unmap(void* memory, size_t len) {
  if (memory) munmap(memory, len);
}

int queue_open(struct queue* queue, uint32_t entries, uint32_t arena_len) {
  struct cipherdeck_ioc_setup setup = {.entries = entries, .arena_len = arena_len};
  memset(queue, 0, sizeof(*queue));
  queue->fd = open(g_device, O_RDWR | O_CLOEXEC);
  if (queue->fd < 0) return errno;
  if (ioctl(queue->fd, CIPHERDECK_IOC_SETUP, &setup)) {
    int error = errno;
    close(queue->fd);
    return error;
  }
  queue->entries = entries;
  queue->arena_len = setup.arena_len;
  queue->submission = map(queue->fd, pages(entries * sizeof(struct cipherdeck_command)),
                          CIPHERDECK_MMAP_SUBMISSION);
  queue->completion = map(queue->fd, pages(entries * sizeof(struct cipherdeck_completion)),
                          CIPHERDECK_MMAP_COMPLETION);
  queue->doorbell = map(queue->fd, 4096, CIPHERDECK_MMAP_DOORBELL);
  queue->arena = map(queue->fd, queue->arena_len, CIPHERDECK_MMAP_ARENA);
  if (queue->submission && queue->completion && queue->doorbell && queue->arena) return 0;
  queue_close(queue);
  return ENOMEM;
}

void queue_close(struct queue* queue) {
  unmap(queue->submission, pages(queue->entries * sizeof(struct cipherdeck_command)));
  unmap(queue->completion, pages(queue->entries * sizeof(struct cipherdeck_completion)));
  unmap(queue->doorbell, 4096);
  unmap(queue->arena, queue->arena_len);
  close(queue->fd);
}

void queue_submit(struct queue* queue, struct cipherdeck_command command) {
  queue->submission[queue->sq_tail & (queue->entries - 1)] = command;
  queue->sq_tail++;
  __atomic_store_n(&queue->doorbell->sq_tail, queue->sq_tail, __ATOMIC_RELEASE);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (__atomic_load_n(&queue->doorbell->needs_kick, __ATOMIC_RELAXED))
    ioctl(queue->fd, CIPHERDECK_IOC_KICK);
}

bool queue_ready(const struct queue* queue) {
  const struct cipherdeck_completion* next =
      &queue->completion[queue->cq_head & (queue->entries - 1)];
  uint16_t phase = !(queue->cq_head & queue->entries);
  return (__atomic_load_n(&next->status_phase, __ATOMIC_ACQUIRE) & 1) == phase;
}

int queue_wait(struct queue* queue) {
  time_t end = time(NULL) + 10;
  while (!queue_ready(queue)) {
    if (time(NULL) > end) return -1;
    sched_yield();
  }
  int status = queue->completion[queue->cq_head & (queue->entries - 1)].status_phase >> 1;
  queue->cq_head++;
  __atomic_store_n(&queue->doorbell->cq_head, queue->cq_head, __ATOMIC_RELEASE);
  return status;
}

void queue_arm(struct queue* queue) {
  __atomic_store_n(&queue->doorbell->irq_at, queue->cq_head, __ATOMIC_RELAXED);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

int queue_nop(struct queue* queue) {
  struct cipherdeck_command nop = {.opcode = CIPHERDECK_OP_NOP};
  nop.command_id = (uint16_t)queue->sq_tail;
  queue_submit(queue, nop);
  return queue_wait(queue);
}

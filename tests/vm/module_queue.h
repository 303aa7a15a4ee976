/* SPDX-License-Identifier: Apache-2.0 */
/* The least driver of a queue pair of /dev/cipherdeckN, for tests of the Linux module. */
#ifndef CIPHERDECK_TESTS_VM_MODULE_QUEUE_H
#define CIPHERDECK_TESTS_VM_MODULE_QUEUE_H

#include <cipherdeck/function.h>
#include <cipherdeck/ioctl.h>
#include <stdbool.h>
#include <stdint.h>

extern const char* g_device; /* "/dev/cipherdeck0" */

struct queue {
  int fd;
  uint32_t entries;
  uint32_t arena_len;
  struct cipherdeck_command* submission;
  struct cipherdeck_completion* completion;
  struct cipherdeck_doorbell* doorbell;
  uint8_t* arena;
  uint32_t sq_tail;
  uint32_t cq_head;
};

/* Opens the device and makes a queue pair; 0 or an errno. Leaves nothing open if it fails. */
int queue_open(struct queue* queue, uint32_t entries, uint32_t arena_len);
/* Unmaps and closes. */
void queue_close(struct queue* queue);

/* Submits one command, kicking the card if it sleeps; the ring must have room. */
void queue_submit(struct queue* queue, struct cipherdeck_command command);
/* Waits for the next completion by looking, for 10 s at most; its status, or -1. */
int queue_wait(struct queue* queue);
/* Asks for an interrupt at the next completion. */
void queue_arm(struct queue* queue);
bool queue_ready(const struct queue* queue);

/* A NOP and its completion; its status, or -1. */
int queue_nop(struct queue* queue);

#endif

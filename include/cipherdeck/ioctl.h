/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What a program sees of the Linux module: /dev/cipherdeckN, one file per function.
 *
 * open() takes nothing from the card; CIPHERDECK_IOC_SETUP makes the queue pair of this open file
 * (once). After it the program maps the four areas below, each whole and MAP_SHARED, and submits
 * without system calls. CIPHERDECK_IOC_KICK is for a doorbell whose needs_kick is set. poll() reports
 * POLLIN once after each interrupt of this queue pair, POLLHUP after removal, and POLLERR after a
 * reset of the function: the queue pair is then gone, close the file and open another.
 * Closing the file destroys the queue pair, whatever is in flight.
 */
#ifndef CIPHERDECK_IOCTL_H
#define CIPHERDECK_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* mmap() offsets */
#define CIPHERDECK_MMAP_SUBMISSION 0x00000000ull /* entries * 64 bytes, rounded up to pages; rw */
#define CIPHERDECK_MMAP_COMPLETION 0x10000000ull /* entries * 16 bytes, rounded up to pages; rw */
#define CIPHERDECK_MMAP_DOORBELL 0x20000000ull /* one page; rw */
#define CIPHERDECK_MMAP_ARENA 0x40000000ull /* arena_len bytes; rw */

struct cipherdeck_ioc_setup {
	__u32 entries; /* in: of each ring, a power of two from 2 to 4096 */
	__u32 arena_len; /* in: wanted, multiple of 4 KiB; out: given (less if memory is short) */
	__u32 number; /* out: the queue pair's number, for messages only */
	__u32 reserved; /* in: zero */
};

struct cipherdeck_ioc_info {
	__u64 features;
	__u32 version; /* CIPHERDECK_REG_VERSION of the function */
	__u32 function;
	__u32 max_entries;
	__u32 max_arena_len;
};

#define CIPHERDECK_IOC_MAGIC 0xcd
/* Errors: EBUSY set up already, ENOSPC no queue pair left, EINVAL, ENOMEM, ENODEV removed, EIO. */
#define CIPHERDECK_IOC_SETUP _IOWR(CIPHERDECK_IOC_MAGIC, 1, struct cipherdeck_ioc_setup)
#define CIPHERDECK_IOC_KICK _IO(CIPHERDECK_IOC_MAGIC, 2)
#define CIPHERDECK_IOC_INFO _IOR(CIPHERDECK_IOC_MAGIC, 3, struct cipherdeck_ioc_info)

#endif /* CIPHERDECK_IOCTL_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CipherDeck: what the parts of the module share.
 *
 * Locks, outermost first:
 *   admin_lock  the admin queue pair, making and destroying queue pairs, resets. Held for as long
 *               as an admin command takes, so no data path and no page fault waits for it.
 *   live_lock   which files there are and what state they are in. Whoever touches the device for
 *               a file holds it for reading and sees the file LIVE; a reset or removal takes it
 *               for writing. Nested inside mmap_lock, so never held over a user copy.
 *   irq_lock    the queue pairs of each vector, as the interrupt handler sees them.
 *
 * A function lives until the driver has let go of it and the last open file is closed.
 */
#ifndef CIPHERDECK_LINUX_H
#define CIPHERDECK_LINUX_H

#include <linux/bitmap.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include <cipherdeck/function.h>
#include <cipherdeck/ioctl.h>

#define CIPHERDECK_NAME "cipherdeck"
#define CIPHERDECK_MAX_FUNCTIONS 512
#define CIPHERDECK_ADMIN_ENTRIES 16
#define CIPHERDECK_ADMIN_TIMEOUT_MS 10000

struct cipherdeck_function;

struct cipherdeck_vector {
	struct cipherdeck_function *function;
	unsigned int index;
	struct list_head files; /* irq_lock; the LIVE files that use this vector */
};

/* The admin queue pair: one page each of submissions, completions and arena. */
struct cipherdeck_admin {
	struct cipherdeck_command *submission;
	struct cipherdeck_completion *completion;
	void *arena;
	dma_addr_t submission_dma;
	dma_addr_t completion_dma;
	dma_addr_t arena_dma;
	u32 index; /* commands submitted, and as many completed: one at a time */
};

struct cipherdeck_function {
	struct device dev; /* holds the memory of this structure */
	struct cdev cdev;
	struct pci_dev *pdev; /* not after removal */
	int minor;

	void __iomem *registers;
	void *doorbells;
	phys_addr_t doorbells_start;
	unsigned int num_vectors;
	struct cipherdeck_vector vectors[CIPHERDECK_MAX_VECTORS];

	struct cipherdeck_ioc_info info; /* fixed once probed, but for features */
	unsigned int max_queue_pairs;

	struct mutex admin_lock;
	struct cipherdeck_admin admin; /* admin_lock */
	bool up; /* admin_lock; the device takes admin commands */
	DECLARE_BITMAP(numbers, CIPHERDECK_MAX_QUEUE_PAIRS); /* admin_lock; in use at the device */
	wait_queue_head_t admin_wait;
	bool interrupted; /* a reset or removal waits for admin_lock: give up waiting */

	struct rw_semaphore live_lock;
	struct list_head files; /* live_lock */
	bool removed; /* live_lock */

	spinlock_t irq_lock;
};

/* Physically contiguous memory that a process and the device share. */
struct cipherdeck_area {
	struct page *pages;
	size_t len;
	unsigned int order;
	dma_addr_t dma;
	bool mapped;
};

enum cipherdeck_file_state {
	CIPHERDECK_FILE_OPEN, /* no queue pair yet */
	CIPHERDECK_FILE_SETUP, /* one ioctl is making it */
	CIPHERDECK_FILE_LIVE,
	CIPHERDECK_FILE_DEAD, /* had one: reset, removed or closing */
};

struct cipherdeck_file {
	struct cipherdeck_function *function;
	struct address_space *mapping;
	struct list_head node; /* live_lock */
	enum cipherdeck_file_state state; /* live_lock */

	u32 number; /* admin_lock; 0: none at the device */
	u32 entries;
	struct cipherdeck_area submission;
	struct cipherdeck_area completion;
	struct cipherdeck_area arena;
	struct page *tombstone; /* stands in for the doorbell page of a dead queue pair */

	struct list_head vector_node; /* irq_lock */
	struct cipherdeck_doorbell *doorbell; /* writable by the process: a hint, never trusted */
	u32 irq_seen; /* irq_lock */
	unsigned long events; /* bit 0: interrupt not yet reported by poll() */
	wait_queue_head_t wait;
};

/* cipherdeck_main.c */
/* Resets the device by its register and takes it up again; all queue pairs die. admin_lock held. */
int cipherdeck_recover(struct cipherdeck_function *function);

/* cipherdeck_admin.c; all but alloc and free with admin_lock held */
int cipherdeck_admin_alloc(struct cipherdeck_function *function);
void cipherdeck_admin_free(struct cipherdeck_function *function);
/* Enables the function and identifies the card. */
int cipherdeck_admin_start(struct cipherdeck_function *function);
/* Disables it: when this returns the device touches no memory of ours. */
void cipherdeck_admin_stop(struct cipherdeck_function *function);
/*
 * Makes the queue pair number with the areas of file, which are mapped for DMA. ENOSPC, ENOMEM,
 * EIO; ETIMEDOUT when the device did not answer and must be reset.
 */
int cipherdeck_admin_create(struct cipherdeck_function *function,
			    const struct cipherdeck_file *file, u32 number);
int cipherdeck_admin_destroy(struct cipherdeck_function *function, u32 number);

/* cipherdeck_queue.c */
/* Makes the queue pair of a file; setup->arena_len and number tell what it got. */
int cipherdeck_queue_setup(struct cipherdeck_file *file, struct cipherdeck_ioc_setup *setup);
/* Destroys what setup made, for a file that nobody uses any more. */
void cipherdeck_queue_close(struct cipherdeck_file *file);
/* Ends every queue pair for its process: no access to the device after this. */
void cipherdeck_queue_kill_all(struct cipherdeck_function *function);
/* Takes the memory of dead queue pairs back from a device that is stopped. */
void cipherdeck_queue_unmap_all(struct cipherdeck_function *function);

/* cipherdeck_file.c */
extern const struct file_operations cipherdeck_fops;

static inline u32 cipherdeck_read(struct cipherdeck_function *function, unsigned int reg)
{
	return ioread32(function->registers + reg);
}

static inline void cipherdeck_write(struct cipherdeck_function *function, unsigned int reg,
				    u32 value)
{
	iowrite32(value, function->registers + reg);
}

static inline struct cipherdeck_doorbell *
cipherdeck_doorbell(struct cipherdeck_function *function, u32 number)
{
	return function->doorbells + (size_t)number * CIPHERDECK_DOORBELL_STRIDE;
}

#endif /* CIPHERDECK_LINUX_H */

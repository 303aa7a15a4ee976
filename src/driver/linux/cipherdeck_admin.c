// SPDX-License-Identifier: GPL-2.0-only
/*
 * The admin queue pair: one command at a time, each waited for by interrupt and, should one be
 * lost, by looking again every few milliseconds.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/jiffies.h>

#include "cipherdeck.h"

#define CIPHERDECK_ADMIN_LOOK_MS 20

int cipherdeck_admin_alloc(struct cipherdeck_function *function)
{
	struct cipherdeck_admin *admin = &function->admin;
	struct device *dev = &function->pdev->dev;

	admin->submission = dma_alloc_coherent(dev, PAGE_SIZE, &admin->submission_dma, GFP_KERNEL);
	admin->completion = dma_alloc_coherent(dev, PAGE_SIZE, &admin->completion_dma, GFP_KERNEL);
	admin->arena = dma_alloc_coherent(dev, PAGE_SIZE, &admin->arena_dma, GFP_KERNEL);
	if (admin->submission && admin->completion && admin->arena)
		return 0;
	cipherdeck_admin_free(function);
	return -ENOMEM;
}

void cipherdeck_admin_free(struct cipherdeck_function *function)
{
	struct cipherdeck_admin *admin = &function->admin;
	struct device *dev = &function->pdev->dev;

	if (admin->submission)
		dma_free_coherent(dev, PAGE_SIZE, admin->submission, admin->submission_dma);
	if (admin->completion)
		dma_free_coherent(dev, PAGE_SIZE, admin->completion, admin->completion_dma);
	if (admin->arena)
		dma_free_coherent(dev, PAGE_SIZE, admin->arena, admin->arena_dma);
	memset(admin, 0, sizeof(*admin));
}

/* The phase bit of the completion that the running command gets. */
static bool cipherdeck_admin_done(struct cipherdeck_admin *admin)
{
	const u32 slot = admin->index & (CIPHERDECK_ADMIN_ENTRIES - 1);
	const u16 phase = !(admin->index & CIPHERDECK_ADMIN_ENTRIES);
	const u16 status_phase = le16_to_cpu(smp_load_acquire(
		&admin->completion[slot].status_phase));

	return (status_phase & 1) == phase;
}

static bool cipherdeck_admin_wait(struct cipherdeck_function *function)
{
	const unsigned long end = jiffies + msecs_to_jiffies(CIPHERDECK_ADMIN_TIMEOUT_MS);

	while (!cipherdeck_admin_done(&function->admin)) {
		if (READ_ONCE(function->interrupted) || time_after(jiffies, end))
			return false;
		wait_event_timeout(function->admin_wait,
				   cipherdeck_admin_done(&function->admin) ||
					   READ_ONCE(function->interrupted),
				   msecs_to_jiffies(CIPHERDECK_ADMIN_LOOK_MS));
	}
	return true;
}

static void cipherdeck_admin_submit(struct cipherdeck_function *function,
				    const struct cipherdeck_command *command)
{
	struct cipherdeck_doorbell *doorbell = cipherdeck_doorbell(function, 0);
	struct cipherdeck_admin *admin = &function->admin;

	admin->submission[admin->index & (CIPHERDECK_ADMIN_ENTRIES - 1)] = *command;
	WRITE_ONCE(doorbell->cq_head, cpu_to_le32(admin->index));
	WRITE_ONCE(doorbell->irq_at, cpu_to_le32(admin->index));
	smp_store_release(&doorbell->sq_tail, cpu_to_le32(admin->index + 1));
	/* Ordered against needs_kick = 1 and the look at sq_tail of a device that goes to sleep. */
	mb();
	if (READ_ONCE(doorbell->needs_kick))
		cipherdeck_write(function, CIPHERDECK_REG_KICK, 0);
}

/*
 * Runs one command whose operands are in the arena. The card's status, or a negative error: after
 * ETIMEDOUT or EIO the admin queue pair is out of step and takes no more commands.
 */
static int cipherdeck_admin_run(struct cipherdeck_function *function,
				struct cipherdeck_command *command,
				struct cipherdeck_completion *completion)
{
	struct cipherdeck_admin *admin = &function->admin;
	const u32 slot = admin->index & (CIPHERDECK_ADMIN_ENTRIES - 1);

	if (!function->up)
		return -EIO;
	command->command_id = cpu_to_le16(admin->index & 0xffff);
	cipherdeck_admin_submit(function, command);
	if (!cipherdeck_admin_wait(function)) {
		function->up = false;
		dev_warn(&function->dev, "admin command %#x was not answered\n",
			 le16_to_cpu(command->opcode));
		return -ETIMEDOUT;
	}
	*completion = admin->completion[slot];
	admin->index++;
	if (completion->command_id != command->command_id) {
		function->up = false;
		return -EIO;
	}
	return le16_to_cpu(completion->status_phase) >> 1;
}

static int cipherdeck_status_to_errno(int status)
{
	switch (status) {
	case CIPHERDECK_STATUS_OK:
		return 0;
	case CIPHERDECK_STATUS_LIMIT:
		return -ENOSPC;
	case CIPHERDECK_STATUS_NO_MEMORY:
		return -ENOMEM;
	case CIPHERDECK_STATUS_NOT_FOUND:
		return -ENOENT;
	default:
		return status < 0 ? status : -EIO;
	}
}

static int cipherdeck_identify(struct cipherdeck_function *function)
{
	struct cipherdeck_command command = {
		.opcode = cpu_to_le16(CIPHERDECK_OP_IDENTIFY),
		.output = { .offset = 0, .len = cpu_to_le32(sizeof(struct cipherdeck_identity)) },
	};
	const struct cipherdeck_identity *identity = function->admin.arena;
	struct cipherdeck_completion completion;
	int ret;

	ret = cipherdeck_admin_run(function, &command, &completion);
	if (ret)
		return cipherdeck_status_to_errno(ret);
	if (le32_to_cpu(completion.output_len) < sizeof(*identity))
		return -EIO;
	function->info.features = le64_to_cpu(identity->features);
	return 0;
}

static void cipherdeck_write_address(struct cipherdeck_function *function, unsigned int reg,
				     dma_addr_t address)
{
	cipherdeck_write(function, reg, lower_32_bits(address));
	cipherdeck_write(function, reg + 4, upper_32_bits(address));
}

int cipherdeck_admin_start(struct cipherdeck_function *function)
{
	struct cipherdeck_admin *admin = &function->admin;
	u32 state;
	int ret;

	memset(admin->submission, 0, PAGE_SIZE);
	memset(admin->completion, 0, PAGE_SIZE);
	memset(admin->arena, 0, PAGE_SIZE);
	admin->index = 0;
	cipherdeck_write_address(function, CIPHERDECK_REG_ADMIN_SQ_LO, admin->submission_dma);
	cipherdeck_write_address(function, CIPHERDECK_REG_ADMIN_CQ_LO, admin->completion_dma);
	cipherdeck_write_address(function, CIPHERDECK_REG_ADMIN_ARENA_LO, admin->arena_dma);
	cipherdeck_write(function, CIPHERDECK_REG_ADMIN_ARENA_LEN, PAGE_SIZE);
	cipherdeck_write(function, CIPHERDECK_REG_ADMIN_ENTRIES, CIPHERDECK_ADMIN_ENTRIES);
	cipherdeck_write(function, CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_ENABLE);

	state = cipherdeck_read(function, CIPHERDECK_REG_STATUS);
	if (state == ~0u || !(state & CIPHERDECK_STATE_READY)) {
		dev_err(&function->dev, "function does not get ready: state %#x, error %u\n", state,
			cipherdeck_read(function, CIPHERDECK_REG_ERROR));
		return -EIO;
	}
	function->up = true;
	ret = cipherdeck_identify(function);
	if (ret)
		function->up = false;
	return ret;
}

void cipherdeck_admin_stop(struct cipherdeck_function *function)
{
	function->up = false;
	cipherdeck_write(function, CIPHERDECK_REG_CONTROL, 0);
	/* Posted writes are pushed out by a read. */
	(void)cipherdeck_read(function, CIPHERDECK_REG_STATUS);
}

int cipherdeck_admin_create(struct cipherdeck_function *function,
			    const struct cipherdeck_file *file, u32 number)
{
	struct cipherdeck_queue_pair_create *create = function->admin.arena;
	struct cipherdeck_command command = {
		.opcode = cpu_to_le16(CIPHERDECK_OP_QUEUE_PAIR_CREATE),
		.input = { .offset = 0, .len = cpu_to_le32(sizeof(*create)) },
	};
	struct cipherdeck_completion completion;

	*create = (struct cipherdeck_queue_pair_create){
		.number = cpu_to_le32(number),
		.entries = cpu_to_le32(file->entries),
		.submission = cpu_to_le64(file->submission.dma),
		.completion = cpu_to_le64(file->completion.dma),
		.arena = cpu_to_le64(file->arena.dma),
		.arena_len = cpu_to_le32(file->arena.len),
		.vector = cpu_to_le32(number % function->num_vectors),
	};
	return cipherdeck_status_to_errno(cipherdeck_admin_run(function, &command, &completion));
}

int cipherdeck_admin_destroy(struct cipherdeck_function *function, u32 number)
{
	struct cipherdeck_command command = {
		.opcode = cpu_to_le16(CIPHERDECK_OP_QUEUE_PAIR_DESTROY),
		.arg = { cpu_to_le64(number) },
	};
	struct cipherdeck_completion completion;
	int ret;

	ret = cipherdeck_status_to_errno(cipherdeck_admin_run(function, &command, &completion));
	return ret == -ENOENT ? 0 : ret;
}

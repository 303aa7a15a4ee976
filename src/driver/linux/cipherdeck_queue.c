// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queue pairs: their memory, their making and their end.
 *
 * The memory is ordinary pages mapped for streaming DMA rather than coherent memory: pages can
 * outlive the device, so a process that still maps them after removal reads stale bytes instead of
 * taking a signal. Both sides poll it, so a platform that would copy it through bounce buffers is
 * refused.
 */
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "cipherdeck.h"

static int cipherdeck_area_alloc(struct cipherdeck_area *area, size_t len)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN;

	area->len = PAGE_ALIGN(len);
	area->order = get_order(area->len);
	if (area->order > PAGE_ALLOC_COSTLY_ORDER)
		gfp |= __GFP_NORETRY;
	area->pages = alloc_pages(gfp, area->order);
	return area->pages ? 0 : -ENOMEM;
}

static void cipherdeck_area_free(struct cipherdeck_area *area)
{
	if (!area->pages)
		return;
	memzero_explicit(page_address(area->pages), area->len); /* keys and plaintext were here */
	__free_pages(area->pages, area->order);
	area->pages = NULL;
}

/*
 * Whether the device works on a copy. Behind an IOMMU that translates whole pages it never does,
 * though the DMA layer, which cannot tell, asks for synchronisation there too.
 */
static bool cipherdeck_bounced(struct device *dev, dma_addr_t dma)
{
	const struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	if (domain && (domain->type & __IOMMU_DOMAIN_DMA_API))
		return false;
	return dma_need_sync(dev, dma);
}

static int cipherdeck_area_map(struct device *dev, struct cipherdeck_area *area)
{
	area->dma = dma_map_page(dev, area->pages, 0, area->len, DMA_BIDIRECTIONAL);
	if (dma_mapping_error(dev, area->dma))
		return -ENOMEM;
	area->mapped = true;
	if (cipherdeck_bounced(dev, area->dma)) {
		dev_err_once(dev, "DMA goes through bounce buffers: queue pairs cannot be shared\n");
		return -EIO;
	}
	return 0;
}

static void cipherdeck_area_unmap(struct device *dev, struct cipherdeck_area *area)
{
	if (area->mapped)
		dma_unmap_page(dev, area->dma, area->len, DMA_BIDIRECTIONAL);
	area->mapped = false;
}

static void cipherdeck_queue_free(struct cipherdeck_file *file)
{
	cipherdeck_area_free(&file->submission);
	cipherdeck_area_free(&file->completion);
	cipherdeck_area_free(&file->arena);
	if (file->tombstone)
		__free_page(file->tombstone);
	file->tombstone = NULL;
}

static int cipherdeck_queue_alloc(struct cipherdeck_file *file, u32 entries, u32 arena_len)
{
	int ret;

	file->entries = entries;
	file->tombstone = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!file->tombstone)
		return -ENOMEM;
	ret = cipherdeck_area_alloc(&file->submission, entries * sizeof(struct cipherdeck_command));
	if (ret)
		return ret;
	ret = cipherdeck_area_alloc(&file->completion,
				    entries * sizeof(struct cipherdeck_completion));
	if (ret)
		return ret;
	/* Large contiguous memory may be short: half of it is better than none. */
	while (cipherdeck_area_alloc(&file->arena, arena_len)) {
		if (arena_len <= PAGE_SIZE)
			return -ENOMEM;
		arena_len = PAGE_ALIGN(arena_len / 2);
	}
	return 0;
}

static void cipherdeck_queue_unmap(struct cipherdeck_function *function,
				   struct cipherdeck_file *file)
{
	struct device *dev = &function->pdev->dev;

	if (!file->number)
		return;
	cipherdeck_area_unmap(dev, &file->submission);
	cipherdeck_area_unmap(dev, &file->completion);
	cipherdeck_area_unmap(dev, &file->arena);
	clear_bit(file->number, function->numbers);
	file->number = 0;
}

static int cipherdeck_queue_map(struct cipherdeck_function *function, struct cipherdeck_file *file)
{
	struct device *dev = &function->pdev->dev;
	int ret;

	ret = cipherdeck_area_map(dev, &file->submission);
	if (!ret)
		ret = cipherdeck_area_map(dev, &file->completion);
	if (!ret)
		ret = cipherdeck_area_map(dev, &file->arena);
	return ret;
}

/* The queue pair is made: the process may map it, and interrupts for it find it. */
static void cipherdeck_queue_go_live(struct cipherdeck_function *function,
				     struct cipherdeck_file *file)
{
	struct cipherdeck_vector *vector = &function->vectors[file->number % function->num_vectors];

	down_write(&function->live_lock);
	file->state = CIPHERDECK_FILE_LIVE;
	spin_lock_irq(&function->irq_lock);
	file->doorbell = cipherdeck_doorbell(function, file->number);
	file->irq_seen = le32_to_cpu(READ_ONCE(file->doorbell->irq_count));
	list_add_tail(&file->vector_node, &vector->files);
	spin_unlock_irq(&function->irq_lock);
	up_write(&function->live_lock);
}

/* live_lock held for writing. */
static void cipherdeck_queue_kill(struct cipherdeck_function *function,
				  struct cipherdeck_file *file)
{
	if (file->state != CIPHERDECK_FILE_LIVE)
		return;
	file->state = CIPHERDECK_FILE_DEAD;
	spin_lock_irq(&function->irq_lock);
	list_del_init(&file->vector_node);
	file->doorbell = NULL;
	spin_unlock_irq(&function->irq_lock);
}

/* admin_lock held; the device answers. */
static int cipherdeck_queue_make(struct cipherdeck_function *function,
				 struct cipherdeck_file *file)
{
	u32 number;
	int ret;

	number = find_next_zero_bit(function->numbers, function->max_queue_pairs, 1);
	if (number >= function->max_queue_pairs)
		return -ENOSPC;
	set_bit(number, function->numbers);
	file->number = number;
	ret = cipherdeck_queue_map(function, file);
	if (!ret)
		ret = cipherdeck_admin_create(function, file, number);
	if (ret == -ETIMEDOUT) {
		/* It may yet be made: only a reset takes the memory back, and that unmaps it. */
		cipherdeck_recover(function);
		return -EIO;
	}
	if (ret) {
		cipherdeck_queue_unmap(function, file);
		return ret;
	}
	cipherdeck_queue_go_live(function, file);
	return 0;
}

/* What a process broke, the next one finds whole. admin_lock held. */
static int cipherdeck_ensure_up(struct cipherdeck_function *function)
{
	if (READ_ONCE(function->removed))
		return -ENODEV;
	if (READ_ONCE(function->interrupted))
		return -EIO;
	if (function->up && !(cipherdeck_read(function, CIPHERDECK_REG_STATUS) &
			      CIPHERDECK_STATE_NEEDS_RESET))
		return 0;
	return cipherdeck_recover(function);
}

static bool cipherdeck_setup_valid(const struct cipherdeck_function *function,
				   const struct cipherdeck_ioc_setup *setup)
{
	return setup->entries >= (1u << CIPHERDECK_MIN_ENTRIES_LOG2) &&
	       setup->entries <= function->info.max_entries && is_power_of_2(setup->entries) &&
	       setup->arena_len && PAGE_ALIGNED(setup->arena_len) && !setup->reserved;
}

/* One ioctl at a time may make the queue pair. */
static int cipherdeck_queue_claim(struct cipherdeck_file *file)
{
	struct cipherdeck_function *function = file->function;
	int ret = 0;

	down_write(&function->live_lock);
	if (function->removed)
		ret = -ENODEV;
	else if (file->state != CIPHERDECK_FILE_OPEN)
		ret = -EBUSY;
	else
		file->state = CIPHERDECK_FILE_SETUP;
	up_write(&function->live_lock);
	return ret;
}

int cipherdeck_queue_setup(struct cipherdeck_file *file, struct cipherdeck_ioc_setup *setup)
{
	struct cipherdeck_function *function = file->function;
	int ret;

	if (!cipherdeck_setup_valid(function, setup))
		return -EINVAL;
	ret = cipherdeck_queue_claim(file);
	if (ret)
		return ret;

	ret = cipherdeck_queue_alloc(file, setup->entries,
				     min(setup->arena_len, function->info.max_arena_len));
	if (!ret) {
		mutex_lock(&function->admin_lock);
		ret = cipherdeck_ensure_up(function);
		if (!ret)
			ret = cipherdeck_queue_make(function, file);
		setup->number = file->number;
		mutex_unlock(&function->admin_lock);
	}
	if (!ret) {
		setup->arena_len = file->arena.len;
		return 0;
	}
	cipherdeck_queue_free(file);
	down_write(&function->live_lock);
	file->state = CIPHERDECK_FILE_OPEN;
	up_write(&function->live_lock);
	return ret;
}

void cipherdeck_queue_close(struct cipherdeck_file *file)
{
	struct cipherdeck_function *function = file->function;

	mutex_lock(&function->admin_lock);
	down_write(&function->live_lock);
	cipherdeck_queue_kill(function, file);
	up_write(&function->live_lock);
	if (file->number && cipherdeck_admin_destroy(function, file->number))
		cipherdeck_recover(function); /* nothing less makes the memory ours again */
	cipherdeck_queue_unmap(function, file);
	down_write(&function->live_lock);
	list_del(&file->node);
	up_write(&function->live_lock);
	mutex_unlock(&function->admin_lock);
	cipherdeck_queue_free(file);
}

void cipherdeck_queue_kill_all(struct cipherdeck_function *function)
{
	struct cipherdeck_file *file;

	down_write(&function->live_lock);
	list_for_each_entry(file, &function->files, node) {
		cipherdeck_queue_kill(function, file);
		unmap_mapping_range(file->mapping, CIPHERDECK_MMAP_DOORBELL, PAGE_SIZE, 1);
		wake_up_all(&file->wait);
	}
	up_write(&function->live_lock);
}

void cipherdeck_queue_unmap_all(struct cipherdeck_function *function)
{
	struct cipherdeck_file *file;

	down_read(&function->live_lock);
	list_for_each_entry(file, &function->files, node)
		cipherdeck_queue_unmap(function, file);
	up_read(&function->live_lock);
}

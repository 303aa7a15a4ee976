// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/cipherdeckN: what a program may do. See <cipherdeck/ioctl.h>.
 */
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#include "cipherdeck.h"

static int cipherdeck_open(struct inode *inode, struct file *filp)
{
	struct cipherdeck_function *function =
		container_of(inode->i_cdev, struct cipherdeck_function, cdev);
	struct cipherdeck_file *file;
	int ret = 0;

	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return -ENOMEM;
	file->function = function;
	file->mapping = filp->f_mapping;
	INIT_LIST_HEAD(&file->vector_node);
	init_waitqueue_head(&file->wait);

	down_write(&function->live_lock);
	if (function->removed)
		ret = -ENODEV;
	else
		list_add_tail(&file->node, &function->files);
	up_write(&function->live_lock);
	if (ret) {
		kfree(file);
		return ret;
	}
	get_device(&function->dev);
	filp->private_data = file;
	return nonseekable_open(inode, filp);
}

static int cipherdeck_release(struct inode *inode, struct file *filp)
{
	struct cipherdeck_file *file = filp->private_data;
	struct cipherdeck_function *function = file->function;

	cipherdeck_queue_close(file);
	kfree(file);
	put_device(&function->dev);
	return 0;
}

static long cipherdeck_ioctl_setup(struct cipherdeck_file *file, void __user *argument)
{
	struct cipherdeck_ioc_setup setup;
	int ret;

	if (copy_from_user(&setup, argument, sizeof(setup)))
		return -EFAULT;
	ret = cipherdeck_queue_setup(file, &setup);
	if (ret)
		return ret;
	return copy_to_user(argument, &setup, sizeof(setup)) ? -EFAULT : 0;
}

static long cipherdeck_ioctl_info(struct cipherdeck_file *file, void __user *argument)
{
	const struct cipherdeck_ioc_info info = file->function->info;

	if (READ_ONCE(file->function->removed))
		return -ENODEV;
	return copy_to_user(argument, &info, sizeof(info)) ? -EFAULT : 0;
}

static long cipherdeck_ioctl_kick(struct cipherdeck_file *file)
{
	struct cipherdeck_function *function = file->function;
	long ret = 0;

	down_read(&function->live_lock);
	if (function->removed)
		ret = -ENODEV;
	else if (file->state == CIPHERDECK_FILE_LIVE)
		cipherdeck_write(function, CIPHERDECK_REG_KICK, file->number);
	else
		ret = file->state == CIPHERDECK_FILE_DEAD ? -EIO : -EINVAL;
	up_read(&function->live_lock);
	return ret;
}

static long cipherdeck_ioctl(struct file *filp, unsigned int request, unsigned long argument)
{
	struct cipherdeck_file *file = filp->private_data;

	switch (request) {
	case CIPHERDECK_IOC_SETUP:
		return cipherdeck_ioctl_setup(file, (void __user *)argument);
	case CIPHERDECK_IOC_KICK:
		return cipherdeck_ioctl_kick(file);
	case CIPHERDECK_IOC_INFO:
		return cipherdeck_ioctl_info(file, (void __user *)argument);
	default:
		return -ENOTTY;
	}
}

static __poll_t cipherdeck_poll(struct file *filp, poll_table *table)
{
	struct cipherdeck_file *file = filp->private_data;

	poll_wait(filp, &file->wait, table);
	if (READ_ONCE(file->function->removed))
		return EPOLLHUP;
	if (READ_ONCE(file->state) == CIPHERDECK_FILE_DEAD)
		return EPOLLERR;
	return test_and_clear_bit(0, &file->events) ? EPOLLIN | EPOLLRDNORM : 0;
}

/*
 * The doorbell page is put into the page table on first touch, so that it can be taken out again:
 * after a reset the same page may belong to another process, and after removal to nobody. A touch
 * after that gets a page of zeros, which reads as state NONE.
 */
static vm_fault_t cipherdeck_doorbell_fault(struct vm_fault *vmf)
{
	struct cipherdeck_file *file = vmf->vma->vm_file->private_data;
	struct cipherdeck_function *function = file->function;
	unsigned long pfn;
	vm_fault_t ret;

	down_read(&function->live_lock);
	if (file->state == CIPHERDECK_FILE_LIVE)
		pfn = PHYS_PFN(function->doorbells_start +
			       (phys_addr_t)file->number * CIPHERDECK_DOORBELL_STRIDE);
	else
		pfn = page_to_pfn(file->tombstone);
	ret = vmf_insert_pfn(vmf->vma, vmf->address, pfn);
	up_read(&function->live_lock);
	return ret;
}

static const struct vm_operations_struct cipherdeck_doorbell_ops = {
	.fault = cipherdeck_doorbell_fault,
};

static void cipherdeck_restrict_vma(struct vm_area_struct *vma, vm_flags_t set)
{
	const vm_flags_t clear = VM_MAYEXEC;

	set |= VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

/*
 * The protection is left write-back. BAR 2 is memory that the card's process shares, not device
 * registers: under write-back a doorbell costs a store to cache. The module's own mapping of it
 * (write-back as well) settles the type, and where the firmware's MTRRs forbid that it is uncached.
 */
static int cipherdeck_map_doorbell(struct vm_area_struct *vma)
{
	if (vma->vm_end - vma->vm_start != PAGE_SIZE)
		return -EINVAL;
	cipherdeck_restrict_vma(vma, VM_PFNMAP | VM_IO);
	vma->vm_ops = &cipherdeck_doorbell_ops;
	return 0;
}

static int cipherdeck_map_area(struct vm_area_struct *vma, const struct cipherdeck_area *area)
{
	if (vma->vm_end - vma->vm_start != area->len)
		return -EINVAL;
	cipherdeck_restrict_vma(vma, 0);
	return remap_pfn_range(vma, vma->vm_start, page_to_pfn(area->pages), area->len,
			       vma->vm_page_prot);
}

/* live_lock held for reading. */
static int cipherdeck_mmap_live(struct cipherdeck_file *file, struct vm_area_struct *vma)
{
	switch ((u64)vma->vm_pgoff << PAGE_SHIFT) {
	case CIPHERDECK_MMAP_SUBMISSION:
		return cipherdeck_map_area(vma, &file->submission);
	case CIPHERDECK_MMAP_COMPLETION:
		return cipherdeck_map_area(vma, &file->completion);
	case CIPHERDECK_MMAP_ARENA:
		return cipherdeck_map_area(vma, &file->arena);
	case CIPHERDECK_MMAP_DOORBELL:
		return cipherdeck_map_doorbell(vma);
	default:
		return -EINVAL;
	}
}

static int cipherdeck_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct cipherdeck_file *file = filp->private_data;
	struct cipherdeck_function *function = file->function;
	int ret;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	down_read(&function->live_lock);
	if (function->removed)
		ret = -ENODEV;
	else if (file->state == CIPHERDECK_FILE_LIVE)
		ret = cipherdeck_mmap_live(file, vma);
	else
		ret = file->state == CIPHERDECK_FILE_DEAD ? -EIO : -EINVAL;
	up_read(&function->live_lock);
	return ret;
}

const struct file_operations cipherdeck_fops = {
	.owner = THIS_MODULE,
	.open = cipherdeck_open,
	.release = cipherdeck_release,
	.unlocked_ioctl = cipherdeck_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = cipherdeck_poll,
	.mmap = cipherdeck_mmap,
};

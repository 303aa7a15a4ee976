// SPDX-License-Identifier: GPL-2.0-only
/*
 * CipherDeck cryptographic card: taking up a PCI function, giving it up, resets.
 *
 * One driver serves the physical and the virtual functions: to it they differ by an identifier.
 */
#include <linux/dma-mapping.h>
#include <linux/idr.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/version.h>

#include "cipherdeck.h"

static dev_t cipherdeck_first;
static DEFINE_IDA(cipherdeck_minors);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
static char *cipherdeck_devnode(const struct device *dev, umode_t *mode)
#else
static char *cipherdeck_devnode(struct device *dev, umode_t *mode)
#endif
{
	if (mode)
		*mode = 0660; /* the udev rule gives it to group cipherdeck */
	return NULL;
}

static struct class cipherdeck_class = {
	.name = CIPHERDECK_NAME,
	.devnode = cipherdeck_devnode,
};

/* ---- interrupts --------------------------------------------------------------------------- */

/*
 * A vector serves several queue pairs; only those whose count has moved are woken. The count lies
 * where the process can write it, which gets a process nothing but wrong wake-ups of its own.
 */
static irqreturn_t cipherdeck_interrupt(int irq, void *data)
{
	struct cipherdeck_vector *vector = data;
	struct cipherdeck_function *function = vector->function;
	struct cipherdeck_file *file;

	if (vector->index == 0)
		wake_up(&function->admin_wait);
	spin_lock(&function->irq_lock);
	list_for_each_entry(file, &vector->files, vector_node) {
		const u32 count = le32_to_cpu(READ_ONCE(file->doorbell->irq_count));

		if (count == file->irq_seen)
			continue;
		file->irq_seen = count;
		set_bit(0, &file->events);
		wake_up_interruptible(&file->wait);
	}
	spin_unlock(&function->irq_lock);
	return IRQ_HANDLED;
}

static void cipherdeck_free_irqs(struct cipherdeck_function *function, unsigned int num)
{
	while (num--)
		free_irq(pci_irq_vector(function->pdev, num), &function->vectors[num]);
	pci_free_irq_vectors(function->pdev);
}

static int cipherdeck_request_irqs(struct cipherdeck_function *function)
{
	unsigned int wanted = cipherdeck_read(function, CIPHERDECK_REG_VECTORS);
	unsigned int i;
	int ret;

	wanted = clamp_t(unsigned int, wanted, 1, CIPHERDECK_MAX_VECTORS);
	ret = pci_alloc_irq_vectors(function->pdev, 1, wanted, PCI_IRQ_MSI);
	if (ret < 0)
		return ret;
	function->num_vectors = ret;
	for (i = 0; i < function->num_vectors; i++) {
		ret = request_irq(pci_irq_vector(function->pdev, i), cipherdeck_interrupt, 0,
				  CIPHERDECK_NAME, &function->vectors[i]);
		if (ret) {
			cipherdeck_free_irqs(function, i);
			return ret;
		}
	}
	return 0;
}

/* ---- resets ------------------------------------------------------------------------------- */

/* Ends all use of the device: afterwards it touches no memory of ours. admin_lock held. */
static void cipherdeck_take_down(struct cipherdeck_function *function)
{
	cipherdeck_queue_kill_all(function);
	cipherdeck_admin_stop(function);
	cipherdeck_queue_unmap_all(function);
}

int cipherdeck_recover(struct cipherdeck_function *function)
{
	cipherdeck_take_down(function);
	if (READ_ONCE(function->interrupted))
		return -EIO; /* somebody else resets or removes it next */
	if (cipherdeck_read(function, CIPHERDECK_REG_MAGIC) != CIPHERDECK_MAGIC) {
		dev_err(&function->dev, "the device does not answer\n");
		return -EIO;
	}
	dev_warn(&function->dev, "resetting the function\n");
	pci_save_state(function->pdev);
	cipherdeck_write(function, CIPHERDECK_REG_CONTROL, CIPHERDECK_CONTROL_RESET);
	(void)cipherdeck_read(function, CIPHERDECK_REG_STATUS);
	pci_restore_state(function->pdev);
	return cipherdeck_admin_start(function);
}

/* Whoever waits for an admin command gives up, so that admin_lock is had soon. */
static void cipherdeck_interrupt_admin(struct cipherdeck_function *function)
{
	WRITE_ONCE(function->interrupted, true);
	wake_up_all(&function->admin_wait);
}

static void cipherdeck_reset_prepare(struct pci_dev *pdev)
{
	struct cipherdeck_function *function = pci_get_drvdata(pdev);

	cipherdeck_interrupt_admin(function);
	mutex_lock(&function->admin_lock);
	cipherdeck_take_down(function);
	mutex_unlock(&function->admin_lock);
}

static void cipherdeck_reset_done(struct pci_dev *pdev)
{
	struct cipherdeck_function *function = pci_get_drvdata(pdev);

	mutex_lock(&function->admin_lock);
	WRITE_ONCE(function->interrupted, false);
	if (cipherdeck_admin_start(function))
		dev_err(&function->dev, "the function does not come back after a reset\n");
	mutex_unlock(&function->admin_lock);
}

static const struct pci_error_handlers cipherdeck_error_handlers = {
	.reset_prepare = cipherdeck_reset_prepare,
	.reset_done = cipherdeck_reset_done,
};

/* ---- probe and remove --------------------------------------------------------------------- */

static void cipherdeck_function_release(struct device *dev)
{
	struct cipherdeck_function *function = container_of(dev, struct cipherdeck_function, dev);

	ida_free(&cipherdeck_minors, function->minor);
	kfree(function);
}

static struct cipherdeck_function *cipherdeck_function_alloc(struct pci_dev *pdev)
{
	struct cipherdeck_function *function;
	unsigned int i;

	function = kzalloc(sizeof(*function), GFP_KERNEL);
	if (!function)
		return NULL;
	function->minor = ida_alloc_max(&cipherdeck_minors, CIPHERDECK_MAX_FUNCTIONS - 1,
					GFP_KERNEL);
	if (function->minor < 0) {
		kfree(function);
		return NULL;
	}
	function->pdev = pdev;
	mutex_init(&function->admin_lock);
	init_waitqueue_head(&function->admin_wait);
	init_rwsem(&function->live_lock);
	INIT_LIST_HEAD(&function->files);
	spin_lock_init(&function->irq_lock);
	for (i = 0; i < CIPHERDECK_MAX_VECTORS; i++) {
		function->vectors[i].function = function;
		function->vectors[i].index = i;
		INIT_LIST_HEAD(&function->vectors[i].files);
	}

	device_initialize(&function->dev);
	function->dev.class = &cipherdeck_class;
	function->dev.parent = &pdev->dev;
	function->dev.devt = MKDEV(MAJOR(cipherdeck_first), function->minor);
	function->dev.release = cipherdeck_function_release;
	cdev_init(&function->cdev, &cipherdeck_fops);
	function->cdev.owner = THIS_MODULE;
	if (dev_set_name(&function->dev, CIPHERDECK_NAME "%d", function->minor)) {
		put_device(&function->dev);
		return NULL;
	}
	return function;
}

/* Reads who the device is and what it can do; nothing of it is believed beyond its bounds. */
static int cipherdeck_read_limits(struct cipherdeck_function *function)
{
	const u32 version = cipherdeck_read(function, CIPHERDECK_REG_VERSION);
	const u32 limits = cipherdeck_read(function, CIPHERDECK_REG_LIMITS);
	const u32 max_order_len = PAGE_SIZE << 10; /* the largest block the page allocator has */

	if (cipherdeck_read(function, CIPHERDECK_REG_MAGIC) != CIPHERDECK_MAGIC ||
	    version >> 16 != CIPHERDECK_VERSION_MAJOR) {
		dev_err(&function->pdev->dev, "not a function of version %u: %#x\n",
			CIPHERDECK_VERSION_MAJOR, version);
		return -ENODEV;
	}
	function->info.version = version;
	function->info.function = cipherdeck_read(function, CIPHERDECK_REG_FUNCTION);
	function->info.max_entries = 1u << clamp_t(u32, CIPHERDECK_LIMITS_ENTRIES_LOG2(limits),
						   CIPHERDECK_MIN_ENTRIES_LOG2,
						   CIPHERDECK_MAX_ENTRIES_LOG2);
	function->info.max_arena_len =
		min(max_order_len, 1u << clamp_t(u32, CIPHERDECK_LIMITS_ARENA_LOG2(limits),
						 PAGE_SHIFT, CIPHERDECK_MAX_ARENA_LOG2));
	function->max_queue_pairs = clamp_t(u32, CIPHERDECK_LIMITS_QUEUE_PAIRS(limits), 1,
					    CIPHERDECK_MAX_QUEUE_PAIRS);
	return 0;
}

static void cipherdeck_unmap_bars(struct cipherdeck_function *function)
{
	if (function->doorbells)
		memunmap(function->doorbells);
	if (function->registers)
		pci_iounmap(function->pdev, function->registers);
	pci_release_regions(function->pdev);
}

static int cipherdeck_map_bars(struct cipherdeck_function *function)
{
	struct pci_dev *pdev = function->pdev;
	int ret;

	if (pci_resource_len(pdev, CIPHERDECK_BAR_REGISTERS) < CIPHERDECK_BAR_REGISTERS_LEN ||
	    pci_resource_len(pdev, CIPHERDECK_BAR_DOORBELLS) < CIPHERDECK_BAR_DOORBELLS_LEN)
		return -ENODEV;
	ret = pci_request_regions(pdev, CIPHERDECK_NAME);
	if (ret)
		return ret;
	function->doorbells_start = pci_resource_start(pdev, CIPHERDECK_BAR_DOORBELLS);
	function->registers = pci_iomap(pdev, CIPHERDECK_BAR_REGISTERS,
					CIPHERDECK_BAR_REGISTERS_LEN);
	function->doorbells = memremap(function->doorbells_start, CIPHERDECK_BAR_DOORBELLS_LEN,
				       MEMREMAP_WB);
	if (function->registers && function->doorbells)
		return 0;
	cipherdeck_unmap_bars(function);
	return -ENOMEM;
}

/* Everything between a PCI device that is switched on and a function that takes work. */
static int cipherdeck_take_up(struct cipherdeck_function *function)
{
	int ret;

	ret = cipherdeck_map_bars(function);
	if (ret)
		return ret;
	ret = cipherdeck_read_limits(function);
	if (ret)
		goto unmap_bars;
	ret = cipherdeck_request_irqs(function);
	if (ret)
		goto unmap_bars;
	ret = cipherdeck_admin_alloc(function);
	if (ret)
		goto free_irqs;

	mutex_lock(&function->admin_lock);
	ret = cipherdeck_admin_start(function);
	if (ret)
		cipherdeck_admin_stop(function);
	mutex_unlock(&function->admin_lock);
	if (!ret)
		return 0;

	cipherdeck_admin_free(function);
free_irqs:
	cipherdeck_free_irqs(function, function->num_vectors);
unmap_bars:
	cipherdeck_unmap_bars(function);
	return ret;
}

static void cipherdeck_give_up(struct cipherdeck_function *function)
{
	down_write(&function->live_lock);
	function->removed = true;
	up_write(&function->live_lock);
	cipherdeck_interrupt_admin(function);

	mutex_lock(&function->admin_lock);
	cipherdeck_take_down(function);
	cipherdeck_free_irqs(function, function->num_vectors);
	cipherdeck_admin_free(function);
	cipherdeck_unmap_bars(function);
	mutex_unlock(&function->admin_lock);
}

static int cipherdeck_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct cipherdeck_function *function;
	int ret;

	function = cipherdeck_function_alloc(pdev);
	if (!function)
		return -ENOMEM;
	ret = pci_enable_device_mem(pdev);
	if (ret)
		goto put;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		goto disable;
	pci_set_master(pdev);
	pci_set_drvdata(pdev, function);
	ret = cipherdeck_take_up(function);
	if (ret)
		goto disable;
	ret = cdev_device_add(&function->cdev, &function->dev);
	if (ret)
		goto give_up;
	dev_info(&pdev->dev, "%s: function %u, %u queue pairs, %u vectors\n",
		 dev_name(&function->dev), function->info.function, function->max_queue_pairs - 1,
		 function->num_vectors);
	return 0;

give_up:
	cipherdeck_give_up(function);
disable:
	pci_disable_device(pdev);
put:
	put_device(&function->dev);
	return ret;
}

static void cipherdeck_remove(struct pci_dev *pdev)
{
	struct cipherdeck_function *function = pci_get_drvdata(pdev);

	cdev_device_del(&function->cdev, &function->dev);
	cipherdeck_give_up(function);
	pci_disable_device(pdev);
	put_device(&function->dev);
}

static const struct pci_device_id cipherdeck_ids[] = {
	{ PCI_DEVICE(CIPHERDECK_PCI_VENDOR, CIPHERDECK_PCI_DEVICE_PF) },
	{ PCI_DEVICE(CIPHERDECK_PCI_VENDOR, CIPHERDECK_PCI_DEVICE_VF) },
	{}
};
MODULE_DEVICE_TABLE(pci, cipherdeck_ids);

static struct pci_driver cipherdeck_driver = {
	.name = CIPHERDECK_NAME,
	.id_table = cipherdeck_ids,
	.probe = cipherdeck_probe,
	.remove = cipherdeck_remove,
	.shutdown = cipherdeck_reset_prepare, /* no DMA into the next kernel's memory */
	.err_handler = &cipherdeck_error_handlers,
};

static int __init cipherdeck_init(void)
{
	int ret;

	ret = alloc_chrdev_region(&cipherdeck_first, 0, CIPHERDECK_MAX_FUNCTIONS, CIPHERDECK_NAME);
	if (ret)
		return ret;
	ret = class_register(&cipherdeck_class);
	if (ret)
		goto unregister_chrdev;
	ret = pci_register_driver(&cipherdeck_driver);
	if (ret)
		goto unregister_class;
	return 0;

unregister_class:
	class_unregister(&cipherdeck_class);
unregister_chrdev:
	unregister_chrdev_region(cipherdeck_first, CIPHERDECK_MAX_FUNCTIONS);
	return ret;
}

static void __exit cipherdeck_exit(void)
{
	pci_unregister_driver(&cipherdeck_driver);
	class_unregister(&cipherdeck_class);
	unregister_chrdev_region(cipherdeck_first, CIPHERDECK_MAX_FUNCTIONS);
	ida_destroy(&cipherdeck_minors);
}

module_init(cipherdeck_init);
module_exit(cipherdeck_exit);

MODULE_DESCRIPTION("CipherDeck cryptographic card");
MODULE_VERSION("0.1.0");
MODULE_LICENSE("GPL");

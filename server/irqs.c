/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "irqs.h"

/* --- descriptors ----------------------------------------------------------- */

static void set_fd(int *at, int fd)
{
	if (*at >= 0)
		close(*at);
	*at = fd;
}

/* It has no file type, as files, pipes and sockets have. */
static bool is_eventfd(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && !(st.st_mode & S_IFMT);
}

static void signal_irq(struct irqs *irqs, uint32_t index)
{
	int fd = irqs->fd[index][IRQ_TRIGGERED];

	if (fd >= 0)
		notifier_signal(&irqs->notifier, fd);
}

/* Whether it was signalled; never waits, whoever else may read it. */
static bool take_event(int fd)
{
	uint64_t nr;
	struct iovec iov = { &nr, sizeof(nr) };

	return fd >= 0 && preadv2(fd, &iov, 1, -1, RWF_NOWAIT) == sizeof(nr);
}

static void drop(struct irqs *irqs, uint32_t index)
{
	unsigned int i;

	for (i = 0; i < NR_IRQ_EVENTS; i++)
		set_fd(&irqs->fd[index][i], -1);
	if (index == VFIO_USER_PCI_INTX)
		irqs->intx_masked = false;
}

void irqs_init(struct irqs *irqs, const struct device *dev)
{
	*irqs = (struct irqs) { 0 };
	memset(irqs->fd, 0xff, sizeof(irqs->fd));
	irqs->told = dev->faults;
}

void irqs_fini(struct irqs *irqs)
{
	uint32_t i;

	for (i = 0; i < VFIO_USER_PCI_IRQS; i++)
		drop(irqs, i);
	notifier_close(&irqs->notifier);
}

/* --- what there is --------------------------------------------------------- */

/* Errors and requests are there for QEMU, which warns where a device cannot tell of errors. */
uint32_t irq_count(uint32_t index)
{
	return index != VFIO_USER_PCI_MSIX;
}

uint32_t irq_flags(uint32_t index)
{
	if (index == VFIO_USER_PCI_INTX)
		return VFIO_USER_IRQ_EVENTFD | VFIO_USER_IRQ_MASKABLE | VFIO_USER_IRQ_AUTOMASKED;
	return irq_count(index) ? VFIO_USER_IRQ_EVENTFD : 0;
}

/* --- setting up ------------------------------------------------------------ */

static bool is_one_bit(uint32_t val)
{
	return val && !(val & (val - 1));
}

static enum irq_event event_of(uint32_t flags)
{
	if (flags & VFIO_USER_IRQ_MASK)
		return IRQ_MASKED;
	return flags & VFIO_USER_IRQ_UNMASK ? IRQ_UNMASKED : IRQ_TRIGGERED;
}

/* Without data, or with a byte that says whether it is meant at all. */
static void do_now(struct irqs *irqs, const struct vfio_user_irq_set *set)
{
	const uint8_t *wanted = (const void *)(set + 1);

	if (set->flags & VFIO_USER_IRQ_DATA_BOOL && !*wanted)
		return;
	if (set->flags & VFIO_USER_IRQ_TRIGGER)
		signal_irq(irqs, set->index);
	else
		irqs->intx_masked = set->flags & VFIO_USER_IRQ_MASK;
}

int irqs_set(struct irqs *irqs, const struct vfio_user_irq_set *set, int fd)
{
	int err;

	if (set->flags & ~(VFIO_USER_IRQ_DATA | VFIO_USER_IRQ_ACTION) ||
	    !is_one_bit(set->flags & VFIO_USER_IRQ_DATA) ||
	    !is_one_bit(set->flags & VFIO_USER_IRQ_ACTION) || set->index >= VFIO_USER_PCI_IRQS)
		return EINVAL;
	if (!set->count) {
		if (set->start || set->flags != (VFIO_USER_IRQ_DATA_NONE | VFIO_USER_IRQ_TRIGGER))
			return EINVAL;
		drop(irqs, set->index);
		return 0;
	}
	/* There is no more than one of each kind: what is left is about that. */
	if (set->start + set->count > irq_count(set->index))
		return EINVAL;
	if (!(set->flags & VFIO_USER_IRQ_TRIGGER) &&
	    !(irq_flags(set->index) & VFIO_USER_IRQ_MASKABLE))
		return EINVAL;
	if (!(set->flags & VFIO_USER_IRQ_DATA_EVENTFD)) {
		do_now(irqs, set);
		return 0;
	}
	if (fd >= 0 && !is_eventfd(fd))
		return EINVAL;
	err = fd >= 0 ? notifier_open(&irqs->notifier) : 0;
	if (err)
		return err;
	set_fd(&irqs->fd[set->index][event_of(set->flags)], fd);
	return 0;
}

/* --- telling --------------------------------------------------------------- */

/*
 * MSI is a message for each fault that the GPU takes, INTx a line that is held
 * while it has one: its client is told again once it has unmasked it.
 */
void irqs_tell(struct irqs *irqs, const struct device *dev)
{
	const int *intx = irqs->fd[VFIO_USER_PCI_INTX];

	if (irqs->intx_masked && take_event(intx[IRQ_UNMASKED]))
		irqs->intx_masked = false;
	switch (pci_config_interrupt(&dev->config)) {
	case PCI_INTERRUPT_MSI:
		if (irqs->told != dev->faults)
			signal_irq(irqs, VFIO_USER_PCI_MSI);
		break;
	case PCI_INTERRUPT_INTX:
		if (dev->fault && !irqs->intx_masked && intx[IRQ_TRIGGERED] >= 0) {
			signal_irq(irqs, VFIO_USER_PCI_INTX);
			irqs->intx_masked = true;
		}
		break;
	case PCI_INTERRUPT_NONE:
		break;
	}
	irqs->told = dev->faults;
}

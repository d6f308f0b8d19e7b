/* SPDX-License-Identifier: MIT */
/* A client's interrupts: how it wants to be told, and telling it. */
#ifndef SERVER_IRQS_H
#define SERVER_IRQS_H

#include "device.h"
#include "notify.h"
#include "vfio_user.h"

/* What a client may want to be told of an interrupt */
enum irq_event { IRQ_MASKED, IRQ_UNMASKED, IRQ_TRIGGERED, NR_IRQ_EVENTS };

/**
 * struct irqs - interrupts of one client
 * @fd: its eventfds, by interrupt and event; -1 for none.  That for masking is kept
 *	and not used.  INTx's for unmasking is read, as the kernel's VFIO does: QEMU
 *	has KVM signal it when the guest's handler is done [qemu, hw/vfio/pci.c
 *	vfio_intx_enable_kvm()]
 * @notifier: signals them; ready once there is one
 * @intx_masked: INTx is not to be told; it masks itself when it is
 * @told: faults that MSI has told of, or that came before the client
 */
struct irqs {
	int fd[VFIO_USER_PCI_IRQS][NR_IRQ_EVENTS];
	struct notifier notifier;
	bool intx_masked;
	uint64_t told;
};

/** irqs_init - no interrupt is set up; faults that there were are none of its */
void irqs_init(struct irqs *irqs, const struct device *dev);

/** irqs_fini - give up the descriptors of all */
void irqs_fini(struct irqs *irqs);

/* How many of a kind (VFIO_USER_PCI_INTX ...) there are, and VFIO_USER_IRQ_* of that kind. */
uint32_t irq_count(uint32_t index);
uint32_t irq_flags(uint32_t index);

/**
 * irqs_set - do what DEVICE_SET_IRQS asks for
 * @irqs: interrupts
 * @set: the message, which holds what its count and flags say
 * @fd: the descriptor that came with it, -1 for none
 *
 * Return: 0, or an errno above 0: EINVAL (no such interrupt, or it does not do
 * that; or no eventfd), or one of notifier_open().  With 0 a descriptor belongs to
 * @irqs, if @set is about descriptors.
 */
int irqs_set(struct irqs *irqs, const struct vfio_user_irq_set *set, int fd);

/**
 * irqs_tell - signal what the device has to say
 * @irqs: interrupts
 * @dev: the device
 *
 * To be called when something may have changed: after each access, and after
 * irqs_set().  That INTx was unmasked by its eventfd is seen then, too.
 */
void irqs_tell(struct irqs *irqs, const struct device *dev);

#endif

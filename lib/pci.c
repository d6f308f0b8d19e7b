// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "pci.h"

/* How many hexadecimal digits there are. */
static size_t hex_digits(const char *text)
{
	size_t nr = 0;

	while (isxdigit((unsigned char)text[nr]))
		nr++;
	return nr;
}

/* "01:00.0" */
static bool is_device(const char *text)
{
	return hex_digits(text) == 2 && text[2] == ':' && hex_digits(text + 3) == 2 &&
	       strtoul(text + 3, NULL, 16) < 32 && text[5] == '.' &&
	       text[6] >= '0' && text[6] <= '7' && !text[7];
}

int nvbar_pci_address_parse(const char *text, char address[NVBAR_PCI_ADDRESS_MAX])
{
	size_t digits = hex_digits(text);
	unsigned long domain = 0;
	char *c;

	if (digits >= 4 && digits <= 8 && text[digits] == ':') {
		domain = strtoul(text, NULL, 16);
		text += digits + 1;
	}
	if (!is_device(text))
		return -EINVAL;
	snprintf(address, NVBAR_PCI_ADDRESS_MAX, "%04lx:%s", domain, text);
	for (c = address; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return 0;
}

static bool is_memory(const struct nvbar_pci_bar *bar)
{
	return bar->size && !(bar->bits & PCI_BAR_IO);
}

void nvbar_bar_find_roles(const struct nvbar_pci_bar bar[PCI_NR_BARS],
			  struct nvbar_bar_roles *roles)
{
	/* The next register is the upper half of this one. */
	bool wide = is_memory(&bar[0]) ? (bar[0].bits & PCI_BAR_TYPE) == PCI_BAR_64 :
					 !is_memory(&bar[1]) && is_memory(&bar[2]);
	int bar1 = wide ? 2 : 1;

	roles->regs = is_memory(&bar[0]) ? 0 : -1;
	roles->bar1 = is_memory(&bar[bar1]) ? bar1 : -1;
	roles->bar2 = is_memory(&bar[bar1 + 2]) ? bar1 + 2 : -1;
}

bool nvbar_pci_answers(const struct nvbar_pci_head *head)
{
	return head->id != ~0u && head->id != PCI_ID_NOT_READY && head->command != 0xffff;
}

int nvbar_pci_refuse_gone(const struct nvbar_log *log, const struct nvbar_pci_head *head)
{
	nvbar_log(log, 0, "the GPU is gone: its configuration space reads 0x%08x, command 0x%04x; if "
		  "it fell off the bus, or does not come back from a reset, its power must be "
		  "switched off", head->id, head->command);
	return -ENODEV;
}

int nvbar_pci_refuse_claimed(const struct nvbar_log *log, const char *bar)
{
	nvbar_log(log, 0, "%s: something else, as a boot console, has claimed it; /proc/iomem says what",
		  bar);
	return -EBUSY;
}

int nvbar_pci_refuse_unplaced(const struct nvbar_log *log, const char *bar)
{
	nvbar_log(log, 0, "%s has no address: the firmware or the kernel found no room", bar);
	return -EOPNOTSUPP;
}

int nvbar_pci_refuse_small(const struct nvbar_log *log, u64 size)
{
	nvbar_log(log, 0, "BAR0 of 0x%llx bytes is too small for a GPU's registers", size);
	return -EOPNOTSUPP;
}

int nvbar_pci_refuse_off(const struct nvbar_log *log, const char *help)
{
	nvbar_log(log, 0, "its BARs are switched off, and who observes writes nothing; %s", help);
	return -EACCES;
}

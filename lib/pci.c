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

void nvbar_bar_find_roles(const struct nvbar_pci_bar bar[PCI_NR_BARS],
			  struct nvbar_bar_roles *roles)
{
	int i, nr_found = 0;

	*roles = (struct nvbar_bar_roles){ -1, -1, -1 };
	for (i = 0; i < PCI_NR_BARS; i++) {
		if (!bar[i].size || bar[i].bits & PCI_BAR_IO)
			continue;
		nr_found++;
		if (nr_found == 1)
			roles->regs = i;
		else if (nr_found == 2 && bar[i].size >= PCI_BAR1_MIN)
			roles->bar1 = i;
		else if (roles->bar2 < 0)
			roles->bar2 = i;
		/* The next register is the upper half of this one. */
		if ((bar[i].bits & PCI_BAR_TYPE) == PCI_BAR_64)
			i++;
	}
}

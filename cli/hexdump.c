// SPDX-License-Identifier: MIT
/*
 * The picture of "hexdump -C": address, sixteen bytes, their characters; rows
 * that repeat the one above are one "*".
 */
#include "cli.h"

static void print_row(uint64_t addr, const unsigned char *p, size_t len)
{
	size_t i;

	printf("%08" PRIx64 " ", addr);
	for (i = 0; i < 16; i++) {
		if (i % 8 == 0)
			putchar(' ');
		if (i < len)
			printf("%02x ", p[i]);
		else
			fputs("   ", stdout);
	}
	fputs(" |", stdout);
	for (i = 0; i < len; i++)
		putchar(p[i] >= ' ' && p[i] <= '~' ? p[i] : '.');
	puts("|");
}

static bool is_repeat(const struct hexdump *h, uint64_t addr, const void *row, size_t len)
{
	return h->have_last && len == 16 && addr == h->next && !memcmp(h->last, row, len);
}

void hexdump(struct hexdump *h, uint64_t addr, const void *buf, size_t len)
{
	const unsigned char *row = buf;
	size_t n;

	for (; len; addr += n, row += n, len -= n) {
		n = 16 - addr % 16;
		if (n > len)
			n = len;
		if (is_repeat(h, addr, row, n)) {
			if (!h->squeezed)
				puts("*");
			h->squeezed = true;
		} else {
			print_row(addr, row, n);
			h->squeezed = false;
		}
		h->have_last = n == 16;
		memcpy(h->last, row, n);
		h->next = addr + n;
	}
}

void hexdump_end(const struct hexdump *h)
{
	printf("%08" PRIx64 "\n", h->next);
}

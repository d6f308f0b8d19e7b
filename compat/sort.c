// SPDX-License-Identifier: MIT
/*
 * Heap sort: qsort() of the C library may allocate, and so fail where the
 * kernel's sort() cannot.
 */
#include <linux/sort.h>

static void swap_bytes(char *a, char *b, size_t size)
{
	char tmp;

	while (size--) {
		tmp = *a;
		*a++ = *b;
		*b++ = tmp;
	}
}

static void swap_items(char *a, char *b, size_t size, swap_func_t swap_func)
{
	if (swap_func)
		swap_func(a, b, (int)size);
	else
		swap_bytes(a, b, size);
}

/* Lets the item at @i sink until no child is greater; the heap has @num items. */
static void sink(char *base, size_t i, size_t num, size_t size, cmp_func_t cmp,
		 swap_func_t swap_func)
{
	size_t child;

	while ((child = 2 * i + 1) < num) {
		if (child + 1 < num && cmp(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (cmp(base + i * size, base + child * size) >= 0)
			break;
		swap_items(base + i * size, base + child * size, size, swap_func);
		i = child;
	}
}

void compat_sort(void *base, size_t num, size_t size, cmp_func_t cmp, swap_func_t swap_func)
{
	size_t i;

	for (i = num / 2; i > 0; i--)
		sink(base, i - 1, num, size, cmp, swap_func);
	for (i = num; i > 1; i--) {
		swap_items(base, (char *)base + (i - 1) * size, size, swap_func);
		sink(base, 0, i - 1, size, cmp, swap_func);
	}
}

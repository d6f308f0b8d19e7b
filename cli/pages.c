// SPDX-License-Identifier: MIT
/*
 * Lists of pages as the user types them: page frame numbers P, ranges P-LAST and
 * P+COUNT, and files of those.
 */
#include "cli.h"
#include "number.h"

/* A BAR1 of 512 GiB has no more. */
#define PAGES_MAX	((uint64_t)1 << 27)

static void add_pages(const struct argp_state *state, struct page_list *list, uint64_t first,
		      uint64_t nr)
{
	size_t room = list->room ? list->room : 64;
	uint64_t *pfn;

	if (nr > PAGES_MAX - list->nr)
		arg_error(state, "more than 0x%" PRIx64 " pages", PAGES_MAX);
	while (room < list->nr + nr)
		room *= 2;
	if (room > list->room) {
		pfn = reallocarray(list->pfn, room, sizeof(*pfn));
		if (!pfn)
			arg_no_memory(state);
		list->pfn = pfn;
		list->room = room;
	}
	while (nr--)
		list->pfn[list->nr++] = first++;
}

/* P, P-LAST or P+COUNT */
static void add_item(const struct argp_state *state, struct page_list *list, char *item)
{
	size_t end = strcspn(item, "+-");
	char sign = item[end];
	uint64_t first, second;

	item[end] = '\0';
	first = arg_number(state, item);
	if (!sign) {
		add_pages(state, list, first, 1);
		return;
	}
	second = arg_number(state, item + end + 1);
	if (sign == '-' && second < first)
		arg_error(state, "pages %s-%s end before they begin", item, item + end + 1);
	if (sign == '-' && second - first >= PAGES_MAX)
		arg_error(state, "pages %s-%s are more than 0x%" PRIx64, item, item + end + 1,
			  PAGES_MAX);
	if (sign == '+' && (!second || second - 1 > UINT64_MAX - first))
		arg_error(state, "pages %s+%s: there are none, or they have no numbers", item,
			  item + end + 1);
	add_pages(state, list, first, sign == '-' ? second - first + 1 : second);
}

/* Items between commas, blanks and newlines */
static void add_file(const struct argp_state *state, struct page_list *list, const char *path)
{
	char *text, *rest, *item;
	size_t len;
	int ret;

	ret = read_file(path, &text, &len);
	if (ret)
		arg_fail(state, "%s: %s", path, io_error(ret));
	rest = realloc(text, len + 1);
	if (!rest)
		arg_no_memory(state);
	text = rest;
	text[len] = '\0';
	if (strlen(text) != len)
		arg_error(state, "%s is not text", path);
	while ((item = strsep(&rest, ", \t\r\n")))
		if (*item)
			add_item(state, list, item);
	free(text);
}

void arg_pages(const struct argp_state *state, const char *text, struct page_list *list)
{
	char *copy = strdup(text), *rest = copy, *item;

	if (!copy)
		arg_no_memory(state);
	while ((item = strsep(&rest, ",")))
		if (*item == '@')
			add_file(state, list, item + 1);
		else
			add_item(state, list, item);
	free(copy);
	if (!list->nr)
		arg_error(state, "no pages in '%.40s'", text);
}

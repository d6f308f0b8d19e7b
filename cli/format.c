// SPDX-License-Identifier: MIT
/*
 * Sizes, entries and walks as text and as JSON.
 */
#include "cli.h"
#include "number.h"
#include "text.h"

#define TEXT_BUFS	8

const char *size_text(uint64_t bytes)
{
	static char buf[TEXT_BUFS][24];
	static unsigned int next;
	char *text = buf[next++ % TEXT_BUFS];
	const char *unit = "\0KMGT";

	while (bytes && bytes % 1024 == 0 && unit[1]) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, sizeof(buf[0]), "%" PRIu64 "%.1s", bytes, unit);
	return text;
}

/* Cut, not rounded: 7.997G are no 8G. */
const char *size_about(uint64_t bytes)
{
	static char buf[TEXT_BUFS][32];
	static unsigned int next;
	char *text = buf[next++ % TEXT_BUFS];
	const char *unit = "\0KMGT";
	unsigned int shift = 0, part, digits = 3;

	for (; unit[1] && bytes >> shift >= 1024; unit++)
		shift += 10;
	part = (bytes & ((UINT64_C(1) << shift) - 1)) * 1000 >> shift;
	for (; digits && part % 10 == 0; digits--)
		part /= 10;
	if (digits)
		snprintf(text, sizeof(buf[0]), "%" PRIu64 ".%0*u%.1s", bytes >> shift, digits, part,
			 unit);
	else
		snprintf(text, sizeof(buf[0]), "%" PRIu64 "%.1s", bytes >> shift, unit);
	return text;
}

const char *page_sizes_text(uint64_t set)
{
	static char buf[TEXT_BUFS][160];
	static unsigned int next;
	char *text = buf[next++ % TEXT_BUFS];
	size_t used = 0, room = sizeof(buf[0]);
	unsigned int shift;

	text[0] = 0;
	for (shift = 0; shift < 64; shift++)
		if (set >> shift & 1 && used < room)
			used += snprintf(text + used, room - used, "%s%s", used ? " " : "",
					 size_text(UINT64_C(1) << shift));
	return text;
}

void json_add_page_sizes(struct json_object *obj, const char *key, uint64_t set)
{
	struct json_object *list = json_add_list(obj, key);
	unsigned int shift;

	for (shift = 0; shift < 64; shift++)
		if (set >> shift & 1)
			json_append_number(list, UINT64_C(1) << shift);
}

const char *entry_kind_name(unsigned int kind)
{
	static const char *const names[] = {
		[NVBAR_ENTRY_PDE] = "pde",
		[NVBAR_ENTRY_DUAL_PDE] = "dual_pde",
		[NVBAR_ENTRY_PTE] = "pte",
	};

	return kind < ARRAY_SIZE(names) ? names[kind] : "?";
}

const char *space_name(unsigned int space)
{
	static const char *const names[] = {
		[NVBAR_SPACE_VID] = "vid",
		[NVBAR_SPACE_SYS_COH] = "sys_coh",
		[NVBAR_SPACE_SYS_NONCOH] = "sys_noncoh",
		[NVBAR_SPACE_PEER] = "peer",
	};

	return space < ARRAY_SIZE(names) ? names[space] : "?";
}

/* --- JSON --------------------------------------------------------------- */

struct json_object *json_new(const struct cli *cli)
{
	struct json_object *obj = json_object_new_object();

	if (cli->name)
		json_add_text(obj, "device", cli->name);
	if (cli->dry_run)
		json_add_flag(obj, "dry_run", true);
	return obj;
}

int cli_print_json(const struct cli *cli, struct json_object *obj)
{
	return json_print(obj) ? EXIT_SUCCESS : cli_refuse(cli, "no memory for JSON");
}

struct json_object *json_words(const char *words)
{
	struct json_object *obj = json_object_new_object();
	char copy[ENTRY_WORDS], *rest = copy, *word, *value;
	uint64_t number;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, " "))) {
		value = strchr(word, '=');
		if (!value)
			continue;
		*value++ = 0;
		if (number_parse(value, &number))
			json_add(obj, word, number);
		else
			json_add_text(obj, word, value);
	}
	return obj;
}

/* --- entries ------------------------------------------------------------ */

static const char *decode(unsigned int version, unsigned int kind, const uint64_t raw[2])
{
	static char words[ENTRY_WORDS];

	if (nvbar_decode(version, kind, raw[0], raw[1], words, sizeof(words)))
		return "?";
	return words;
}

void json_add_entry(struct json_object *obj, unsigned int version, unsigned int kind,
		    const uint64_t raw[2])
{
	json_add_text(obj, "kind", entry_kind_name(kind));
	json_add(obj, "raw", raw[0]);
	if (kind == NVBAR_ENTRY_DUAL_PDE)
		json_add(obj, "raw_hi", raw[1]);
	json_put(obj, "fields", json_words(decode(version, kind, raw)));
}

void entry_print(FILE *out, unsigned int version, unsigned int kind, const uint64_t raw[2])
{
	fprintf(out, "0x%016" PRIx64, raw[0]);
	if (kind == NVBAR_ENTRY_DUAL_PDE)
		fprintf(out, " 0x%016" PRIx64, raw[1]);
	fprintf(out, "  %s", decode(version, kind, raw));
}

/* --- walks -------------------------------------------------------------- */

static const char *status_name(unsigned int status)
{
	static const char *const names[] = {
		[NVBAR_WALK_OK] = "ok",
		[NVBAR_WALK_INVALID] = "invalid",
		[NVBAR_WALK_SPARSE] = "sparse",
		[NVBAR_WALK_VA_RANGE] = "va_range",
		[NVBAR_WALK_UNREADABLE] = "unreadable",
	};

	return status < ARRAY_SIZE(names) ? names[status] : "?";
}

static const char *status_words(unsigned int status)
{
	static const char *const words[] = {
		[NVBAR_WALK_INVALID] = "an invalid entry, nothing is mapped",
		[NVBAR_WALK_SPARSE] = "a sparse entry",
		[NVBAR_WALK_VA_RANGE] = "the VA is wider than this MMU's",
		[NVBAR_WALK_UNREADABLE] = "a table is where it can't be read",
	};

	return status < ARRAY_SIZE(words) && words[status] ? words[status] : "?";
}

static void print_result(FILE *out, const struct nvbar_walk *w)
{
	fprintf(out, "VA 0x%" PRIx64 " %s: ", w->va, status_name(w->status));
	if (w->status != NVBAR_WALK_OK) {
		fprintf(out, "%s\n", status_words(w->status));
		return;
	}
	fprintf(out, "%s 0x%" PRIx64 ", %s page, %s", space_name(w->space), w->pa,
		size_text(w->page_size), w->ro ? "read-only" : "read-write");
	if (w->space == NVBAR_SPACE_PEER)
		fprintf(out, ", peer %u", w->peer);
	fprintf(out, "%s%s%s, kind %u\n", w->vol ? ", volatile" : "", w->priv ? ", privileged" : "",
		w->no_atomic ? ", no atomics" : "", w->mmu_kind);
}

void walk_print(FILE *out, const char *indent, const struct nvbar_walk *w)
{
	const struct nvbar_walk_level *l;

	for (l = w->level; l < w->level + w->nr_levels; l++) {
		fprintf(out, "%s%-5s %3u  %s 0x%09" PRIx64 "  ", indent, l->name, l->index,
			space_name(l->space), l->addr);
		entry_print(out, w->mmu_version, l->kind, l->raw);
		fputc('\n', out);
	}
	fputs(indent, out);
	print_result(out, w);
}

void walk_print_brief(FILE *out, const struct nvbar_walk *w)
{
	fprintf(out, "x 0x%" PRIx64 " %s", w->va, status_name(w->status));
	if (w->status == NVBAR_WALK_OK)
		fprintf(out, " 0x%" PRIx64 " 0x%" PRIx64 " %s %u %u %u %u %u %u", w->pa,
			w->page_size, space_name(w->space), w->peer, w->ro, w->vol, w->priv,
			w->no_atomic, w->mmu_kind);
	fputc('\n', out);
}

static struct json_object *level_json(const struct nvbar_walk *w, const struct nvbar_walk_level *l)
{
	struct json_object *obj = json_object_new_object();

	json_add_text(obj, "name", l->name);
	json_add(obj, "index", l->index);
	json_add_text(obj, "space", space_name(l->space));
	json_add(obj, "addr", l->addr);
	json_add_entry(obj, w->mmu_version, l->kind, l->raw);
	return obj;
}

static void add_translation(struct json_object *obj, const struct nvbar_walk *w)
{
	json_add(obj, "pa", w->pa);
	json_add(obj, "page_size", w->page_size);
	json_add_text(obj, "aperture", space_name(w->space));
	json_add(obj, "peer", w->peer);
	json_add_flag(obj, "ro", w->ro);
	json_add_flag(obj, "vol", w->vol);
	json_add_flag(obj, "priv", w->priv);
	json_add_flag(obj, "no_atomic", w->no_atomic);
	json_add(obj, "kind", w->mmu_kind);
}

struct json_object *walk_json(const struct nvbar_walk *w, bool levels)
{
	struct json_object *obj = json_object_new_object(), *list;
	unsigned int i;

	json_add(obj, "va", w->va);
	json_add_text(obj, "status", status_name(w->status));
	if (w->status == NVBAR_WALK_OK)
		add_translation(obj, w);
	if (!levels)
		return obj;
	list = json_add_list(obj, "levels");
	for (i = 0; i < w->nr_levels; i++)
		json_append(list, level_json(w, &w->level[i]));
	return obj;
}

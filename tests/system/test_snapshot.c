/* SPDX-License-Identifier: MIT */
/* Page tables as text, golden walks and golden entries, through the library. */
#include "helper.h"

static char *read_golden(const char *name, size_t *len)
{
	char path[512];
	char *text;
	FILE *file;
	long size;

	snprintf(path, sizeof(path), GOLDEN_DIR "/%s", name);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_ok(fseek(file, 0, SEEK_END));
	size = ftell(file);
	assert_true(size > 0);
	rewind(file);
	text = malloc((size_t)size + 1);
	assert_non_null(text);
	*len = fread(text, 1, (size_t)size, file);
	assert_int_equal(*len, size);
	text[*len] = '\0';
	fclose(file);
	return text;
}

/* --- golden walks --- */

static const char *const spaces[] = {
	[NVBAR_SPACE_VID] = "vid", [NVBAR_SPACE_SYS_COH] = "sys_coh",
	[NVBAR_SPACE_SYS_NONCOH] = "sys_noncoh", [NVBAR_SPACE_PEER] = "peer",
};

static const char *const statuses[] = {
	[NVBAR_WALK_OK] = "ok", [NVBAR_WALK_INVALID] = "invalid", [NVBAR_WALK_SPARSE] = "sparse",
	[NVBAR_WALK_VA_RANGE] = "va_range", [NVBAR_WALK_UNREADABLE] = "unreadable",
};

/* x VA ok PA PAGE APERTURE PEER RO VOL PRIV NOATOMIC KIND, or x VA STATUS */
static void check_line(const struct nvbar_snapshot *snap, size_t scenario, const char *line)
{
	unsigned int peer, ro, vol, priv, no_atomic, kind;
	unsigned long long va, pa, page;
	struct nvbar_walk walk = { .size = sizeof(walk) };
	char status[16], aperture[16];
	int nr;

	nr = sscanf(line, "x %llx %15s %llx %llx %15s %u %u %u %u %u %u", &va, status, &pa, &page,
		    aperture, &peer, &ro, &vol, &priv, &no_atomic, &kind);
	assert_true(nr == 2 || nr == 11);
	assert_ok(nvbar_snapshot_walk(snap, scenario, va, &walk));
	assert_int_equal(walk.va, va);
	assert_string_equal(statuses[walk.status], status);
	if (nr == 2)
		return;
	assert_int_equal(walk.pa, pa);
	assert_int_equal(walk.page_size, page);
	assert_string_equal(spaces[walk.space], aperture);
	assert_int_equal(walk.peer, peer);
	assert_int_equal(walk.ro, ro);
	assert_int_equal(walk.vol, vol);
	assert_int_equal(walk.priv, priv);
	assert_int_equal(walk.no_atomic, no_atomic);
	assert_int_equal(walk.mmu_kind, kind);
}

static void every_golden_walk_ends_where_it_should(void **state)
{
	size_t len, scenario = 0, lines = 0;
	struct nvbar_snapshot *snap;
	char *text, *line, *save;
	char why[128];

	(void)state;
	text = read_golden("walks_public.txt", &len);
	assert_ok(nvbar_snapshot_parse(text, len, &snap, why, sizeof(why)));
	assert_int_equal(nvbar_snapshot_count(snap), 20);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "scenario ", 9)) {
			const char *name = nvbar_snapshot_name(snap, scenario++);

			assert_non_null(name);
			assert_int_equal(strncmp(line + 9, name, strlen(name)), 0);
		} else if (!strncmp(line, "x ", 2)) {
			check_line(snap, scenario - 1, line);
			lines++;
		}
	}
	assert_int_equal(lines, 20 * 200);
	assert_int_equal(scenario, 20);
	assert_null(nvbar_snapshot_name(snap, 20));
	assert_null(nvbar_snapshot_name(snap, SIZE_MAX));
	nvbar_snapshot_free(snap);
	free(text);
}

/* --- golden entries --- */

/* Is @word one of the words of @text, which are separated by @sep? */
static bool has_word(const char *text, const char *word, size_t len, char sep)
{
	const char *at;

	for (at = text; at; at = strchr(at, sep) ? strchr(at, sep) + 1 : NULL)
		if (!strncmp(at, word, len) && (at[len] == sep || !at[len]))
			return true;
	return false;
}

/* Every word of @a that an entry can tell is one of @b. */
static void assert_words(const char *a, char sep_a, const char *b, char sep_b)
{
	size_t len;

	for (; *a; a += len + (a[len] != '\0')) {
		len = strcspn(a, (char[]){ sep_a, '\0' });
		/* The level and the page size of a row are not in its words. */
		if (!strncmp(a, "page=", 5) || !strncmp(a, "level=", 6))
			continue;
		if (!has_word(b, a, len, sep_b))
			print_error("\"%.*s\" is missing in \"%s\"\n", (int)len, a, b);
		assert_true(has_word(b, a, len, sep_b));
	}
}

static enum nvbar_entry_kind kind_of(const char *entry)
{
	if (!strcmp(entry, "pte"))
		return NVBAR_ENTRY_PTE;
	return strcmp(entry, "pde") ? NVBAR_ENTRY_DUAL_PDE : NVBAR_ENTRY_PDE;
}

static void every_golden_entry_is_decoded_to_its_fields(void **state)
{
	char *text, *line, *save;
	size_t len, rows = 0;
	char got[512];

	(void)state;
	text = read_golden("vectors_public.csv", &len);
	strtok_r(text, "\n", &save);	/* the header */
	for (line = strtok_r(NULL, "\n", &save); line; line = strtok_r(NULL, "\n", &save), rows++) {
		char entry[16], fields[512], hi[32];
		unsigned long long lo;
		unsigned int version;

		assert_int_equal(sscanf(line, "v%u,%15[^,],%511[^,],%llx,%31s", &version, entry, fields, &lo,
					hi), 5);
		assert_ok(nvbar_decode(version, kind_of(entry), lo, strtoull(hi, NULL, 16), got,
				       sizeof(got)));
		assert_words(fields, ';', got, ' ');
		assert_words(got, ' ', fields, ';');
	}
	assert_true(rows > 200);
	free(text);
}

static void decode_cuts_its_text_to_the_room_there_is(void **state)
{
	char all[512], cut[512];
	size_t len, i;

	(void)state;
	assert_ok(nvbar_decode(2, NVBAR_ENTRY_DUAL_PDE, 0x30012, 0x20002, all, sizeof(all)));
	len = strlen(all);
	for (i = 1; i <= len + 1; i++) {
		memset(cut, 0x5a, sizeof(cut));
		assert_ok(nvbar_decode(2, NVBAR_ENTRY_DUAL_PDE, 0x30012, 0x20002, cut, i));
		assert_int_equal(strlen(cut), i - 1);
		assert_memory_equal(cut, all, i - 1);
		assert_int_equal(cut[i], 0x5a);
	}
	cut[0] = 'x';
	assert_err(nvbar_decode(1, NVBAR_ENTRY_PTE, 0, 0, cut, sizeof(cut)), EINVAL);
	assert_err(nvbar_decode(4, NVBAR_ENTRY_PTE, 0, 0, cut, sizeof(cut)), EINVAL);
	assert_err(nvbar_decode(2, (enum nvbar_entry_kind)3, 0, 0, cut, sizeof(cut)), EINVAL);
	assert_err(nvbar_decode(2, NVBAR_ENTRY_PTE, 0, 0, cut, 0), EINVAL);
	assert_int_equal(cut[0], 'x');
}

static void any_words_can_be_decoded(void **state)
{
	char text[512];
	size_t i;

	(void)state;
	rng_start(__func__);
	for (i = 0; i < 100000; i++) {
		assert_ok(nvbar_decode(2 + i % 2, (enum nvbar_entry_kind)(i / 2 % 3), rng_u64(), rng_u64(),
				       text, sizeof(text)));
		assert_true(strlen(text) > 0);
		assert_null(strchr(text, '\n'));
	}
}

/* --- taken from a GPU --- */

struct text {
	char *data;
	size_t len, room, lines;
};

static int add_line(const char *line, void *arg)
{
	struct text *text = arg;
	size_t len = strlen(line);

	assert_null(strchr(line, '\n'));
	if (text->room < text->len + len + 2) {
		text->room = 2 * (text->room + len + 2);
		text->data = realloc(text->data, text->room);
		assert_non_null(text->data);
	}
	memcpy(text->data + text->len, line, len);
	text->data[text->len + len] = '\n';
	text->len += len + 1;
	text->lines++;
	return 0;
}

static void assert_same_walk(const struct nvbar_walk *a, const struct nvbar_walk *b)
{
	size_t i;

	assert_int_equal(a->status, b->status);
	assert_int_equal(a->va, b->va);
	assert_int_equal(a->mmu_version, b->mmu_version);
	assert_int_equal(a->nr_levels, b->nr_levels);
	for (i = 0; i < a->nr_levels; i++) {
		assert_string_equal(a->level[i].name, b->level[i].name);
		assert_int_equal(a->level[i].kind, b->level[i].kind);
		assert_int_equal(a->level[i].index, b->level[i].index);
		assert_int_equal(a->level[i].space, b->level[i].space);
		assert_int_equal(a->level[i].addr, b->level[i].addr);
		assert_int_equal(a->level[i].raw[0], b->level[i].raw[0]);
		assert_int_equal(a->level[i].raw[1], b->level[i].raw[1]);
	}
	if (a->status != NVBAR_WALK_OK)
		return;
	assert_int_equal(a->space, b->space);
	assert_int_equal(a->pa, b->pa);
	assert_int_equal(a->page_size, b->page_size);
	assert_int_equal(a->ro, b->ro);
	assert_int_equal(a->vol, b->vol);
	assert_int_equal(a->mmu_kind, b->mmu_kind);
}

static void taken(struct nvbar *gpu)
{
	const uint64_t bar1 = gpu_info(gpu).bar1_size;
	struct text text = { 0 };
	struct nvbar_snapshot *snap;
	struct nvbar_walk walk = { .size = sizeof(walk) }, live;
	uint64_t va;
	size_t i;

	map_fixed(gpu, bar1 - 3 * PAGE, GIB(1), 3 * PAGE);
	map_at(gpu, MIB(1), MIB(5), 0);
	map_at(gpu, MIB(64), MIB(2), NVBAR_MAP_RDONLY);
	assert_ok(nvbar_snapshot_take(gpu, add_line, &text));
	assert_ok(nvbar_snapshot_parse(text.data, text.len, &snap, NULL, 0));
	assert_int_equal(nvbar_snapshot_count(snap), 1);
	assert_true(strlen(nvbar_snapshot_name(snap, 0)) > 0);

	for (i = 0; i < 2000; i++) {
		va = i < 600 ? i * MIB(8) / 512 + 5 : i < 700 ? bar1 - (i - 600) * 1001 : rng_below(bar1);
		if (i > 1990)
			va = rng_u64() >> rng_below(20);
		live = walk_at(gpu, va);
		assert_ok(nvbar_snapshot_walk(snap, 0, va, &walk));
		assert_same_walk(&walk, &live);
	}
	walk.size = 8;
	assert_err(nvbar_snapshot_walk(snap, 0, 0, &walk), EINVAL);
	walk.size = sizeof(walk);
	assert_err(nvbar_snapshot_walk(snap, 1, 0, &walk), ENOENT);
	assert_err(nvbar_snapshot_walk(snap, SIZE_MAX, 0, &walk), ENOENT);
	nvbar_snapshot_free(snap);
	free(text.data);
}

static void a_snapshot_translates_like_the_gpu(void **state)
{
	(void)state;
	rng_start(__func__);
	on_every_chip("", taken);
}

static int stop_at_third(const char *line, void *arg)
{
	(void)line;
	return ++*(int *)arg == 3 ? -4711 : 0;
}

static void taking_a_snapshot_ends_when_told(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	int lines = 0;

	(void)state;
	assert_int_equal(nvbar_snapshot_take(gpu, stop_at_third, &lines), -4711);
	assert_int_equal(lines, 3);
	gpu_close(gpu);
}

/* --- hostile text --- */

static const char small[] =
	"# a comment\n"
	"scenario one 2 turing vid 0x1000\n"
	"table vid 0x1000 0x1000 PD3\n"
	"table vid 0x2000 0x1000 PD2\n"
	"mem vid 0x1000 0x202\n"
	"mem vid 0x2000 0x302\n"
	"map 0x0 0x1000 0x0 0x1000 vid 0 0 0 0 0 0\n"
	"x 0x0 invalid\n"
	"end\n"
	"\n"
	"scenario two 3 blackwell sys 4096\n"
	"table sys 4096 4096 PD4\n"
	"end\n";

/* Walks whatever there is to walk: it must neither crash nor hang. */
static void walk_all(const struct nvbar_snapshot *snap)
{
	static const uint64_t va[] = { 0, 0x1234567, 1ull << 47, (1ull << 49) - 1, 1ull << 56, UINT64_MAX };
	struct nvbar_walk walk = { .size = sizeof(walk) };
	size_t i, j;

	for (i = 0; i < nvbar_snapshot_count(snap); i++) {
		assert_non_null(nvbar_snapshot_name(snap, i));
		for (j = 0; j < NR_OF(va); j++)
			assert_ok(nvbar_snapshot_walk(snap, i, va[j], &walk));
	}
}

/* Return: whether @text is a snapshot; if not, one line says why. */
static bool parses(const char *text, size_t len)
{
	struct nvbar_snapshot *snap = UNTOUCHED;
	char *exact = malloc(len ? len : 1);	/* for sanitizers to see the end */
	char why[200] = "";
	int ret;

	assert_non_null(exact);
	memcpy(exact, text, len);
	ret = nvbar_snapshot_parse(exact, len, &snap, why, sizeof(why));
	free(exact);
	if (ret) {
		assert_err(ret, EINVAL);
		assert_ptr_equal(snap, UNTOUCHED);
		assert_true(strlen(why) > 0);
		assert_null(strchr(why, '\n'));
		return false;
	}
	assert_true(nvbar_snapshot_count(snap) > 0);
	walk_all(snap);
	nvbar_snapshot_free(snap);
	return true;
}

static void a_truncated_snapshot_is_refused_or_ends_between_scenarios(void **state)
{
	size_t first_end = (size_t)(strstr(small, "end\n") - small) + 3, len;
	size_t two = (size_t)(strstr(small, "scenario two") - small);

	(void)state;
	assert_true(parses(small, strlen(small)));
	for (len = 0; len < strlen(small); len++) {
		bool whole = (len >= first_end && len <= two) || len == strlen(small) - 1;

		assert_int_equal(parses(small, len), whole);
	}
	nvbar_snapshot_free(NULL);
}

static void text_that_is_no_snapshot_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "\n\n", "# nothing\n", "end\n", "hello\n", "x 0x0 ok\n", "mem vid 0 0\n",
		"scenario\nend\n", "scenario a\nend\n", "scenario a 2 turing vid\nend\n",
		"scenario a 2 turing vid 0x1000 more\nend\n", "scenario a 4 turing vid 0x1000\nend\n",
		"scenario a 3 turing vid 0x1000\nend\n", "scenario a 2 hopper vid 0x1000\nend\n",
		"scenario a 2 volta vid 0x1000\nend\n", "scenario a 2 turing peer 0x1000\nend\n",
		"scenario a 2 turing vid 0x1001\nend\n", "scenario a 2 turing vid 0xg\nend\n",
		"scenario a 2 turing vid -1\nend\n", "scenario a 2 turing vid 0x\nend\n",
		"scenario a 2 turing vid 0x10000000000000000\nend\n",
		"scenario a 2 turing vid 18446744073709551616\nend\n",
		"scenario a 2 turing vid 0x1000\nscenario b 2 turing vid 0x1000\nend\nend\n",
		"scenario a 2 turing vid 0x1000\nend\nscenario a 2 turing vid 0x1000\nend\n",
		"scenario a 2 turing vid 0x1000\nend\nend\n", "scenario a 2 turing vid 0x1000\nend x\n",
		"scenario a 2 turing vid 0x1000\nnonsense\nend\n",
		"scenario a 2 turing vid 0x1000\ntable vid 0x1000\nend\n",
		"scenario a 2 turing vid 0x1000\ntable vid 0x1000 0 PD3\nend\n",
		"scenario a 2 turing vid 0x1000\ntable vid 0x1004 0x1000 PD3\nend\n",
		"scenario a 2 turing vid 0x1000\ntable vid 0xfffffffffffff000 0x2000 PD3\nend\n",
		"scenario a 2 turing vid 0x1000\nmem vid 0x1001 1\nend\n",
		"scenario a 2 turing vid 0x1000\nmem vid 0x1000\nend\n",
		"scenario a 2 turing vid 0x1000\nmem vid 0x1000 1 2\nend\n",
		"scenario a 2 turing vid 0x1000\nmem vid 0x1000 1\nmem vid 0x1000 2\nend\n",
		"scenario a 2 turing vid 0x1000\nx nonsense\nend\n",
	};
	char longest[5000];
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(bad); i++) {
		if (parses(bad[i], strlen(bad[i])))
			print_error("taken for a snapshot: \"%s\"\n", bad[i]);
		assert_false(parses(bad[i], strlen(bad[i])));
	}
	memset(longest, 'a', sizeof(longest));
	assert_false(parses(longest, sizeof(longest)));
	memcpy(longest, "scenario ", 9);
	assert_false(parses(longest, sizeof(longest)));
	memset(longest, ' ', sizeof(longest));
	assert_false(parses(longest, sizeof(longest)));
	memset(longest, 0, sizeof(longest));
	assert_false(parses(longest, sizeof(longest)));
}

static void a_nul_anywhere_is_refused(void **state)
{
	char text[sizeof(small)];
	size_t i;

	(void)state;
	for (i = 0; i < strlen(small); i++) {
		memcpy(text, small, sizeof(small));
		text[i] = '\0';
		assert_false(parses(text, strlen(small)));
	}
}

static void a_reason_is_cut_to_the_room_there_is(void **state)
{
	struct nvbar_snapshot *snap = UNTOUCHED;
	char why[16];

	(void)state;
	memset(why, 0x5a, sizeof(why));
	assert_err(nvbar_snapshot_parse("nonsense\n", 9, &snap, why, 4), EINVAL);
	assert_int_equal(strlen(why), 3);
	assert_int_equal(why[4], 0x5a);
	assert_err(nvbar_snapshot_parse("nonsense\n", 9, &snap, why, 0), EINVAL);
	assert_err(nvbar_snapshot_parse("nonsense\n", 9, &snap, NULL, 0), EINVAL);
	assert_ptr_equal(snap, UNTOUCHED);
}

/* A directory that leads back to itself */
static void tables_that_point_in_circles_end_the_walk(void **state)
{
	static const char circle[] =
		"scenario circle 3 blackwell vid 0x1000\ntable vid 0x1000 0x1000 PD4\n"
		"mem vid 0x1000 0x1002\nmem vid 0x1008 0x1002\nend\n";

	(void)state;
	assert_true(parses(circle, strlen(circle)));
}

/* VALID clear, VOL and PRIVILEGE set: "no valid 4K" in a 64 KiB table, sparse in a 4 KiB one */
static void no_valid_4k_means_something_in_64k_tables_only(void **state)
{
	static const char text[] =
		"scenario s 2 ampere vid 0x1000\ntable vid 0 0x7000 -\n"
		"mem vid 0x1000 0x202\nmem vid 0x2000 0x302\nmem vid 0x3000 0x402\n"
		"mem vid 0x4000 0x502\nmem vid 0x4008 0x602\n"
		"mem vid 0x5000 0x28\nmem vid 0x6080 0x28\nmem vid 0x6088 0x20\nend\n";
	struct nvbar_snapshot *snap;

	(void)state;
	assert_ok(nvbar_snapshot_parse(text, strlen(text), &snap, NULL, 0));
	check_line(snap, 0, "x 0x0 invalid");
	check_line(snap, 0, "x 0x10000 sparse");
	check_line(snap, 0, "x 0x11000 invalid");
	nvbar_snapshot_free(snap);
}

static void random_damage_never_crashes_the_parser_or_the_walker(void **state)
{
	static const char digits[] = "0123456789abcdefx \n-#";
	char text[sizeof(small)];
	size_t i, n, taken_for = 0;

	(void)state;
	rng_start(__func__);
	for (i = 0; i < 20000; i++) {
		memcpy(text, small, sizeof(small));
		for (n = 1 + rng_below(4); n; n--) {
			char *at = text + rng_below(strlen(small));

			*at = rng_below(8) ? digits[rng_below(sizeof(digits) - 1)] : (char)rng_u64();
		}
		taken_for += parses(text, sizeof(text) - 1 - rng_below(3));
	}
	assert_in_range(taken_for, 1, 19999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_golden_walk_ends_where_it_should),
		cmocka_unit_test(every_golden_entry_is_decoded_to_its_fields),
		cmocka_unit_test(decode_cuts_its_text_to_the_room_there_is),
		cmocka_unit_test(any_words_can_be_decoded),
		cmocka_unit_test(a_snapshot_translates_like_the_gpu),
		cmocka_unit_test(taking_a_snapshot_ends_when_told),
		cmocka_unit_test(a_truncated_snapshot_is_refused_or_ends_between_scenarios),
		cmocka_unit_test(text_that_is_no_snapshot_is_refused),
		cmocka_unit_test(a_nul_anywhere_is_refused),
		cmocka_unit_test(a_reason_is_cut_to_the_room_there_is),
		cmocka_unit_test(tables_that_point_in_circles_end_the_walk),
		cmocka_unit_test(no_valid_4k_means_something_in_64k_tables_only),
		cmocka_unit_test(random_damage_never_crashes_the_parser_or_the_walker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

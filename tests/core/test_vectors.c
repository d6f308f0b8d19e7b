// SPDX-License-Identifier: MIT
/*
 * The driver's encoders and decoders against tests/golden/vectors_public.csv,
 * every row in both directions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "entry_text.h"
#include "mmu.h"
#include "walk.h"

#define MAX_FIELDS	32

/* A row taken apart. */
struct row {
	char line[512];
	unsigned int number;
	const struct nvbar_mmu_fmt *fmt;
	const char *entry;
	struct {
		const char *key;
		const char *val;
	} field[MAX_FIELDS];
	unsigned int nr_fields;
	u64 lo;
	u64 hi;
	bool two_words;
};

static const char *field(const struct row *row, const char *prefix, const char *key)
{
	char name[64];
	unsigned int i;

	snprintf(name, sizeof(name), "%s%s", prefix, key);
	for (i = 0; i < row->nr_fields; i++)
		if (!strcmp(row->field[i].key, name))
			return row->field[i].val;
	return NULL;
}

static u64 number(const struct row *row, const char *prefix, const char *key, u64 otherwise)
{
	const char *val = field(row, prefix, key);

	return val ? strtoull(val, NULL, 0) : otherwise;
}

static enum nvbar_entry_state state_of(const struct row *row)
{
	static const struct {
		const char *name;
		enum nvbar_entry_state state;
	} names[] = {
		{ "valid", NVBAR_ENTRY_VALID },	  { "invalid", NVBAR_ENTRY_INVALID },
		{ "sparse", NVBAR_ENTRY_SPARSE }, { "nv4k", NVBAR_ENTRY_NO_4K },
		{ "nv4k_rm", NVBAR_ENTRY_NO_4K_RM }, { "nowhere", NVBAR_ENTRY_NOWHERE },
	};
	const char *state = field(row, "", "state");
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i].name, state))
			return names[i].state;
	fail_msg("row %u: unknown state %s", row->number, state);
	return NVBAR_ENTRY_INVALID;
}

static enum nvbar_aperture aperture_of(const struct row *row, const char *prefix)
{
	const char *name = field(row, prefix, "aperture");

	if (!strcmp(name, "vid"))
		return NVBAR_APERTURE_VID;
	if (!strcmp(name, "sys_coh"))
		return NVBAR_APERTURE_SYS_COH;
	if (!strcmp(name, "sys_noncoh"))
		return NVBAR_APERTURE_SYS_NONCOH;
	assert_string_equal(name, "peer");
	return NVBAR_APERTURE_PEER;
}

static struct nvbar_pde pde_of(const struct row *row, const char *prefix)
{
	struct nvbar_pde pde = { .no_ats = !number(row, prefix, "ats", 1) };

	if (!*prefix)
		pde.state = state_of(row);
	else if (field(row, prefix, "aperture"))
		pde.state = NVBAR_ENTRY_VALID;
	else if (!strcmp(prefix, "big_"))
		pde.state = state_of(row) == NVBAR_ENTRY_SPARSE ? NVBAR_ENTRY_SPARSE :
								  NVBAR_ENTRY_INVALID;
	if (pde.state != NVBAR_ENTRY_VALID)
		return pde;
	pde.aperture = aperture_of(row, prefix);
	pde.addr = number(row, prefix, "addr", 0);
	pde.vol = number(row, prefix, "vol", 0);
	return pde;
}

static struct nvbar_pte pte_of(const struct row *row)
{
	struct nvbar_pte pte = { .state = state_of(row) };

	if (pte.state != NVBAR_ENTRY_VALID)
		return pte;
	pte.aperture = aperture_of(row, "");
	pte.addr = number(row, "", "addr", 0);
	pte.peer = number(row, "", "peer", 0);
	pte.vol = number(row, "", "vol", 0);
	pte.priv = number(row, "", "priv", 0);
	pte.ro = number(row, "", "ro", 0);
	pte.no_atomic = number(row, "", "atomic_disable", 0);
	pte.encrypted = number(row, "", "enc", 0);
	pte.no_access_counters = !number(row, "", "ace", 1);
	pte.kind = number(row, "", "kind", 0);
	pte.comptagline = number(row, "", "comptagline", 0);
	return pte;
}

static void assert_same_pde(const struct row *row, const struct nvbar_pde *a,
			    const struct nvbar_pde *b)
{
	if (a->state != b->state || a->aperture != b->aperture || a->addr != b->addr ||
	    a->vol != b->vol || a->no_ats != b->no_ats)
		fail_msg("row %u: decoded fields differ: %s", row->number, row->line);
}

static void check_pde_word(const struct row *row, const char *prefix, bool big, u64 raw)
{
	const struct nvbar_pde want = pde_of(row, prefix);
	struct nvbar_pde got;
	u64 encoded = 0;

	assert_int_equal(row->fmt->encode_pde(&want, big, &encoded), 0);
	if (encoded != raw)
		fail_msg("row %u: encoded 0x%llx: %s", row->number, encoded, row->line);
	row->fmt->decode_pde(raw, big, &got);
	assert_same_pde(row, &got, &want);
	assert_int_equal(nvbar_mmu_is_valid(raw), want.state == NVBAR_ENTRY_VALID);
}

static void check_pte_word(const struct row *row)
{
	const struct nvbar_pte want = pte_of(row);
	struct nvbar_pte got;
	u64 encoded = 0;

	assert_int_equal(row->fmt->encode_pte(&want, &encoded), 0);
	if (encoded != row->lo)
		fail_msg("row %u: encoded 0x%llx: %s", row->number, encoded, row->line);
	assert_int_equal(nvbar_mmu_is_valid(row->lo), want.state == NVBAR_ENTRY_VALID);
	row->fmt->decode_pte(row->lo, &got);
	if (got.state != want.state || got.aperture != want.aperture || got.addr != want.addr ||
	    got.peer != want.peer || got.vol != want.vol || got.priv != want.priv ||
	    got.ro != want.ro || got.no_atomic != want.no_atomic ||
	    got.encrypted != want.encrypted || got.no_access_counters != want.no_access_counters ||
	    got.kind != want.kind || got.comptagline != want.comptagline)
		fail_msg("row %u: decoded fields differ: %s", row->number, row->line);
}

/* Every word of the text is a field of the row, and every field that the raw words hold is there. */
static void check_text(const struct row *row)
{
	enum nvbar_entry_form form = NVBAR_ENTRY_FORM_PTE;
	char text[512], *rest = text, *word;
	unsigned int words = 0, fields = 0, i;

	if (!strcmp(row->entry, "pde"))
		form = NVBAR_ENTRY_FORM_PDE;
	else if (!strcmp(row->entry, "dual_pde"))
		form = NVBAR_ENTRY_FORM_DUAL_PDE;
	nvbar_entry_text(row->fmt, form, row->lo, row->two_words ? row->hi : 0, text, sizeof(text));

	while ((word = strsep(&rest, " "))) {
		char *val = strchr(word, '=');
		const char *want;

		assert_non_null(val);
		*val++ = '\0';
		want = field(row, "", word);
		if (!want || strcmp(want, val))
			fail_msg("row %u: says %s=%s: %s", row->number, word, val, row->line);
		words++;
	}
	for (i = 0; i < row->nr_fields; i++)
		fields += strcmp(row->field[i].key, "page") && strcmp(row->field[i].key, "level");
	if (words != fields)
		fail_msg("row %u: %u words for %u fields: %s", row->number, words, fields, row->line);
}

static void check_row(const struct row *row)
{
	if (!strcmp(row->entry, "pde")) {
		check_pde_word(row, "", false, row->lo);
	} else if (!strcmp(row->entry, "dual_pde")) {
		check_pde_word(row, "big_", true, row->lo);
		check_pde_word(row, "small_", false, row->hi);
	} else {
		assert_string_equal(row->entry, "pte");
		assert_int_equal(row->hi, 0);
		check_pte_word(row);
	}
	check_text(row);
}

/* The line stays in @row; @copy is cut into the words that it points to. */
static void parse_row(struct row *row, char *copy)
{
	char *version = strsep(&copy, ",");
	char *fields, *word, *lo, *hi;

	row->fmt = !strcmp(version, "v2") ? &nvbar_mmu_ver2 : &nvbar_mmu_ver3;
	row->entry = strsep(&copy, ",");
	fields = strsep(&copy, ",");
	lo = strsep(&copy, ",");
	hi = strsep(&copy, ",\n");
	assert_non_null(hi);
	row->lo = strtoull(lo, NULL, 16);
	row->two_words = strcmp(hi, "-") != 0;
	row->hi = row->two_words ? strtoull(hi, NULL, 16) : 0;

	row->nr_fields = 0;
	while ((word = strsep(&fields, ";"))) {
		char *val = strchr(word, '=');

		assert_non_null(val);
		*val++ = '\0';
		assert_true(row->nr_fields < MAX_FIELDS);
		row->field[row->nr_fields].key = word;
		row->field[row->nr_fields++].val = val;
	}
}

static void every_golden_row_encodes_and_decodes(void **state)
{
	FILE *file = fopen(GOLDEN_DIR "/vectors_public.csv", "r");
	unsigned int rows = 0;
	struct row row;
	char copy[512];

	(void)state;
	assert_non_null(file);
	assert_non_null(fgets(row.line, sizeof(row.line), file));	/* the heading */
	for (row.number = 2; fgets(row.line, sizeof(row.line), file); row.number++) {
		strcpy(copy, row.line);
		parse_row(&row, copy);
		check_row(&row);
		rows++;
	}
	fclose(file);
	/* What the file held when it was taken over: 102 rows of v2 and 107 of v3. */
	assert_int_equal(rows, 209);
}

/* hardware.md 7.5 and 7.6: forms that the CSV does not have. */
static void the_manuals_special_forms_decode(void **state)
{
	static const struct {
		const struct nvbar_mmu_fmt *fmt;
		u64 raw;
		enum nvbar_entry_state want;
	} ptes[] = {
		{ &nvbar_mmu_ver2, 0x0, NVBAR_ENTRY_INVALID },
		{ &nvbar_mmu_ver2, 0x8, NVBAR_ENTRY_SPARSE },
		{ &nvbar_mmu_ver2, 0x20, NVBAR_ENTRY_NO_4K },
		{ &nvbar_mmu_ver2, 0x28, NVBAR_ENTRY_NO_4K_RM },
		/* Never just clear VALID: what is left may mean something. */
		{ &nvbar_mmu_ver2, 0x0600000000040008, NVBAR_ENTRY_SPARSE },
		{ &nvbar_mmu_ver2, 0x0600000000040000, NVBAR_ENTRY_INVALID },
		{ &nvbar_mmu_ver3, 0x0, NVBAR_ENTRY_INVALID },
		{ &nvbar_mmu_ver3, 0x8, NVBAR_ENTRY_SPARSE },
		{ &nvbar_mmu_ver3, 0x10, NVBAR_ENTRY_NOWHERE },
		{ &nvbar_mmu_ver3, 0x18, NVBAR_ENTRY_NO_4K },
		{ &nvbar_mmu_ver3, 0x20, NVBAR_ENTRY_RESERVED },
		{ &nvbar_mmu_ver3, 0x0000000000400608, NVBAR_ENTRY_SPARSE },
	};
	struct nvbar_pde pde;
	struct nvbar_pte pte;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(ptes); i++) {
		ptes[i].fmt->decode_pte(ptes[i].raw, &pte);
		assert_int_equal(pte.state, ptes[i].want);
	}
	nvbar_mmu_ver3.decode_pde(0x10, false, &pde);	/* B30 */
	assert_int_equal(pde.state, NVBAR_ENTRY_INVALID);
	assert_true(pde.no_ats);
	nvbar_mmu_ver3.decode_pde(0x18, false, &pde);	/* B29 */
	assert_int_equal(pde.state, NVBAR_ENTRY_SPARSE);
	nvbar_mmu_ver3.decode_pde(0x100022, false, &pde);	/* PCF 4: reserved */
	assert_int_equal(pde.state, NVBAR_ENTRY_RESERVED);
	nvbar_mmu_ver2.decode_pde(0x10022, false, &pde);	/* A3 */
	assert_int_equal(pde.state, NVBAR_ENTRY_VALID);
	assert_int_equal(pde.addr, 0x100000);
	assert_true(pde.no_ats);
}

static void what_a_field_cannot_hold_is_refused(void **state)
{
	static const struct {
		const struct nvbar_mmu_fmt *fmt;
		struct nvbar_pte pte;
	} ptes[] = {
		/* v2: VRAM addresses have 37 bits, v3: any address has 52 */
		{ &nvbar_mmu_ver2, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_VID, .addr = 1ULL << 37 } },
		{ &nvbar_mmu_ver2, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_SYS_COH, .addr = 1ULL << 58 } },
		{ &nvbar_mmu_ver2, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_VID, .addr = 0x800 } },
		{ &nvbar_mmu_ver2, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_SYS_COH, .comptagline = 1 } },
		{ &nvbar_mmu_ver2, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_PEER, .peer = 8 } },
		{ &nvbar_mmu_ver2, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_PEER, .comptagline = 1 } },
		{ &nvbar_mmu_ver2, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_PEER, .addr = 1ULL << 57 } },
		{ &nvbar_mmu_ver2, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_VID, .comptagline = 1 << 20 } },
		{ &nvbar_mmu_ver2, { .state = NVBAR_ENTRY_NOWHERE } },
		{ &nvbar_mmu_ver2, { .state = NVBAR_ENTRY_RESERVED } },
		{ &nvbar_mmu_ver3, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_VID, .addr = 1ULL << 52 } },
		{ &nvbar_mmu_ver3, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_VID, .addr = 0x800 } },
		{ &nvbar_mmu_ver3, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_VID, .kind = 16 } },
		{ &nvbar_mmu_ver3, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_PEER, .peer = 8 } },
		{ &nvbar_mmu_ver3, { .state = NVBAR_ENTRY_NO_4K_RM } },
	};
	static const struct {
		const struct nvbar_mmu_fmt *fmt;
		bool big;
		struct nvbar_pde pde;
	} pdes[] = {
		{ &nvbar_mmu_ver2, false, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_VID, .addr = 0x100 } },
		{ &nvbar_mmu_ver2, false, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_VID, .addr = 8 } },
		{ &nvbar_mmu_ver2, true, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_VID, .no_ats = true } },
		{ &nvbar_mmu_ver2, false, { .state = NVBAR_ENTRY_NOWHERE } },
		{ &nvbar_mmu_ver3, false, { .state = NVBAR_ENTRY_NOWHERE } },
		{ &nvbar_mmu_ver2, true, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_VID, .addr = 0x80 } },
		{ &nvbar_mmu_ver2, false, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_PEER, .addr = 0 } },
		{ &nvbar_mmu_ver3, false, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_VID, .addr = 0x100 } },
		{ &nvbar_mmu_ver3, true, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_VID, .addr = 0x80 } },
		{ &nvbar_mmu_ver3, false, { NVBAR_ENTRY_VALID, NVBAR_APERTURE_PEER, .addr = 0 } },
	};
	unsigned int i;
	u64 raw;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(ptes); i++)
		assert_int_equal(ptes[i].fmt->encode_pte(&ptes[i].pte, &raw), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(pdes); i++)
		assert_int_equal(pdes[i].fmt->encode_pde(&pdes[i].pde, pdes[i].big, &raw), -EINVAL);
}

/* One set of attributes serves every format and aperture. */
static void what_the_entry_has_no_field_for_is_ignored(void **state)
{
	static const struct {
		const struct nvbar_mmu_fmt *fmt;
		struct nvbar_pte pte;
		u64 want;
	} ptes[] = {
		{ &nvbar_mmu_ver2, { NVBAR_ENTRY_VALID, .peer = 8 }, 0x1 },
		{ &nvbar_mmu_ver2, { NVBAR_ENTRY_VALID, .no_access_counters = true }, 0x1 },
		{ &nvbar_mmu_ver2, { NVBAR_ENTRY_SPARSE, .addr = 0x800 }, 0x8 },
		{ &nvbar_mmu_ver3, { NVBAR_ENTRY_VALID, .peer = 8 }, 0x1 },
		{ &nvbar_mmu_ver3, { NVBAR_ENTRY_VALID, .encrypted = true }, 0x1 },
		{ &nvbar_mmu_ver3, { NVBAR_ENTRY_VALID, .comptagline = 1 }, 0x1 },
		{ &nvbar_mmu_ver3, { NVBAR_ENTRY_SPARSE, .kind = 16 }, 0x8 },
	};
	unsigned int i;
	u64 raw;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(ptes); i++) {
		assert_int_equal(ptes[i].fmt->encode_pte(&ptes[i].pte, &raw), 0);
		assert_int_equal(raw, ptes[i].want);
	}
}

/* hardware.md 7.5, A3 and A29, which are in no golden row. */
static void the_manuals_special_forms_encode(void **state)
{
	const struct nvbar_pde no_ats = {
		.state = NVBAR_ENTRY_VALID, .addr = 0x100000, .no_ats = true,
	};
	const struct nvbar_pte no_4k = { .state = NVBAR_ENTRY_NO_4K_RM };
	struct nvbar_pte pte;
	u64 raw;

	(void)state;
	assert_int_equal(nvbar_mmu_ver2.encode_pde(&no_ats, false, &raw), 0);
	assert_int_equal(raw, 0x10022);
	assert_int_equal(nvbar_mmu_ver2.encode_pte(&no_4k, &raw), 0);
	assert_int_equal(raw, 0x28);
	nvbar_mmu_ver2.decode_pte(raw, &pte);
	assert_int_equal(pte.state, NVBAR_ENTRY_NO_4K_RM);
}

/* hardware.md 6: the worked splits of a VA. */
static void addresses_split_into_the_manuals_indices(void **state)
{
	static const u32 v2_want[] = { 393, 179, 418, 72, 1 };
	static const u32 v3_want[] = { 393, 179, 418, 72, 105, 1 };
	unsigned int l;

	(void)state;
	for (l = 0; l < 5; l++)
		assert_int_equal(nvbar_mmu_index(&nvbar_mmu_ver2.level[l], 0x923456789000),
				 v2_want[l]);
	for (l = 0; l < 6; l++)
		assert_int_equal(nvbar_mmu_index(&nvbar_mmu_ver3.level[l], 0x134923456789000),
				 v3_want[l]);
	assert_int_equal(nvbar_mmu_index(&nvbar_mmu_ver2.big, 0x923456789000), 24);
	assert_int_equal(nvbar_mmu_index(&nvbar_mmu_ver3.big, 0x134923456789000), 24);
}

static void a_short_buffer_cuts_the_text(void **state)
{
	char text[9];

	(void)state;
	memset(text, 'x', sizeof(text));
	nvbar_entry_text(&nvbar_mmu_ver2, NVBAR_ENTRY_FORM_PTE, 0x0600000000040001, 0, text, 8);
	assert_string_equal(text, "state=v");
	assert_int_equal(text[8], 'x');
	nvbar_entry_text(&nvbar_mmu_ver2, NVBAR_ENTRY_FORM_PTE, 1, 0, text, 1);
	assert_string_equal(text, "");
}

/* A tree of one 2 MiB leaf: tables follow each other from the root, at 0x1000, down. */
static int read_2m_tree(void *ctx, enum nvbar_aperture aperture, u64 pa, u64 *words, size_t nr)
{
	const struct nvbar_mmu_fmt *fmt = ctx;
	unsigned int depth = pa / 0x1000 - 1;
	const struct nvbar_pde pde = { NVBAR_ENTRY_VALID, NVBAR_APERTURE_VID, .addr = pa + 0x1000 };
	const struct nvbar_pte pte = { NVBAR_ENTRY_VALID, NVBAR_APERTURE_VID, .addr = 0x40123000 };

	(void)aperture;
	assert_int_equal(pa % 0x1000, 0);
	memset(words, 0, nr * sizeof(*words));
	if (depth == fmt->nr_levels - 2u)
		return fmt->encode_pte(&pte, words);
	return fmt->encode_pde(&pde, false, words);
}

static struct nvbar_walk_result walk_2m_tree(const struct nvbar_mmu_fmt *fmt, u64 page_sizes)
{
	const struct nvbar_walk_space space = {
		.fmt = fmt, .page_sizes = page_sizes,
		.root_pa = 0x1000, .read = read_2m_tree, .ctx = (void *)fmt,
	};
	struct nvbar_walk_result res;

	assert_int_equal(nvbar_mmu_walk(&space, 0x4567, &res), 0);
	return res;
}

static const struct nvbar_mmu_fmt *const fmts[] = { &nvbar_mmu_ver2, &nvbar_mmu_ver3 };

/* Address bits below a leaf's size should be 0, and the MMU does not look at them. */
static void a_walk_drops_address_bits_below_the_page(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(fmts); i++) {
		struct nvbar_walk_result res = walk_2m_tree(fmts[i], 1 << 12 | 1 << 16 | 1 << 21);

		assert_int_equal(res.end, NVBAR_WALK_END_OK);
		assert_int_equal(res.page_shift, 21);
		assert_int_equal(res.pa, 0x40004567);
	}
}

/* Such an entry means nothing [assumed]. */
static void a_leaf_of_a_size_that_the_chip_lacks_translates_nothing(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(fmts); i++)
		assert_int_equal(walk_2m_tree(fmts[i], 1 << 12 | 1 << 16).end,
				 NVBAR_WALK_END_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_golden_row_encodes_and_decodes),
		cmocka_unit_test(the_manuals_special_forms_decode),
		cmocka_unit_test(what_a_field_cannot_hold_is_refused),
		cmocka_unit_test(what_the_entry_has_no_field_for_is_ignored),
		cmocka_unit_test(the_manuals_special_forms_encode),
		cmocka_unit_test(addresses_split_into_the_manuals_indices),
		cmocka_unit_test(a_walk_drops_address_bits_below_the_page),
		cmocka_unit_test(a_leaf_of_a_size_that_the_chip_lacks_translates_nothing),
		cmocka_unit_test(a_short_buffer_cuts_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

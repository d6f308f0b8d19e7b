/* SPDX-License-Identifier: MIT */
/* The MMU's decoders and walker against the golden files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim_mmu.h"
#include "snapshot.h"

/* One row of vectors_public.csv: fields as "key=value;key=value". */
struct row {
	const struct sim_mmu_arch *arch;
	char *entry;
	char *fields;
	uint64_t lo, hi;
};

/* Value of a key, NULL if the row has none; good until the next call. */
static const char *field(const struct row *row, const char *key)
{
	static char val[64];
	size_t n = strlen(key), len;
	const char *p = row->fields;

	for (; p; p = strchr(p, ';') ? strchr(p, ';') + 1 : NULL) {
		if (strncmp(p, key, n) || p[n] != '=')
			continue;
		p += n + 1;
		len = strcspn(p, ";");
		assert_true(len < sizeof(val));
		memcpy(val, p, len);
		val[len] = '\0';
		return val;
	}
	return NULL;
}

static bool is(const struct row *row, const char *key, const char *want)
{
	const char *val = field(row, key);

	return val && !strcmp(val, want);
}

/* Flags are decimal, the rest is hex with 0x: strtoull() tells them apart. */
static void check(const struct row *row, const char *key, uint64_t got)
{
	const char *val = field(row, key);

	if (val && strtoull(val, NULL, 0) != got)
		fail_msg("%s %s: %s is 0x%llx", row->entry, row->fields, key,
			 (unsigned long long)got);
}

static unsigned int aperture_code(const char *name, bool pde)
{
	if (!strcmp(name, "vid"))
		return pde ? 1 : 0;
	if (!strcmp(name, "peer"))
		return 1;
	return strcmp(name, "sys_coh") ? 3 : 2;
}

static void check_aperture(const struct row *row, const char *key, unsigned int got, bool pde)
{
	const char *val = field(row, key);

	assert_non_null(val);
	assert_int_equal(got, aperture_code(val, pde));
}

static enum sim_mmu_pde_type pde_type(const struct row *row)
{
	if (is(row, "state", "valid"))
		return SIM_PDE_TABLE;
	return is(row, "state", "sparse") ? SIM_PDE_SPARSE : SIM_PDE_INVALID;
}

static void check_pde(const struct row *row)
{
	struct sim_mmu_pde pde = sim_mmu_decode_pde(row->arch, row->lo, false);

	assert_int_equal(pde.type, pde_type(row));
	check(row, "ats", pde.ats);
	if (pde.type != SIM_PDE_TABLE)
		return;
	check_aperture(row, "aperture", pde.aperture, true);
	check(row, "addr", pde.addr);
	check(row, "vol", pde.vol);
}

static void check_half(const struct row *row, const char *half, uint64_t raw)
{
	bool big = !strcmp(half, "big");
	struct sim_mmu_pde pde = sim_mmu_decode_pde(row->arch, raw, big);
	char key[32];

	snprintf(key, sizeof(key), "%s_aperture", half);
	if (!field(row, key)) {
		assert_int_equal(pde.type, SIM_PDE_INVALID);
		return;
	}
	assert_int_equal(pde.type, SIM_PDE_TABLE);
	check_aperture(row, key, pde.aperture, true);
	snprintf(key, sizeof(key), "%s_addr", half);
	check(row, key, pde.addr);
	snprintf(key, sizeof(key), "%s_vol", half);
	check(row, key, pde.vol);
	snprintf(key, sizeof(key), "%s_ats", half);
	check(row, key, pde.ats);
}

static void check_dual(const struct row *row)
{
	if (!is(row, "state", "valid")) {
		struct sim_mmu_pde big = sim_mmu_decode_pde(row->arch, row->lo, true);
		struct sim_mmu_pde small = sim_mmu_decode_pde(row->arch, row->hi, false);

		assert_int_equal(big.type, pde_type(row));
		assert_int_equal(small.type, SIM_PDE_INVALID);
		return;
	}
	check_half(row, "big", row->lo);
	check_half(row, "small", row->hi);
}

static enum sim_mmu_pte_type pte_type(const struct row *row)
{
	static const struct {
		const char *state;
		enum sim_mmu_pte_type type;
	} types[] = {
		{ "valid", SIM_PTE_PAGE }, { "invalid", SIM_PTE_INVALID },
		{ "sparse", SIM_PTE_SPARSE }, { "nv4k", SIM_PTE_NO_VALID_4K },
		{ "nv4k_rm", SIM_PTE_NO_VALID_4K }, { "nowhere", SIM_PTE_NOWHERE },
	};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (is(row, "state", types[i].state))
			return types[i].type;
	fail_msg("what state is %s", row->fields);
	return SIM_PTE_INVALID;
}

static void check_pte(const struct row *row)
{
	bool big = is(row, "page", "64k");
	struct sim_mmu_pte pte = sim_mmu_decode_pte(row->arch, row->lo, big);

	assert_int_equal(pte.type, pte_type(row));
	if (pte.type != SIM_PTE_PAGE)
		return;
	check_aperture(row, "aperture", pte.aperture, false);
	check(row, "addr", pte.addr);
	check(row, "peer", pte.peer);
	check(row, "vol", pte.vol);
	check(row, "priv", pte.priv);
	check(row, "ro", pte.ro);
	check(row, "atomic_disable", pte.no_atomic);
	check(row, "enc", pte.encrypted);
	check(row, "comptagline", pte.comptagline);
	check(row, "kind", pte.kind);
	check(row, "ace", !pte.acd);
	check(row, "pcf", (uint64_t)pte.vol | (uint64_t)pte.priv << 1 | (uint64_t)pte.ro << 2 |
			  (uint64_t)pte.no_atomic << 3 | (uint64_t)pte.acd << 4);
}

static void check_line(char *line)
{
	struct row row;
	char *save;

	line[strcspn(line, "\r\n")] = '\0';
	row.arch = !strcmp(strtok_r(line, ",", &save), "v2") ? &sim_mmu_ampere
							     : &sim_mmu_blackwell;
	row.entry = strtok_r(NULL, ",", &save);
	row.fields = strtok_r(NULL, ",", &save);
	row.lo = strtoull(strtok_r(NULL, ",", &save), NULL, 16);
	row.hi = strtoull(strtok_r(NULL, ",", &save), NULL, 16);
	if (!strcmp(row.entry, "pde"))
		check_pde(&row);
	else if (!strcmp(row.entry, "dual_pde"))
		check_dual(&row);
	else
		check_pte(&row);
}

static void every_golden_vector_decodes_right(void **state)
{
	FILE *f = fopen(GOLDEN_DIR "/vectors_public.csv", "r");
	char line[512];
	size_t nr = 0;

	(void)state;
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));	/* headings */
	for (; fgets(line, sizeof(line), f); nr++)
		check_line(line);
	fclose(f);
	assert_true(nr > 150);
}

static bool fetch(void *arg, uint64_t va, const struct sim_mmu_slot *slot, uint64_t val[2])
{
	enum snapshot_space space = slot->space == SIM_MMU_VID ? SNAPSHOT_VID : SNAPSHOT_SYS;
	unsigned int i;

	(void)va;
	for (i = 0; i < slot->words; i++)
		if (!snapshot_read64(arg, space, slot->addr + 8 * i, &val[i]))
			return false;
	return true;
}

static void walk(const struct snapshot_scenario *s, uint64_t va, struct sim_mmu_walk *w)
{
	sim_mmu_walk(sim_mmu_arch_find(s->chip),
		     s->root_space == SNAPSHOT_VID ? SIM_MMU_VID : SIM_MMU_SYS, s->root, va, fetch,
		     (void *)(uintptr_t)s, w);
}

static size_t check_scenario(const struct snapshot_scenario *s)
{
	struct sim_mmu_walk w;
	char line[200];
	size_t i;

	for (i = 0; i < s->nr_expects; i++) {
		walk(s, s->expect[i].va, &w);
		if (w.xlat.outcome == SIM_MMU_UNREADABLE)
			fail_msg("%s: %s: reads outside every table", s->name, s->expect[i].line);
		sim_mmu_format(s->expect[i].va, &w.xlat, line, sizeof(line));
		assert_string_equal(line, s->expect[i].line);
	}
	return s->nr_expects;
}

static char *read_golden(const char *name, size_t *len)
{
	FILE *f = fopen(name, "r");
	char *text;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*len = (size_t)ftell(f);
	rewind(f);
	text = malloc(*len);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, *len, f), *len);
	fclose(f);
	return text;
}

static void every_golden_walk_leads_where_it_should(void **state)
{
	struct snapshot_error err;
	struct snapshot *snap;
	size_t len, i, nr = 0;
	char *text = read_golden(GOLDEN_DIR "/walks_public.txt", &len);

	(void)state;
	if (snapshot_parse(text, len, &snap, &err))
		fail_msg("line %zu: %s", err.line, err.reason);
	free(text);
	for (i = 0; i < snapshot_nr_scenarios(snap); i++)
		nr += check_scenario(snapshot_scenario(snap, i));
	assert_int_equal(i, 20);
	assert_int_equal(nr, 4000);
	snapshot_free(snap);
}

/* PDE0 at 0x4000, 64 KiB table at 0x5000, 4 KiB table at 0x6000; v2 on the left. */
#define UPPER_V2	"mem vid 0x1000 0x202\nmem vid 0x2000 0x302\nmem vid 0x3000 0x402\n"
#define UPPER_V3	"mem vid 0x0 0x1002\nmem vid 0x1000 0x2002\nmem vid 0x2000 0x3002\n" \
			"mem vid 0x3000 0x4002\n"
#define BOTH_V2		"scenario s 2 ampere vid 0x1000\ntable vid 0 0x7000 -\n" UPPER_V2 \
			"mem vid 0x4000 0x502\nmem vid 0x4008 0x602\nmem vid 0x6000 0x4001\n"
#define BOTH_V3		"scenario s 3 blackwell vid 0x0\ntable vid 0 0x7000 -\n" UPPER_V3 \
			"mem vid 0x4000 0x5002\nmem vid 0x4008 0x6002\nmem vid 0x6000 0x40001\n"

static void check_text(const char *text, uint64_t va, const char *want)
{
	struct snapshot_error err;
	struct snapshot *snap;
	struct sim_mmu_walk w;
	char line[200], all[1024];

	snprintf(all, sizeof(all), "%send\n", text);
	if (snapshot_parse(all, strlen(all), &snap, &err))
		fail_msg("line %zu: %s", err.line, err.reason);
	walk(snapshot_scenario(snap, 0), va, &w);
	sim_mmu_format(va, &w.xlat, line, sizeof(line));
	assert_string_equal(line, want);
	snapshot_free(snap);
}

static void the_64k_entry_decides_before_the_4k_one(void **state)
{
	(void)state;
	check_text(BOTH_V2, 0x10, "x 0x10 ok 0x40010 0x1000 vid 0 0 0 0 0 0");
	check_text(BOTH_V3, 0x10, "x 0x10 ok 0x40010 0x1000 vid 0 0 0 0 0 0");
	/* Valid, A23 and B25 of the manual's encodings */
	check_text(BOTH_V2 "mem vid 0x5000 0x0600000000041001\n", 0x10,
		   "x 0x10 ok 0x410010 0x10000 vid 0 0 0 0 0 6");
	check_text(BOTH_V3 "mem vid 0x5000 0x410601\n", 0x10,
		   "x 0x10 ok 0x410010 0x10000 vid 0 0 0 0 0 6");
	/* Sparse: A25, B27 */
	check_text(BOTH_V2 "mem vid 0x5000 0x8\n", 0x10, "x 0x10 sparse");
	check_text(BOTH_V3 "mem vid 0x5000 0x8\n", 0x10, "x 0x10 sparse");
	/* No valid 4K page: A28, A29, B33; mapping nowhere: B32 */
	check_text(BOTH_V2 "mem vid 0x5000 0x20\n", 0x10, "x 0x10 invalid");
	check_text(BOTH_V2 "mem vid 0x5000 0x28\n", 0x10, "x 0x10 invalid");
	check_text(BOTH_V3 "mem vid 0x5000 0x18\n", 0x10, "x 0x10 invalid");
	check_text(BOTH_V3 "mem vid 0x5000 0x10\n", 0x10, "x 0x10 invalid");
	/* A leftover address without VALID says nothing. */
	check_text(BOTH_V2 "mem vid 0x5000 0x0600000000041000\n", 0x10,
		   "x 0x10 ok 0x40010 0x1000 vid 0 0 0 0 0 0");
}

/* PCF 4 to 7 of a PDE: in the big half, in the small one, and where there is no table */
static void a_reserved_code_in_a_pde_is_invalid(void **state)
{
	static const char v3[] = "scenario s 3 blackwell vid 0x0\ntable vid 0 0x7000 -\n" UPPER_V3
				 "mem vid 0x5000 0x410601\nmem vid 0x6000 0x40001\n";
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), "%smem vid 0x4000 0x5022\nmem vid 0x4008 0x6002\n", v3);
	check_text(text, 0x10, "x 0x10 ok 0x40010 0x1000 vid 0 0 0 0 0 0");
	snprintf(text, sizeof(text), "%smem vid 0x4008 0x603a\n", v3);
	check_text(text, 0x10, "x 0x10 invalid");
	snprintf(text, sizeof(text), "%smem vid 0x4000 0x28\n", v3);
	check_text(text, 0x10, "x 0x10 invalid");
}

static void the_va_width_is_checked(void **state)
{
	(void)state;
	check_text(BOTH_V2, 1ull << 49, "x 0x2000000000000 va_range");
	check_text(BOTH_V2, (1ull << 49) - 1, "x 0x1ffffffffffff invalid");
	check_text(BOTH_V3, 1ull << 57, "x 0x200000000000000 va_range");
	check_text(BOTH_V3, ~0ull, "x 0xffffffffffffffff va_range");
}

static void a_page_at_a_level_that_has_none_is_invalid(void **state)
{
	(void)state;
	/* 512 MiB page, A13: on Ampere, not on Turing */
	check_text("scenario s 2 ampere vid 0x1000\ntable vid 0 0x7000 -\n"
		   "mem vid 0x1000 0x202\nmem vid 0x2000 0x302\nmem vid 0x3000 0x0600000014000001\n",
		   0x10, "x 0x10 ok 0x140000010 0x20000000 vid 0 0 0 0 0 6");
	check_text("scenario s 2 turing vid 0x1000\ntable vid 0 0x7000 -\n"
		   "mem vid 0x1000 0x202\nmem vid 0x2000 0x302\nmem vid 0x3000 0x0600000014000001\n",
		   0x10, "x 0x10 invalid");
	/* 256 GiB page, B14: on Blackwell, not on Hopper */
	check_text("scenario s 3 blackwell vid 0x0\ntable vid 0 0x7000 -\n"
		   "mem vid 0x0 0x1002\nmem vid 0x1000 0x2002\nmem vid 0x2000 0x601\n",
		   0x10, "x 0x10 ok 0x10 0x4000000000 vid 0 0 0 0 0 6");
	check_text("scenario s 3 hopper vid 0x0\ntable vid 0 0x7000 -\n"
		   "mem vid 0x0 0x1002\nmem vid 0x1000 0x2002\nmem vid 0x2000 0x601\n",
		   0x10, "x 0x10 invalid");
	/* In the root, nowhere */
	check_text("scenario s 3 blackwell vid 0x0\ntable vid 0 0x1000 -\nmem vid 0x0 0x601\n",
		   0x10, "x 0x10 invalid");
}

/* The same pages, A13 and B14, with bits of their addresses that are none of a large page's. */
static void address_bits_below_the_page_are_not_looked_at(void **state)
{
	(void)state;
	check_text("scenario s 2 ampere vid 0x1000\ntable vid 0 0x7000 -\n"
		   "mem vid 0x1000 0x202\nmem vid 0x2000 0x302\nmem vid 0x3000 0x0600000014000101\n",
		   0x10, "x 0x10 ok 0x140000010 0x20000000 vid 0 0 0 0 0 6");
	check_text("scenario s 3 blackwell vid 0x0\ntable vid 0 0x7000 -\n"
		   "mem vid 0x0 0x1002\nmem vid 0x1000 0x2002\nmem vid 0x2000 0x40000601\n",
		   0x10, "x 0x10 ok 0x10 0x4000000000 vid 0 0 0 0 0 6");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_golden_vector_decodes_right),
		cmocka_unit_test(every_golden_walk_leads_where_it_should),
		cmocka_unit_test(the_64k_entry_decides_before_the_4k_one),
		cmocka_unit_test(a_reserved_code_in_a_pde_is_invalid),
		cmocka_unit_test(the_va_width_is_checked),
		cmocka_unit_test(a_page_at_a_level_that_has_none_is_invalid),
		cmocka_unit_test(address_bits_below_the_page_are_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

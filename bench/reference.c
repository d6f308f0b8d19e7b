// SPDX-License-Identifier: MIT
/*
 * What is followed:
 *
 *  - Map is two phases.  Prepare walks from the root for every page; where an
 *    entry is missing it takes a page for the table, zeroes it, remembers it as
 *    pending, and walks from the root again.  Execute installs what is pending,
 *    in the order of the addresses of the entries, and then for every page
 *    walks from the root again, reads the PTE and writes it.
 *  - Unmap walks from the root for every page, reads the PTE and clears it.
 *  - Every read and write of an entry is an access of its own to PRAMIN, and
 *    ends with a read of one byte through the window.  So does zeroing a table,
 *    once.  The dual PDE is two words, thus two accesses.
 *  - The window is 1 MiB and moves only when an access leaves it.
 *  - One invalidate at the end: PDB low, PDB high, trigger; then poll.
 *  - An emptied table is kept.
 *
 * What is left out, each in favour of what is described: the search for a free
 * range of VA (the caller names it), the buddy allocator for tables (they come
 * one after the other from a pool), the locks, and the reference counts of
 * access objects.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/kernel.h>

#include <hw/mmu.h>
#include <hw/mmu_ver2.h>
#include <hw/mmu_ver3.h>
#include <hw/pramin.h>
#include <hw/vf_priv.h>

#include "reference.h"

#define TABLE_SIZE	4096
#define TABLE_WORDS	(TABLE_SIZE / 8)
#define POLLS		1000000

/* The same field in both formats. */
#define PDE_APERTURE	MMU_VER2_PDE_APERTURE
#define PTE_VALID	MMU_VER2_PTE_VALID

static const struct ref_shape shape_ver2 = {
	.nr_levels = 5,
	.shift = { 35, 26, 17, 9, 0 },
	.bits = { 2, 9, 9, 8, 9 },
	.addr_shift = MMU_VER2_ADDR_SHIFT,
	.pde_addr = MMU_VER2_PDE_ADDRESS_VID,
	.pte_addr = MMU_VER2_PTE_ADDRESS_VID,
};

static const struct ref_shape shape_ver3 = {
	.nr_levels = 6,
	.shift = { 44, 35, 26, 17, 9, 0 },
	.bits = { 1, 9, 9, 9, 8, 9 },
	.pde_addr = MMU_VER3_PDE_ADDRESS,
	.pte_addr = MMU_VER3_PTE_ADDRESS,
};

bool reference_init(struct reference *ref, const struct ref_place *place)
{
	*ref = (struct reference){
		.ops = place->ops,
		.hw = place->hw,
		.window_reg = place->window_reg,
		.shape = place->mmu_version == 2 ? &shape_ver2 : &shape_ver3,
		.root_pa = place->root_pa,
		.next_table = place->tables_pa,
		.tables_end = place->tables_pa + place->tables_len,
		.window = REF_WINDOW_UNKNOWN,
		.pending = calloc(place->tables_len / TABLE_SIZE, sizeof(*ref->pending)),
	};
	return ref->pending;
}

void reference_fini(struct reference *ref)
{
	free(ref->pending);
	ref->pending = NULL;
}

/* --- PRAMIN ------------------------------------------------------------- */

/* BAR0 offset of @pa, the window moved if need be. */
static u32 window_at(struct reference *ref, u64 pa)
{
	if (pa - ref->window >= PRAMIN_SIZE) {
		ref->window = round_down(pa, 1ULL << PRAMIN_WINDOW_SHIFT);
		ref->ops->bar0_write(ref->hw, ref->window_reg, 4,
				     ref->window >> PRAMIN_WINDOW_SHIFT);
	}
	return PRAMIN_BASE + (pa - ref->window);
}

/* The end of an access: nothing that was written through it is on its way any more. */
static void access_end(struct reference *ref, u32 off)
{
	ref->ops->bar0_read(ref->hw, off, 1);
}

static u64 read_word(struct reference *ref, u64 pa)
{
	u32 off = window_at(ref, pa);
	u64 word = ref->ops->bar0_read(ref->hw, off, 8);

	access_end(ref, off);
	return word;
}

static void write_word(struct reference *ref, u64 pa, u64 word)
{
	u32 off = window_at(ref, pa);

	ref->ops->bar0_write(ref->hw, off, 8, word);
	access_end(ref, off);
}

static void zero_table(struct reference *ref, u64 pa)
{
	u32 off = window_at(ref, pa);
	unsigned int i;

	for (i = 0; i < TABLE_WORDS; i++)
		ref->ops->bar0_write(ref->hw, off + 8 * i, 8, 0);
	access_end(ref, off);
}

/* --- walking ------------------------------------------------------------ */

/* Index of the pending table with this entry, or of where it would stand. */
static size_t find_pending(const struct reference *ref, u64 install_pa)
{
	size_t low = 0, high = ref->nr_pending;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ref->pending[mid].install_pa < install_pa)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static u64 pending_table(const struct reference *ref, u64 install_pa)
{
	size_t i = find_pending(ref, install_pa);

	if (i < ref->nr_pending && ref->pending[i].install_pa == install_pa)
		return ref->pending[i].table_pa;
	return 0;
}

/*
 * From the root to the leaf table of a page.
 * Return: the address of its PTE; or 0, and @missing is the first entry that
 * points nowhere.
 */
static u64 walk(struct reference *ref, u64 vfn, struct ref_pending *missing)
{
	const struct ref_shape *shape = ref->shape;
	unsigned int leaf = shape->nr_levels - 1;
	u64 table = ref->root_pa;
	unsigned int l;

	for (l = 0; l < leaf; l++) {
		bool dual = l == leaf - 1;
		u64 index = (vfn >> shape->shift[l]) & ((1u << shape->bits[l]) - 1);
		u64 pa = table + index * (dual ? 16 : 8);
		u64 pde = read_word(ref, pa);

		/* The second word of a dual PDE is the one for 4 KiB pages. */
		if (dual)
			pde = read_word(ref, pa + 8);
		if (FIELD_GET(PDE_APERTURE, pde) == MMU_PDE_APERTURE_VIDEO_MEMORY)
			table = (pde & shape->pde_addr) << shape->addr_shift;
		else
			table = pending_table(ref, pa);
		if (!table) {
			*missing = (struct ref_pending){ .install_pa = pa, .dual = dual };
			return 0;
		}
	}
	return table + 8 * (vfn & (TABLE_WORDS - 1));
}

/* --- mapping ------------------------------------------------------------ */

static bool prepare_page(struct reference *ref, u64 vfn)
{
	struct ref_pending missing;
	size_t i;

	while (!walk(ref, vfn, &missing)) {
		if (ref->next_table == ref->tables_end)
			return false;
		missing.table_pa = ref->next_table;
		ref->next_table += TABLE_SIZE;
		zero_table(ref, missing.table_pa);
		i = find_pending(ref, missing.install_pa);
		memmove(&ref->pending[i + 1], &ref->pending[i],
			(ref->nr_pending++ - i) * sizeof(missing));
		ref->pending[i] = missing;
	}
	return true;
}

static void install_pending(struct reference *ref)
{
	size_t i;

	for (i = 0; i < ref->nr_pending; i++) {
		const struct ref_pending *p = &ref->pending[i];
		u64 pde = p->table_pa >> ref->shape->addr_shift |
			  FIELD_PREP(PDE_APERTURE, MMU_PDE_APERTURE_VIDEO_MEMORY);

		if (p->dual)
			write_word(ref, p->install_pa, 0);
		write_word(ref, p->install_pa + (p->dual ? 8 : 0), pde);
	}
	ref->nr_pending = 0;
}

static bool invalidate(struct reference *ref)
{
	u32 low = FIELD_PREP(VF_PRIV_MMU_INVALIDATE_PDB_ADDR,
			     (u32)(ref->root_pa >> VF_PRIV_MMU_INVALIDATE_PDB_ADDR_SHIFT));
	u32 high = ref->root_pa >> VF_PRIV_MMU_INVALIDATE_UPPER_PDB_ADDR_SHIFT;
	unsigned int i;

	ref->ops->bar0_write(ref->hw, VF_PRIV_MMU_INVALIDATE_PDB, 4, low);
	ref->ops->bar0_write(ref->hw, VF_PRIV_MMU_INVALIDATE_UPPER_PDB, 4, high);
	ref->ops->bar0_write(ref->hw, VF_PRIV_MMU_INVALIDATE, 4,
			     VF_PRIV_MMU_INVALIDATE_TRIGGER | VF_PRIV_MMU_INVALIDATE_ALL_VA);
	for (i = 0; i < POLLS; i++)
		if (!(ref->ops->bar0_read(ref->hw, VF_PRIV_MMU_INVALIDATE, 4) &
		      VF_PRIV_MMU_INVALIDATE_TRIGGER))
			return true;
	return false;
}

bool reference_map(struct reference *ref, uint64_t vfn, const uint64_t *pfns, size_t nr)
{
	const struct ref_shape *shape = ref->shape;
	struct ref_pending missing;
	size_t i;

	for (i = 0; i < nr; i++)
		if (!prepare_page(ref, vfn + i))
			return false;
	install_pending(ref);
	for (i = 0; i < nr; i++) {
		u64 pa = walk(ref, vfn + i, &missing);
		u64 page = (pfns[i] << MMU_PAGE_SHIFT_4K) >> shape->addr_shift;

		if (!pa)
			return false;
		/* An entry that is valid is overwritten, too. */
		read_word(ref, pa);
		write_word(ref, pa, (page & shape->pte_addr) | PTE_VALID);
	}
	return invalidate(ref);
}

bool reference_unmap(struct reference *ref, uint64_t vfn, size_t nr)
{
	struct ref_pending missing;
	size_t i;

	for (i = 0; i < nr; i++) {
		u64 pa = walk(ref, vfn + i, &missing);

		if (!pa || !(read_word(ref, pa) & PTE_VALID))
			return false;
		write_word(ref, pa, 0);
	}
	return invalidate(ref);
}

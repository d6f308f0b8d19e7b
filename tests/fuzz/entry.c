// SPDX-License-Identifier: MIT
/*
 * Page-table entries.  An input is a byte that chooses format and kind of
 * entry, a byte for the room that the text gets, and two words.
 *
 * Of any words: the decoder says something; the model's decoder, which shares
 * no code with it, says the same; and encoding what was decoded gives back
 * every bit that the format gives a meaning, and zeroes for the others.  Of
 * any fields: the encoder takes them exactly if each fits its place, and then
 * they are decoded again.
 */
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/errno.h>

#include <hw/mmu.h>
#include <hw/mmu_ver2.h>
#include <hw/mmu_ver3.h>

#include "fuzz.h"
#include "mmu.h"
#include "sim_mmu.h"

static bool fits(u64 val, unsigned int high, unsigned int low)
{
	return !(val & ~GENMASK_ULL(high, low));
}

/* --- the words as text --- */

static void check_text(unsigned int version, enum nvbar_entry_kind kind, u64 lo, u64 hi,
		       size_t room)
{
	char full[512], *cut = malloc(room + 1);
	size_t len;

	must(cut);
	must(!nvbar_decode(version, kind, lo, hi, full, sizeof(full)));
	must(!strncmp(full, "state=", 6) || !strncmp(full, "is_pte=1 state=", 15));
	must(strlen(full) < 256);
	must(!nvbar_decode(version, kind, lo, hi, cut, room + 1));
	len = strlen(cut);
	must(!strncmp(full, cut, len) && (len == room || len == strlen(full)));
	free(cut);
}

/* --- PTEs --- */

/* Bits of a PTE that mean something. */
static u64 pte_bits(unsigned int version, u64 raw)
{
	u64 bits = MMU_VER2_PTE_VALID | MMU_VER2_PTE_APERTURE;

	if (version == 3) {
		if (!(raw & MMU_VER3_PTE_VALID))
			return MMU_VER3_PTE_PCF;
		bits |= MMU_VER3_PTE_PCF | MMU_VER3_PTE_KIND | MMU_VER3_PTE_ADDRESS;
		if (FIELD_GET(MMU_VER3_PTE_APERTURE, raw) == MMU_PTE_APERTURE_PEER_MEMORY)
			bits |= MMU_VER3_PTE_PEER_ID;
		return bits;
	}
	if (!(raw & MMU_VER2_PTE_VALID))
		return MMU_VER2_PTE_VOL | MMU_VER2_PTE_PRIVILEGE;
	bits |= GENMASK_ULL(7, 3) | MMU_VER2_PTE_KIND;
	switch (FIELD_GET(MMU_VER2_PTE_APERTURE, raw)) {
	case MMU_PTE_APERTURE_VIDEO_MEMORY:
		return bits | MMU_VER2_PTE_ADDRESS_VID | MMU_VER2_PTE_COMPTAGLINE;
	case MMU_PTE_APERTURE_PEER_MEMORY:
		return bits | MMU_VER2_PTE_ADDRESS_VID | MMU_VER2_PTE_ADDRESS_VID_PEER |
		       MMU_VER2_PTE_COMPTAGLINE;
	default:
		return bits | MMU_VER2_PTE_ADDRESS_SYS;
	}
}

/* What the model makes of an entry that the driver calls so */
static enum sim_mmu_pte_type model_type(enum nvbar_entry_state state, bool big)
{
	switch (state) {
	case NVBAR_ENTRY_VALID:
		return SIM_PTE_PAGE;
	case NVBAR_ENTRY_INVALID:
		return SIM_PTE_INVALID;
	case NVBAR_ENTRY_SPARSE:
		return SIM_PTE_SPARSE;
	case NVBAR_ENTRY_NO_4K:
		return big ? SIM_PTE_NO_VALID_4K : SIM_PTE_INVALID;
	case NVBAR_ENTRY_NO_4K_RM:
		return big ? SIM_PTE_NO_VALID_4K : SIM_PTE_SPARSE;
	default:
		return SIM_PTE_NOWHERE;
	}
}

static void same_page(const struct nvbar_pte *pte, const struct sim_mmu_pte *sim, bool big)
{
	static const u8 aperture[] = {
		[NVBAR_APERTURE_VID] = MMU_PTE_APERTURE_VIDEO_MEMORY,
		[NVBAR_APERTURE_PEER] = MMU_PTE_APERTURE_PEER_MEMORY,
		[NVBAR_APERTURE_SYS_COH] = MMU_PTE_APERTURE_SYSTEM_COHERENT,
		[NVBAR_APERTURE_SYS_NONCOH] = MMU_PTE_APERTURE_SYSTEM_NON_COHERENT,
	};

	must(sim->type == model_type(pte->state, big));
	if (pte->state != NVBAR_ENTRY_VALID)
		return;
	must(sim->aperture == aperture[pte->aperture]);
	must(sim->addr == pte->addr && sim->peer == pte->peer);
	must(sim->ro == pte->ro && sim->vol == pte->vol && sim->priv == pte->priv);
	must(sim->no_atomic == pte->no_atomic && sim->encrypted == pte->encrypted);
	must(sim->acd == pte->no_access_counters);
	must(sim->kind == pte->kind && sim->comptagline == pte->comptagline);
}

static bool same_pte(const struct nvbar_pte *a, const struct nvbar_pte *b)
{
	return a->state == b->state && a->aperture == b->aperture && a->addr == b->addr &&
	       a->peer == b->peer && a->vol == b->vol && a->priv == b->priv && a->ro == b->ro &&
	       a->no_atomic == b->no_atomic && a->encrypted == b->encrypted &&
	       a->no_access_counters == b->no_access_counters && a->kind == b->kind &&
	       a->comptagline == b->comptagline;
}

static void check_pte(const struct nvbar_mmu_fmt *fmt, const struct sim_mmu_arch *arch, u64 raw,
		      bool big)
{
	struct sim_mmu_pte sim = sim_mmu_decode_pte(arch, raw, big);
	struct nvbar_pte pte, again;
	u64 encoded;
	int ret;

	fmt->decode_pte(raw, &pte);
	must((pte.state == NVBAR_ENTRY_VALID) == (raw & 1));
	same_page(&pte, &sim, big);
	ret = fmt->encode_pte(&pte, &encoded);
	must(ret == (pte.state == NVBAR_ENTRY_RESERVED ? -EINVAL : 0));
	if (ret)
		return;
	must(encoded == (raw & pte_bits(fmt->version, raw)));
	fmt->decode_pte(encoded, &again);
	must(same_pte(&pte, &again));
}

/* --- PDEs --- */

static u64 pde_bits(unsigned int version, u64 raw, bool big)
{
	u64 bits = MMU_VER2_PDE_VOL | (big ? 0 : MMU_VER2_PDE_NO_ATS);

	if (version == 3) {
		if (!FIELD_GET(MMU_VER3_PDE_APERTURE, raw))
			return MMU_VER3_PDE_PCF;
		return MMU_VER3_PDE_APERTURE | MMU_VER3_PDE_PCF |
		       (big ? MMU_VER3_DUAL_PDE_ADDRESS_BIG : MMU_VER3_PDE_ADDRESS);
	}
	bits |= MMU_VER2_PDE_APERTURE;
	switch (FIELD_GET(MMU_VER2_PDE_APERTURE, raw)) {
	case MMU_PDE_APERTURE_INVALID:
		return bits;
	case MMU_PDE_APERTURE_VIDEO_MEMORY:
		return bits | (big ? MMU_VER2_DUAL_PDE_ADDRESS_BIG_VID : MMU_VER2_PDE_ADDRESS_VID);
	default:
		return bits | (big ? MMU_VER2_DUAL_PDE_ADDRESS_BIG_SYS : MMU_VER2_PDE_ADDRESS_SYS);
	}
}

static void same_table(const struct nvbar_pde *pde, const struct sim_mmu_pde *sim)
{
	switch (pde->state) {
	case NVBAR_ENTRY_VALID:
		must(sim->type == SIM_PDE_TABLE);
		must(sim->addr == pde->addr && sim->vol == pde->vol);
		break;
	case NVBAR_ENTRY_SPARSE:
		must(sim->type == SIM_PDE_SPARSE);
		break;
	default:
		must(sim->type == SIM_PDE_INVALID);
		break;
	}
}

static bool same_pde(const struct nvbar_pde *a, const struct nvbar_pde *b)
{
	return a->state == b->state && a->aperture == b->aperture && a->addr == b->addr &&
	       a->vol == b->vol && a->no_ats == b->no_ats;
}

static void check_pde(const struct nvbar_mmu_fmt *fmt, const struct sim_mmu_arch *arch, u64 raw,
		      bool big)
{
	struct sim_mmu_pde sim;
	struct nvbar_pde pde, again;
	u64 encoded;
	int ret;

	raw &= ~1ull;	/* the bit makes it a PTE */
	sim = sim_mmu_decode_pde(arch, raw, big);
	fmt->decode_pde(raw, big, &pde);
	same_table(&pde, &sim);
	ret = fmt->encode_pde(&pde, big, &encoded);
	must(ret == (pde.state == NVBAR_ENTRY_RESERVED ? -EINVAL : 0));
	if (ret)
		return;
	must(encoded == (raw & pde_bits(fmt->version, raw, big)));
	fmt->decode_pde(encoded, big, &again);
	must(same_pde(&pde, &again));
}

/* --- fields --- */

static bool pte_fits(unsigned int version, const struct nvbar_pte *pte)
{
	if (pte->state != NVBAR_ENTRY_VALID)
		return pte->state != NVBAR_ENTRY_RESERVED &&
		       pte->state != (version == 2 ? NVBAR_ENTRY_NOWHERE : NVBAR_ENTRY_NO_4K_RM);
	if (version == 3)
		return fits(pte->addr, 51, 12) && fits(pte->kind, 3, 0) && fits(pte->peer, 2, 0);
	switch (pte->aperture) {
	case NVBAR_APERTURE_VID:
		return fits(pte->addr, 36, 12) && fits(pte->comptagline, 19, 0);
	case NVBAR_APERTURE_PEER:
		return fits(pte->addr, 56, 12) && !pte->comptagline && fits(pte->peer, 2, 0);
	default:
		return fits(pte->addr, 57, 12) && !pte->comptagline;
	}
}

static void check_pte_fields(const struct nvbar_mmu_fmt *fmt, u64 addr, u64 rest)
{
	struct nvbar_pte pte = {
		.state = (rest & 7) % 7,
		.aperture = rest >> 3 & 3,
		.addr = addr,
		.vol = rest & BIT(5),
		.priv = rest & BIT(6),
		.ro = rest & BIT(7),
		.no_atomic = rest & BIT(8),
		.encrypted = fmt->version == 2 && rest & BIT(9),
		.no_access_counters = fmt->version == 3 && rest & BIT(9),
		.kind = rest >> 16,
		.comptagline = fmt->version == 2 ? rest >> 32 : 0,
	}, again;
	bool ok;
	u64 raw;

	if (pte.aperture == NVBAR_APERTURE_PEER)
		pte.peer = rest >> 24;
	ok = pte_fits(fmt->version, &pte);
	must(fmt->encode_pte(&pte, &raw) == (ok ? 0 : -EINVAL));
	if (!ok)
		return;
	fmt->decode_pte(raw, &again);
	/* What leads nowhere says so, and nothing else. */
	if (pte.state != NVBAR_ENTRY_VALID)
		pte = (struct nvbar_pte){ .state = pte.state };
	must(same_pte(&pte, &again));
}

static bool pde_fits(unsigned int version, const struct nvbar_pde *pde, bool big)
{
	unsigned int low = big ? 8 : 12;

	if (version == 2 && big && pde->no_ats)
		return false;
	switch (pde->state) {
	case NVBAR_ENTRY_INVALID:
	case NVBAR_ENTRY_SPARSE:
		return true;
	case NVBAR_ENTRY_VALID:
		if (pde->aperture == NVBAR_APERTURE_PEER)
			return false;
		if (version == 3)
			return fits(pde->addr, 51, low);
		return fits(pde->addr, pde->aperture == NVBAR_APERTURE_VID ? 36 : 57, low);
	default:
		return false;
	}
}

static void check_pde_fields(const struct nvbar_mmu_fmt *fmt, bool big, u64 addr, u64 rest)
{
	struct nvbar_pde pde = {
		.state = (rest & 7) % 7,
		.aperture = rest >> 3 & 3,
		.addr = addr,
		.vol = rest & BIT(5),
		.no_ats = rest & BIT(6),
	}, again;
	bool ok = pde_fits(fmt->version, &pde, big);
	u64 raw;

	must(fmt->encode_pde(&pde, big, &raw) == (ok ? 0 : -EINVAL));
	if (!ok)
		return;
	fmt->decode_pde(raw, big, &again);
	if (pde.state != NVBAR_ENTRY_VALID)
		pde = (struct nvbar_pde){ .state = pde.state, .no_ats = pde.no_ats };
	must(same_pde(&pde, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = { data, len };
	unsigned int what = fuzz_take(&in, 1);
	size_t room = fuzz_take(&in, 1);
	u64 lo = fuzz_take(&in, 8), hi = fuzz_take(&in, 8);
	const struct nvbar_mmu_fmt *fmt = what & 1 ? &nvbar_mmu_ver3 : &nvbar_mmu_ver2;
	const struct sim_mmu_arch *arch = what & 1 ? &sim_mmu_blackwell : &sim_mmu_ampere;
	bool big = what & 2;

	check_text(fmt->version, (what >> 2) % 3, lo, hi, room);
	check_pte(fmt, arch, lo, big);
	check_pde(fmt, arch, lo, big);
	check_pte_fields(fmt, lo, hi);
	check_pde_fields(fmt, big, lo, hi);
	return 0;
}

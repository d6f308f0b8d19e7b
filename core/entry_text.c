// SPDX-License-Identifier: MIT
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/stdarg.h>

#include <hw/mmu_ver3.h>

#include "entry_text.h"

/* A string that grows until its buffer is full. */
struct words {
	char *buf;
	size_t len;
	size_t used;
};

static __printf(2, 3) void add(struct words *words, const char *fmt, ...)
{
	va_list args;

	if (words->used && words->used + 1 < words->len)
		words->buf[words->used++] = ' ';
	va_start(args, fmt);
	words->used += vscnprintf(words->buf + words->used, words->len - words->used, fmt, args);
	va_end(args);
}

static const char *state_name(enum nvbar_entry_state state)
{
	switch (state) {
	case NVBAR_ENTRY_INVALID:
		return "invalid";
	case NVBAR_ENTRY_VALID:
		return "valid";
	case NVBAR_ENTRY_SPARSE:
		return "sparse";
	case NVBAR_ENTRY_NO_4K:
		return "nv4k";
	case NVBAR_ENTRY_NO_4K_RM:
		return "nv4k_rm";
	case NVBAR_ENTRY_NOWHERE:
		return "nowhere";
	default:
		return "reserved";
	}
}

static const char *aperture_name(enum nvbar_aperture aperture)
{
	switch (aperture) {
	case NVBAR_APERTURE_VID:
		return "vid";
	case NVBAR_APERTURE_SYS_COH:
		return "sys_coh";
	case NVBAR_APERTURE_SYS_NONCOH:
		return "sys_noncoh";
	default:
		return "peer";
	}
}

/* ATS is one flag for all of a v3 PDE; the v2 bit is shown where it is set. */
static void add_ats(struct words *words, const struct nvbar_mmu_fmt *fmt, const char *prefix,
		    bool no_ats)
{
	if (fmt->version == 3)
		add(words, "%sats=%d", prefix, !no_ats);
	else if (no_ats)
		add(words, "%sno_ats=1", prefix);
}

static void add_pde(struct words *words, const struct nvbar_mmu_fmt *fmt, const char *prefix,
		    const struct nvbar_pde *pde)
{
	add(words, "%saperture=%s", prefix, aperture_name(pde->aperture));
	add(words, "%saddr=0x%llx", prefix, pde->addr);
	add(words, "%svol=%d", prefix, pde->vol);
	add_ats(words, fmt, prefix, pde->no_ats);
}

static void pte_text(struct words *words, const struct nvbar_mmu_fmt *fmt, u64 raw,
		     const char *page)
{
	struct nvbar_pte pte;

	fmt->decode_pte(raw, &pte);
	add(words, "state=%s", state_name(pte.state));
	if (page)
		add(words, "page=%s", page);
	if (pte.state != NVBAR_ENTRY_VALID)
		return;

	add(words, "aperture=%s addr=0x%llx", aperture_name(pte.aperture), pte.addr);
	if (pte.aperture == NVBAR_APERTURE_PEER)
		add(words, "peer=%u", pte.peer);
	add(words, "vol=%d priv=%d ro=%d atomic_disable=%d", pte.vol, pte.priv, pte.ro,
	    pte.no_atomic);
	if (fmt->version == 3)
		add(words, "ace=%d", !pte.no_access_counters);
	if (pte.encrypted)
		add(words, "enc=1");
	if (pte.comptagline)
		add(words, "comptagline=0x%x", pte.comptagline);
	add(words, "kind=0x%x", pte.kind);
	if (fmt->version == 3)
		add(words, "pcf=0x%llx", FIELD_GET(MMU_VER3_PTE_PCF, raw));
	/* A v2 peer address wider than VRAM's is one on the fabric. */
	if (fmt->version == 2 && pte.aperture == NVBAR_APERTURE_PEER && pte.addr >> fmt->vid_bits)
		add(words, "fabric=1");
}

static void pde_text(struct words *words, const struct nvbar_mmu_fmt *fmt, u64 raw)
{
	struct nvbar_pde pde;

	if (nvbar_mmu_is_leaf(raw)) {
		add(words, "is_pte=1");
		pte_text(words, fmt, raw, NULL);
		return;
	}
	fmt->decode_pde(raw, false, &pde);
	add(words, "state=%s", state_name(pde.state));
	if (pde.state == NVBAR_ENTRY_VALID)
		add_pde(words, fmt, "", &pde);
	else
		add_ats(words, fmt, "", pde.no_ats);
}

static void dual_pde_text(struct words *words, const struct nvbar_mmu_fmt *fmt, u64 lo, u64 hi)
{
	struct nvbar_pde big, small;
	bool big_valid, small_valid;

	if (nvbar_mmu_is_leaf(lo)) {
		add(words, "is_pte=1");
		pte_text(words, fmt, lo, "2m");
		return;
	}
	fmt->decode_pde(lo, true, &big);
	fmt->decode_pde(hi, false, &small);
	big_valid = big.state == NVBAR_ENTRY_VALID;
	small_valid = small.state == NVBAR_ENTRY_VALID;

	/* Where neither half points anywhere, the big one says what that means. */
	add(words, "state=%s", state_name(small_valid ? NVBAR_ENTRY_VALID : big.state));
	if (big_valid)
		add_pde(words, fmt, "big_", &big);
	if (small_valid)
		add_pde(words, fmt, "small_", &small);
	if (!big_valid && !small_valid && big.no_ats)
		add_ats(words, fmt, "", true);
}

void nvbar_entry_text(const struct nvbar_mmu_fmt *fmt, enum nvbar_entry_form form, u64 lo, u64 hi,
		      char *buf, size_t len)
{
	struct words words = { buf, len, 0 };

	buf[0] = '\0';
	switch (form) {
	case NVBAR_ENTRY_FORM_PDE:
		pde_text(&words, fmt, lo);
		break;
	case NVBAR_ENTRY_FORM_DUAL_PDE:
		dual_pde_text(&words, fmt, lo, hi);
		break;
	case NVBAR_ENTRY_FORM_PTE:
		/* Only the 2 MiB leaf stands in a slot of two words; the second is not used. */
		pte_text(&words, fmt, lo, NULL);
		break;
	}
}

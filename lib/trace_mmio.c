// SPDX-License-Identifier: MIT
/*
 * Logs of the kernel's mmiotrace, which show what another driver does to a GPU
 * (Documentation/trace/mmiotrace.rst and kernel/trace/trace_mmiotrace.c of Linux).
 * They have physical addresses and tell neither chip nor VRAM: BARs are those of the
 * first GPU of NVIDIA's that is touched, and the driver's own code identifies it by
 * what was read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/sizes.h>

#include <hw/pmc.h>

#include "chip.h"
#include "gpu.h"
#include "trace_parse.h"

/* Sound controllers and the like of the same board have less. */
#define REGS_MIN	SZ_16M

/* Of VRAM, where no read tells how much there is */
#define VRAM_DEFAULT	(8ULL << 30)

/* --- which device ----------------------------------------------------------- */

/* Hexadecimal without 0x */
static int hex(struct nvbar_trace_parser *p, const char *text, u64 *val)
{
	char *stop;

	errno = 0;
	*val = strtoull(text, &stop, 16);
	if (errno || stop == text || *stop || *text == '-' || *text == '+')
		return nvbar_trace_fail(p, "not a hexadecimal number: %.40s", text);
	return 0;
}

/* PCIDEV BUSDEVFN VENDORDEVICE IRQ 7_ADDRESSES 7_LENGTHS [DRIVER]; the seventh is the ROM */
static int take_pcidev(struct nvbar_trace_parser *p, char **field, int nr)
{
	const int addresses = 4, lengths = addresses + PCI_NR_BARS + 1;
	struct nvbar_mmiotrace_gpu gpu = { 0 };
	u64 ids, address;
	int i;

	(void)nr;
	if (hex(p, field[2], &ids))
		return -EINVAL;
	for (i = 0; i < PCI_NR_BARS; i++) {
		if (hex(p, field[addresses + i], &address) ||
		    hex(p, field[lengths + i], &gpu.bar[i].size))
			return -EINVAL;
		gpu.bar[i].start = address & ~0xfULL;
		gpu.bar[i].bits = address & 0xf;
		if (gpu.bar[i].size > U64_MAX - gpu.bar[i].start)
			return nvbar_trace_fail(p, "BAR%d ends beyond all addresses", i);
	}
	nvbar_bar_find_roles(gpu.bar, &gpu.roles);
	if (ids >> 16 != PCI_VENDOR_NVIDIA || gpu.roles.regs < 0 ||
	    gpu.bar[gpu.roles.regs].size < REGS_MIN)
		return 0;
	if (p->nr_gpus == ARRAY_SIZE(p->gpu))
		return nvbar_trace_fail(p, "more than %d GPUs", NVBAR_MMIOTRACE_GPUS);
	p->gpu[p->nr_gpus++] = gpu;
	return 0;
}

/* Return: whether that is where the access goes, whose BAR and offset are filled in then. */
static bool find_in_bar(const struct nvbar_mmiotrace_gpu *gpu, unsigned int bar, int nr, u64 pa,
			struct nvbar_trace_access *a)
{
	if (nr < 0 || pa - gpu->bar[nr].start >= gpu->bar[nr].size)
		return false;
	a->bar = bar;
	a->off = pa - gpu->bar[nr].start;
	return bar || a->off <= U32_MAX;
}

static bool find_in_gpu(const struct nvbar_mmiotrace_gpu *gpu, u64 pa, struct nvbar_trace_access *a)
{
	return find_in_bar(gpu, 0, gpu->roles.regs, pa, a) ||
	       find_in_bar(gpu, 1, gpu->roles.bar1, pa, a) ||
	       find_in_bar(gpu, 2, gpu->roles.bar2, pa, a);
}

static bool find_place(struct nvbar_trace_parser *p, u64 pa, struct nvbar_trace_access *a)
{
	unsigned int i;

	if (p->used)
		return find_in_gpu(p->used, pa, a);
	for (i = 0; i < p->nr_gpus; i++) {
		if (!find_in_gpu(&p->gpu[i], pa, a))
			continue;
		p->used = &p->gpu[i];
		return true;
	}
	return false;
}

/* --- lines ------------------------------------------------------------------- */

/* R|W WIDTH TIME MAP PHYSICAL VALUE [PC PID] */
static int take_access(struct nvbar_trace_parser *p, char **field, int nr)
{
	struct nvbar_trace_access a = { .nr = 1 };
	u64 pa;

	(void)nr;
	a.kind = field[0][0] == 'W' ? NVBAR_TRACE_WRITE : NVBAR_TRACE_READ;
	if (nvbar_trace_width_and_value(p, field[1], field[5], &a) ||
	    nvbar_trace_number(p, field[4], &pa))
		return -EINVAL;
	if (!find_place(p, pa, &a) || a.off % a.width) {
		p->trace->elsewhere++;
		return 0;
	}
	return nvbar_trace_add(p, &a);
}

/* An instruction that the tracer could not decode made an access somewhere. */
static int take_unknown(struct nvbar_trace_parser *p, char **field, int nr)
{
	(void)field;
	(void)nr;
	p->trace->elsewhere++;
	return 0;
}

static int count_lost(struct nvbar_trace_parser *p, const char *text)
{
	u64 lost;

	if (nvbar_trace_number(p, text, &lost))
		return -EINVAL;
	p->trace->lost += lost;
	return 0;
}

/* MARK TIME TEXT: anybody's, and the tracer's "Lost COUNT events." */
static int take_mark(struct nvbar_trace_parser *p, char **field, int nr)
{
	return nr == 5 && !strcmp(field[2], "Lost") && !strcmp(field[4], "events.") ?
	       count_lost(p, field[3]) : 0;
}

/* CPU:NUMBER [LOST COUNT EVENTS], where the kernel's buffer was full */
static int take_lost(struct nvbar_trace_parser *p, char **field, int nr)
{
	(void)nr;
	return strcmp(field[1], "[LOST") ? 0 : count_lost(p, field[2]);
}

static int skip(struct nvbar_trace_parser *p, char **field, int nr)
{
	(void)p;
	(void)field;
	(void)nr;
	return 0;
}

static const struct line_kind {
	const char *begin;	/* of the first word; a blank ends it */
	int min;		/* words */
	int (*take)(struct nvbar_trace_parser *p, char **field, int nr);
} line_kinds[] = {
	{ "R ", 6, take_access },
	{ "W ", 6, take_access },
	{ "PCIDEV ", 18, take_pcidev },
	{ "UNKNOWN ", 2, take_unknown },
	{ "CPU:", 4, take_lost },
	{ "MAP ", 6, skip },
	{ "UNMAP ", 3, skip },
	{ "VERSION ", 2, skip },
};

/* Of other people's words: marks, and what lspci prints, may be more than fields. */
static int take_line(struct nvbar_trace_parser *p, char *text)
{
	char *field[NVBAR_TRACE_FIELDS];
	const struct line_kind *k;
	int nr;

	if (!*text || *text == '#' || !strncmp(text, "LSPCI ", strlen("LSPCI ")))
		return 0;
	if (!strncmp(text, "MARK ", strlen("MARK "))) {
		for (nr = 0; nr < 5 && (field[nr] = strsep(&text, " ")); nr++)
			;
		return take_mark(p, field, nr);
	}
	for (k = line_kinds; k < line_kinds + ARRAY_SIZE(line_kinds); k++) {
		if (strncmp(text, k->begin, strlen(k->begin)))
			continue;
		nr = nvbar_trace_split(p, text, field);
		if (nr < k->min)
			return nr < 0 ? nr : nvbar_trace_fail(p, "\"%s\" is not followed by %d words",
							      field[0], nr - 1);
		return k->take(p, field, nr);
	}
	return nvbar_trace_fail(p, "what is \"%.40s\"?", text);
}

bool nvbar_mmiotrace_begins(const char *line)
{
	return !strncmp(line, "VERSION ", strlen("VERSION "));
}

/* --- which GPU ---------------------------------------------------------------- */

/* Return: whether something was read there; @val receives the first that was. */
static bool first_read(const struct nvbar_trace *trace, u64 off, u64 *val)
{
	size_t i;

	for (i = 0; i < trace->nr; i++) {
		const struct nvbar_trace_access *a = &trace->access[i];

		if (a->kind != NVBAR_TRACE_READ || a->bar || a->off != off || a->width != 4)
			continue;
		*val = a->val;
		return true;
	}
	return false;
}

/* Both registers have the chip's number, and nouveau reads PMC_BOOT_0 alone. */
static u64 boot42_of_boot0(u64 boot0)
{
	return FIELD_PREP(PMC_BOOT_42_IMPL, FIELD_GET(PMC_BOOT_0_IMPL, boot0)) |
	       FIELD_PREP(PMC_BOOT_42_ARCH, FIELD_GET(PMC_BOOT_0_ARCH_LSB, boot0) |
					    FIELD_GET(PMC_BOOT_0_ARCH_MSB, boot0) << 5);
}

/* What the log has of a register, for the driver's own functions */
static u64 logged_read(void *hw, u32 off, unsigned int width)
{
	u64 val = 0;

	(void)width;
	if (!first_read(hw, off, &val) && off == PMC_BOOT_42 && first_read(hw, PMC_BOOT_0, &val))
		return boot42_of_boot0(val);
	return val;
}

static const struct nvbar_hw_ops logged_ops = { .bar0_read = logged_read };

static int identify(struct nvbar_trace_parser *p)
{
	struct nvbar_gpu gpu = { .ops = &logged_ops, .hw = p->trace };
	struct nvbar_trace *t = p->trace;

	if (nvbar_chip_identify(&gpu))
		return nvbar_trace_fail(p, "no read so far tells a chip that is known: PMC_BOOT_0 0x%08x, PMC_BOOT_42 0x%08x",
					gpu.boot0, gpu.boot42);
	snprintf(t->chip, sizeof(t->chip), "%s", gpu.chip->name);
	/* Where its other registers were not read they make no sense, which does not matter. */
	nvbar_chip_read_vram(&gpu);
	t->vram_size = gpu.vram_size ? gpu.vram_size : VRAM_DEFAULT;
	return 0;
}

static int take_end(struct nvbar_trace_parser *p)
{
	struct nvbar_trace *t = p->trace;

	if (!p->used)
		return nvbar_trace_fail(p, "nothing before touches a GPU that a PCIDEV line names");
	if (p->used->roles.bar1 >= 0)
		t->bar1_size = p->used->bar[p->used->roles.bar1].size;
	t->others = true;
	return identify(p);
}

const struct nvbar_trace_format nvbar_mmiotrace_format = { take_line, take_end };

// SPDX-License-Identifier: MIT
/*
 * VRAM that is broken, for the tool that is linked with this: what it maps,
 * writes and reads comes by here.  BAD_VRAM is "stuck0:PA:BIT" or
 * "stuck1:PA:BIT", a bit of a word that can't change; "line:BIT", an address
 * line that is dead; or "couple:PA:PA", a byte whose lowest bit is set when that
 * of another is written to be 0.  SIGNAL_AT is "SIGNAL:N": the Nth read gets the process
 * that signal.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvbar/nvbar.h>

static struct nvbar *gpu_of_all;
static uint64_t mapped_pa;

static bool fault(const char *kind, unsigned long long arg[2])
{
	const char *text = getenv("BAD_VRAM");
	size_t len = strlen(kind);

	return text && !strncmp(text, kind, len) &&
	       sscanf(text + len, ":%llx:%llx", &arg[0], &arg[1]) >= 1;
}

int nvbar_map(struct nvbar *gpu, const struct nvbar_extent *ext, size_t nr,
	      const struct nvbar_map_opts *opts, struct nvbar_access **access)
{
	int (*map)(struct nvbar *, const struct nvbar_extent *, size_t,
		   const struct nvbar_map_opts *, struct nvbar_access **) =
		(__typeof__(map))dlsym(RTLD_NEXT, "nvbar_map");

	gpu_of_all = gpu;
	mapped_pa = ext->pa;
	return map(gpu, ext, nr, opts, access);
}

/* What an address line that is always low makes of a block: the other half is never reached. */
static uint64_t reached(uint64_t pa)
{
	unsigned long long line[2];

	return fault("line", line) ? pa & ~(1ull << line[0]) : pa;
}

static void corrupt(uint64_t pa, unsigned char *buf, size_t len)
{
	unsigned long long at[2];
	bool one = fault("stuck1", at);
	unsigned char *byte;

	if ((!one && !fault("stuck0", at)) || at[0] < pa || at[0] >= pa + len)
		return;
	byte = &buf[at[0] - pa + at[1] / 8];
	*byte = one ? *byte | 1 << at[1] % 8 : *byte & ~(1 << at[1] % 8);
}

static void couple(uint64_t pa, const unsigned char *buf, size_t len)
{
	unsigned long long at[2];
	unsigned char byte;

	if (!fault("couple", at) || at[1] < pa || at[1] >= pa + len || buf[at[1] - pa] & 1)
		return;
	nvbar_pramin_read(gpu_of_all, at[0], &byte, 1);
	byte |= 1;
	nvbar_pramin_write(gpu_of_all, at[0], &byte, 1);
}

static void signal_at(void)
{
	static unsigned int nr_reads;
	const char *text = getenv("SIGNAL_AT");
	unsigned int nth;
	int sig;

	nr_reads++;
	if (text && sscanf(text, "%d:%u", &sig, &nth) == 2 && nth == nr_reads)
		raise(sig);
}

int nvbar_read(struct nvbar_access *a, uint64_t offset, void *buf, size_t len)
{
	int (*read)(struct nvbar_access *, uint64_t, void *, size_t) =
		(__typeof__(read))dlsym(RTLD_NEXT, "nvbar_read");
	uint64_t pa = mapped_pa + offset;
	int ret;

	signal_at();
	ret = reached(pa) == pa ? read(a, offset, buf, len) :
				  nvbar_pramin_read(gpu_of_all, reached(pa), buf, len);
	corrupt(pa, buf, len);
	return ret;
}

int nvbar_write(struct nvbar_access *a, uint64_t offset, const void *buf, size_t len)
{
	int (*write)(struct nvbar_access *, uint64_t, const void *, size_t) =
		(__typeof__(write))dlsym(RTLD_NEXT, "nvbar_write");
	uint64_t pa = mapped_pa + offset;
	int ret;

	ret = reached(pa) == pa ? write(a, offset, buf, len) :
				  nvbar_pramin_write(gpu_of_all, reached(pa), buf, len);
	couple(pa, buf, len);
	return ret;
}

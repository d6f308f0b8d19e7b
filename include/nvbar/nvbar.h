/* SPDX-License-Identifier: MIT */
/*
 * nvbar - reach the memory of an NVIDIA GPU through its PCIe BAR1 aperture.
 *
 * Every function that can fail returns 0 or a negative errno, and leaves its
 * out parameters untouched on failure.  After any failing call the GPU's page
 * tables, the VA space, VRAM and the TLB are as they were before it.
 *
 * Every function is safe to call from several threads on one GPU.  Freeing a
 * handle while another thread uses that same handle is the caller's bug.
 * Every function that touches the GPU may sleep.
 *
 * Structs of options and results begin with their size, by which the library
 * knows the version of this header that the caller was built with.  Options
 * that an older one has not are zero; those that a newer one has must be.  A
 * size of options that is no multiple of sizeof(size_t), or one of results
 * without room for them, is -EINVAL.
 *
 * A GPU that does not answer any more, or that was reset or taken by another driver,
 * is lost: from when that is found every function is -ENODEV, but for what says
 * otherwise, until the GPU is closed and opened again.  It never comes back by
 * itself.  Giving something back still frees it.
 *
 * Words: a VRAM address (pa) is a physical byte address in video memory, a
 * PFN is pa >> 12; a VA is a byte address in the BAR1 address space and equal
 * to the offset in the BAR1 aperture, a VFN is VA >> 12.  Addresses and
 * lengths are bytes unless the name says PFN, VFN or pages.
 */
#ifndef NVBAR_NVBAR_H
#define NVBAR_NVBAR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define NVBAR_API __attribute__((visibility("default")))
#else
#define NVBAR_API
#endif

struct nvbar;
struct nvbar_vram;
struct nvbar_access;
struct nvbar_prepared;
struct nvbar_snapshot;

/* --- opening a GPU ------------------------------------------------------ */

/** enum nvbar_log_level - how much a log line matters */
enum nvbar_log_level {
	NVBAR_LOG_ERROR = 0,
	NVBAR_LOG_WARNING = 1,
	NVBAR_LOG_INFO = 2,
	NVBAR_LOG_DEBUG = 3,
};

/**
 * NVBAR_OPEN_OBSERVE - read registers only, write nothing to the GPU
 *
 * BAR1 is not bound; nvbar_get_info(), nvbar_get_stats() and
 * nvbar_get_fault() work, everything that needs a write is -EACCES.  A pci:
 * device can be observed while a driver or another process has it.  A pci:, vfio: or
 * vfio-user: device that has its BARs switched off, or is asleep, is not woken up for
 * it but refused with -EACCES.
 */
#define NVBAR_OPEN_OBSERVE		(1u << 0)

/**
 * NVBAR_OPEN_STATIC - keep all of usable VRAM mapped at VA = VRAM address
 *
 * Mapping one extent of VRAM then costs no bus access: the handle shares the
 * static mapping.  Needs a BAR1 at least as large as usable VRAM.  Read-only,
 * private, fixed and prepared mappings have what is left of BAR1.
 */
#define NVBAR_OPEN_STATIC		(1u << 1)

/**
 * NVBAR_OPEN_FORCE - take BAR1 even if somebody else has bound it
 *
 * Without it a GPU whose BAR1 is bound to an instance block that is not nvbar's
 * is -EBUSY.  For a GPU that another driver left so; one that is in use breaks.
 */
#define NVBAR_OPEN_FORCE		(1u << 2)

/**
 * NVBAR_OPEN_DRY_RUN - tell what would be written, and write nothing
 *
 * Each write to a BAR is a log line at NVBAR_LOG_INFO, as "dry run: " and the line
 * that a trace has for it.  What was written is remembered: registers and VRAM
 * read so, BAR1 leads where the page tables would lead it, and what the GPU is
 * asked for is done at once.  All other registers are read from the GPU; all other
 * VRAM reads as 0, as nothing can move the window to it.  There are no CPU
 * pointers: nvbar_mmap() is -EOPNOTSUPP.
 */
#define NVBAR_OPEN_DRY_RUN		(1u << 3)

/**
 * NVBAR_OPEN_FAULTS - accesses where nothing is mapped shall fault, in any case
 *
 * Where BAR1 is mapped write-combined, as by pci:, a CPU may read it without being
 * asked to, and the GPU latches the first fault only.  So what is not mapped there is
 * sparse: reads give nothing that means anything, writes are lost, and there is no
 * fault.  With this flag it faults as it does elsewhere, which finds programs that
 * use what they have unmapped.
 */
#define NVBAR_OPEN_FAULTS		(1u << 4)

/**
 * struct nvbar_open_opts - how to open a GPU; zero fields mean the default
 * @size: sizeof(struct nvbar_open_opts)
 * @flags: NVBAR_OPEN_*
 * @log_level: the least important &enum nvbar_log_level that @log is to see
 * @log: takes one line without its newline; called from whichever thread
 *	met the event, possibly with locks held: it must not call the library
 * @log_arg: first argument of @log
 */
struct nvbar_open_opts {
	size_t size;
	uint32_t flags;
	uint32_t log_level;
	void (*log)(void *log_arg, int level, const char *line);
	void *log_arg;
};

/**
 * nvbar_open - open a GPU and bind its BAR1
 * @gpu: receives the handle; nvbar_close() ends it
 * @device: device string, e.g. "sim:ga102,vram=24G"; NULL means $NVBAR_DEVICE,
 *	or "sim" where that is not set
 * @opts: NULL for the defaults
 *
 * Identifies the chip, waits for its firmware to be up, reads the VRAM size
 * and the reserved areas, writes an empty page table and binds BAR1 to it.
 *
 * The process that opened a GPU has it until nvbar_close() or until it ends,
 * and nobody else can open it, nor it a second time: the log line of -EBUSY
 * names the process.  A child made by fork() must leave its copy of the
 * handles alone; while it lives, the end of a parent that did not close the
 * GPU does not free it.
 *
 * A pci: device is a GPU of this machine that no driver is bound to.  It is
 * kept awake, and enabled, until it is closed, and then left as it was.  A vfio:
 * device is one that is bound to vfio-pci; the kernel resets it when it is opened
 * and closed, where it can, and with ",reset" it must.  One that is unplugged, or
 * claimed by a driver, meanwhile, is gone: what touches it is -ENODEV, and pointers
 * of nvbar_mmap() read as all ones.  To that end a handler of SIGBUS is installed
 * with each mapping, which is of no use to a thread that blocks the signal.  It
 * hands on to the one that was there before what is none of its business; an
 * application that installs one later had better do likewise.
 *
 * An open waits for the GPU 6 seconds at most, in all, and a close 4; any other call
 * fails once it has waited for something in vain, after 4 seconds at most.  A
 * vfio-user: device may take 10 seconds more for the server's replies, all together,
 * and beyond that 10 milliseconds for each message and a second for each MB.  It is
 * gone after that.
 *
 * With NVBAR_TRACE=FILE in the environment every access to the GPU is written to
 * FILE: see nvbar_replay().
 *
 * VRAM in a file= takes room on the host's disk as it is written.  When there
 * is none left, what was being written is lost and the modelled GPU is gone:
 * one log line names the file and the reason, and whatever touches the GPU is
 * -ENODEV.  What nvbar_flush() confirmed before is in the file when it is
 * opened again.
 *
 * Return: 0, or -EINVAL (malformed device string or options; a kind of device, a
 * modelled chip or a key that does not exist), -EOPNOTSUPP (no GPU, or of a chip
 * that is not supported; BAR1 too small for NVBAR_OPEN_STATIC), -ENODEV
 * (the GPU or its configuration space reads as all ones), -ETIMEDOUT (firmware or bind
 * never came up), -EIO (its registers contradict themselves or can't be read, its files
 * in sysfs make no sense, or VRAM does not hold what is written), -EBUSY (someone else
 * drives it: a bound driver is named; has BAR1 bound, or its memory; or an unbind is
 * waiting), -EACCES, -ENOENT (no such device or socket, or not bound to vfio-pci),
 * -ENOSPC (VRAM too small for the driver's own region), -ENOMEM, the errno of the file
 * that a file= or NVBAR_TRACE names or of one of the kernel's, or the one that the
 * server of a vfio-user: device replies.
 */
NVBAR_API int nvbar_open(struct nvbar **gpu, const char *device, const struct nvbar_open_opts *opts);

/**
 * nvbar_close - unmap and free whatever is left, unbind BAR1, free the handle
 * @gpu: handle, or NULL.  All handles derived from it are dead afterwards
 *
 * Waits for calls that other threads are in.  Calls that begin later, on the GPU or
 * a handle that was left open, return -ENODEV, but a program had better not rely
 * on it: what is kept for that is freed after 64 further closes, and of handles
 * beyond the first 1,024 at once.  Pointers from nvbar_mmap() fault.  Not to be
 * called from a callback of the same GPU.
 *
 * Context: may sleep, as long as the slowest call that is on.
 */
NVBAR_API void nvbar_close(struct nvbar *gpu);

/** enum nvbar_bar1_mode - how BAR1 leads to VRAM */
enum nvbar_bar1_mode {
	/* Offset x is VRAM address x */
	NVBAR_BAR1_PHYSICAL = 0,
	/* By page tables */
	NVBAR_BAR1_VIRTUAL = 1,
	/* The bind register can't be read; a log line says what it reads as */
	NVBAR_BAR1_UNKNOWN = 2,
};

/**
 * struct nvbar_info - what a GPU is
 * @size: set to sizeof(struct nvbar_info) before the call
 * @device: the device string, shortened to kind and chip or address
 * @chip: "GA102"
 * @boot0: PMC_BOOT_0
 * @boot42: PMC_BOOT_42
 * @mmu_version: 2 or 3
 * @vram_size: bytes, as the hardware reports it
 * @vram_usable: bytes that the allocator manages
 * @bar1_size: bytes of aperture; 0 when the GPU has no BAR1
 * @page_sizes: bit n set: leaf pages of 1 << n bytes exist
 * @reserved_pa: the driver's own region at the top of usable VRAM
 * @reserved_len: bytes of that region
 * @bar1_bound: the address BAR1 is bound to (instance block), bytes; 0 unless
 *	@bar1_mode is NVBAR_BAR1_VIRTUAL
 * @bar1_mode: an &enum nvbar_bar1_mode, as the bind register says now
 */
struct nvbar_info {
	size_t size;
	char device[64], chip[16];
	uint32_t boot0, boot42;
	uint32_t mmu_version;
	uint64_t vram_size;
	uint64_t vram_usable;
	uint64_t bar1_size;
	uint64_t page_sizes;
	uint64_t reserved_pa, reserved_len;
	uint64_t bar1_bound;
	uint32_t bar1_mode;
};

/**
 * nvbar_get_info - identity and geometry; reads at most the bind registers
 * @gpu: handle
 * @info: filled in as far as info->size goes
 *
 * Return: 0, or -EINVAL (info->size too small), -ENODEV.
 */
NVBAR_API int nvbar_get_info(struct nvbar *gpu, struct nvbar_info *info);

/** enum nvbar_protected_access - what may be done in a range that is not the user's */
enum nvbar_protected_access {
	/* It is never allocated, and a user who names its addresses has his way */
	NVBAR_PROTECTED_KEPT = 0,
	/* Firmware that runs has it: writes are -EACCES */
	NVBAR_PROTECTED_RDONLY = 1,
	/* The GPU faults every access of a CPU: all are -EACCES */
	NVBAR_PROTECTED_CLOSED = 2,
};

/**
 * struct nvbar_protected_info - VRAM that is the firmware's or the display's
 * @name: "WPR2"
 * @pa: VRAM address of its first byte
 * @len: bytes
 * @access: an &enum nvbar_protected_access
 */
struct nvbar_protected_info {
	const char *name;
	uint64_t pa, len;
	uint32_t access;
};

/**
 * nvbar_for_each_protected - visit what is not for users, as read at open
 * @gpu: handle
 * @fn: called for each range, which may overlap others: the stricter one counts.
 *	A result other than 0 ends the visit
 * @arg: second argument of @fn
 *
 * Return: 0, or what @fn returned.
 */
NVBAR_API int nvbar_for_each_protected(struct nvbar *gpu,
				       int (*fn)(const struct nvbar_protected_info *, void *),
				       void *arg);

/**
 * struct nvbar_stats - counts since open, then gauges
 * @size: set to sizeof(struct nvbar_stats) before the call
 * @bus_reads: reads by the driver itself: registers, PRAMIN, BAR1; the
 *	accessors' (nvbar_read() and kin) are not counted, but for those by which the
 *	backend of a pci: or vfio: device sees after flushes and large reads that the GPU is
 *	still there
 * @bus_writes: writes, likewise; a PRAMIN word of 64 bits is one write, though
 *	a pci: device takes it as two
 * @window_moves: writes to the PRAMIN window register, in @bus_writes too
 * @tlb_invalidates: TLB invalidates
 * @binds: BAR1 binds
 * @maps: mappings made
 * @unmaps: mappings undone
 * @mappings: live handles
 * @mapped_bytes: bytes of VA under live mappings, shared ones once
 * @va_total: bytes of BAR1 address space
 * @va_free: bytes of it that nobody holds, and that can be mapped: of a BAR1 of
 *	more than four times VRAM the rest can't.  A mapping that the library placed
 *	holds whole pages of the machine
 * @va_largest_free: the largest free range, bytes
 * @vram_total: bytes that the allocator manages
 * @vram_free: bytes of it that nobody holds
 * @vram_largest_free: the largest contiguous free range, bytes
 * @page_table_bytes: VRAM held by page tables, warm ones included
 * @host_bytes: host memory held by this GPU
 * @model_driver_errors: sim only: accesses real hardware would refuse
 * @bus_transactions: writes as a bus carries them, the driver's and the accessors', but
 *	not those by pointers of nvbar_mmap(): each access of up to 4 bytes, 8 where the
 *	backend makes such, through an uncached BAR; through a write-combined one each
 *	aligned 64 bytes that are written completely in ascending order, else each aligned
 *	8 bytes touched.  One line of 64 bytes is open at a time: a write elsewhere, a read of
 *	that BAR, a barrier or an uncached access ends it.  pci: devices have BAR1
 *	write-combined where the kernel offers that, vfio: devices uncached; a vfio-user:
 *	device counts as one whose BARs are uncached and take 8 bytes, however many are in
 *	a message
 */
struct nvbar_stats {
	size_t size;
	uint64_t bus_reads, bus_writes;
	uint64_t window_moves, tlb_invalidates, binds;
	uint64_t maps, unmaps;
	uint64_t mappings, mapped_bytes;
	uint64_t va_total, va_free, va_largest_free;
	uint64_t vram_total, vram_free, vram_largest_free;
	uint64_t page_table_bytes;
	uint64_t host_bytes;
	uint64_t model_driver_errors;
	uint64_t bus_transactions;
};

/**
 * nvbar_get_stats - counters and gauges
 * @gpu: handle
 * @stats: filled in as far as stats->size goes
 *
 * Return: 0, or -EINVAL (stats->size too small).
 */
NVBAR_API int nvbar_get_stats(struct nvbar *gpu, struct nvbar_stats *stats);

/**
 * nvbar_strerror - this library's meaning of an error code
 * @err: errno, positive or negative
 *
 * Return: a static string, never NULL.
 */
NVBAR_API const char *nvbar_strerror(int err);

/* --- VRAM --------------------------------------------------------------- */

/** struct nvbar_extent - a run of VRAM; both fields multiples of 4 KiB
 * @pa: VRAM address of the first byte
 * @len: bytes
 */
struct nvbar_extent {
	uint64_t pa, len;
};

/** NVBAR_VRAM_CONTIGUOUS - one extent or -ENOSPC */
#define NVBAR_VRAM_CONTIGUOUS		(1u << 0)
/** NVBAR_VRAM_NO_SCRUB - leave what the memory holds; the default is zeroes */
#define NVBAR_VRAM_NO_SCRUB		(1u << 1)

/**
 * struct nvbar_vram_opts - how to allocate; zero fields mean the default
 * @size: sizeof(struct nvbar_vram_opts)
 * @align: bytes, a power of two of at least 4 KiB (the default): every extent
 *	begins at a multiple of it
 * @range_start: lowest VRAM address allowed
 * @range_end: first VRAM address not allowed; 0 means the end of VRAM
 * @flags: NVBAR_VRAM_*
 */
struct nvbar_vram_opts {
	size_t size;
	uint64_t align, range_start, range_end;
	uint32_t flags;
};

/**
 * nvbar_vram_alloc - allocate VRAM, zeroed unless asked otherwise
 * @gpu: handle
 * @size: bytes, a multiple of 4 KiB
 * @opts: NULL for the defaults
 * @vram: receives the allocation; nvbar_vram_free() or nvbar_close() ends it
 *
 * Return: 0, or -EINVAL (zero or misaligned size, bad options), -ERANGE (the
 * range leaves VRAM), -ENOSPC, -ENOMEM, -ENODEV, -ETIMEDOUT, -EIO (the GPU
 * faulted on the zeroes, or does not keep them, as where VRAM is broken: @opts may
 * keep away from there), -EACCES (observing).
 */
NVBAR_API int nvbar_vram_alloc(struct nvbar *gpu, uint64_t size, const struct nvbar_vram_opts *opts,
			       struct nvbar_vram **vram);

/**
 * nvbar_vram_free - give VRAM back; mappings of it are the caller's business
 * @vram: allocation, or NULL
 */
NVBAR_API void nvbar_vram_free(struct nvbar_vram *vram);

/**
 * nvbar_vram_size - bytes allocated
 * @vram: allocation
 */
NVBAR_API uint64_t nvbar_vram_size(const struct nvbar_vram *vram);

/**
 * nvbar_vram_extents - where the allocation lies, in address order
 * @vram: allocation
 * @ext: receives the first @max extents; may be NULL when @max is 0
 * @max: room at @ext
 *
 * Return: how many extents there are.
 */
NVBAR_API size_t nvbar_vram_extents(const struct nvbar_vram *vram, struct nvbar_extent *ext, size_t max);

/* --- BAR1 mappings ------------------------------------------------------ */

/** NVBAR_MAP_RDONLY - read-only entries; writes are -EACCES */
#define NVBAR_MAP_RDONLY		(1u << 0)
/** NVBAR_MAP_FIXED - at nvbar_map_opts.va; not for the functions with a flags argument */
#define NVBAR_MAP_FIXED			(1u << 1)
/** NVBAR_MAP_PRIVATE - never share entries with another mapping */
#define NVBAR_MAP_PRIVATE		(1u << 2)

/** NVBAR_LABEL_MAX - bytes of a label, its NUL included */
#define NVBAR_LABEL_MAX			32

/**
 * struct nvbar_map_opts - how to map; zero fields mean the default
 * @size: sizeof(struct nvbar_map_opts)
 * @flags: NVBAR_MAP_*
 * @max_page_shift: use no leaf page larger than 1 << this
 * @va: where, with NVBAR_MAP_FIXED; a multiple of 4 KiB
 * @label: up to 31 characters shown by the accounting; copied
 */
struct nvbar_map_opts {
	size_t size;
	uint32_t flags;
	uint32_t max_page_shift;
	uint64_t va;
	const char *label;
};

/**
 * nvbar_map_pages - map scattered pages into one contiguous VA range
 * @gpu: handle
 * @pfns: VRAM page frame numbers, in the order they are to appear
 * @nr_pages: how many, at least 1
 * @flags: NVBAR_MAP_* except NVBAR_MAP_FIXED
 * @access: receives the mapping; nvbar_unmap() or nvbar_close() ends it
 *
 * Each run of adjacent pages uses the largest leaf pages that its address,
 * length and place allow.
 *
 * Should another thread change the array meanwhile, each page that is mapped is one
 * that was checked, or the call is -EINVAL.
 *
 * Pages that a live mapping shows already, in this order and with these
 * rights, are not mapped again: the new handle shares the entries of the old
 * one, which stay, all of them, until the last of its handles is unmapped; the
 * GPU hears nothing of such a map, nor of such a handle's unmap.  A mapping is
 * found by any of its first 16 runs of adjacent pages.
 * NVBAR_MAP_PRIVATE keeps a mapping out of this, and so do NVBAR_MAP_FIXED and
 * a limit to the page size.
 *
 * Return: 0, or -EINVAL, -ERANGE (a page outside VRAM), -EACCES (a writable
 * mapping of the driver's own region, a protected range, or observing), -ENOSPC
 * (no BAR1 address space), -ENOMEM, -ENODEV, -ETIMEDOUT, -EOPNOTSUPP (no BAR1, or an address
 * that this chip's entries can't hold).
 */
NVBAR_API int nvbar_map_pages(struct nvbar *gpu, const uint64_t *pfns, size_t nr_pages, uint32_t flags,
			      struct nvbar_access **access);

/**
 * nvbar_map - map extents into one contiguous VA range
 * @gpu: handle
 * @ext: extents, in the order they are to appear
 * @nr: how many, at least 1
 * @opts: NULL for the defaults
 * @access: receives the mapping
 *
 * Return: as nvbar_map_pages(), and -EEXIST (the fixed VA is taken), -ERANGE
 * (it leaves the aperture), -EOPNOTSUPP (page size not supported here).
 */
NVBAR_API int nvbar_map(struct nvbar *gpu, const struct nvbar_extent *ext, size_t nr,
			const struct nvbar_map_opts *opts, struct nvbar_access **access);

/**
 * nvbar_map_vram - map a part of an allocation
 * @gpu: handle
 * @vram: allocation of the same GPU
 * @offset: bytes into it, a multiple of 4 KiB
 * @len: bytes, a multiple of 4 KiB
 * @flags: NVBAR_MAP_* except NVBAR_MAP_FIXED
 * @access: receives the mapping
 *
 * Return: as nvbar_map_pages(), and -ERANGE (the part leaves the allocation).
 */
NVBAR_API int nvbar_map_vram(struct nvbar *gpu, struct nvbar_vram *vram, uint64_t offset, uint64_t len,
			     uint32_t flags, struct nvbar_access **access);

/**
 * nvbar_unmap - end a mapping
 * @access: mapping, or NULL; always released
 *
 * Clears the entries, orders and invalidates, waits, and only then gives the
 * address range back.  If the GPU does not confirm the invalidate, the range
 * stays out of use until a later one succeeds.  What was written through the mapping
 * has then reached VRAM; but if others share its entries, the GPU is asked for
 * nothing, and only nvbar_flush() tells.
 *
 * Return: 0, or the first error met: -ETIMEDOUT, -ENODEV.
 */
NVBAR_API int nvbar_unmap(struct nvbar_access *access);

/** nvbar_unmap_cleanup - what NVBAR_AUTO_UNMAP calls; @access points at the variable */
static inline void nvbar_unmap_cleanup(struct nvbar_access **access)
{
	if (*access)
		nvbar_unmap(*access);
}

/** NVBAR_AUTO_UNMAP - the mapping ends when the variable leaves scope; initialise it */
#define NVBAR_AUTO_UNMAP __attribute__((cleanup(nvbar_unmap_cleanup)))

/**
 * nvbar_map_prepare - first phase: reserve everything a mapping needs
 * @gpu: handle
 * @nr_pages: pages of 4 KiB, at least 1
 * @opts: NULL for the defaults
 * @prepared: receives it; nvbar_map_execute() or nvbar_map_cancel() ends it
 *
 * Return: as nvbar_map() but for what depends on the extents.
 */
NVBAR_API int nvbar_map_prepare(struct nvbar *gpu, size_t nr_pages, const struct nvbar_map_opts *opts,
				struct nvbar_prepared **prepared);

/**
 * nvbar_map_execute - second phase: write the entries; allocates nothing
 * @prepared: consumed, also on failure
 * @ext: extents of exactly the prepared number of pages
 * @nr: how many extents
 * @access: receives the mapping
 *
 * Return: 0, or -EINVAL (wrong total, misaligned), -ERANGE, -EACCES,
 * -ENODEV, -ETIMEDOUT, -EOPNOTSUPP.
 */
NVBAR_API int nvbar_map_execute(struct nvbar_prepared *prepared, const struct nvbar_extent *ext, size_t nr,
				struct nvbar_access **access);

/**
 * nvbar_map_cancel - give a preparation back
 * @prepared: preparation, or NULL
 */
NVBAR_API void nvbar_map_cancel(struct nvbar_prepared *prepared);

/** nvbar_access_base - first VA of the mapping, bytes */
NVBAR_API uint64_t nvbar_access_base(const struct nvbar_access *a);
/** nvbar_access_size - bytes mapped */
NVBAR_API uint64_t nvbar_access_size(const struct nvbar_access *a);
/** nvbar_access_vfn_start - first virtual frame number */
NVBAR_API uint64_t nvbar_access_vfn_start(const struct nvbar_access *a);
/** nvbar_access_num_pages - pages of 4 KiB */
NVBAR_API size_t nvbar_access_num_pages(const struct nvbar_access *a);

/* --- reading and writing ------------------------------------------------ */

/*
 * Single accesses.  @offset is bytes from the start of the mapping, naturally
 * aligned to the width; @value is untouched on failure.
 */

/**
 * nvbar_read8 - read 8 bits
 * @a: mapping
 * @offset: bytes
 * @value: receives the value
 *
 * Return: 0, or -ERANGE (leaves the mapping), -ENODEV (the GPU is gone), -EIO (the
 * GPU faulted: nvbar_get_fault()).
 */
NVBAR_API int nvbar_read8(struct nvbar_access *a, uint64_t offset, uint8_t *value);

/**
 * nvbar_read16 - read 16 bits
 * @a: mapping
 * @offset: bytes, a multiple of 2
 * @value: receives the value
 *
 * Return: 0, or -EINVAL (misaligned), -ERANGE (leaves the mapping), -ENODEV (the
 * GPU is gone), -EIO (the GPU faulted).
 */
NVBAR_API int nvbar_read16(struct nvbar_access *a, uint64_t offset, uint16_t *value);

/**
 * nvbar_read32 - read 32 bits
 * @a: mapping
 * @offset: bytes, a multiple of 4
 * @value: receives the value
 *
 * Return: 0, or -EINVAL (misaligned), -ERANGE (leaves the mapping), -ENODEV (the
 * GPU is gone), -EIO (the GPU faulted).
 */
NVBAR_API int nvbar_read32(struct nvbar_access *a, uint64_t offset, uint32_t *value);

/**
 * nvbar_read64 - read 64 bits
 * @a: mapping
 * @offset: bytes, a multiple of 8
 * @value: receives the value
 *
 * Return: 0, or -EINVAL (misaligned), -ERANGE (leaves the mapping), -ENODEV (the
 * GPU is gone), -EIO (the GPU faulted).
 */
NVBAR_API int nvbar_read64(struct nvbar_access *a, uint64_t offset, uint64_t *value);

/**
 * nvbar_write8 - write 8 bits
 * @a: mapping
 * @offset: bytes
 * @value: the value
 *
 * Return: 0, or -ERANGE (leaves the mapping), -EACCES (the mapping is
 * read-only), -ENODEV (the GPU is known to be lost).
 */
NVBAR_API int nvbar_write8(struct nvbar_access *a, uint64_t offset, uint8_t value);

/**
 * nvbar_write16 - write 16 bits
 * @a: mapping
 * @offset: bytes, a multiple of 2
 * @value: the value
 *
 * Return: 0, or -EINVAL (misaligned), -ERANGE (leaves the mapping), -EACCES (the
 * mapping is read-only), -ENODEV (the GPU is known to be lost).
 */
NVBAR_API int nvbar_write16(struct nvbar_access *a, uint64_t offset, uint16_t value);

/**
 * nvbar_write32 - write 32 bits
 * @a: mapping
 * @offset: bytes, a multiple of 4
 * @value: the value
 *
 * Return: 0, or -EINVAL (misaligned), -ERANGE (leaves the mapping), -EACCES (the
 * mapping is read-only), -ENODEV (the GPU is known to be lost).
 */
NVBAR_API int nvbar_write32(struct nvbar_access *a, uint64_t offset, uint32_t value);

/**
 * nvbar_write64 - write 64 bits
 * @a: mapping
 * @offset: bytes, a multiple of 8
 * @value: the value
 *
 * Return: 0, or -EINVAL (misaligned), -ERANGE (leaves the mapping), -EACCES (the
 * mapping is read-only), -ENODEV (the GPU is known to be lost).
 */
NVBAR_API int nvbar_write64(struct nvbar_access *a, uint64_t offset, uint64_t value);

/**
 * nvbar_read - copy out of the mapping
 * @a: mapping
 * @offset: bytes, any alignment
 * @buf: destination in host memory
 * @len: bytes; 0 is nothing to do
 *
 * Return: 0, or -ERANGE, or -ENODEV, -EIO (the GPU faulted), and then what is in
 * @buf is not to be relied upon.
 */
NVBAR_API int nvbar_read(struct nvbar_access *a, uint64_t offset, void *buf, size_t len);

/**
 * nvbar_write - copy into the mapping
 * @a: mapping
 * @offset: bytes, any alignment
 * @buf: source in host memory
 * @len: bytes; 0 is nothing to do
 *
 * Return: 0, or -ERANGE, -EACCES, -ENODEV (the GPU is known to be lost).
 */
NVBAR_API int nvbar_write(struct nvbar_access *a, uint64_t offset, const void *buf, size_t len);

/**
 * nvbar_fill - write a 32-bit pattern over a range
 * @a: mapping
 * @offset: bytes, a multiple of 4
 * @pattern: value, little-endian in memory
 * @len: bytes, a multiple of 4; 0 is nothing to do
 *
 * Return: 0, or -EINVAL, -ERANGE, -EACCES, -ENODEV (the GPU is known to be lost).
 */
NVBAR_API int nvbar_fill(struct nvbar_access *a, uint64_t offset, uint32_t pattern, uint64_t len);

/**
 * nvbar_flush - return when the GPU can see all earlier writes
 * @a: mapping
 *
 * Drains the CPU's write buffers and reads back through the mapping, which
 * on PCIe pushes the posted writes before it.  A write has no answer of its own:
 * here is where the loss of one is found out.  A GPU that was reset meanwhile, and
 * answers, is not found: the next map or unmap that the GPU hears of, PRAMIN write or
 * nvbar_get_info() does.
 *
 * Return: 0, or -ENODEV, -EIO (an access to this mapping faulted: until
 * nvbar_clear_fault(); or the GPU has dropped faults since the last flush, of which
 * one may have been a write to this mapping: once).
 */
NVBAR_API int nvbar_flush(struct nvbar_access *a);

/**
 * nvbar_mmap - a plain CPU pointer to the mapping
 * @a: mapping
 * @ptr: receives the address of its first byte, valid until nvbar_unmap();
 *	the same pointer each time.  Read-only mappings give read-only memory, which
 *	mprotect() can't make writable but on a vfio: device
 *
 * On a pci: or vfio: device this is the aperture itself, which may be
 * write-combined: stores leave in any order, at the latest with the next
 * nvbar_flush() of the same thread, and loads may come early.  It is no memory for
 * atomic operations.
 *
 * A pointer shows nothing but its mapping: an access up to 64 KiB before its first byte
 * or behind its last one is a SIGSEGV.  A process can have so many areas of memory
 * (vm.max_map_count, 65,530 by default), and a pointer takes two of them, on a modelled
 * GPU one more for each further run of pages adjacent in VRAM: at most some 32,000
 * pointers can be alive at once, and the next is -ENOMEM.
 *
 * Where the pages of the machine are larger
 * than 4 KiB, a mapping that the library placed has whole ones to itself; one placed by
 * NVBAR_MAP_FIXED, and a part of the mapping of NVBAR_OPEN_STATIC, has a pointer only
 * if it begins and ends with such a page.
 *
 * Return: 0, or -ENOMEM (also: no room in a file= for all of its pages),
 * -ENODEV, -EIO (the GPU does not translate a page), -EOPNOTSUPP (vfio-user:
 * devices, a BAR1 that VFIO does not let be mapped, and pages of the machine that would
 * show what is beside the mapping).
 */
NVBAR_API int nvbar_mmap(struct nvbar_access *a, void **ptr);

/*
 * --- VRAM by physical address, without BAR1 -----------------------------
 *
 * The GPU keeps no order between this way and BAR1: what was written through a mapping
 * is seen here after nvbar_flush(), and may land on what is written here before that.
 * What is written here has reached VRAM when the call returns.
 */

/**
 * nvbar_pramin_read - read VRAM through the PRAMIN window
 * @gpu: handle
 * @pa: VRAM address, any alignment
 * @buf: destination
 * @len: bytes; 0 is nothing to do
 *
 * Return: 0, or -ERANGE (leaves VRAM), -EOPNOTSUPP (beyond the window's
 * reach on this chip), -ENODEV, -ETIMEDOUT (the window does not move), -EACCES
 * (a protected range, or observing: the window must move).
 */
NVBAR_API int nvbar_pramin_read(struct nvbar *gpu, uint64_t pa, void *buf, size_t len);

/**
 * nvbar_pramin_write - write VRAM through the PRAMIN window
 * @gpu: handle
 * @pa: VRAM address, any alignment; not in the driver's own region
 * @buf: source
 * @len: bytes; 0 is nothing to do
 *
 * The GPU sees the data when the call returns.
 *
 * Return: 0, or -ERANGE, -EACCES (the driver's own region, a protected range, or
 * observing), -EOPNOTSUPP, -ENODEV, -ETIMEDOUT.
 */
NVBAR_API int nvbar_pramin_write(struct nvbar *gpu, uint64_t pa, const void *buf, size_t len);

/* --- looking inside ----------------------------------------------------- */

/** enum nvbar_space - which memory an address is in */
enum nvbar_space {
	NVBAR_SPACE_VID = 0,
	NVBAR_SPACE_SYS_COH = 1,
	NVBAR_SPACE_SYS_NONCOH = 2,
	NVBAR_SPACE_PEER = 3,
};

/** enum nvbar_entry_kind - how to read the words of an entry */
enum nvbar_entry_kind {
	NVBAR_ENTRY_PDE = 0,
	NVBAR_ENTRY_DUAL_PDE = 1,
	NVBAR_ENTRY_PTE = 2,
};

/** enum nvbar_walk_status - how a walk ended */
enum nvbar_walk_status {
	NVBAR_WALK_OK = 0,		/* the VA translates */
	NVBAR_WALK_INVALID = 1,		/* an invalid entry */
	NVBAR_WALK_SPARSE = 2,		/* a sparse entry */
	NVBAR_WALK_VA_RANGE = 3,	/* beyond the width of a VA */
	NVBAR_WALK_UNREADABLE = 4,	/* a table lies where this walk can't read */
};

/** NVBAR_WALK_LEVELS - the most entries a walk can meet */
#define NVBAR_WALK_LEVELS		8

/**
 * struct nvbar_walk_level - one entry met on the way
 * @name: "PD3" … "PD0", "PT64K", "PT4K"
 * @kind: &enum nvbar_entry_kind
 * @index: entry number in its table
 * @space: &enum nvbar_space of the table
 * @addr: byte address of the entry in @space
 * @raw: its words; the second is 0 but for dual PDEs
 */
struct nvbar_walk_level {
	char name[8];
	uint32_t kind;
	uint32_t index;
	uint32_t space;
	uint64_t addr;
	uint64_t raw[2];
};

/**
 * struct nvbar_walk - a VA's way through the page tables
 * @size: set to sizeof(struct nvbar_walk) before the call
 * @status: &enum nvbar_walk_status; the fields up to @mmu_kind mean
 *	something only with NVBAR_WALK_OK
 * @space: &enum nvbar_space of the page
 * @pa: address that the VA translates to, offset in the page included
 * @page_size: bytes of the leaf page
 * @peer: peer id, for NVBAR_SPACE_PEER
 * @ro: writes fault
 * @vol: volatile (v2) or uncached (v3)
 * @priv: privileged accesses only
 * @no_atomic: atomics fault
 * @mmu_kind: memory kind
 * @mmu_version: 2 or 3
 * @va: the address asked for
 * @nr_levels: entries met, root first
 * @level: the entries
 */
struct nvbar_walk {
	size_t size;
	uint32_t status;
	uint32_t space;
	uint64_t pa;
	uint64_t page_size;
	uint32_t peer;
	uint8_t ro, vol, priv, no_atomic;
	uint32_t mmu_kind;
	uint32_t mmu_version;
	uint64_t va;
	uint32_t nr_levels;
	struct nvbar_walk_level level[NVBAR_WALK_LEVELS];
};

/**
 * nvbar_walk - follow a VA through the tables as they are in VRAM
 * @gpu: handle
 * @va: any address
 * @walk: filled in
 *
 * Starts where the GPU starts: at the instance block that BAR1 is bound to.
 * Each entry leads one level down, so no more than NVBAR_WALK_LEVELS are read.
 *
 * Return: 0 (also when the VA does not translate: see walk->status), or
 * -EINVAL (walk->size), -ENOENT (BAR1 is in physical mode), -EIO (the tables
 * contradict themselves), -ENODEV, -EACCES (observing), -EOPNOTSUPP (no BAR1).
 */
NVBAR_API int nvbar_walk(struct nvbar *gpu, uint64_t va, struct nvbar_walk *walk);

/**
 * struct nvbar_entry_info - a page-table entry that is in use
 * @name: level, as in &struct nvbar_walk_level
 * @kind: &enum nvbar_entry_kind
 * @mmu_version: 2 or 3
 * @index: entry number in its table
 * @addr: VRAM address of the entry
 * @va: first VA that it covers
 * @raw: its words; the second is 0 but for dual PDEs
 */
struct nvbar_entry_info {
	char name[8];
	uint32_t kind;
	uint32_t mmu_version;
	uint32_t index;
	uint64_t addr;
	uint64_t va;
	uint64_t raw[2];
};

/**
 * nvbar_for_each_entry - visit every entry of the BAR1 tree that is in use
 * @gpu: handle
 * @fn: called in VA order, a table's entry before the table; a result other
 *	than 0 ends the visit.  It must not call the library on @gpu
 * @arg: second argument of @fn
 *
 * In use are all that are not as the driver leaves those where nothing is mapped:
 * empty, or sparse (see %NVBAR_OPEN_FAULTS).
 *
 * Tables outside the driver's region are not entered, and none is entered twice
 * at one level: whatever VRAM holds, no more is read than the region's bytes
 * once for each level, and once for tables of 64 KiB leaves.
 *
 * Return: 0, what @fn returned, or as nvbar_walk().
 */
NVBAR_API int nvbar_for_each_entry(struct nvbar *gpu, int (*fn)(const struct nvbar_entry_info *, void *),
				   void *arg);

/**
 * struct nvbar_mapping_info - who holds a range of BAR1
 * @va: first VA
 * @len: bytes
 * @flags: NVBAR_MAP_*
 * @page_sizes: bit n set: uses leaf pages of 1 << n bytes; while it is
 *	prepared: may use
 * @state: "mapped", "prepared", "quarantined" (unmapped, invalidate not
 *	confirmed), or "unused": what a BAR1 of more than four times VRAM has beyond
 *	that, where nothing is ever mapped
 * @label: of the first handle, or empty
 * @holders: handles that share it, 0 while it is prepared and of what is unused
 */
struct nvbar_mapping_info {
	uint64_t va, len;
	uint32_t flags;
	uint64_t page_sizes;
	const char *state;
	char label[NVBAR_LABEL_MAX];
	uint32_t holders;
};

/**
 * nvbar_for_each_mapping - visit the holders of BAR1 address space
 * @gpu: handle
 * @fn: called in VA order; a result other than 0 ends the visit.  It must not
 *	call the library on @gpu
 * @arg: second argument of @fn
 *
 * Return: 0, or what @fn returned.
 */
NVBAR_API int nvbar_for_each_mapping(struct nvbar *gpu, int (*fn)(const struct nvbar_mapping_info *, void *),
				     void *arg);

/** enum nvbar_problem_kind - what nvbar_check() finds */
enum nvbar_problem_kind {
	/* A directory entry leads to a table that is not in use; a leaf maps VA that nobody holds */
	NVBAR_PROBLEM_FREE_PAGE = 0,
	/* A leaf has a page that is not the one that its mapping shows */
	NVBAR_PROBLEM_FOREIGN_PAGE = 1,
	/* Two entries lead to one table */
	NVBAR_PROBLEM_LINKED_TWICE = 2,
	/* A directory leads to itself or to one above it */
	NVBAR_PROBLEM_LOOP = 3,
	/* VRAM links a table that the driver has unlinked */
	NVBAR_PROBLEM_FREED_TABLE = 4,
	/* Users of a table, holders of a mapping or a gauge: counted anew it is another number */
	NVBAR_PROBLEM_REFCOUNT = 5,
	/* The TLB holds what the tables don't say; found on a model only */
	NVBAR_PROBLEM_STALE_TLB = 6,
	/* A leaf of a size that the chip has not, or that its mapping does not use */
	NVBAR_PROBLEM_LEAF_SIZE = 7,
	/* Leaves of two sizes, or a leaf and a table, for the same VA */
	NVBAR_PROBLEM_BOTH_SIZES = 8,
	/* An entry for VA beyond the aperture */
	NVBAR_PROBLEM_OUTSIDE_APERTURE = 9,
	/* A word in VRAM is not the one that was written; what it does is named too */
	NVBAR_PROBLEM_SHADOW_DIFFERS = 10,
	/* A directory entry leads to no table of its place */
	NVBAR_PROBLEM_STRAY_TABLE = 11,
	/* No entry leads to a table that is in use */
	NVBAR_PROBLEM_LOST_TABLE = 12,
	/* A page of a live mapping has no leaf */
	NVBAR_PROBLEM_MISSING_ENTRY = 13,
	/* An entry such as is never written: neither valid nor empty, or of other rights */
	NVBAR_PROBLEM_ODD_ENTRY = 14,
	/* The instance block of BAR1 is not the one that was written */
	NVBAR_PROBLEM_INSTANCE = 15,
	/* The allocator of BAR1 address space contradicts itself; nothing else is checked */
	NVBAR_PROBLEM_ADDRESS_SPACE = 16,
	/* The allocator of VRAM contradicts itself */
	NVBAR_PROBLEM_VRAM_ALLOCATOR = 17,
	/* VRAM is allocated twice, or allocated and free, or not to be allocated */
	NVBAR_PROBLEM_VRAM_OVERLAP = 18,
};

/** NVBAR_PROBLEM_ROOM - kinds that a report has room for */
#define NVBAR_PROBLEM_ROOM		32

/**
 * nvbar_problem_name - the word for a kind of problem
 * @kind: &enum nvbar_problem_kind
 *
 * Return: a static string such as "stale-tlb"; NULL if there is no such kind.
 */
NVBAR_API const char *nvbar_problem_name(unsigned int kind);

/**
 * struct nvbar_check_report - what nvbar_check() found
 * @size: set to sizeof(struct nvbar_check_report) before the call
 * @problem: in: called with one line per problem, or NULL.  The line begins with
 *	nvbar_problem_name() and a colon.  It must not call the library on this GPU
 * @arg: in: first argument of @problem
 * @tables: page tables read
 * @entries: leaves that belong to a live mapping
 * @mappings: live mappings compared
 * @problems: contradictions found
 * @by_kind: how many of each &enum nvbar_problem_kind
 */
struct nvbar_check_report {
	size_t size;
	void (*problem)(void *arg, const char *line);
	void *arg;
	uint64_t tables, entries, mappings;
	uint64_t problems;
	uint64_t by_kind[NVBAR_PROBLEM_ROOM];
};

/**
 * nvbar_check - compare page tables, shadow, address space, allocators and TLB
 * @gpu: handle
 * @report: filled in
 *
 * What it reads of VRAM is the tables that the driver has in use, each once, no
 * matter what they hold.
 *
 * Return: 0 (no problem), -EIO (report->problems is not 0), or -EINVAL,
 * -ENODEV, -ETIMEDOUT, -EACCES (observing), -EOPNOTSUPP (no BAR1), -ENOMEM.
 */
NVBAR_API int nvbar_check(struct nvbar *gpu, struct nvbar_check_report *report);

/**
 * struct nvbar_fault - the last BAR1 MMU fault
 * @size: set to sizeof(struct nvbar_fault) before the call
 * @va: faulting address, 4 KiB granular
 * @type: fault type code
 * @access: access type code
 * @client: client id
 * @engine: MMU engine id
 * @inst_pa: instance block in use
 * @dropped: further faults were dropped
 * @write: a write, not a read
 * @physical: BAR1 was in physical mode
 * @text: all of it in words
 */
struct nvbar_fault {
	size_t size;
	uint64_t va;
	uint32_t type, access, client, engine;
	uint64_t inst_pa;
	uint8_t dropped, write, physical;
	char text[256];
};

/**
 * nvbar_get_fault - last BAR1 MMU fault, decoded
 * @gpu: handle
 * @fault: filled in
 *
 * The driver takes faults over from the GPU, which holds one, when it sees them.  The
 * last one is kept until nvbar_clear_fault(); all of them are in the log, at level
 * NVBAR_LOG_INFO.
 *
 * Return: 0, or -ENOENT (none), -EIO (whether there is one, or what it is, can't be
 * read: a log line names the register), -EINVAL, -ENODEV.
 */
NVBAR_API int nvbar_get_fault(struct nvbar *gpu, struct nvbar_fault *fault);

/**
 * nvbar_clear_fault - forget the faults there were, so that flushes succeed again
 * @gpu: handle
 *
 * Return: 0, or -ENODEV, -EACCES (observing), -EIO (whether there is one can't be
 * read).
 */
NVBAR_API int nvbar_clear_fault(struct nvbar *gpu);

/**
 * nvbar_trim - give back page tables kept warm
 * @gpu: handle
 */
NVBAR_API void nvbar_trim(struct nvbar *gpu);

/**
 * nvbar_zero_tables - write page tables that are not in use, as empty ones
 * @gpu: handle
 * @max: bytes; the last table may exceed it
 *
 * A table that VRAM does not hold as one in which nothing is mapped is written whole
 * when it is first used.  This does it beforehand, in pieces as large as the caller
 * has time for, so that mapping costs only the entries.  They are zeroes, or sparse
 * where unused addresses are (see %NVBAR_OPEN_FAULTS).
 *
 * Return: bytes written; 0 when there is none left to do.
 */
NVBAR_API uint64_t nvbar_zero_tables(struct nvbar *gpu, uint64_t max);

/* --- the GPUs of this machine ------------------------------------------- */

/** struct nvbar_device_bar - a BAR
 * @start: bus address; 0 where neither firmware nor kernel found room for it
 * @len: bytes; 0 where there is no such BAR
 */
struct nvbar_device_bar {
	uint64_t start, len;
};

/**
 * struct nvbar_device_info - what the kernel says of a GPU
 * @size: of this struct, in this version of the library
 * @address: "0000:01:00.0"
 * @open_as: device string that opens it as it is now, or empty
 * @driver: that is bound, or empty
 * @power: "D0", "D3cold", ..., or empty where the kernel does not say
 * @vendor: PCI id
 * @device: PCI id
 * @class_code: 24 bits
 * @iommu_group: its number, or -1
 * @asleep: it does not answer on the bus
 * @decode: its BARs are switched on; 0 while it is asleep
 * @bar0: registers; a GPU has them, so without a length it is one that got no address
 * @bar1: the aperture onto VRAM
 * @bar2: another one, for drivers
 * @bar1_sizes: bit n set: BAR1 can have 1 << n bytes; 0 where it can't be resized
 * @gone: it is awake and does not answer: its configuration space reads as all ones
 * @nr_virtual: virtual functions that it has, which end when its driver is unbound
 * @physfn: address of the GPU that this is a virtual function of, or empty; such a one
 *	can't be opened
 * @problem: what of it makes no sense or can't be read, or empty.  Then all of the
 *	above is what could be found out, and it can't be opened; without ids it may
 *	be no GPU
 */
struct nvbar_device_info {
	size_t size;
	char address[24], open_as[32], driver[64], power[16];
	uint16_t vendor, device;
	uint32_t class_code;
	int32_t iommu_group;
	uint8_t asleep, decode;
	struct nvbar_device_bar bar0, bar1, bar2;
	uint64_t bar1_sizes;
	uint8_t gone;
	uint32_t nr_virtual;
	char physfn[24], problem[128];
};

/**
 * nvbar_for_each_device - visit NVIDIA's GPUs in this machine; only reads files of sysfs
 * @fn: called in the order of their addresses; a result other than 0 ends the visit
 * @arg: second argument of @fn
 * @opts: as nvbar_device_bind()
 *
 * A machine without any is none that fails.  A device that is odd is visited as others
 * are, see nvbar_device_info.problem.
 *
 * Return: 0, what @fn returned, -EINVAL, -ENOMEM, or the errno of the directory of
 * devices.
 */
NVBAR_API int nvbar_for_each_device(int (*fn)(const struct nvbar_device_info *, void *), void *arg,
				    const struct nvbar_open_opts *opts);

/**
 * nvbar_device_bind - give a GPU, or a device beside it, to a driver
 * @address: "0000:01:00.0", "01:00.0" or a pci: or vfio: device string
 * @driver: its name, e.g. "vfio-pci", and the device stays with it when drivers
 *	are probed anew; NULL for whichever the kernel finds
 * @opts: where to explain a failure; NULL for the defaults.  Of the flags only
 *	NVBAR_OPEN_DRY_RUN: what would be written to sysfs is told, and not written
 *
 * Of NVIDIA's devices only, as are the other two.
 *
 * Return: 0 (also: it was bound to it already), or -EINVAL, -ENOENT (no such
 * device or driver, or no driver took it), -EBUSY (another driver, or a process
 * with nvbar, has it), -EACCES, -EOPNOTSUPP (none of NVIDIA's), -EIO, or the
 * errno that the kernel refuses with.
 */
NVBAR_API int nvbar_device_bind(const char *address, const char *driver,
				const struct nvbar_open_opts *opts);

/**
 * nvbar_device_unbind - take a GPU, or a device beside it, from its driver
 * @address: as nvbar_device_bind()
 * @opts: as nvbar_device_bind()
 *
 * Whatever uses it through the driver loses it, or is waited for: that is up to
 * the driver.  Some wait for their last user, and nothing takes an unbind back.  After
 * a second a log line of level NVBAR_LOG_WARNING says what is waited for; after 60 s, or
 * when a handler of a signal has run, the call returns while the unbind goes on.  A
 * process that this call makes asks the kernel for it, and ends with it; a handler of
 * SIGCHLD may see the end of another child.  Until then every other call for this
 * device is -EBUSY and says why.
 *
 * Return: 0, or -EINVAL, -ENOENT (no such device, or no driver bound), -EACCES,
 * -EBUSY (a process with nvbar has it, or the driver does not let go), -EINTR,
 * -EOPNOTSUPP, -EIO, or the errno that the kernel refuses with.
 */
NVBAR_API int nvbar_device_unbind(const char *address, const struct nvbar_open_opts *opts);

/**
 * nvbar_device_resize - give BAR1 of a GPU another size
 * @address: as nvbar_device_bind()
 * @len: bytes; nvbar_device_info.bar1_sizes has the choice
 * @opts: as nvbar_device_bind()
 *
 * The kernel moves BAR1 and BAR2 to where there is room.  If there is none the
 * log line says what is in the way, and in any case which of them are left without an
 * address.  The size lasts until the machine is reset.
 *
 * Return: 0 (also: it has that size), or -EINVAL, -ENOENT (no such device), -EBUSY (a
 * driver or a process has it), -ENOSPC (no room), -EACCES, -EOPNOTSUPP (it can't
 * be resized, or is no GPU), -EIO, or the errno that the kernel refuses with.
 */
NVBAR_API int nvbar_device_resize(const char *address, uint64_t len,
				  const struct nvbar_open_opts *opts);

/* --- offline ------------------------------------------------------------ */

/**
 * nvbar_decode - an entry's fields as "key=value" words
 * @mmu_version: 2 or 3
 * @kind: how to read the words
 * @lo: first word
 * @hi: second word, of a dual PDE; else 0
 * @buf: receives a NUL-terminated string, cut if need be
 * @len: bytes at @buf
 *
 * Return: 0, or -EINVAL.
 */
NVBAR_API int nvbar_decode(unsigned int mmu_version, enum nvbar_entry_kind kind, uint64_t lo, uint64_t hi,
			   char *buf, size_t len);

/**
 * nvbar_snapshot_take - the BAR1 page tables as text
 * @gpu: handle
 * @line: called once per line, without its newline; a result other than 0
 *	ends it.  It must not call the library on @gpu
 * @arg: second argument of @line
 *
 * Goes as far as nvbar_for_each_entry(), two times.
 *
 * Return: 0, what @line returned, or as nvbar_walk().
 */
NVBAR_API int nvbar_snapshot_take(struct nvbar *gpu, int (*line)(const char *text, void *arg), void *arg);

/**
 * nvbar_snapshot_parse - read snapshots from text
 * @text: the text, of one or more scenarios; need not end in a NUL
 * @len: its bytes
 * @snap: receives the handle; nvbar_snapshot_free() ends it
 * @why: receives a one-line reason on -EINVAL; may be NULL
 * @why_len: bytes at @why
 *
 * Return: 0, or -EINVAL, -ENOMEM.
 */
NVBAR_API int nvbar_snapshot_parse(const char *text, size_t len, struct nvbar_snapshot **snap, char *why,
				   size_t why_len);
/** nvbar_snapshot_free - free a snapshot; NULL is fine */
NVBAR_API void nvbar_snapshot_free(struct nvbar_snapshot *snap);
/** nvbar_snapshot_count - how many scenarios it holds */
NVBAR_API size_t nvbar_snapshot_count(const struct nvbar_snapshot *snap);
/** nvbar_snapshot_name - the name of scenario @i, NULL beyond the last */
NVBAR_API const char *nvbar_snapshot_name(const struct nvbar_snapshot *snap, size_t i);

/**
 * nvbar_snapshot_walk - nvbar_walk() on a snapshot
 * @snap: snapshot
 * @i: scenario number
 * @va: any address
 * @walk: filled in
 *
 * Return: 0, or -EINVAL, -ENOENT (no such scenario), -EIO.
 */
NVBAR_API int nvbar_snapshot_walk(const struct nvbar_snapshot *snap, size_t i, uint64_t va,
				  struct nvbar_walk *walk);

/**
 * struct nvbar_replay_report - what nvbar_replay_trace() found
 * @size: set to sizeof(struct nvbar_replay_report) before the call
 * @accesses: replayed, up to the first difference
 * @compared: reads among them that had to be what was recorded; one that repeats
 *	counts once
 * @taken_over: reads of what only the recorded GPU can know
 * @passed_over: reads that came too early, while the GPU was busy
 * @refused: accesses that the model refuses, as hardware would
 * @line: of the first difference in the text; 0: there is none, and the rest
 *	means nothing
 * @bar: that it is in
 * @width: bytes of the access
 * @offset: in the BAR
 * @recorded: what was read when it was recorded
 * @replayed: what the model gives
 * @where: name of the register, or the VRAM address behind the offset
 * @elsewhere: accesses of an mmiotrace that are not replayed: to another device, to
 *	no BAR, not aligned, or not decoded by the tracer
 * @unknown: accesses of an mmiotrace that are not replayed: to registers that the
 *	model has not
 * @lost: events that the tracer lost
 */
struct nvbar_replay_report {
	size_t size;
	uint64_t accesses, compared, taken_over, passed_over, refused;
	uint64_t line;
	uint32_t bar, width;
	uint64_t offset;
	uint64_t recorded, replayed;
	char where[64];
	uint64_t elsewhere, unknown, lost;
};

/**
 * struct nvbar_replay_refusal - an access that the model refuses, as hardware would
 * @size: sizeof(struct nvbar_replay_refusal) of the library
 * @line: of the trace
 * @bar: that it is in
 * @width: bytes
 * @offset: in the BAR
 * @is_write: 1 for a write, 0 for a read
 * @value: as recorded
 * @where: name of the register, or the VRAM address behind the offset
 * @reason: one line; of several reasons the first
 */
struct nvbar_replay_refusal {
	size_t size;
	uint64_t line;
	uint32_t bar, width;
	uint64_t offset;
	uint32_t is_write;
	uint64_t value;
	char where[64];
	char reason[192];
};

/**
 * struct nvbar_replay_opts - options of nvbar_replay_trace()
 * @size: set to sizeof(struct nvbar_replay_opts) before the call
 * @max_accesses: accesses that a trace may have, a read that repeats counting once;
 *	0: 33,554,432.  Each takes up to 48 bytes of host memory, and far less than a
 *	microsecond
 * @max_vram: bytes of VRAM, in pages of 4 KiB, that they may touch; 0: 1 GiB.  Takes
 *	up to twice as much host memory
 * @refused: called for each access that the model refuses, in their order; NULL for
 *	nobody.  It must not keep its argument
 * @arg: its second argument
 */
struct nvbar_replay_opts {
	size_t size;
	uint64_t max_accesses, max_vram;
	void (*refused)(const struct nvbar_replay_refusal *refusal, void *arg);
	void *arg;
};

/**
 * nvbar_replay_trace - perform the accesses of a trace on a modelled GPU
 * @text: what a process with NVBAR_TRACE in its environment wrote, or a log of the
 *	kernel's mmiotrace; need not end in a NUL
 * @len: its bytes
 * @opts: limits and a callback; NULL for the defaults
 * @report: filled in
 * @why: receives a one-line reason on -EINVAL, -EOPNOTSUPP and -ENOSPC; may be NULL
 * @why_len: bytes at @why
 *
 * Compares what is read with what was recorded, and ends at the first
 * difference.  On failure nothing is in @report; @refused may have been called.
 *
 * Context: any thread; takes no lock while @refused is called.
 * Return: 0 (report->line says whether there is a difference), or -EINVAL (no
 * trace, @opts, or report->size), -EOPNOTSUPP (the model has no such chip or size),
 * -ENOSPC (a limit was met, which @why names), -ENOMEM.
 */
NVBAR_API int nvbar_replay_trace(const char *text, size_t len, const struct nvbar_replay_opts *opts,
				 struct nvbar_replay_report *report, char *why, size_t why_len);

/**
 * nvbar_replay - the same with the defaults
 * @text: as nvbar_replay_trace()
 * @len: its bytes
 * @report: filled in
 * @why: receives a one-line reason; may be NULL
 * @why_len: bytes at @why
 *
 * Return: as nvbar_replay_trace().
 */
NVBAR_API int nvbar_replay(const char *text, size_t len, struct nvbar_replay_report *report, char *why,
			   size_t why_len);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The modelled GPU: registers, VRAM, MMU, TLB and faults of one chip, as the
 * CPU meets them on the bus.  One struct sim_gpu per GPU, any number at once.
 *
 * The model is strict on purpose.  What hardware would refuse is refused and
 * counted; what hardware may delay is delayed until something orders it.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_gpu;

/**
 * enum sim_landing - when a posted write gets from the bus to VRAM
 *
 * Hardware may do it at any time until something orders the write.
 *
 * @SIM_LANDING_RANDOM: early or late, as the dice fall that @sim_config.seed starts
 * @SIM_LANDING_LATE: as late as it may
 * @SIM_LANDING_AT_ONCE: with the access that makes it; only then is the aperture
 *	memory of the CPU's, see sim_bar1_direct()
 */
enum sim_landing {
	SIM_LANDING_RANDOM,
	SIM_LANDING_LATE,
	SIM_LANDING_AT_ONCE,
};

/* VRAM from @start up to, not including, @end */
struct sim_range {
	uint64_t start;
	uint64_t end;
};

/**
 * enum sim_bind_low - what writing LOW of the bind registers alone does, GH100 and later
 *
 * Writing HIGH after it binds on all of them.
 *
 * @SIM_BIND_LOW_MISUSE: that is open; an access to the aperture before HIGH is
 *	written is refused and counted
 * @SIM_BIND_LOW_ACTS: what asks for physical mode acts at once
 * @SIM_BIND_LOW_WAITS: nothing, before HIGH is written
 */
enum sim_bind_low {
	SIM_BIND_LOW_MISUSE,
	SIM_BIND_LOW_ACTS,
	SIM_BIND_LOW_WAITS,
};

/**
 * struct sim_config - what to build; zero fields mean the default
 * @chip: "tu102", "ga100", "ga102" (default), "ad102", "gh100", "gb100", "gb202"
 * @vram_size: bytes, a multiple of 1 MiB the chip's size register can express;
 *	default 8 GiB, at most 512 GiB
 * @bar1_size: bytes of BAR1 aperture, a power of two from 64 MiB to 512 GiB;
 *	default 256 MiB
 * @no_bar1: the GPU has no BAR1; @bar1_size is ignored
 * @file: keep VRAM in this sparse file; NULL keeps it in memory.  VRAM byte
 *	pa is at file offset pa
 * @boot_polls: reads of the boot status before it says complete
 * @scrub_polls: once boot is complete, reads of any register before VRAM has been
 *	cleared; it is the last one that clears all that was written before.  GH100
 *	and earlier have a status of it.  As below, accesses to other things end
 *	it, too
 * @bind_polls: reads of the bind status that still say busy
 * @invalidate_polls: reads of the invalidate register that still say busy;
 *	the flush registers take as many.  What nobody looks at ends by itself
 *	after some hundred accesses to other things
 * @wpr1: a range that the GPU keeps the CPU out of, whole pages; none if empty
 * @wpr2: the same, which firmware sets up for itself
 * @lock: the same, the MMU lock range of a GA100
 * @wpr2_size: bytes; puts @wpr2 right below the display's workspace
 * @bound: BAR1 is bound to an instance block there when power comes on, as
 *	another driver leaves it; whole pages; 0: physical mode
 * @bind_low: what writing LOW of the bind registers alone does
 * @fault_rebind: after a fault BAR1, or BAR2, gives all ones and drops writes until
 *	it is bound again, whatever it is that faulted
 * @ignore_unknown: registers that the model does not have read 0, keep what is
 *	written and are not counted: for people who try other drivers
 * @vbios: on chips with a display the workspace begins with a video BIOS image, made
 *	for tests, as drivers look for one there
 * @reported_vram: what the size register says, right or wrong; as @vram_size
 * @landing: when posted writes land
 * @evict: each lookup in the TLB finds with a chance of one in @evict that it has
 *	forgotten what it held; 0: it never does
 * @seed: of what the GPU does at random, the same one each time for the same
 *	accesses; 0 stands for a fixed one
 * @failed: called once, when the host has no room left for what is written to
 *	@file, with one line that says so; it must not call the model.  That
 *	write is lost, and the GPU is gone for good: reads are all ones and
 *	writes are lost, through pointers too.  What was written before is in
 *	the file
 * @failed_arg: its first argument
 */
struct sim_config {
	const char *chip;
	uint64_t vram_size;
	uint64_t bar1_size;
	bool no_bar1;
	const char *file;
	unsigned int boot_polls;
	unsigned int scrub_polls;
	unsigned int bind_polls;
	unsigned int invalidate_polls;
	struct sim_range wpr1;
	struct sim_range wpr2;
	struct sim_range lock;
	uint64_t wpr2_size;
	uint64_t bound;
	enum sim_bind_low bind_low;
	bool fault_rebind;
	bool ignore_unknown;
	bool vbios;
	uint64_t reported_vram;
	enum sim_landing landing;
	unsigned int evict;
	uint64_t seed;
	void (*failed)(void *failed_arg, const char *why);
	void *failed_arg;
};

/* So many polls that nobody waits for them, and time does not end it either. */
#define SIM_NEVER	(~0u)

/**
 * struct sim_counters - what the model has seen, since power-on
 * @reads: bus reads, BAR0, BAR1 and BAR2, one per access; a block counts its words
 * @writes: bus writes, likewise; a word of 64 bits is one
 * @transactions: what these writes are on a bus: one for each 4 bytes and less in
 *	BAR0; in BAR1 and BAR2, as written by a CPU that combines writes, one for each
 *	aligned 64 bytes that were written whole in ascending order, and else one for
 *	each aligned 8 bytes touched.  One such line is open at a time: a write
 *	elsewhere, a read, a drain or an access to BAR0 ends it
 * @unknown: accesses to registers that the model does not have
 * @misuse: accesses real hardware would refuse or ignore: wrong width or
 *	alignment, write to a read-only register, VRAM before boot is
 *	complete, PRAMIN past the end of VRAM, a second invalidate while one
 *	runs, an aperture while a bind of it is pending, page tables that no driver may
 *	write, each time that the MMU meets them ...
 * @faults: BAR1 and BAR2 accesses that ended in an MMU fault, but for:
 * @strays: accesses to sparse entries, which are no driver errors
 * @poisoned: accesses to VRAM that sim_inject() made fail
 * @invalidates: TLB invalidates completed
 * @binds: binds of BAR1 and BAR2 completed
 * @window_moves: writes to the PRAMIN window register
 * @host_errors: failures of the host's, which no driver is to blame for
 */
struct sim_counters {
	uint64_t reads;
	uint64_t writes;
	uint64_t transactions;
	uint64_t unknown;
	uint64_t misuse;
	uint64_t faults;
	uint64_t strays;
	uint64_t poisoned;
	uint64_t invalidates;
	uint64_t binds;
	uint64_t window_moves;
	uint64_t host_errors;
};

/**
 * sim_create - power on a GPU
 * @cfg: what to build
 * @out: receives the GPU
 * @why: receives a one-line reason on failure; may be NULL
 * @why_len: bytes at @why
 *
 * Return: 0, -EINVAL (impossible configuration, or a file that is not VRAM of
 * this size), -EBUSY (the file belongs to a running GPU), -ENOMEM, or the
 * errno of the file operation that failed.
 */
int sim_create(const struct sim_config *cfg, struct sim_gpu **out, char *why, size_t why_len);

/**
 * sim_destroy - power off; posted writes reach VRAM
 * @gpu: may be NULL
 */
void sim_destroy(struct sim_gpu *gpu);

/**
 * sim_reset - power-on state again, VRAM kept
 * @gpu: the GPU
 *
 * Posted writes that have not reached VRAM are lost.
 */
void sim_reset(struct sim_gpu *gpu);

/*
 * The bus.  Widths 1, 2, 4, 8; offsets naturally aligned, else refused and counted.
 * In BAR0 a word of 64 bits is two accesses, the lower half first, and other threads'
 * accesses and page walks can come between them.
 */
uint64_t sim_bar0_read(struct sim_gpu *gpu, uint64_t off, unsigned int width);
void sim_bar0_write(struct sim_gpu *gpu, uint64_t off, unsigned int width, uint64_t val);
/* The same effect as @nr words of 8 bytes at ascending addresses. */
void sim_bar0_read_words(struct sim_gpu *gpu, uint64_t off, uint64_t *words, size_t nr);
void sim_bar0_write_words(struct sim_gpu *gpu, uint64_t off, const uint64_t *words, size_t nr);
uint64_t sim_bar1_read(struct sim_gpu *gpu, uint64_t off, unsigned int width);
void sim_bar1_write(struct sim_gpu *gpu, uint64_t off, unsigned int width, uint64_t val);
/*
 * What a CPU does to write through BAR1 whatever it still holds: writes before it
 * land before writes after it.  They need not have landed.
 */
void sim_bar1_drain(struct sim_gpu *gpu);
/*
 * Blocks: any alignment; the same effect as single accesses at ascending
 * addresses, except that a block partly outside the aperture is refused as a
 * whole.  Counted, faults too, as accesses of up to 8 bytes.
 */
void sim_bar1_copy_from(struct sim_gpu *gpu, void *dst, uint64_t off, size_t len);
void sim_bar1_copy_to(struct sim_gpu *gpu, uint64_t off, const void *src, size_t len);
void sim_bar1_fill(struct sim_gpu *gpu, uint64_t off, uint32_t pattern, size_t len);

/* The same for BAR2, which has a binding of its own and no pointers into it. */
uint64_t sim_bar2_read(struct sim_gpu *gpu, uint64_t off, unsigned int width);
void sim_bar2_write(struct sim_gpu *gpu, uint64_t off, unsigned int width, uint64_t val);
void sim_bar2_copy_from(struct sim_gpu *gpu, void *dst, uint64_t off, size_t len);
void sim_bar2_copy_to(struct sim_gpu *gpu, uint64_t off, const void *src, size_t len);

/*
 * I/O ports of GPUs whose BAR0 has 32 bits: not modelled, so each access is one to
 * an unknown register, reads as all ones and is lost.
 */
uint64_t sim_port_read(struct sim_gpu *gpu, uint64_t off, unsigned int width);
void sim_port_write(struct sim_gpu *gpu, uint64_t off, unsigned int width, uint64_t val);

/**
 * sim_bar1_mmap - a CPU pointer into the aperture, at memory speed
 * @gpu: the GPU
 * @off: aperture offset, page aligned
 * @len: bytes, page aligned
 * @write: map writable
 * @cpu: receives the pointer
 *
 * The pages are resolved through the MMU now and again at every completed
 * invalidate and bind; a page that translates no more faults in the process
 * from then on, one that is no more writable when it is written.  Accesses
 * through the pointer are not counted.
 *
 * Return: 0, -EFAULT (some page does not translate, fault latched; or is
 * sparse, which no pointer can be; or the range is refused and counted),
 * -ENOMEM (also: no room in the file for a page of it), -ENODEV (the GPU is
 * gone).
 */
int sim_bar1_mmap(struct sim_gpu *gpu, uint64_t off, uint64_t len, bool write, void **cpu);
void sim_bar1_munmap(struct sim_gpu *gpu, void *cpu, uint64_t len);

/**
 * sim_bar1_direct - the memory that a page of the aperture is
 * @gpu: the GPU
 * @off: aperture offset, page aligned
 * @write: for writing too
 *
 * The address may be used, uncounted, until sim_bar1_generation() moves on:
 * that happens when an invalidate or a bind completes, and at reset.
 *
 * Return: its address, or NULL if the page leads to no memory now, or if writes
 * do not land at once: memory would know no order; nothing is counted but wrong
 * entries that the MMU meets.
 */
void *sim_bar1_direct(struct sim_gpu *gpu, uint64_t off, bool write);

/**
 * sim_bar1_window - the memory that a range of the aperture is, in one piece
 * @gpu: the GPU
 * @off: aperture offset, page aligned
 * @len: bytes, page aligned
 * @write: for writing too
 * @remap: put together what is in many pieces
 *
 * As sim_bar1_direct(), for all of the range: unlike with sim_bar1_mmap()
 * nothing follows a change of the translation.
 *
 * Return: its address, with @remap for sim_bar1_window_end(); NULL if some page leads
 * to no memory now, or it is in pieces: without @remap, or if the kernel won't
 * map them, or too many with those that all such windows have.
 */
void *sim_bar1_window(struct sim_gpu *gpu, uint64_t off, uint64_t len, bool write, bool remap);
void sim_bar1_window_end(struct sim_gpu *gpu, void *cpu, uint64_t len);

/* Whether that is how this GPU was made. */
bool sim_lands_at_once(const struct sim_gpu *gpu);

/* Never 0. */
const unsigned long long *sim_bar1_generation(const struct sim_gpu *gpu);

/**
 * sim_on_access - have another CPU's accesses come between those of this one
 * @gpu: the GPU, used by one thread
 * @fn: called before each access that goes over the bus, each half of a 64-bit word
 *	being one; it may make accesses itself, which call nobody; NULL for none
 * @arg: its argument
 */
void sim_on_access(struct sim_gpu *gpu, void (*fn)(void *arg), void *arg);

/* What was posted is in VRAM now, as it may be at any time. */
void sim_land(struct sim_gpu *gpu);

/**
 * sim_land_oldest - bring the oldest writes through PRAMIN to VRAM, as may happen
 * @gpu: the GPU
 * @nr: how many, a 64-bit word being two
 */
void sim_land_oldest(struct sim_gpu *gpu, uint64_t nr);

/**
 * struct sim_inject - hardware that fails; zero fields don't
 *
 * None of it counts as a driver's error.  Accesses are counted from the call of
 * sim_inject() on, and as in struct sim_counters, except that a word of 64 bits
 * through PRAMIN is the two accesses that a bus makes of it.  Those through pointers
 * are not counted.
 *
 * @dead_at: from this access on the GPU is gone, 1 being the next one: reads are
 *	all ones and writes are lost, through pointers too.  What it did not do by
 *	then it does once it is back, which it is after the next sim_inject()
 * @invalidate_stuck: invalidates that run do not end
 * @bind_stuck: binds that are pending do not end
 * @ignored_reg: offset of a register in BAR0 ...
 * @ignored_nth: ... of which this write, 1 being the next one, is ignored
 * @window_delay: BAR0 accesses, that of the window register not included, until
 *	a move of the PRAMIN window takes effect; the register then reads so
 * @poison_pa: first byte of VRAM that fails, page aligned
 * @poison_len: bytes of it, page aligned.  Through BAR1 an access there ends
 *	in an MMU fault POISONED; through PRAMIN a read gives what refused reads
 *	do and a write is lost [assumed]
 * @flip_at: at this access sim_flip_entry() happens ...
 * @flip_seed: ... with this seed
 */
struct sim_inject {
	uint64_t dead_at;
	bool invalidate_stuck;
	bool bind_stuck;
	uint32_t ignored_reg;
	unsigned int ignored_nth;
	unsigned int window_delay;
	uint64_t poison_pa;
	uint64_t poison_len;
	uint64_t flip_at;
	uint64_t flip_seed;
};

/**
 * sim_inject - what goes wrong from now on
 * @gpu: the GPU
 * @want: takes the place of what was wanted before; NULL for nothing
 */
void sim_inject(struct sim_gpu *gpu, const struct sim_inject *want);

/* Whether @dead_at has come, or the host has failed: until sim_inject(), or for good. */
bool sim_is_gone(struct sim_gpu *gpu);

/**
 * struct sim_flip - a bit of VRAM that changed by itself
 * @pa: address of its word, a multiple of 8
 * @bit: in the word
 */
struct sim_flip {
	uint64_t pa;
	unsigned int bit;
};

/**
 * sim_flip_entry - change a random bit of a random entry of the bound page tables
 * @gpu: the GPU
 * @seed: the same one chooses the same bit of the same tables
 * @flip: receives which it was
 *
 * Return: false if no tables are bound, or they are empty.
 */
bool sim_flip_entry(struct sim_gpu *gpu, uint64_t seed, struct sim_flip *flip);

/**
 * sim_on_fault - be told of MMU faults
 * @gpu: the GPU
 * @changed: called when the fault registers take a fault (@latched), and when one
 *	is cleared; not for faults that are dropped, nor at a reset, which clears it
 *	too.  It is called within the access that does it, and must not call the model.
 *	NULL for nobody
 * @arg: its first argument
 *
 * That is when the GPU would ask for an interrupt, if its interrupt controller lets
 * it, which is not modelled.
 */
void sim_on_fault(struct sim_gpu *gpu, void (*changed)(void *arg, bool latched), void *arg);

void sim_get_counters(struct sim_gpu *gpu, struct sim_counters *counters);

/**
 * sim_driver_errors - accesses hardware would refuse: unknown + misuse + faults
 * @gpu: the GPU
 */
uint64_t sim_driver_errors(struct sim_gpu *gpu);

/**
 * sim_on_refusal - be told of each access that counts as a driver error
 * @gpu: the GPU
 * @refused: called with a line on it, within the access, and must not call the model;
 *	more than once for an access that is several on the bus.  NULL for nobody
 * @arg: its first argument
 */
void sim_on_refusal(struct sim_gpu *gpu, void (*refused)(void *arg, const char *what), void *arg);

/**
 * sim_last_error - the newest counted error as one line
 * @gpu: the GPU
 * @buf: receives the text, empty if there was none
 * @len: bytes at @buf
 */
void sim_last_error(struct sim_gpu *gpu, char *buf, size_t len);

/*
 * VRAM itself, past every queue and check: for tests and tools.  An invalidate that
 * runs does not cover what is poked.  False if out of range or lost.
 */
bool sim_vram_peek(struct sim_gpu *gpu, uint64_t pa, void *buf, size_t len);
bool sim_vram_poke(struct sim_gpu *gpu, uint64_t pa, const void *buf, size_t len);

/**
 * sim_vram_behind - which VRAM an access would reach now
 * @gpu: the GPU
 * @bar: 0 to 2
 * @off: in that BAR
 * @write: a write, which may be refused where a read is not
 * @pa: receives the address
 *
 * As the access itself it may fill the TLB; nothing is counted but wrong entries
 * that the MMU meets.
 *
 * Return: false if it reaches none.
 */
bool sim_vram_behind(struct sim_gpu *gpu, unsigned int bar, uint64_t off, bool write, uint64_t *pa);

uint64_t sim_vram_size(const struct sim_gpu *gpu);
uint64_t sim_bar1_size(const struct sim_gpu *gpu);

/**
 * sim_set_bar1_size - what software does through the resizable-BAR capability
 * @gpu: the GPU
 * @size: bytes, as struct sim_config has it
 *
 * A reset leaves the size alone.
 *
 * Return: 0, -EINVAL (no such size, or no BAR1), -EBUSY (there are CPU pointers
 * into the aperture).
 */
int sim_set_bar1_size(struct sim_gpu *gpu, uint64_t size);

const char *sim_chip_name(const struct sim_gpu *gpu);

/**
 * sim_tlb_stale - cached translations that the tables in VRAM no longer give
 * @gpu: the GPU
 *
 * Return: how many.
 */
size_t sim_tlb_stale(struct sim_gpu *gpu);

/**
 * struct sim_tlb_view - something that the TLB holds
 * @va: first address that it is about, in the aperture
 * @level: of a page-directory entry, 1 for PDE0; 0 for the translation of a page
 * @val: words of the page-directory entry
 * @valid: of a translation, as the rest: it leads to memory
 * @sparse: it does not, and does not fault
 * @aperture: MMU_PTE_APERTURE_* of that memory
 * @pa: address there
 * @ro: writes fault
 */
struct sim_tlb_view {
	uint64_t va;
	unsigned int level;
	uint64_t val[2];
	bool valid;
	bool sparse;
	uint8_t aperture;
	uint64_t pa;
	bool ro;
};

/**
 * sim_tlb_view - what the TLB holds of the tables that BAR1 is bound to
 * @gpu: the GPU
 * @cursor: 0 at first; moves on
 * @view: receives the next ones
 * @max: room there
 *
 * Nothing changes and nothing is counted.
 *
 * Return: how many, 0 at the end.
 */
size_t sim_tlb_view(struct sim_gpu *gpu, uint64_t *cursor, struct sim_tlb_view *view, size_t max);

/* The register map: one call per modelled register, in address order. */
struct sim_reg_info {
	const char *name;
	uint32_t off;
	uint32_t reset;		/* value after power-on */
	uint32_t writable;	/* bits a write changes */
	uint32_t w1c;		/* bits a written 1 clears */
	bool bare;		/* memory, as another driver needs it and its unit is not modelled */
};
int sim_for_each_reg(struct sim_gpu *gpu, int (*fn)(const struct sim_reg_info *, void *), void *arg);

/* Whether the GPU has a register at an offset, and more is known of it than that it is there. */
bool sim_has_reg(struct sim_gpu *gpu, uint64_t off);

/* The name of a register that some chip has at an offset, of a bare one its unit's; else NULL. */
const char *sim_reg_name(uint64_t off);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Inside the model: the state of one GPU, and what its parts offer each
 * other.  Everything here runs with the GPU's lock held.
 */
#ifndef SIM_GPU_H
#define SIM_GPU_H

#include <pthread.h>

#include "sim.h"
#include "sim_bits.h"
#include "sim_chip.h"
#include "sim_tlb.h"
#include "sim_vram.h"

#define SIM_MAX_REGS	256

/* What a refused register or PRAMIN read returns; the pattern is XAL's [assumed for all units] */
#define SIM_BAD_READ	0xbadf0200u

static inline uint64_t sim_bad_read(unsigned int width)
{
	return (SIM_BAD_READ | (uint64_t)SIM_BAD_READ << 32) & sim_width_mask(width);
}

struct sim_reg;

/**
 * struct sim_regs - the registers this chip has, in address order
 * @nr: how many
 * @row: what is known about each
 * @off: where each is
 * @reset: value of each after power-on
 * @val: value of each
 * @loose: if registers that are not there shall be ones that keep what is written: theirs
 */
struct sim_regs {
	unsigned int nr;
	const struct sim_reg *row[SIM_MAX_REGS];
	uint32_t off[SIM_MAX_REGS];
	uint32_t reset[SIM_MAX_REGS];
	uint32_t val[SIM_MAX_REGS];
	uint8_t *loose;
};

/**
 * struct sim_bus - the bus, and time, which passes with what goes over it
 * @now: accesses so far
 * @due: when the first of the operations that run ends by itself
 * @dice: state of all that is random
 * @on_access: called before each access, or NULL
 * @on_access_arg: its argument
 * @elsewhere: it is being called
 * @open: the aperture of which the CPU's buffer for combined writes holds a line, or NULL
 * @line: offset of its first byte
 * @filled: bytes of it that were written, from its first one on and in order
 * @touched: bit n: something of its 8 bytes n was written
 */
struct sim_bus {
	uint64_t now;
	uint64_t due;
	uint64_t dice;
	void (*on_access)(void *arg);
	void *on_access_arg;
	bool elsewhere;
	const struct sim_aperture *open;
	uint64_t line;
	unsigned int filled;
	uint8_t touched;
};

/**
 * struct sim_boot - the firmware's boot
 * @polls_left: reads of a boot register until it is complete
 * @scrub_left: then, reads of any register until VRAM has been cleared
 * @due: when it is complete though nobody looks
 * @scrub_due: then, when VRAM has been cleared though nobody looks
 */
struct sim_boot {
	unsigned int polls_left;
	unsigned int scrub_left;
	uint64_t due;
	uint64_t scrub_due;
};

/* One PRAMIN write on its way to VRAM, of 4 bytes at most. */
struct sim_posted {
	uint64_t pa_width;	/* pa << 4 | width */
	uint32_t val;
};

/**
 * struct sim_pramin - the window and the writes that went through it
 * @base: VRAM address of the window's first byte
 * @vid: the window is on video memory
 * @next: value of the window register that takes effect after ...
 * @next_in: ... so many accesses; 0: none does
 * @reg: the value in effect
 * @posted: ring of writes not yet in VRAM
 * @head: number of the oldest
 * @tail: number of the next
 * @origin: number that is in slot 0
 */
struct sim_pramin {
	uint64_t base;
	bool vid;
	uint32_t next;
	unsigned int next_in;
	uint32_t reg;
	struct sim_posted *posted;
	uint64_t head;
	uint64_t tail;
	uint64_t origin;
};

#define SIM_LINE_SIZE	64
#define SIM_NR_LINES	64

/**
 * struct sim_line - writes through an aperture to one line of VRAM
 * @pa: address of its first byte
 * @mask: bit n: byte n was written
 * @data: what was
 */
struct sim_line {
	uint64_t pa;
	uint64_t mask;
	uint8_t data[SIM_LINE_SIZE];
};

/**
 * struct sim_flight - writes through apertures that memory has not taken yet
 * @busy: bit n: @line[n] holds one
 * @drained: what comes next must land after them
 * @line: in slots by their address
 */
struct sim_flight {
	uint64_t busy;
	bool drained;
	struct sim_line line[SIM_NR_LINES];
};

/**
 * struct sim_flush - a flush of writes by register
 * @busy: one runs
 * @polls_left: reads of its status that still say so
 * @due: when it ends though nobody looks
 * @upto: posted writes older than this number are meant
 * @token: Hopper: how many were started
 */
struct sim_flush {
	bool busy;
	unsigned int polls_left;
	uint64_t due;
	uint64_t upto;
	uint32_t token;
};

/**
 * struct sim_inval - a TLB invalidate
 * @busy: one runs
 * @polls_left: reads of the register that still say so
 * @due: when it ends though nobody looks
 * @lands_writes: it waits for writes that were translated before
 * @hits_bar1: its scope covers the TLB of BAR1 and BAR2
 * @all_pdb: it is for every address space
 * @space: of the address space's root
 * @root: the address space's root
 * @nr_levels: levels from the leaf tables up
 * @stored: something was stored to VRAM while it runs
 * @refilled: then what the MMU may have read again before that; NULL: nothing
 */
struct sim_inval {
	bool busy;
	unsigned int polls_left;
	uint64_t due;
	bool lands_writes;
	bool hits_bar1;
	bool all_pdb;
	enum sim_mmu_space space;
	uint64_t root;
	unsigned int nr_levels;
	bool stored;
	struct sim_tlb *refilled;
};

/**
 * struct sim_binding - how an aperture reaches memory
 * @virt: through the MMU; else its offset is VRAM address
 * @broken: virt, but the instance block is none; accesses fault
 * @inst: address of the instance block
 * @space: of the root table it names
 * @root: address of that
 * @pdb: its sim_tlb_pdb_id(), once the binding is in force
 */
struct sim_binding {
	bool virt;
	bool broken;
	uint64_t inst;
	enum sim_mmu_space space;
	uint64_t root;
	unsigned int pdb;
};

/**
 * struct sim_aperture - BAR1 or BAR2
 * @name: as messages have it
 * @read_name: the same, for a read
 * @write_name: the same, for a write
 * @size: bytes, 0 if the GPU has none
 * @engine: its fault engine id, in virtual mode
 * @dropped_phys: mark of a fault of it that was dropped, in physical mode ...
 * @dropped_virt: ... and in virtual mode
 * @now: the binding in force
 * @next: the binding on its way, while @pending
 * @pending: a bind was started and is not complete
 * @polls_left: reads of the status that still say so
 * @due: when it is complete though nobody looks
 * @low_alone: LOW of its bind registers was written, and HIGH not since
 * @by_low: what is @pending was started by LOW
 * @dead: it faulted, and gives nothing until it is bound again
 */
struct sim_aperture {
	const char *name;
	const char *read_name;
	const char *write_name;
	uint64_t size;
	uint16_t engine;
	uint32_t dropped_phys;
	uint32_t dropped_virt;
	struct sim_binding now;
	struct sim_binding next;
	bool pending;
	unsigned int polls_left;
	uint64_t due;
	bool low_alone;
	bool by_low;
	bool dead;
};

/* What an aperture is between two bindings is not documented: nothing to rely on. */
static inline bool sim_aperture_unsettled(const struct sim_aperture *ap)
{
	return ap->pending || ap->low_alone;
}

/**
 * struct sim_faults - hardware failing on request
 * @want: in which ways
 * @armed: in any, or @dead
 * @dead: the GPU is gone
 * @accesses: since it was asked for
 * @writes_seen: to the register of @want.ignored_reg
 */
struct sim_faults {
	struct sim_inject want;
	bool armed;
	bool dead;
	uint64_t accesses;
	unsigned int writes_seen;
};

struct sim_window;

/**
 * struct sim_gpu - one GPU
 * @lock: over everything below that changes
 * @chip: which it is
 * @cfg: what was asked for, defaults filled in; its strings are not kept
 * @generation: how often what BAR1 translates to may have changed
 * @timer_zero: of the host's clock, when the GPU's was 0
 * @last_error: the newest counted error
 */
struct sim_gpu {
	pthread_mutex_t lock;
	const struct sim_chip *chip;
	struct sim_config cfg;
	struct sim_vram vram;
	struct sim_tlb *tlb;
	struct sim_regs regs;
	struct sim_bus bus;
	struct sim_boot boot;
	struct sim_pramin pramin;
	struct sim_flight flight;
	struct sim_flush flush;
	struct sim_inval inval;
	struct sim_aperture bar1;
	struct sim_aperture bar2;
	struct sim_faults faults;
	struct sim_window *windows;
	int ones_fd;
	struct sim_remapped *remapped;
	unsigned int remapped_pieces;
	unsigned long long generation;
	uint64_t timer_zero;
	void (*fault_changed)(void *arg, bool latched);
	void *fault_arg;
	void (*refused)(void *arg, const char *what);
	void *refused_arg;
	struct sim_counters counters;
	char last_error[160];
};

/* Count what a driver does wrong, and keep the text of it. */
#define sim_misuse(gpu, ...)	sim_error(gpu, &(gpu)->counters.misuse, 1, __VA_ARGS__)
#define sim_unknown(gpu, ...)	sim_error(gpu, &(gpu)->counters.unknown, 1, __VA_ARGS__)

/* sim.c */
void sim_error(struct sim_gpu *gpu, uint64_t *count, uint64_t nr, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Takes the GPU off the bus, as its memory has failed; nothing brings it back. */
void sim_fall_off(struct sim_gpu *gpu);

static inline void sim_lock(struct sim_gpu *gpu)
{
	pthread_mutex_lock(&gpu->lock);
}

static inline void sim_unlock(struct sim_gpu *gpu)
{
	if (gpu->vram.error && !gpu->faults.dead)
		sim_fall_off(gpu);
	pthread_mutex_unlock(&gpu->lock);
}

/* bus.c: width and alignment as a bus can carry them; else counted */
bool sim_bus_ok(struct sim_gpu *gpu, const char *what, uint64_t off, unsigned int width);

void sim_bus_reset(struct sim_gpu *gpu);
/* @nr accesses go by: what is due ends, and what is posted may land. */
void sim_pass(struct sim_gpu *gpu, uint64_t nr);
/* When an operation is over that takes @polls looks and has begun now. */
uint64_t sim_due(struct sim_gpu *gpu, unsigned int polls);
/* Whether it is that time. */
bool sim_is_due(struct sim_gpu *gpu, uint64_t due);
uint32_t sim_dice(struct sim_gpu *gpu);
/* Lets another CPU have its turn.  Before an access: without the lock. */
void sim_turn(struct sim_gpu *gpu);
/* A write of the CPU's through its combining buffer; and the end of the line in it. */
void sim_combine(struct sim_gpu *gpu, const struct sim_aperture *ap, uint64_t off, uint64_t len);
void sim_combine_end(struct sim_gpu *gpu);

/* What time brings to an end: each does what is due, and says when it is its turn again. */
uint64_t sim_boot_pass(struct sim_gpu *gpu);
uint64_t sim_scrub_pass(struct sim_gpu *gpu);
uint64_t sim_flush_pass(struct sim_gpu *gpu);
uint64_t sim_bind_pass(struct sim_gpu *gpu);
uint64_t sim_inval_pass(struct sim_gpu *gpu);

/* flight.c: @len bytes in one page of VRAM; what lands; what never will */
void sim_flight_post(struct sim_gpu *gpu, uint64_t pa, const void *from, size_t len);
void sim_flight_land(struct sim_gpu *gpu);
void sim_flight_land_some(struct sim_gpu *gpu);
void sim_flight_lose(struct sim_gpu *gpu);

static inline bool sim_boot_done(const struct sim_gpu *gpu)
{
	return !gpu->boot.polls_left;
}

/* The display's, at the top of VRAM */
#define SIM_WORKSPACE_LEN	(1u << 20)

/* Why the CPU gets no access to [@pa, @pa + @len); NULL if it does. */
static inline const char *sim_protected(const struct sim_gpu *gpu, uint64_t pa, uint64_t len)
{
	const struct sim_config *cfg = &gpu->cfg;

	if (pa < cfg->wpr1.end && pa + len > cfg->wpr1.start)
		return "in WPR1";
	if (pa < cfg->wpr2.end && pa + len > cfg->wpr2.start)
		return "in WPR2";
	if (pa < cfg->lock.end && pa + len > cfg->lock.start)
		return "in the MMU lock range";
	return NULL;
}

/* timer.c: the clock begins */
void sim_timer_reset(struct sim_gpu *gpu);

/* boot.c: power comes on */
void sim_boot_reset(struct sim_gpu *gpu);
/* A register is read, and the clearing of VRAM goes on. */
void sim_scrub_look(struct sim_gpu *gpu);

/* Whether BAR0 shows the chip with the video BIOS there; a read of it. */
bool sim_prom_shown(struct sim_gpu *gpu, uint64_t off);
uint64_t sim_prom_read(struct sim_gpu *gpu, uint64_t off, unsigned int width);

/* regs.c */
bool sim_regs_init(struct sim_gpu *gpu);	/* false without memory */
void sim_regs_fini(struct sim_gpu *gpu);
void sim_regs_reset(struct sim_gpu *gpu);
uint32_t *sim_reg(struct sim_gpu *gpu, uint32_t off);	/* of a register the chip has */
uint64_t sim_reg_read(struct sim_gpu *gpu, uint64_t off, unsigned int width);
void sim_reg_write(struct sim_gpu *gpu, uint64_t off, unsigned int width, uint64_t val);
/* The VRAM size as this chip's register has it.  False if it cannot. */
bool sim_size_to_reg(const struct sim_chip *chip, uint64_t size, uint32_t *val);

/*
 * Register hooks.  A read hook turns the stored value into what is read; a
 * write hook acts on a value about to be stored and may refuse it with a reason.
 */
uint32_t sim_boot_mask_read(struct sim_gpu *gpu, uint32_t val);
uint32_t sim_boot_progress_read(struct sim_gpu *gpu, uint32_t val);
uint32_t sim_boot_fsp_read(struct sim_gpu *gpu, uint32_t val);
uint32_t sim_scrub_read(struct sim_gpu *gpu, uint32_t val);
uint32_t sim_window_read(struct sim_gpu *gpu, uint32_t val);
const char *sim_window_written(struct sim_gpu *gpu, uint32_t val);
uint32_t sim_flush_read(struct sim_gpu *gpu, uint32_t val);
const char *sim_flush_written(struct sim_gpu *gpu, uint32_t val);
uint32_t sim_flush_token_read(struct sim_gpu *gpu, uint32_t val);
uint32_t sim_flush_completed_read(struct sim_gpu *gpu, uint32_t val);
uint32_t sim_inval_read(struct sim_gpu *gpu, uint32_t val);
const char *sim_inval_written(struct sim_gpu *gpu, uint32_t val);
const char *sim_bar1_block_written(struct sim_gpu *gpu, uint32_t val);
const char *sim_bar1_low_written(struct sim_gpu *gpu, uint32_t val);
const char *sim_bar1_high_written(struct sim_gpu *gpu, uint32_t val);
uint32_t sim_bar1_low_read(struct sim_gpu *gpu, uint32_t val);
const char *sim_bar2_block_written(struct sim_gpu *gpu, uint32_t val);
const char *sim_bar2_low_written(struct sim_gpu *gpu, uint32_t val);
const char *sim_bar2_high_written(struct sim_gpu *gpu, uint32_t val);
uint32_t sim_bar2_low_read(struct sim_gpu *gpu, uint32_t val);
uint32_t sim_bind_status_read(struct sim_gpu *gpu, uint32_t val);
uint32_t sim_timer_lo_read(struct sim_gpu *gpu, uint32_t val);
const char *sim_timer_lo_written(struct sim_gpu *gpu, uint32_t val);
uint32_t sim_timer_hi_read(struct sim_gpu *gpu, uint32_t val);
const char *sim_timer_hi_written(struct sim_gpu *gpu, uint32_t val);
uint32_t sim_fault_buffer_size_read(struct sim_gpu *gpu, uint32_t val);
const char *sim_fault_status_written(struct sim_gpu *gpu, uint32_t val);

/* pramin.c */
bool sim_pramin_init(struct sim_gpu *gpu);
void sim_pramin_fini(struct sim_gpu *gpu);
void sim_pramin_reset(struct sim_gpu *gpu);
/* A BAR0 access goes by: a delayed move of the window comes nearer. */
void sim_window_tick(struct sim_gpu *gpu);
/* An access of 4 bytes at most, as the bus makes them. */
uint32_t sim_pramin_read(struct sim_gpu *gpu, uint64_t off, unsigned int width);
void sim_pramin_write(struct sim_gpu *gpu, uint64_t off, unsigned int width, uint32_t val);
/* Words of 8 bytes that are two accesses each. */
void sim_pramin_read_words(struct sim_gpu *gpu, uint64_t off, uint64_t *words, size_t nr);
void sim_pramin_write_words(struct sim_gpu *gpu, uint64_t off, const uint64_t *words, size_t nr);
/* Bring posted writes older than number @upto to VRAM. */
void sim_posted_drain(struct sim_gpu *gpu, uint64_t upto);
/* ... as many of the oldest as the dice say. */
void sim_posted_land_some(struct sim_gpu *gpu);

/* invalidate.c */
void sim_inval_reset(struct sim_gpu *gpu);
void sim_inval_before_store(struct sim_gpu *gpu);

/* To be called before anything in VRAM changes that the MMU may have read. */
static inline void sim_before_store(struct sim_gpu *gpu)
{
	if (gpu->inval.busy && !gpu->inval.stored)
		sim_inval_before_store(gpu);
}

/* bind.c: the bindings that power-on finds */
void sim_bind_reset(struct sim_gpu *gpu);

/* fault.c: count @nr faults of one cause, latch the first if there is room */
void sim_fault(struct sim_gpu *gpu, struct sim_aperture *ap, unsigned int type, uint64_t va,
	       bool write, uint64_t nr);
/* The same for a PRAMIN access to protected VRAM, which the caller has counted. */
void sim_fault_pramin(struct sim_gpu *gpu, uint64_t pa, bool write);

/**
 * struct sim_target - where a page of an aperture leads
 * @pa: VRAM address of the page; counts if neither of the others
 * @sparse: reads 0, takes writes, keeps none
 * @fault: it leads nowhere; @type says why
 * @type: MMU_FAULT_TYPE_*
 */
struct sim_target {
	uint64_t pa;
	bool sparse;
	bool fault;
	uint8_t type;
};

/* aperture.c */
void sim_apertures_init(struct sim_gpu *gpu);
struct sim_target sim_aperture_resolve(struct sim_gpu *gpu, const struct sim_aperture *ap,
				       uint64_t off, bool write);
/* Whether an aperture takes accesses to [@off, @off + @len) at all; else counted. */
bool sim_aperture_usable(struct sim_gpu *gpu, const struct sim_aperture *ap, const char *what,
			 uint64_t off, uint64_t len);

/* inject.c */
uint64_t sim_served_slow(struct sim_gpu *gpu, uint64_t nr);
bool sim_write_is_ignored(struct sim_gpu *gpu, uint64_t off);
bool sim_is_poisoned(const struct sim_gpu *gpu, uint64_t pa, uint64_t len);

/* How many of the next @nr accesses find the GPU there; the others find nobody. */
static inline uint64_t sim_served(struct sim_gpu *gpu, uint64_t nr)
{
	return gpu->faults.armed ? sim_served_slow(gpu, nr) : nr;
}

/* window.c: pointers into the aperture follow what it translates to */
void sim_windows_update(struct sim_gpu *gpu);
void sim_windows_free(struct sim_gpu *gpu);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Threads in the library, and the close of the GPU that they are about.
 *
 * A close first turns new visits away and then waits for those that are on: last
 * for reads and writes, as any other visit may still make a handle for them.
 * A visit must cost next to nothing, as reading one word through a mapping is
 * one: it notes in the thread's own memory which GPU it is about and looks
 * whether that is closed, or the handle ended.  No barrier orders the two here;
 * membarrier() in the close does, for all threads at once.
 */
#ifndef NVBAR_LIB_VISIT_H
#define NVBAR_LIB_VISIT_H

#include <linux/compiler.h>

#include "access.h"
#include "internal.h"

/* Visits of one thread at once: a callback of one GPU's may use another. */
#define NVBAR_VISITS	4

/**
 * struct nvbar_visitor - a thread, in one line of the cache
 * @known: it is in the list
 * @needs_fence: no membarrier() orders its visits and a close
 * @depth: visits that are on; NVBAR_VISITS before it is known
 * @gpu: what they are about
 * @accessed: what a read or write is about, which calls nobody back
 * @next: in the list of all
 * @prev: in the list of all
 */
struct nvbar_visitor {
	bool known;
	bool needs_fence;
	unsigned int depth;
	struct nvbar *gpu[NVBAR_VISITS];
	struct nvbar *accessed;
	struct nvbar_visitor *next;
	struct nvbar_visitor *prev;
} __attribute__((aligned(64)));

extern __thread struct nvbar_visitor nvbar_visitor __attribute__((tls_model("initial-exec")));

/* No room for another visit: makes some if it is the first one of the thread, and there is memory. */
bool nvbar_visitor_make_room(struct nvbar_visitor *me);

/* Notes at @place what a visit is about; false, and nothing noted, if it is @turned_away. */
static __always_inline bool nvbar_visit_note(const struct nvbar_visitor *me, struct nvbar **place,
					     struct nvbar *gpu, const bool *turned_away)
{
	__atomic_store_n(place, gpu, __ATOMIC_RELAXED);
	if (unlikely(me->needs_fence))
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (likely(!__atomic_load_n(turned_away, __ATOMIC_ACQUIRE)))
		return true;
	__atomic_store_n(place, NULL, __ATOMIC_RELEASE);
	return false;
}

/**
 * nvbar_leave - end of a visit
 * @here: what nvbar_enter() returned, or NULL
 */
static __always_inline void nvbar_leave(struct nvbar_visitor *const *here)
{
	struct nvbar_visitor *me = *here;

	if (me)
		__atomic_store_n(&me->gpu[--me->depth], NULL, __ATOMIC_RELEASE);
}

/**
 * nvbar_enter - begin of a visit
 * @gpu: the GPU that it is about
 *
 * Return: to be given to nvbar_leave(); NULL if the GPU is closed, or the thread
 * is in too many visits or can't be known for lack of memory.
 */
static __always_inline struct nvbar_visitor *nvbar_enter(struct nvbar *gpu)
{
	struct nvbar_visitor *me = &nvbar_visitor;

	if (unlikely(me->depth == NVBAR_VISITS) && !nvbar_visitor_make_room(me))
		return NULL;
	if (unlikely(!nvbar_visit_note(me, &me->gpu[me->depth], gpu, &gpu->closed)))
		return NULL;
	me->depth++;
	return me;
}

/** nvbar_of - the GPU that a handle's driver part belongs to */
static __always_inline struct nvbar *nvbar_of(struct nvbar_gpu *gpu)
{
	return container_of(gpu, struct nvbar, gpu);
}

/*
 * As nvbar_enter(), for reads and writes: the shortest of visits.  Whether it may
 * begin is written in the handle itself, which is looked at anyway.
 */
static __always_inline struct nvbar_visitor *nvbar_enter_access(const struct nvbar_access *access)
{
	struct nvbar_visitor *me = &nvbar_visitor;

	if (unlikely(!me->known) && !nvbar_visitor_make_room(me))
		return NULL;
	return likely(nvbar_visit_note(me, &me->accessed, nvbar_of(access->gpu), &access->ended)) ?
	       me : NULL;
}

static __always_inline void nvbar_leave_access(struct nvbar_visitor *const *here)
{
	if (*here)
		__atomic_store_n(&(*here)->accessed, NULL, __ATOMIC_RELEASE);
}

/* To the end of the block this is a visit; else the function returns @what. */
#define NVBAR_VISIT_OR(about, what)							\
	struct nvbar_visitor *entered __attribute__((cleanup(nvbar_leave))) = nvbar_enter(about); \
	if (unlikely(!entered))							\
		return what

/* The same for what needs a GPU that is there. */
#define NVBAR_VISIT(about)								\
	NVBAR_VISIT_OR(about, -ENODEV);							\
	if (nvbar_gpu_is_lost(&(about)->gpu))						\
		return -ENODEV

/* The same for a read or write through @access. */
#define NVBAR_ACCESS(access)								\
	struct nvbar_visitor *entered __attribute__((cleanup(nvbar_leave_access))) =	\
		nvbar_enter_access(access);						\
	if (unlikely(!entered))								\
		return -ENODEV

/**
 * nvbar_visits_init - before the first GPU is opened
 *
 * Return: 0, or -ENOMEM (the process has no room for a thread's data).
 */
int nvbar_visits_init(void);

/**
 * nvbar_visits_end - turn visits away and wait for those that are on
 * @gpu: being closed by this thread, which is in no visit about it
 */
void nvbar_visits_end(struct nvbar *gpu);

#endif

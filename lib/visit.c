// SPDX-License-Identifier: MIT
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <linux/membarrier.h>

#include "bar_user.h"
#include "visit.h"

__thread struct nvbar_visitor nvbar_visitor __attribute__((tls_model("initial-exec"))) = {
	.depth = NVBAR_VISITS,
};

static bool no_membarrier;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct nvbar_visitor *visitors;
static pthread_key_t gone_key;

/* A thread ends, and its memory with it. */
static void forget(void *arg)
{
	struct nvbar_visitor *me = arg;

	pthread_mutex_lock(&lock);
	if (me->prev)
		me->prev->next = me->next;
	else
		visitors = me->next;
	if (me->next)
		me->next->prev = me->prev;
	me->known = false;
	me->depth = NVBAR_VISITS;
	pthread_mutex_unlock(&lock);
}

bool nvbar_visitor_make_room(struct nvbar_visitor *me)
{
	/* First, as a thread that could not be forgotten must not be in the list. */
	if (me->known || pthread_setspecific(gone_key, me))
		return false;
	pthread_mutex_lock(&lock);
	me->prev = NULL;
	me->next = visitors;
	if (me->next)
		me->next->prev = me;
	visitors = me;
	me->known = true;
	me->needs_fence = no_membarrier;
	me->depth = 0;
	pthread_mutex_unlock(&lock);
	return true;
}

/* membarrier() is for processes that said so. */
static void register_process(void)
{
	no_membarrier =
		syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0;
}

/* Of a fork's threads only the one that forked is in the child. */
static void fork_begins(void)
{
	pthread_mutex_lock(&lock);
}

static void fork_in_parent(void)
{
	pthread_mutex_unlock(&lock);
}

static void fork_in_child(void)
{
	struct nvbar_visitor *me = &nvbar_visitor;

	visitors = me->known ? me : NULL;
	me->next = NULL;
	me->prev = NULL;
	register_process();
	me->needs_fence = no_membarrier;
	pthread_mutex_unlock(&lock);
}

static bool ready;

static void init(void)
{
	ready = !pthread_key_create(&gone_key, forget) &&
		!pthread_atfork(fork_begins, fork_in_parent, fork_in_child);
	register_process();
}

int nvbar_visits_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init);
	return ready ? 0 : -ENOMEM;
}

static bool is_accessed(const struct nvbar_visitor *v, const struct nvbar *gpu)
{
	return __atomic_load_n(&v->accessed, __ATOMIC_ACQUIRE) == gpu;
}

static bool is_visited(const struct nvbar_visitor *v, const struct nvbar *gpu)
{
	bool visited = false;
	unsigned int i;

	for (i = 0; i < NVBAR_VISITS; i++)
		visited |= __atomic_load_n(&v->gpu[i], __ATOMIC_ACQUIRE) == gpu;
	return visited;
}

static bool any(bool (*is)(const struct nvbar_visitor *v, const struct nvbar *gpu),
		const struct nvbar *gpu)
{
	const struct nvbar_visitor *v;
	bool found = false;

	pthread_mutex_lock(&lock);
	for (v = visitors; v && !found; v = v->next)
		found = is(v, gpu);
	pthread_mutex_unlock(&lock);
	return found;
}

/* What turns visits away is written: each thread sees it, or has noted its visit. */
static void wait_while(bool (*is)(const struct nvbar_visitor *v, const struct nvbar *gpu),
		       const struct nvbar *gpu)
{
	const struct timespec pause = { .tv_nsec = 50000 };

	/* The kernel may lack memory for the fast one. */
	if (!no_membarrier && syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
		(void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	while (any(is, gpu))
		(void)nanosleep(&pause, NULL);
}

void nvbar_visits_end(struct nvbar *gpu)
{
	__atomic_store_n(&gpu->closed, true, __ATOMIC_SEQ_CST);
	nvbar_bar_user_turn_away(&gpu->gpu);
	wait_while(is_visited, gpu);
	/* Nobody makes handles any more: also through those that were made meanwhile. */
	nvbar_bar_user_turn_away(&gpu->gpu);
	wait_while(is_accessed, gpu);
}

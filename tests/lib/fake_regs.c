// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_regs.h"

#define REGS_SIZE	MIB(16)

/* [tu104, ga102 manuals] */
#define BOOT_42		0x000a00
#define SCRUB_STATUS	0x100b20
#define BOOT_MASK	0x118128
#define BOOT_PROGRESS	0x118234
#define VRAM_MIB	0x1183a4
#define INVALIDATE	0xb830b0
#define TRIGGER		0x80000000u

volatile uint32_t *regs;
char said[1024];

static pthread_t hands;
static sem_t at_work;
static bool stop = true;

static void *finish_invalidates(void *arg)
{
	volatile uint32_t *trigger = &regs[INVALIDATE / 4];

	(void)arg;
	sem_post(&at_work);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		if (*trigger & TRIGGER)
			*trigger = *trigger & ~TRIGGER;
		usleep(10);
	}
	return NULL;
}

void regs_begin(const char *path, uint64_t off)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	regs = mmap(NULL, REGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)off);
	close(fd);
	assert_ptr_not_equal(regs, MAP_FAILED);
	regs[BOOT_0 / 4] = 0xb72000a1;
	regs[BOOT_42 / 4] = 0x172a1000;
	regs[BOOT_MASK / 4] = 1;
	regs[BOOT_PROGRESS / 4] = 0x3ff;
	regs[SCRUB_STATUS / 4] = 1;
	regs[VRAM_MIB / 4] = 256;
	stop = false;
	assert_int_equal(sem_init(&at_work, 0, 0), 0);
	assert_int_equal(pthread_create(&hands, NULL, finish_invalidates, NULL), 0);
	/* A thread that begins allocates: a test that forks meanwhile may leave its child a lock. */
	sem_wait(&at_work);
}

void regs_end(void)
{
	if (__atomic_exchange_n(&stop, true, __ATOMIC_RELAXED))
		return;
	assert_int_equal(pthread_join(hands, NULL), 0);
	sem_destroy(&at_work);
	munmap((void *)(uintptr_t)regs, REGS_SIZE);
}

static void keep(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	if (strlen(said) + strlen(line) + 2 < sizeof(said))
		strcat(strcat(said, line), "\n");
}

int open_with(struct nvbar **gpu, const char *device, uint32_t flags)
{
	const struct nvbar_open_opts opts = {
		.size = sizeof(opts), .flags = flags, .log_level = NVBAR_LOG_WARNING, .log = keep,
	};

	said[0] = '\0';
	return nvbar_open(gpu, device, &opts);
}

void refuses(const char *device, uint32_t flags, int err, const char *why)
{
	struct nvbar *gpu = NULL;

	assert_int_equal(open_with(&gpu, device, flags), -err);
	assert_null(gpu);
	if (!strstr(said, why))
		print_error("said: %s", said);
	assert_non_null(strstr(said, why));
	/* One line */
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

struct nvbar_info info_of(struct nvbar *gpu)
{
	struct nvbar_info info = { .size = sizeof(info) };

	assert_int_equal(nvbar_get_info(gpu, &info), 0);
	return info;
}


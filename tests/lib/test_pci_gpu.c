// SPDX-License-Identifier: MIT
/*
 * pci: devices whose BARs are regular files.  The linker leads mmap() (mmap64() to
 * it) through a function here.
 */
#include "../fds.h"
#include "fake_regs.h"
#include "fake_sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nvbar_compat.h>

#define NR_OF(a)	(sizeof(a) / sizeof((a)[0]))
#define DEVICE		"pci:" GPU

/* --- the machine, and the GPU that is none --- */

static bool no_memory;		/* for mappings of files */
static bool bar1_claimed;	/* and something else has that of BAR1 */
static size_t page_size = 4096;

void *__real_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off);

void *__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	if (fd >= 0 && no_memory) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	/* So the kernel says it where I/O memory is strictly its driver's. */
	if (fd >= 0 && len > MIB(16) && bar1_claimed) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	if (fd >= 0 && off % (off_t)page_size) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	return __real_mmap64(addr, len, prot, flags, fd, off);
}

static int begin(void **state)
{
	(void)state;
	no_memory = false;
	bar1_claimed = false;
	fake_begin();
	fake_gpu(GPU, fake_ga102);
	fake_resources(GPU, fake_ga102);
	regs_begin(fake_path(GPU, "resource0"), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	regs_end();
	fake_end();
	return 0;
}

static struct nvbar *open_gpu(void)
{
	struct nvbar *gpu;

	assert_int_equal(open_with(&gpu, DEVICE, 0), 0);
	return gpu;
}

/* --- handlers of SIGBUS, in processes of their own --- */

static sigjmp_buf back;

static void jump_back(int sig)
{
	siglongjmp(back, sig);
}

/* A mapping of our own that faults */
static char *broken_page(void)
{
	int fd = memfd_create("broken", MFD_CLOEXEC);

	return mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
}

/* Return: how a child ended that did this with an open GPU. */
static int end_of_child(void (*before)(void), void (*after)(void))
{
	struct nvbar *gpu;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		before();
		if (open_with(&gpu, DEVICE, NVBAR_OPEN_OBSERVE))
			_exit(90);
		after();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void by_default(void)
{
	signal(SIGBUS, SIG_DFL);
}

static void handle(void)
{
	signal(SIGBUS, jump_back);
}

static void ignore(void)
{
	signal(SIGBUS, SIG_IGN);
}

static void fault(void)
{
	*(volatile char *)broken_page();
}

static void send_one(void)
{
	raise(SIGBUS);
}

static void fault_and_survive(void)
{
	if (sigsetjmp(back, 1) == 0) {
		fault();
		_exit(91);
	}
}

/* A handler that came later, and hands on what it gets to the one before: to ours */
static struct sigaction ours;
static int nr_handed_on;

static void hand_on(int sig, siginfo_t *info, void *context)
{
	nr_handed_on++;
	ours.sa_sigaction(sig, info, context);
}

static void come_later(void)
{
	struct sigaction later = { .sa_sigaction = hand_on, .sa_flags = SA_SIGINFO };
	struct nvbar *gpu;
	int i;

	sigaction(SIGBUS, &later, &ours);
	fault_and_survive();
	if (nr_handed_on != 1 || open_with(&gpu, DEVICE, NVBAR_OPEN_OBSERVE))
		_exit(92);
	for (i = 2; i < 4; i++) {
		fault_and_survive();
		if (nr_handed_on != i)
			_exit(93);
	}
}

static void other_faults_go_where_they_went_before(void **state)
{
	int status;

	(void)state;
	fake_set_command(GPU, 2);
	assert_int_equal(end_of_child(handle, fault_and_survive), 0);
	assert_int_equal(end_of_child(handle, come_later), 0);
	assert_int_equal(end_of_child(ignore, send_one), 0);
	status = end_of_child(by_default, fault);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	status = end_of_child(by_default, send_one);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	status = end_of_child(ignore, fault);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

static volatile sig_atomic_t nr_handled;

static void count_it(int sig)
{
	(void)sig;
	nr_handled++;
}

/* To the handler that is there, as from the kernel for an access of this thread's */
static void send_sigbus(int code, void *addr)
{
	siginfo_t info = { .si_signo = SIGBUS, .si_code = code };
	struct sigaction now;

	info.si_addr = addr;
	sigaction(SIGBUS, NULL, &now);
	now.sa_sigaction(SIGBUS, &info, NULL);
}

/* Return: where in what is to be done with each other kind of SIGBUS something is wrong. */
static int other_kinds_reach_their_handler(void)
{
	static const int codes[] = { BUS_ADRALN, BUS_OBJERR, BUS_MCEERR_AR, BUS_MCEERR_AO };
	const struct nvbar_extent ext = { 0, 8192 };
	struct nvbar_access *a;
	struct nvbar *gpu;
	uint32_t val;
	void *map;
	int i;

	signal(SIGBUS, count_it);
	gpu = open_gpu();
	if (nvbar_map(gpu, &ext, 1, NULL, &a) || nvbar_write32(a, 0, 0x600df00d) || nvbar_mmap(a, &map))
		return 80;
	for (i = 0; i < (int)NR_OF(codes); i++) {
		send_sigbus(codes[i], map);
		if (nr_handled != i + 1 || *(uint32_t *)map != 0x600df00d)
			return 82 + i;
	}
	if (nvbar_read32(a, 0, &val) || val != 0x600df00d || nvbar_flush(a))
		return 90;
	nvbar_close(gpu);
	return 0;
}

static void only_memory_that_vanished_is_an_unplugged_gpu(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(other_kinds_reach_their_handler());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- a GPU that is well --- */

/* As the kernel finds when it is to read there. */
static bool can_be_read(const char *at)
{
	int fds[2];
	bool can;

	assert_int_equal(pipe(fds), 0);
	can = write(fds[1], at, 1) == 1;
	assert_true(can || errno == EFAULT);
	close(fds[0]);
	close(fds[1]);
	return can;
}

static void a_gpu_works_and_is_left_as_it_was(void **state)
{
	const struct nvbar_extent ext = { MIB(3), MIB(3) };
	uint8_t *out = malloc(MIB(3)), *in = malloc(MIB(3));
	struct nvbar *gpu = open_gpu();
	struct nvbar_info info = info_of(gpu);
	struct nvbar_access *a;
	uint64_t val;
	uint8_t *ptr;
	void *map;
	size_t i;
	int fd;

	(void)state;
	assert_true(out && in);
	assert_string_equal(said, "");
	assert_string_equal(info.device, DEVICE);
	assert_string_equal(info.chip, "GA102");
	assert_int_equal(info.bar1_size, MIB(256));
	assert_int_equal(fake_command(GPU), 2);
	assert_string_equal(fake_text(GPU, "enable"), "1");

	for (i = 0; i < MIB(3); i++)
		out[i] = (uint8_t)(i * 7 + i / 4096);
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	assert_int_equal(nvbar_write(a, 1, out, MIB(3) - 1), 0);
	assert_int_equal(nvbar_read(a, 1, in, MIB(3) - 1), 0);
	assert_memory_equal(in, out, MIB(3) - 1);
	assert_int_equal(nvbar_fill(a, 4096, 0x12345678, 10000), 0);
	assert_int_equal(nvbar_read64(a, 4096 + 9992, &val), 0);
	assert_int_equal(val, 0x1234567812345678);
	assert_int_equal(nvbar_write64(a, 8, 0x1122334455667788), 0);
	assert_int_equal(nvbar_write8(a, 9, 0xee), 0);
	assert_int_equal(nvbar_flush(a), 0);
	assert_int_equal(nvbar_mmap(a, &map), 0);
	ptr = map;
	assert_int_equal(ptr[8], 0x88);
	assert_int_equal(ptr[9], 0xee);
	ptr[MIB(2)] = 0x42;
	assert_true(can_be_read((const char *)map));
	assert_true(can_be_read((const char *)map + MIB(3) - 1));
	assert_false(can_be_read((const char *)map - 1));
	assert_false(can_be_read((const char *)map + MIB(3)));

	/* The aperture as it is: what was written is at the mapping's address. */
	fd = open(fake_path(GPU, "resource1_wc"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, in, MIB(3), (off_t)nvbar_access_base(a)), MIB(3));
	close(fd);
	assert_int_equal(in[9], 0xee);
	assert_int_equal(in[15], 0x11);
	assert_int_equal(in[MIB(2)], 0x42);
	assert_int_equal(in[4096], 0x78);

	nvbar_close(gpu);
	assert_int_equal(fake_command(GPU), 0);
	assert_string_equal(fake_text(GPU, "enable"), "0");
	free(out);
	free(in);
}

static void what_goes_through_pramin_comes_back(void **state)
{
	struct nvbar *gpu = open_gpu();
	uint64_t val = 0x1122334455667788, got;

	(void)state;
	assert_int_equal(nvbar_pramin_write(gpu, 0x1230, &val, 8), 0);
	assert_int_equal(nvbar_pramin_read(gpu, 0x1230, &got, 8), 0);
	assert_int_equal(got, val);
	nvbar_close(gpu);
}

static void what_was_switched_on_before_stays_on(void **state)
{
	(void)state;
	fake_set_command(GPU, 0x0506);
	fake_file(GPU, "power/control", "auto\n");
	nvbar_close(open_gpu());
	assert_int_equal(fake_command(GPU), 0x0506);
	assert_string_equal(fake_text(GPU, "power/control"), "auto");
}

static void a_gpu_stays_awake_while_it_is_open(void **state)
{
	struct nvbar *gpu;

	(void)state;
	fake_file(GPU, "power/control", "auto\n");
	gpu = open_gpu();
	assert_string_equal(fake_text(GPU, "power/control"), "on");
	nvbar_close(gpu);
	assert_string_equal(fake_text(GPU, "power/control"), "auto");
}

static void a_short_address_is_as_good(void **state)
{
	struct nvbar *gpu;

	(void)state;
	assert_int_equal(open_with(&gpu, "pci:01:00.0", 0), 0);
	assert_string_equal(info_of(gpu).device, DEVICE);
	nvbar_close(gpu);
}

static void a_bar1_that_is_not_prefetchable_is_mapped_uncached(void **state)
{
	const struct nvbar_extent ext = { 0, 8192 };
	struct nvbar *gpu;
	struct nvbar_access *a;
	uint32_t val;

	(void)state;
	fake_remove(GPU, "resource1_wc");
	gpu = open_gpu();
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	assert_int_equal(nvbar_write(a, 1, "something", 9), 0);
	assert_int_equal(nvbar_read32(a, 4, &val), 0);
	assert_memory_equal(&val, "ethi", 4);
	nvbar_close(gpu);
}

static void set_bar(int nr, struct fake_bar changed)
{
	struct fake_bar bar[6];

	memcpy(bar, fake_ga102, sizeof(bar));
	bar[nr] = changed;
	fake_bars(GPU, bar);
}

/* Bytes of BAR1's file that this process has mapped */
static uint64_t mapped_bytes(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	uint64_t first, end, bytes = 0;
	char line[512], *at;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		first = strtoull(line, &at, 16);
		end = strtoull(at + 1, NULL, 16);
		bytes += strstr(line, "resource1_wc") ? end - first : 0;
	}
	fclose(maps);
	return bytes;
}

static struct nvbar *open_large_bar1(void)
{
	set_bar(1, (struct fake_bar){ 0xc0000000, 0xffffffff, MEM64_PREFETCH });
	assert_int_equal(truncate(fake_path(GPU, "resource1_wc"), (off_t)MIB(1024)), 0);
	return open_gpu();
}

static struct nvbar_access *map_at(struct nvbar *gpu, uint64_t va, uint64_t len)
{
	const struct nvbar_map_opts opts = { .size = sizeof(opts), .flags = NVBAR_MAP_FIXED, .va = va };
	const struct nvbar_extent ext = { 0, len };
	struct nvbar_access *a;

	assert_int_equal(nvbar_map(gpu, &ext, 1, &opts, &a), 0);
	return a;
}

static void a_large_bar1_is_mapped_as_it_is_used(void **state)
{
	uint8_t *out = malloc(MIB(4)), *in = malloc(MIB(4));
	struct nvbar *gpu = open_large_bar1();
	struct nvbar_access *a;
	uint64_t val;
	size_t i;
	int fd;

	(void)state;
	assert_true(out && in);
	for (i = 0; i < MIB(4); i++)
		out[i] = (uint8_t)(i * 3 + i / 4096);
	assert_int_equal(mapped_bytes(), MIB(256));
	/*
	 * Over the end of the second chunk of 256 MiB, which is mapped first: the
	 * kernel puts what comes later below, so that the third is not behind it.
	 */
	a = map_at(gpu, MIB(510), MIB(4));
	assert_int_equal(nvbar_write64(a, 0, 1), 0);
	assert_int_equal(mapped_bytes(), MIB(512));
	assert_int_equal(nvbar_write(a, 0, out, MIB(4)), 0);
	assert_int_equal(nvbar_read(a, 0, in, MIB(4)), 0);
	assert_memory_equal(in, out, MIB(4));
	assert_int_equal(mapped_bytes(), MIB(768));
	fd = open(fake_path(GPU, "resource1_wc"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, in, MIB(4), (off_t)MIB(510)), MIB(4));
	close(fd);
	assert_memory_equal(in, out, MIB(4));
	assert_int_equal(nvbar_fill(a, MIB(2) - 64, 0x77777777, 128), 0);
	assert_int_equal(nvbar_read64(a, MIB(2) + 56, &val), 0);
	assert_int_equal(val, 0x7777777777777777);
	assert_int_equal(nvbar_read64(a, MIB(2) + 64, &val), 0);
	assert_memory_equal(&val, out + MIB(2) + 64, 8);
	nvbar_close(gpu);
	assert_int_equal(mapped_bytes(), 0);
	free(out);
	free(in);
}

static void a_bar1_that_cant_be_mapped_any_more_takes_the_gpu_along(void **state)
{
	struct nvbar *gpu = open_large_bar1();
	struct nvbar_access *a = map_at(gpu, MIB(600), MIB(1));
	uint32_t val;

	(void)state;
	no_memory = true;
	assert_int_equal(nvbar_read32(a, 0, &val), -ENODEV);
	no_memory = false;
	assert_non_null(strstr(said, "map 0x25800000 of a BAR: Cannot allocate memory"));
	assert_int_equal(nvbar_flush(a), -ENODEV);
	nvbar_close(gpu);
}

/* --- a machine with pages of 64 KiB --- */

static int begin_with_64k(void **state)
{
	page_size = 65536;
	compat_page_size_pretend(page_size);
	return begin(state);
}

static int end_with_64k(void **state)
{
	page_size = 4096;
	compat_page_size_pretend(0);
	return end(state);
}

/* Return: a pointer to the mapping, with the aperture behind it. */
static uint8_t *pointer_to(struct nvbar_access *a)
{
	uint64_t base = nvbar_access_base(a);
	uint32_t val = 0;
	void *ptr;
	int fd;

	assert_int_equal(nvbar_mmap(a, &ptr), 0);
	*(volatile uint32_t *)ptr = 0x600df00d + (uint32_t)base;
	fd = open(fake_path(GPU, "resource1_wc"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, &val, 4, (off_t)base), 4);
	close(fd);
	assert_int_equal(val, 0x600df00d + (uint32_t)base);
	return ptr;
}

static struct nvbar_stats stats_of(struct nvbar *gpu)
{
	struct nvbar_stats stats = { .size = sizeof(stats) };

	assert_int_equal(nvbar_get_stats(gpu, &stats), 0);
	return stats;
}

static void each_mapping_has_pages_of_the_host_of_its_own(void **state)
{
	/* The last one takes leaves of 2 MiB only 12 KiB above a multiple of 64 KiB. */
	const struct nvbar_extent last = { MIB(2) + 0x3000, MIB(8) };
	struct nvbar *gpu = open_gpu();
	struct nvbar_access *a[17];
	uint64_t pfn, base, mapped;
	unsigned int i;

	(void)state;
	assert_int_equal(stats_of(gpu).va_free, MIB(256));
	mapped = mapped_bytes();
	for (i = 0; i < 16; i++) {
		pfn = 0x100 + 7 * i;
		assert_int_equal(nvbar_map_pages(gpu, &pfn, 1, 0, &a[i]), 0);
		pointer_to(a[i]);
		base = nvbar_access_base(a[i]);
		assert_true(!i || base / 65536 != nvbar_access_base(a[i - 1]) / 65536);
	}
	assert_int_equal(mapped_bytes(), mapped + 16 * 65536);
	assert_int_equal(stats_of(gpu).va_free, MIB(256) - 16 * 65536);
	assert_int_equal(nvbar_map(gpu, &last, 1, NULL, &a[16]), 0);
	assert_int_equal(nvbar_access_base(a[16]) % MIB(2), 0x3000);
	pointer_to(a[16])[MIB(8) - 1] = 1;
	for (i = 0; i < 17; i++)
		assert_int_equal(nvbar_unmap(a[i]), 0);
	assert_int_equal(mapped_bytes(), mapped);
	assert_int_equal(stats_of(gpu).va_largest_free, MIB(256));
	assert_string_equal(said, "");
	nvbar_close(gpu);
}

static void a_place_of_the_users_may_have_no_pointer(void **state)
{
	struct nvbar *gpu = open_gpu();
	struct nvbar_access *odd = map_at(gpu, 0x11000, 4096), *even = map_at(gpu, 0x20000, 65536);
	struct nvbar_map_opts beside = { .size = sizeof(beside), .flags = NVBAR_MAP_FIXED };
	const struct nvbar_extent ext = { MIB(1), 4096 };
	struct nvbar_access *a, *none;
	uint32_t val;
	void *ptr;

	(void)state;
	pointer_to(even);
	assert_int_equal(nvbar_mmap(odd, &ptr), -EOPNOTSUPP);
	assert_non_null(strstr(said, "mmap 0x11000+0x1000: pages of 0x10000 bytes"));
	assert_int_equal(nvbar_mmap(map_at(gpu, 0x50000, 4096), &ptr), -EOPNOTSUPP);
	assert_int_equal(nvbar_write32(odd, 0, 7), 0);
	assert_int_equal(nvbar_read32(odd, 0, &val), 0);
	assert_int_equal(val, 7);

	/* What the library places has no page with them, and nothing comes into its own later. */
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	pointer_to(a);
	assert_int_not_equal(nvbar_access_base(a) / 65536, 1);
	beside.va = nvbar_access_base(a) + 4096;
	assert_int_equal(nvbar_map(gpu, &ext, 1, &beside, &none), -EEXIST);
	nvbar_close(gpu);
}

static void a_handle_that_shares_has_a_pointer_too(void **state)
{
	const struct nvbar_extent all = { MIB(4), MIB(1) }, odd = { MIB(4) + 4096, 4096 };
	const struct nvbar_extent even = { MIB(4) + 65536, 65536 }, begins_even = { MIB(4), 4096 };
	struct nvbar *gpu = open_gpu();
	struct nvbar_access *a, *b, *c, *d;
	void *ptr;

	(void)state;
	assert_int_equal(nvbar_map(gpu, &all, 1, NULL, &a), 0);
	assert_int_equal(nvbar_map(gpu, &even, 1, NULL, &b), 0);
	assert_int_equal(nvbar_access_base(b), nvbar_access_base(a) + 65536);
	assert_ptr_equal(pointer_to(a), pointer_to(a));
	pointer_to(b);
	assert_int_equal(nvbar_map(gpu, &odd, 1, NULL, &c), 0);
	assert_int_not_equal(nvbar_access_base(c), nvbar_access_base(a) + 4096);
	pointer_to(c);
	assert_int_equal(nvbar_map(gpu, &begins_even, 1, NULL, &d), 0);
	assert_int_not_equal(nvbar_access_base(d), nvbar_access_base(a));
	pointer_to(d);
	assert_int_equal(stats_of(gpu).mapped_bytes, MIB(1) + 2 * 4096);
	nvbar_close(gpu);

	/* But for the static mapping, which all share */
	assert_int_equal(open_with(&gpu, DEVICE, NVBAR_OPEN_STATIC), 0);
	assert_int_equal(nvbar_map(gpu, &even, 1, NULL, &b), 0);
	assert_int_equal(nvbar_map(gpu, &odd, 1, NULL, &c), 0);
	assert_int_equal(nvbar_access_base(c), odd.pa);
	pointer_to(b);
	assert_int_equal(nvbar_mmap(c, &ptr), -EOPNOTSUPP);
	nvbar_close(gpu);
}

/* --- what the bus carries --- */

/* Return: transactions since the last call. */
static uint64_t transactions(struct nvbar *gpu)
{
	static uint64_t last;
	uint64_t now = stats_of(gpu).bus_transactions, since = now - last;

	last = now;
	return since;
}

static void writes_count_as_a_write_combining_cpu_sends_them(void **state)
{
	const struct nvbar_extent ext = { 0, MIB(1) };
	static uint8_t block[16384];
	struct nvbar *gpu = open_gpu();
	struct nvbar_access *a;
	uint64_t writes;
	void *ptr;
	size_t i;

	(void)state;
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	/* The driver's own: registers are one, words of page tables two */
	assert_true(stats_of(gpu).bus_transactions > stats_of(gpu).bus_writes);
	assert_true(stats_of(gpu).bus_transactions < 2 * stats_of(gpu).bus_writes);
	transactions(gpu);

	for (i = 8; i-- > 0;)
		assert_int_equal(nvbar_write64(a, 64 + 8 * i, i), 0);
	assert_int_equal(transactions(gpu), 8);
	assert_int_equal(nvbar_write8(a, 3, 1), 0);
	assert_int_equal(transactions(gpu), 1);
	assert_int_equal(nvbar_write(a, 64, block, 64), 0);
	assert_int_equal(transactions(gpu), 1);
	assert_int_equal(nvbar_write(a, 32, block, 64), 0);
	assert_int_equal(transactions(gpu), 8);
	assert_int_equal(nvbar_write(a, 0, block, sizeof(block)), 0);
	assert_int_equal(transactions(gpu), sizeof(block) / 64);
	assert_int_equal(nvbar_fill(a, 32, 7, 8192), 0);
	assert_int_equal(transactions(gpu), 4 + 127 + 4);
	assert_int_equal(nvbar_read(a, 0, block, sizeof(block)), 0);
	assert_int_equal(nvbar_mmap(a, &ptr), 0);
	memset(ptr, 1, 4096);
	assert_int_equal(transactions(gpu), 0);

	/* The second one needs no move of the window. */
	assert_int_equal(nvbar_pramin_write(gpu, 0x1230, block, 8), 0);
	writes = stats_of(gpu).bus_writes;
	transactions(gpu);
	assert_int_equal(nvbar_pramin_write(gpu, 0x1238, block, 8), 0);
	assert_int_equal(transactions(gpu), 2);
	assert_int_equal(stats_of(gpu).bus_writes, writes + 1);
	nvbar_close(gpu);
}

static void writes_to_an_uncached_bar1_count_by_access(void **state)
{
	const struct nvbar_extent ext = { 0, MIB(1) };
	static uint8_t block[4096];
	struct nvbar_access *a;
	struct nvbar *gpu;

	(void)state;
	fake_remove(GPU, "resource1_wc");
	gpu = open_gpu();
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	transactions(gpu);
	assert_int_equal(nvbar_write32(a, 4, 1), 0);
	assert_int_equal(transactions(gpu), 1);
	assert_int_equal(nvbar_write(a, 0, block, 4096), 0);
	assert_int_equal(transactions(gpu), 512);
	assert_int_equal(nvbar_write(a, 1, block, 8), 0);	/* 1, 2, 4 and 1 bytes */
	assert_int_equal(transactions(gpu), 4);
	assert_int_equal(nvbar_fill(a, 4, 7, 8192), 0);
	assert_int_equal(transactions(gpu), 1 + 1023 + 1);
	nvbar_close(gpu);
}

static void recorders_count_what_is_below_them(void **state)
{
	const struct nvbar_extent ext = { 0, MIB(1) };
	static uint8_t block[4096];
	struct nvbar_access *a;
	struct nvbar *gpu;

	(void)state;
	setenv("NVBAR_TRACE", "/dev/null", 1);
	gpu = open_gpu();
	unsetenv("NVBAR_TRACE");
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	transactions(gpu);
	assert_int_equal(nvbar_write(a, 0, block, 4096), 0);
	assert_int_equal(transactions(gpu), 64);
	nvbar_close(gpu);

	fake_set_command(GPU, 2);
	assert_int_equal(open_with(&gpu, DEVICE, NVBAR_OPEN_DRY_RUN), 0);
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	assert_int_equal(nvbar_write(a, 0, block, 4096), 0);
	assert_true(stats_of(gpu).bus_writes > 0);
	assert_int_equal(stats_of(gpu).bus_transactions, 0);
	nvbar_close(gpu);
}

/* Flushes and blocks of 4 KiB end with a look at who the GPU is. */
static void reads_that_nobody_asked_for_are_counted(void **state)
{
	const struct nvbar_extent ext = { 0, MIB(1) };
	static uint8_t block[4096];
	struct nvbar *gpu = open_gpu();
	struct nvbar_access *a;
	uint64_t reads;

	(void)state;
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	reads = stats_of(gpu).bus_reads;
	assert_int_equal(nvbar_read(a, 0, block, 4095), 0);
	assert_int_equal(stats_of(gpu).bus_reads, reads);
	assert_int_equal(nvbar_read(a, 0, block, 4096), 0);
	assert_int_equal(stats_of(gpu).bus_reads, reads + 1);
	nvbar_close(gpu);
}

/* --- observing --- */

static const char *const written[] = { "config", "enable", "power/control", "resource0", "resource1_wc" };

static void note_times(struct timespec *times)
{
	struct stat st;
	size_t i;

	for (i = 0; i < NR_OF(written); i++) {
		assert_int_equal(stat(fake_path(GPU, written[i]), &st), 0);
		times[i] = st.st_mtim;
	}
}

static void a_read_only_pointer_can_not_be_made_writable(void **state)
{
	const struct nvbar_extent ext = { 0, 8192 };
	const struct nvbar_map_opts opts = { .size = sizeof(opts), .flags = NVBAR_MAP_RDONLY };
	struct nvbar_access *a;
	struct nvbar *gpu;
	unsigned int fds;
	void *map;

	(void)state;
	/* One descriptor stays, of what takes the place of a GPU that is unplugged. */
	nvbar_close(open_gpu());
	fds = open_fds();
	gpu = open_gpu();
	assert_int_equal(nvbar_map(gpu, &ext, 1, &opts, &a), 0);
	assert_int_equal(nvbar_mmap(a, &map), 0);
	errno = 0;
	assert_int_equal(mprotect(map, 8192, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(errno, EACCES);
	nvbar_close(gpu);
	assert_int_equal(open_fds(), fds);
}

static void observing_writes_nothing_and_minds_no_driver(void **state)
{
	struct timespec before[NR_OF(written)], after[NR_OF(written)];
	struct nvbar_fault fault = { .size = sizeof(fault) };
	struct nvbar *gpu;

	(void)state;
	fake_set_command(GPU, 2);
	fake_file(GPU, "power/control", "auto\n");
	fake_link(GPU, "driver", "../../drivers/nvidia");
	regs_end();
	note_times(before);
	assert_int_equal(open_with(&gpu, DEVICE, NVBAR_OPEN_OBSERVE), 0);
	assert_int_equal(info_of(gpu).bar1_size, MIB(256));
	assert_int_equal(nvbar_get_fault(gpu, &fault), -ENOENT);
	nvbar_close(gpu);
	note_times(after);
	assert_memory_equal(before, after, sizeof(before));
}

static void observing_switches_nothing_on(void **state)
{
	(void)state;
	refuses(DEVICE, NVBAR_OPEN_OBSERVE, EACCES, "its BARs are switched off, and who observes writes "
		"nothing; \"echo 1 > /sys/bus/pci/devices/" GPU "/enable\" would help");
	fake_set_command(GPU, 2);
	fake_file(GPU, "power_state", "D3cold\n");
	refuses(DEVICE, NVBAR_OPEN_OBSERVE, EACCES, "it is asleep, and who observes writes "
		"nothing; \"echo on > /sys/bus/pci/devices/" GPU "/power/control\" would help");
	fake_remove(GPU, "power_state");
	fake_file(GPU, "power/runtime_status", "suspended\n");
	refuses(DEVICE, NVBAR_OPEN_OBSERVE, EACCES, "asleep");
}

/* --- whose it is --- */

static void a_driver_keeps_others_out(void **state)
{
	(void)state;
	fake_link(GPU, "driver", "../../drivers/nouveau");
	refuses(DEVICE, 0, EBUSY, "driver nouveau has it; \"nvbar unbind " GPU "\"");
	assert_int_equal(fake_command(GPU), 0);
	fake_remove(GPU, "driver");
	nvbar_close(open_gpu());
}

static void one_process_has_it(void **state)
{
	struct nvbar *gpu = open_gpu(), *watch;
	char owner[64];
	int status;
	pid_t pid;

	(void)state;
	snprintf(owner, sizeof(owner), "in use by process %d", getpid());
	refuses(DEVICE, 0, EBUSY, owner);
	pid = fork();
	if (!pid) {
		struct nvbar *mine;

		_exit(open_with(&mine, DEVICE, 0) == -EBUSY && strstr(said, owner) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(open_with(&watch, DEVICE, NVBAR_OPEN_OBSERVE), 0);
	nvbar_close(watch);
	assert_int_equal(fake_command(GPU), 2);
	nvbar_close(gpu);
	nvbar_close(open_gpu());
}

/* --- refusals --- */

/* Whoever may read a file may lock it, and configuration space is for all to read. */
static void a_lock_that_anybody_can_take_keeps_nobody_out(void **state)
{
	int fd = open(fake_path(GPU, "config"), O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	nvbar_close(open_gpu());
	close(fd);
}

static void a_virtual_function_is_refused(void **state)
{
	(void)state;
	fake_link(GPU, "physfn", "../0000:84:00.0");
	refuses(DEVICE, 0, EOPNOTSUPP, "it is a virtual function of 0000:84:00.0");
	refuses(DEVICE, NVBAR_OPEN_OBSERVE, EOPNOTSUPP, "it is a virtual function of 0000:84:00.0");
}

static void a_bar1_that_something_else_has_is_told(void **state)
{
	(void)state;
	bar1_claimed = true;
	refuses(DEVICE, 0, EBUSY, "something else, as a boot console, has claimed it; /proc/iomem says "
		"what");
	assert_int_equal(fake_command(GPU), 0);
}

static void a_gpu_that_does_not_answer_is_gone(void **state)
{
	static const uint32_t heads[][2] = { { ~0u, ~0u }, { 0xffff0001, ~0u }, { 0x220410de, ~0u } };
	char why[64];
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < NR_OF(heads); i++) {
		fd = open(fake_path(GPU, "config"), O_WRONLY | O_CLOEXEC);
		assert_int_equal(pwrite(fd, heads[i], 8, 0), 8);
		close(fd);
		snprintf(why, sizeof(why), "the GPU is gone: its configuration space reads 0x%08x",
			 heads[i][0]);
		refuses(DEVICE, 0, ENODEV, why);
		refuses(DEVICE, NVBAR_OPEN_OBSERVE, ENODEV, why);
		assert_string_equal(fake_text(GPU, "enable"), "0");
	}
}

/* A tree that somebody has made may have anything for a file. */
static void a_file_that_is_a_pipe_keeps_nobody_waiting(void **state)
{
	struct nvbar *gpu;

	(void)state;
	fake_remove(GPU, "config");
	assert_int_equal(mkfifo(fake_path(GPU, "config"), 0644), 0);
	assert_int_equal(open_with(&gpu, DEVICE, NVBAR_OPEN_OBSERVE), -EIO);
	fake_remove(GPU, "config");
	fake_file(GPU, "config", "%4095s\n", "");
	fake_set_command(GPU, 2);
	regs_end();
	fake_remove(GPU, "resource0");
	assert_int_equal(mkfifo(fake_path(GPU, "resource0"), 0600), 0);
	assert_true(open_with(&gpu, DEVICE, NVBAR_OPEN_OBSERVE) < 0);
	assert_true(open_with(&gpu, DEVICE, 0) < 0);
}

/* What a GPU says of whose registers can't be read, as a firmware closes them */
static void registers_that_read_as_errors_are_told(void **state)
{
	struct nvbar_fault fault = { .size = sizeof(fault) };
	struct nvbar *gpu;

	(void)state;
	regs[0xb80f40 / 4] = 0xbadf5040;
	refuses(DEVICE, 0, EIO, "register VF_PRIV_BAR1_BLOCK (0xb80f40) reads 0xbadf5040: it can't be "
		"read");
	fake_set_command(GPU, 2);
	assert_int_equal(open_with(&gpu, DEVICE, NVBAR_OPEN_OBSERVE), 0);
	assert_int_equal(info_of(gpu).bar1_mode, NVBAR_BAR1_UNKNOWN);
	assert_int_equal(info_of(gpu).bar1_bound, 0);
	assert_non_null(strstr(said, "VF_PRIV_BAR1_BLOCK (0xb80f40) reads 0xbadf5040"));
	said[0] = '\0';
	regs[0xb83094 / 4] = 0xbadf5040;
	assert_int_equal(nvbar_get_fault(gpu, &fault), -EIO);
	assert_non_null(strstr(said, "VF_PRIV_MMU_FAULT_STATUS (0xb83094) reads 0xbadf5040"));
	said[0] = '\0';
	regs[0xb83094 / 4] = 0x80000000;
	regs[0xb83090 / 4] = 0xbadf5040;
	assert_int_equal(nvbar_get_fault(gpu, &fault), -EIO);
	assert_non_null(strstr(said, "VF_PRIV_MMU_FAULT_INFO (0xb83090) reads 0xbadf5040"));
	nvbar_close(gpu);
}

static void what_is_no_gpu_is_refused(void **state)
{
	static const char *const bad[] = {
		"pci", "pci:", "pci::", "pci,", "pci:nonsense", "pci:01:00", "pci:01:00.0,", "pci:01:00.0,x=1",
		"pci: 01:00.0", "pci:01:00.0 ", "pci:pci:01:00.0", "pci:../../0000:01:00.0",
	};
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(bad); i++)
		refuses(bad[i], 0, EINVAL, "not the address of a PCI device");
	refuses("pci:02:00.0", 0, ENOENT, "no such PCI device");
	fake_file(GPU, "class", "0x040300\n");
	refuses(DEVICE, 0, EOPNOTSUPP, "10de:2204 of class 040300 is no GPU");
	fake_file(GPU, "class", "nonsense\n");
	refuses(DEVICE, 0, EIO, "class in sysfs makes no sense");
}

static void registers_that_cant_be_reached_are_told(void **state)
{
	(void)state;
	set_bar(0, (struct fake_bar){ 0xf6000000, 0xf6000fff, MEM32 });
	refuses(DEVICE, 0, EOPNOTSUPP, "BAR0 of 0x1000 bytes is too small");
	set_bar(0, (struct fake_bar){ 0, 0xffffff, MEM32 | UNSET });
	refuses(DEVICE, 0, EOPNOTSUPP, "BAR0 has no address");
	/* Nothing of it is left in sysfs, and BAR1 is not taken for the registers. */
	set_bar(0, (struct fake_bar){ 0 });
	refuses(DEVICE, 0, EOPNOTSUPP, "BAR0 has no address");
	fake_bars(GPU, fake_ga102);
	fake_remove(GPU, "resource0");
	refuses(DEVICE, 0, ENOENT, "resource0");
	assert_int_equal(fake_command(GPU), 0);
	assert_string_equal(fake_text(GPU, "enable"), "0");
}

static void without_bar1_there_is_pramin(void **state)
{
	struct nvbar *gpu;
	uint32_t val;

	(void)state;
	set_bar(1, (struct fake_bar){ 0, 0xfffffff, MEM64_PREFETCH | UNSET });
	gpu = open_gpu();
	assert_non_null(strstr(said, "BAR1 has no address"));
	assert_int_equal(info_of(gpu).bar1_size, 0);
	assert_int_equal(nvbar_pramin_write(gpu, MIB(1), "abcd", 4), 0);
	assert_int_equal(nvbar_pramin_read(gpu, MIB(1), &val, 4), 0);
	assert_memory_equal(&val, "abcd", 4);
	nvbar_close(gpu);
}

static void what_cant_be_switched_on_is_told(void **state)
{
	(void)state;
	fake_remove(GPU, "enable");
	refuses(DEVICE, 0, ENOENT, "enable in sysfs");
	fake_remove(GPU, "config");
	refuses(DEVICE, 0, ENOENT, "config in sysfs");
}

/* --- a GPU that goes away --- */

static void a_gpu_that_reads_as_all_ones_is_gone(void **state)
{
	(void)state;
	regs[BOOT_0 / 4] = 0xffffffff;
	refuses(DEVICE, 0, ENODEV, "all ones");
	assert_int_equal(fake_command(GPU), 0);
	fake_set_command(GPU, 0xffff);
	refuses(DEVICE, 0, ENODEV, "the GPU is gone");
	refuses(DEVICE, NVBAR_OPEN_OBSERVE, ENODEV, "the GPU is gone");
}

/* What the kernel does to mappings of a device that is unplugged */
static void unplug(void)
{
	static const char *const files[] = { "resource0", "resource1_wc" };
	size_t i;

	regs_end();
	for (i = 0; i < NR_OF(files); i++)
		assert_int_equal(truncate(fake_path(GPU, files[i]), 0), 0);
}

static void a_gpu_that_is_unplugged_is_an_error_and_no_signal(void **state)
{
	const struct nvbar_extent ext = { 0, MIB(6) }, other = { MIB(8), 65536 };
	struct nvbar *gpu = open_gpu();
	struct nvbar_access *a, *b;
	uint8_t *block = malloc(MIB(6)), *ptr;
	uint32_t val;
	uint8_t byte;
	void *map;
	size_t i;

	(void)state;
	assert_non_null(block);
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	assert_int_equal(nvbar_mmap(a, &map), 0);
	ptr = map;
	unplug();

	/* The pointer first, while nobody knows */
	assert_int_equal(ptr[12345], 0xff);
	ptr[12345] = 1;
	assert_int_equal(ptr[12345], 1);
	for (i = 1 << 20; i < MIB(6); i += 4096)
		assert_int_equal(ptr[i], 0xff);
	/* Writes have no answer, and a read finds out. */
	assert_int_equal(nvbar_write(a, 0, block, MIB(6)), 0);
	assert_int_equal(nvbar_fill(a, 0, 0, MIB(6)), 0);
	assert_int_equal(nvbar_read(a, 1, block, MIB(6) - 1), -ENODEV);
	assert_int_equal(block[0], 0xff);
	assert_int_equal(nvbar_read8(a, 0, &byte), -ENODEV);
	assert_int_equal(nvbar_read32(a, 0, &val), -ENODEV);
	assert_int_equal(nvbar_write(a, 0, block, MIB(6)), -ENODEV);
	assert_int_equal(nvbar_fill(a, 0, 0, MIB(6)), -ENODEV);
	assert_int_equal(nvbar_flush(a), -ENODEV);
	assert_int_equal(nvbar_map(gpu, &other, 1, NULL, &b), -ENODEV);
	assert_int_equal(nvbar_pramin_read(gpu, 0, block, 64), -ENODEV);
	assert_int_equal(nvbar_unmap(a), -ENODEV);
	nvbar_close(gpu);
	assert_non_null(strstr(said, "the BARs are not there any more"));
	assert_int_equal(fake_command(GPU), 0);
	free(block);
}

/* It is the driver's then: what it switched on stays on. */
static void a_gpu_that_a_driver_has_claimed_is_left_to_it(void **state)
{
	struct nvbar *gpu;

	(void)state;
	fake_file(GPU, "power/control", "auto\n");
	gpu = open_gpu();
	unplug();
	fake_link(GPU, "driver", "../../../bus/pci/drivers/nvidia");
	fake_set_command(GPU, 0x0506);
	nvbar_close(gpu);
	assert_int_equal(fake_command(GPU), 0x0506);
	assert_string_equal(fake_text(GPU, "enable"), "1");
	/* This is the administrator's. */
	assert_string_equal(fake_text(GPU, "power/control"), "auto");
}

struct looker {
	pthread_t thread;
	struct nvbar_access *a;
	const uint8_t *ptr;
	size_t not_ones;
	int ret;
};

static void *look_at_all(void *arg)
{
	struct looker *l = arg;
	uint32_t val;
	size_t i;

	for (i = 0; i < MIB(6); i += 4096)
		l->not_ones += l->ptr[i] != 0xff;
	l->ret = nvbar_read32(l->a, 0, &val);
	return NULL;
}

static void threads_that_find_out_at_once_all_read_ones(void **state)
{
	const struct nvbar_extent ext = { 0, MIB(6) };
	struct nvbar *gpu = open_gpu();
	struct looker l[4] = { 0 };
	struct nvbar_access *a;
	void *map;
	size_t i;

	(void)state;
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	assert_int_equal(nvbar_mmap(a, &map), 0);
	unplug();
	for (i = 0; i < NR_OF(l); i++) {
		l[i].a = a;
		l[i].ptr = map;
		assert_int_equal(pthread_create(&l[i].thread, NULL, look_at_all, &l[i]), 0);
	}
	for (i = 0; i < NR_OF(l); i++) {
		assert_int_equal(pthread_join(l[i].thread, NULL), 0);
		assert_int_equal(l[i].not_ones, 0);
		assert_int_equal(l[i].ret, -ENODEV);
	}
	nvbar_close(gpu);
}

/* Each way to find out by itself */
static void whoever_touches_it_first_finds_out(void **state)
{
	static const char *const what[] = { "read", "write", "copy", "fill", "map", "pramin", "close" };
	const struct nvbar_extent ext = { 0, MIB(1) }, other = { MIB(8), 65536 };
	static uint8_t block[65536];
	struct nvbar_access *a, *b;
	struct nvbar *gpu;
	uint64_t val;
	size_t i;

	for (i = 0; i < NR_OF(what); i++) {
		if (i) {
			end(state);
			begin(state);
		}
		gpu = open_gpu();
		assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
		unplug();
		if (!strcmp(what[i], "read"))
			assert_int_equal(nvbar_read64(a, 8, &val), -ENODEV);
		if (!strcmp(what[i], "write"))
			assert_int_equal(nvbar_write64(a, 8, 1), 0);
		if (!strcmp(what[i], "copy"))
			assert_int_equal(nvbar_write(a, 8, block, sizeof(block)), 0);
		if (!strcmp(what[i], "fill"))
			assert_int_equal(nvbar_fill(a, 8, 7, 65536), 0);
		if (!strcmp(what[i], "map"))
			assert_int_equal(nvbar_map(gpu, &other, 1, NULL, &b), -ENODEV);
		if (!strcmp(what[i], "pramin"))
			assert_int_equal(nvbar_pramin_write(gpu, 0, block, 4096), -ENODEV);
		if (strcmp(what[i], "close"))
			assert_int_equal(nvbar_flush(a), -ENODEV);
		nvbar_close(gpu);
	}
}

/* In a virtual machine, where nothing is, zeroes may be */
static void a_gpu_that_turns_to_zeroes_is_an_error(void **state)
{
	const struct nvbar_extent ext = { 0, MIB(1) };
	static uint8_t block[65536];
	struct nvbar_access *a;
	struct nvbar *gpu;

	gpu = open_gpu();
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	assert_int_equal(nvbar_read(a, 0, block, 4096), 0);
	assert_int_equal(nvbar_write(a, 0, block, sizeof(block)), 0);
	assert_int_equal(nvbar_flush(a), 0);
	regs[BOOT_0 / 4] = 0;
	assert_int_equal(nvbar_write(a, 0, block, sizeof(block)), 0);
	assert_int_equal(nvbar_flush(a), -ENODEV);
	nvbar_close(gpu);
	assert_non_null(strstr(said, "the BARs are not there any more"));

	end(state);
	begin(state);
	gpu = open_gpu();
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	regs[BOOT_0 / 4] = 0;
	assert_int_equal(nvbar_read(a, 0, block, 4096), -ENODEV);
	assert_int_equal(block[0], 0xff);
	nvbar_close(gpu);
}

/* A bus that is down for a while, say */
static void a_gpu_that_turns_to_ones_may_come_back(void **state)
{
	const struct nvbar_extent ext = { 0, MIB(1) };
	static uint8_t block[65536];
	struct nvbar *gpu = open_gpu();
	struct nvbar_access *a;
	uint32_t boot0 = regs[BOOT_0 / 4];

	(void)state;
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	regs[BOOT_0 / 4] = 0xffffffff;
	assert_int_equal(nvbar_read(a, 0, block, sizeof(block)), 0);
	regs[BOOT_0 / 4] = boot0;
	assert_int_equal(nvbar_read(a, 0, block, sizeof(block)), 0);
	assert_int_equal(nvbar_flush(a), 0);
	nvbar_close(gpu);
}

#define ON_A_GPU(test) cmocka_unit_test_setup_teardown(test, begin, end)
#define WITH_64K(test) cmocka_unit_test_setup_teardown(test, begin_with_64k, end_with_64k)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_GPU(other_faults_go_where_they_went_before),
		ON_A_GPU(only_memory_that_vanished_is_an_unplugged_gpu),
		ON_A_GPU(a_gpu_works_and_is_left_as_it_was),
		ON_A_GPU(what_goes_through_pramin_comes_back),
		ON_A_GPU(what_was_switched_on_before_stays_on),
		ON_A_GPU(a_gpu_stays_awake_while_it_is_open),
		ON_A_GPU(a_short_address_is_as_good),
		ON_A_GPU(a_bar1_that_is_not_prefetchable_is_mapped_uncached),
		ON_A_GPU(a_large_bar1_is_mapped_as_it_is_used),
		ON_A_GPU(a_bar1_that_cant_be_mapped_any_more_takes_the_gpu_along),
		ON_A_GPU(writes_count_as_a_write_combining_cpu_sends_them),
		ON_A_GPU(writes_to_an_uncached_bar1_count_by_access),
		ON_A_GPU(recorders_count_what_is_below_them),
		ON_A_GPU(reads_that_nobody_asked_for_are_counted),
		WITH_64K(each_mapping_has_pages_of_the_host_of_its_own),
		WITH_64K(a_place_of_the_users_may_have_no_pointer),
		WITH_64K(a_handle_that_shares_has_a_pointer_too),
		ON_A_GPU(a_read_only_pointer_can_not_be_made_writable),
		ON_A_GPU(observing_writes_nothing_and_minds_no_driver),
		ON_A_GPU(observing_switches_nothing_on),
		ON_A_GPU(a_driver_keeps_others_out),
		ON_A_GPU(one_process_has_it),
		ON_A_GPU(a_lock_that_anybody_can_take_keeps_nobody_out),
		ON_A_GPU(a_virtual_function_is_refused),
		ON_A_GPU(a_bar1_that_something_else_has_is_told),
		ON_A_GPU(a_gpu_that_does_not_answer_is_gone),
		ON_A_GPU(a_file_that_is_a_pipe_keeps_nobody_waiting),
		ON_A_GPU(registers_that_read_as_errors_are_told),
		ON_A_GPU(what_is_no_gpu_is_refused),
		ON_A_GPU(registers_that_cant_be_reached_are_told),
		ON_A_GPU(without_bar1_there_is_pramin),
		ON_A_GPU(what_cant_be_switched_on_is_told),
		ON_A_GPU(a_gpu_that_reads_as_all_ones_is_gone),
		ON_A_GPU(a_gpu_that_is_unplugged_is_an_error_and_no_signal),
		ON_A_GPU(a_gpu_that_a_driver_has_claimed_is_left_to_it),
		ON_A_GPU(threads_that_find_out_at_once_all_read_ones),
		ON_A_GPU(whoever_touches_it_first_finds_out),
		ON_A_GPU(a_gpu_that_turns_to_zeroes_is_an_error),
		ON_A_GPU(a_gpu_that_turns_to_ones_may_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

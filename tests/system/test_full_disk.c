/* SPDX-License-Identifier: MIT */
/*
 * A file of VRAM on a disk that has no room left: with argument "tmpfs" on a
 * small filesystem of the test's own, with "refused" where the kernel is made
 * to refuse the room for parts of a file.
 */
#include "helper.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where there is no room in a file, if the kernel is made to say so */
#define HOLE		MIB(16)
#define HOLE_END	MIB(48)
#define BEYOND		MIB(128)

#define TMPFS_SIZE	MIB(8)

/* What a test writes in steps, from before the hole on */
#define START		(HOLE - MIB(1))
#define STEP		KIB(64)
#define LEN		MIB(32)

static bool refused;	/* else there is a tmpfs at test_dir */

/* --- disks without room --- */

static int refuse_room(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_fallocate, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, BEYOND, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, HOLE_END, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, HOLE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSPC),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { .len = NR_OF(code), .filter = code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) ? -errno : 0;
}

static void write_line(const char *path, const char *line)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return;
	fputs(line, file);
	fclose(file);
}

/* Mounts of this process's own, which may take being root in a space of its own. */
static bool leave_mounts(void)
{
	char uid[32], gid[32];

	snprintf(uid, sizeof(uid), "%u %u 1", getuid(), getuid());
	snprintf(gid, sizeof(gid), "%u %u 1", getgid(), getgid());
	if (!unshare(CLONE_NEWNS))
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return false;
	write_line("/proc/self/setgroups", "deny");
	write_line("/proc/self/uid_map", uid);
	write_line("/proc/self/gid_map", gid);
	return true;
}

static bool mount_tmpfs(void)
{
	char opts[32];

	snprintf(opts, sizeof(opts), "size=%llu", (unsigned long long)TMPFS_SIZE);
	return leave_mounts() && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("nvbar-test", test_dir, "tmpfs", 0, opts);
}

static int small_disk(void **state)
{
	dir_make(state);
	if (!refused && !mount_tmpfs()) {
		print_message("no tmpfs can be mounted here: room is refused instead\n");
		refused = true;
	}
	if (refused)
		assert_ok(refuse_room());
	return 0;
}

static int leave_disk(void **state)
{
	if (!refused)
		assert_ok(umount2(test_dir, MNT_DETACH));
	return dir_remove(state);
}

/* Leaves so many bytes of the tmpfs to be had, if it has them. */
static void leave_room(uint64_t bytes)
{
	struct statvfs disk;
	char path[512];
	uint64_t has;
	int fd;

	if (refused)
		return;
	snprintf(path, sizeof(path), "%s/ballast", test_dir);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_ok(statvfs(test_dir, &disk));
	has = disk.f_bavail * disk.f_bsize;
	if (bytes < has)
		assert_ok(posix_fallocate(fd, 0, (off_t)(has - bytes)));
	assert_ok(close(fd));
}

static const char *device(const char *chip, const char *vram, const char *name)
{
	static char text[512];

	snprintf(text, sizeof(text), "sim:%s,vram=%s,bar1=64M,file=%s/%s", chip, vram, test_dir, name);
	return text;
}

/* --- what is said --- */

struct said {
	unsigned int lines, reasons;
	char first[512];
};

static void hear(void *arg, int level, const char *line)
{
	struct said *said = arg;

	(void)level;
	if (!said->lines++)
		snprintf(said->first, sizeof(said->first), "%s", line);
	if (strstr(line, strerror(ENOSPC)))
		said->reasons++;
}

static int try_open(struct nvbar **gpu, const char *text, struct said *said)
{
	const struct nvbar_open_opts opts = {
		.size = sizeof(opts), .log_level = NVBAR_LOG_ERROR, .log = hear, .log_arg = said,
	};

	*said = (struct said){ 0 };
	return nvbar_open(gpu, text, &opts);
}

/* --- ways to write --- */

static uint64_t word_of(uint64_t step)
{
	return (step % 200 + 1) * 0x0101010101010101;
}

struct target {
	struct nvbar *gpu;
	struct nvbar_access *a;
};

static int by_word(const struct target *t, uint64_t step)
{
	assert_ok(nvbar_write64(t->a, step * STEP, word_of(step)));
	return nvbar_flush(t->a);
}

static int by_block(const struct target *t, uint64_t step)
{
	static uint8_t block[STEP];

	memset(block, (int)word_of(step) & 0xff, sizeof(block));
	assert_ok(nvbar_write(t->a, step * STEP, block, sizeof(block)));
	return nvbar_flush(t->a);
}

static int by_fill(const struct target *t, uint64_t step)
{
	assert_ok(nvbar_fill(t->a, step * STEP, (uint32_t)word_of(step), STEP));
	return nvbar_flush(t->a);
}

static int by_pramin(const struct target *t, uint64_t step)
{
	static uint8_t block[STEP];

	memset(block, (int)word_of(step) & 0xff, sizeof(block));
	return nvbar_pramin_write(t->gpu, START + step * STEP, block, sizeof(block));
}

static int by_pramin_word(const struct target *t, uint64_t step)
{
	uint64_t word = word_of(step);

	return nvbar_pramin_write(t->gpu, START + step * STEP, &word, sizeof(word));
}

/* Allocates [@start, @start + @len): its zeroes are written, through BAR1 or PRAMIN by length. */
static int scrub(struct nvbar *gpu, uint64_t start, uint64_t len)
{
	const struct nvbar_vram_opts opts = {
		.size = sizeof(opts), .range_start = start, .range_end = start + len,
	};
	struct nvbar_vram *vram = UNTOUCHED;
	int ret = nvbar_vram_alloc(gpu, len, &opts, &vram);

	if (ret)
		assert_ptr_equal(vram, UNTOUCHED);
	return ret;
}

static int by_scrub(const struct target *t, uint64_t step)
{
	return scrub(t->gpu, START + step * STEP, STEP);
}

static int by_small_scrub(const struct target *t, uint64_t step)
{
	return scrub(t->gpu, START + step * STEP, PAGE);
}

/* --- a GPU whose disk fills up --- */

static void gone(const struct target *t)
{
	struct nvbar_info info = { .size = sizeof(info) };
	struct nvbar_walk walk = { .size = sizeof(walk) };
	const struct nvbar_extent ext = { MIB(2), PAGE };
	struct nvbar_access *a = UNTOUCHED;
	uint64_t word = 7;
	uint8_t buf[64];
	void *ptr = UNTOUCHED;

	assert_err(nvbar_read64(t->a, 0, &word), ENODEV);
	assert_err(nvbar_read64(t->a, LEN - 8, &word), ENODEV);
	assert_int_equal(word, 7);
	assert_err(nvbar_read(t->a, 0, buf, sizeof(buf)), ENODEV);
	assert_err(nvbar_flush(t->a), ENODEV);
	assert_err(nvbar_mmap(t->a, &ptr), ENODEV);
	assert_ptr_equal(ptr, UNTOUCHED);
	assert_err(nvbar_pramin_read(t->gpu, MIB(1), &word, sizeof(word)), ENODEV);
	assert_err(nvbar_pramin_write(t->gpu, MIB(1), buf, sizeof(buf)), ENODEV);
	assert_err(nvbar_get_info(t->gpu, &info), ENODEV);
	assert_err(nvbar_walk(t->gpu, 0, &walk), ENODEV);
	assert_err(nvbar_map(t->gpu, &ext, 1, NULL, &a), ENODEV);
	assert_ptr_equal(a, UNTOUCHED);
	assert_err(scrub(t->gpu, MIB(2), MIB(1)), ENODEV);
}

/* Steps that were in VRAM before the first that was not. */
static uint64_t write_until_full(const struct target *t, int (*way)(const struct target *, uint64_t))
{
	uint64_t step = 0;
	int ret;

	do {
		assert_true(step < LEN / STEP);
		ret = way(t, step++);
	} while (!ret);
	assert_err(ret, ENODEV);
	return step - 1;
}

/* Everything before the disk was full, and room again for more. */
static void all_kept(const char *text, uint64_t steps, bool zeroes)
{
	struct target t = { .gpu = gpu_open(text) };
	uint64_t i;

	t.a = map_at(t.gpu, START, LEN, 0);
	for (i = 0; i < steps; i++) {
		assert_int_equal(pramin_rd64(t.gpu, START + i * STEP), zeroes ? 0 : word_of(i));
		assert_int_equal(bar1_rd64(t.a, i * STEP), zeroes ? 0 : word_of(i));
	}
	assert_int_equal(pramin_rd64(t.gpu, MIB(1)), 0x1234);
	leave_room(TMPFS_SIZE);
	if (!refused) {
		assert_ok(by_block(&t, steps));
		assert_ok(by_block(&t, steps + 1));
	}
	assert_ok(nvbar_unmap(t.a));
	gpu_close(t.gpu);
}

static void fill_up(const char *chip, int (*way)(const struct target *, uint64_t), bool zeroes)
{
	const char *text = device(chip, "64M", "vram");
	struct target t;
	struct said said;
	uint64_t steps;

	leave_room(MIB(4));
	assert_ok(try_open(&t.gpu, text, &said));
	pramin_wr64(t.gpu, MIB(1), 0x1234);
	t.a = map_at(t.gpu, START, LEN, 0);
	steps = write_until_full(&t, way);
	assert_true(steps > 0);
	assert_int_equal(said.reasons, 1);
	assert_non_null(strstr(said.first, strerror(ENOSPC)));
	assert_non_null(strstr(said.first, "/vram: "));
	gone(&t);
	assert_int_equal(said.reasons, 1);
	assert_err(nvbar_unmap(t.a), ENODEV);
	nvbar_close(t.gpu);
	all_kept(text, steps, zeroes);
	assert_ok(unlink(strstr(text, "file=") + strlen("file=")));
}

static void a_write_that_the_disk_has_no_room_for_ends_the_gpu_and_not_the_process(void **state)
{
	size_t c;

	(void)state;
	for (c = 0; c < NR_CHIPS; c++) {
		fill_up(chips[c].name, by_word, false);
		fill_up(chips[c].name, by_block, false);
		fill_up(chips[c].name, by_fill, false);
		fill_up(chips[c].name, by_pramin, false);
		fill_up(chips[c].name, by_pramin_word, false);
		fill_up(chips[c].name, by_scrub, true);
		fill_up(chips[c].name, by_small_scrub, true);
	}
}

/* What nobody wrote takes no room, however often it is read. */
static void reading_needs_no_room(void **state)
{
	uint8_t block[2 * PAGE];
	struct said said;
	struct target t;
	unsigned int i;
	uint64_t word;

	(void)state;
	leave_room(TMPFS_SIZE);
	assert_ok(try_open(&t.gpu, device("ga102", "64M", "read"), &said));
	t.a = map_at(t.gpu, HOLE, MIB(1), 0);
	leave_room(0);
	word = pramin_rd64(t.gpu, HOLE);
	for (i = 0; i < 100; i++) {
		assert_int_equal(bar1_rd64(t.a, 0), word);
		assert_ok(nvbar_read(t.a, PAGE, block, sizeof(block)));
	}
	assert_int_equal(pramin_rd64(t.gpu, HOLE), word);
	assert_int_equal(said.lines, 0);
	assert_ok(nvbar_unmap(t.a));
	gpu_close(t.gpu);
}

/* Nothing is lost by a pointer that there is no memory for. */
static void a_pointer_needs_room_for_all_of_its_pages(void **state)
{
	struct said said;
	struct target t;
	void *ptr = UNTOUCHED;

	(void)state;
	leave_room(TMPFS_SIZE);
	assert_ok(try_open(&t.gpu, device("gh100", "64M", "pointer"), &said));
	t.a = map_at(t.gpu, START, LEN, 0);
	leave_room(MIB(2));
	assert_err(nvbar_mmap(t.a, &ptr), ENOMEM);
	assert_ptr_equal(ptr, UNTOUCHED);
	assert_int_equal(said.reasons, 0);
	assert_ok(nvbar_write64(t.a, 0, 5));
	assert_ok(nvbar_flush(t.a));
	assert_int_equal(bar1_rd64(t.a, 0), 5);
	assert_ok(nvbar_unmap(t.a));
	gpu_close(t.gpu);
}

static void a_pointer_that_was_given_reads_all_ones(void **state)
{
	struct said said;
	struct target t, first;
	uint64_t word;
	void *ptr;
	size_t i;

	(void)state;
	leave_room(MIB(4));
	assert_ok(try_open(&t.gpu, device("gb202", "64M", "given"), &said));
	first.a = map_at(t.gpu, MIB(1), KIB(64), 0);
	assert_ok(nvbar_mmap(first.a, &ptr));
	t.a = map_at(t.gpu, START, LEN, 0);
	assert_ok(nvbar_fill(first.a, 0, 5, KIB(64)));
	assert_ok(nvbar_flush(first.a));
	write_until_full(&t, by_block);
	for (i = 0; i < KIB(64); i++)
		assert_int_equal(((uint8_t *)ptr)[i], 0xff);
	assert_false(touch_faults(ptr, true));
	assert_err(nvbar_read64(first.a, 0, &word), ENODEV);
	nvbar_close(t.gpu);
}

static void does_not_open(const char *text, int err, struct said *said)
{
	struct nvbar *gpu = UNTOUCHED;

	assert_err(try_open(&gpu, text, said), err);
	assert_ptr_equal(gpu, UNTOUCHED);
	assert_int_equal(said->reasons, 1);
	assert_non_null(strstr(said->first, strerror(ENOSPC)));
}

static void a_gpu_that_there_is_no_room_for_does_not_open(void **state)
{
	struct said said;

	(void)state;
	if (refused) {
		does_not_open(device("ga102", "48M", "no-tables"), ENODEV, &said);
		does_not_open(device("ga102", "128M", "no-bitmap"), ENODEV, &said);
		return;
	}
	leave_room(0);
	does_not_open(device("ga102", "64M", "no-file"), ENOSPC, &said);
	assert_int_equal(said.lines, 1);
	/* Room for the file's own pages, and none for the page tables */
	leave_room(KIB(32));
	does_not_open(device("ga102", "64M", "no-tables"), ENODEV, &said);

	leave_room(TMPFS_SIZE);
	gpu_close(gpu_open(device("ga102", "64M", "no-file")));
	gpu_close(gpu_open(device("ga102", "64M", "no-tables")));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_that_the_disk_has_no_room_for_ends_the_gpu_and_not_the_process),
		cmocka_unit_test(reading_needs_no_room),
		cmocka_unit_test(a_pointer_needs_room_for_all_of_its_pages),
		cmocka_unit_test(a_pointer_that_was_given_reads_all_ones),
		cmocka_unit_test(a_gpu_that_there_is_no_room_for_does_not_open),
	};

	refused = argc > 1 && !strcmp(argv[1], "refused");
	return cmocka_run_group_tests(tests, small_disk, leave_disk);
}

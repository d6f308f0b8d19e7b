// SPDX-License-Identifier: MIT
/*
 * The recorder: stands between the driver and any backend, hands each access on
 * and writes it down.  The aperture is no memory of the CPU's behind it, so
 * that every access comes by; pointers of nvbar_mmap() are the exception, and
 * that they were given out is written down.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "chip.h"
#include "gpu.h"
#include "output.h"
#include "trace.h"

/**
 * struct recorder - a backend in front of another
 * @base: of every backend
 * @ops: the recorder's, as far as the other one has them
 * @inner: the other one
 * @lock: held over an access and its line, so that lines have the accesses' order
 * @file: NULL once writing has failed
 * @bytes: written there
 * @path: of the file
 * @writer: of lines
 * @last: the newest line, if it is a read that may be repeated ...
 * @again: ... and how often that was
 */
struct recorder {
	struct nvbar_backend base;
	struct nvbar_hw_ops ops;
	struct nvbar_backend *inner;
	struct mutex lock;
	FILE *file;
	u64 bytes;
	char *path;
	struct nvbar_trace_writer writer;
	struct nvbar_trace_access last;
	u64 again;
};

/* --- the file -------------------------------------------------------------- */

static void give_up(struct recorder *r)
{
	nvbar_log(&r->base.log, 1, "trace %.200s ends here: %s", r->path, strerror(errno));
	(void)fclose(r->file);
	r->file = NULL;
}

/* More than the process may write would be a signal, not an error. */
static bool fits(struct recorder *r, const char *line)
{
	struct rlimit most;

	r->bytes += strlen(line) + 1;
	if (getrlimit(RLIMIT_FSIZE, &most) || r->bytes <= most.rlim_cur)
		return true;
	errno = EFBIG;
	return false;
}

/* Each line is in the file before the next access: a machine may hang in that. */
static void put_line(void *arg, const char *line)
{
	struct recorder *r = arg;

	if (r->file && (!fits(r, line) || fprintf(r->file, "%s\n", line) < 0 || fflush(r->file)))
		give_up(r);
}

static void end_repeats(struct recorder *r)
{
	if (r->again)
		nvbar_trace_put(&r->writer, "x %llu", r->again);
	r->again = 0;
	r->last.width = 0;
}

static void note_one(struct recorder *r, bool write, unsigned int bar, u64 off, unsigned int width,
		     u64 val)
{
	const struct nvbar_trace_access *last = &r->last;

	if (!write && last->width == width && last->bar == bar && last->off == off &&
	    last->val == val) {
		r->again++;
		return;
	}
	end_repeats(r);
	nvbar_trace_one(&r->writer, write, bar, off, width, val);
	if (!write)
		r->last = (struct nvbar_trace_access){
			.bar = bar, .off = off, .width = width, .val = val
		};
}

static void note_block(struct recorder *r, bool write, unsigned int bar, u64 off, const void *buf,
		       size_t len)
{
	end_repeats(r);
	nvbar_trace_block(&r->writer, write, bar, off, buf, len);
}

/* --- operations ------------------------------------------------------------ */

static u64 rec_bar0_read(void *hw, u32 off, unsigned int width)
{
	struct recorder *r = hw;
	u64 val;

	guard(mutex)(&r->lock);
	val = r->inner->ops->bar0_read(r->inner, off, width);
	note_one(r, false, 0, off, width, val);
	return val;
}

/* A write is noted first: it may be the last thing that happens. */
static void rec_bar0_write(void *hw, u32 off, unsigned int width, u64 val)
{
	struct recorder *r = hw;

	guard(mutex)(&r->lock);
	note_one(r, true, 0, off, width, val);
	r->inner->ops->bar0_write(r->inner, off, width, val);
}

static void rec_bar0_read_words(void *hw, u32 off, u64 *dst, size_t nr)
{
	struct recorder *r = hw;

	guard(mutex)(&r->lock);
	r->inner->ops->bar0_read_words(r->inner, off, dst, nr);
	note_block(r, false, 0, off, dst, 8 * nr);
}

static void rec_bar0_write_words(void *hw, u32 off, const u64 *src, size_t nr)
{
	struct recorder *r = hw;

	guard(mutex)(&r->lock);
	note_block(r, true, 0, off, src, 8 * nr);
	r->inner->ops->bar0_write_words(r->inner, off, src, nr);
}

/* A line has words, whose halves the other backend writes in their order. */
static void rec_bar0_write_entries(void *hw, u32 off, const u64 *src, size_t nr)
{
	struct recorder *r = hw;

	guard(mutex)(&r->lock);
	note_block(r, true, 0, off, src, 8 * nr);
	nvbar_hw_write_entries(r->inner->ops, r->inner, off, src, nr);
}

static u64 rec_bar1_read(void *hw, u64 off, unsigned int width)
{
	struct recorder *r = hw;
	u64 val;

	guard(mutex)(&r->lock);
	val = r->inner->ops->bar1_read(r->inner, off, width);
	note_one(r, false, 1, off, width, val);
	return val;
}

static void rec_bar1_write(void *hw, u64 off, unsigned int width, u64 val)
{
	struct recorder *r = hw;

	guard(mutex)(&r->lock);
	note_one(r, true, 1, off, width, val);
	r->inner->ops->bar1_write(r->inner, off, width, val);
}

static void rec_bar1_copy_from(void *hw, void *dst, u64 off, size_t len)
{
	struct recorder *r = hw;

	guard(mutex)(&r->lock);
	r->inner->ops->bar1_copy_from(r->inner, dst, off, len);
	note_block(r, false, 1, off, dst, len);
}

static void rec_bar1_copy_to(void *hw, u64 off, const void *src, size_t len)
{
	struct recorder *r = hw;

	guard(mutex)(&r->lock);
	note_block(r, true, 1, off, src, len);
	r->inner->ops->bar1_copy_to(r->inner, off, src, len);
}

static void rec_bar1_fill(void *hw, u64 off, u32 pattern, size_t len)
{
	struct recorder *r = hw;

	guard(mutex)(&r->lock);
	end_repeats(r);
	nvbar_trace_fill(&r->writer, off, pattern, len);
	r->inner->ops->bar1_fill(r->inner, off, pattern, len);
}

static int rec_bar1_mmap(void *hw, u64 off, u64 len, bool write, void **cpu)
{
	struct recorder *r = hw;
	int ret;

	guard(mutex)(&r->lock);
	ret = r->inner->ops->bar1_mmap(r->inner, off, len, write, cpu);
	if (!ret) {
		end_repeats(r);
		nvbar_trace_put(&r->writer, "m 0x%06llx 0x%llx %s", off, len, write ? "rw" : "ro");
	}
	return ret;
}

static void rec_bar1_munmap(void *hw, void *cpu, u64 len)
{
	struct recorder *r = hw;

	r->inner->ops->bar1_munmap(r->inner, cpu, len);
}

static void rec_write_barrier(void *hw)
{
	struct recorder *r = hw;

	r->inner->ops->write_barrier(r->inner);
}

static u64 rec_transactions(void *hw)
{
	struct recorder *r = hw;

	return r->inner->ops->transactions(r->inner);
}

static u64 rec_own_reads(void *hw)
{
	struct recorder *r = hw;

	return r->inner->ops->own_reads(r->inner);
}

static u64 rec_driver_errors(void *hw)
{
	struct recorder *r = hw;

	return r->inner->ops->driver_errors(r->inner);
}

static size_t rec_tlb_read(void *hw, u64 *cursor, struct nvbar_tlb_entry *entry, size_t max)
{
	struct recorder *r = hw;

	return r->inner->ops->tlb_read(r->inner, cursor, entry, max);
}

/* What the driver has to say belongs to the story. */
static void rec_message(void *hw, int level, const char *text)
{
	struct recorder *r = hw;

	mutex_lock(&r->lock);
	end_repeats(r);
	nvbar_trace_put(&r->writer, "# driver: %s", text);
	mutex_unlock(&r->lock);
	if (r->inner->ops->message)
		r->inner->ops->message(r->inner, level, text);
}

static const struct nvbar_hw_ops recorder_ops = {
	.bar0_read = rec_bar0_read,
	.bar0_write = rec_bar0_write,
	.bar0_read_words = rec_bar0_read_words,
	.bar0_write_words = rec_bar0_write_words,
	.bar0_write_entries = rec_bar0_write_entries,
	.bar1_read = rec_bar1_read,
	.bar1_write = rec_bar1_write,
	.bar1_copy_from = rec_bar1_copy_from,
	.bar1_copy_to = rec_bar1_copy_to,
	.bar1_fill = rec_bar1_fill,
	.bar1_mmap = rec_bar1_mmap,
	.bar1_munmap = rec_bar1_munmap,
	.write_barrier = rec_write_barrier,
	.transactions = rec_transactions,
	.own_reads = rec_own_reads,
	.driver_errors = rec_driver_errors,
	.tlb_read = rec_tlb_read,
	.message = rec_message,
};

/* --- begin and end --------------------------------------------------------- */

static void recorder_free(struct recorder *r)
{
	mutex_destroy(&r->lock);
	kfree(r->path);
	kfree(r);
}

static void recorder_close(struct nvbar_backend *backend)
{
	struct recorder *r = (struct recorder *)backend;

	end_repeats(r);
	if (r->file)
		(void)fclose(r->file);
	r->inner->close(r->inner);
	recorder_free(r);
}

/* The first GPU that a process opens has the file itself, others have "FILE.2" and so on. */
static char *choose_path(const char *path)
{
	static atomic64_t opened;
	s64 nr = atomic64_inc_return(&opened);
	size_t len = strlen(path) + 24;
	char *chosen = kmalloc(len, GFP_KERNEL);

	if (!chosen)
		return NULL;
	if (nr == 1)
		snprintf(chosen, len, "%s", path);
	else
		snprintf(chosen, len, "%s.%lld", path, (long long)nr);
	return chosen;
}

static int create(const char *path, FILE **file)
{
	int fd = output_open(path), ret;

	if (fd < 0)
		return fd;
	*file = fdopen(fd, "w");
	if (*file)
		return 0;
	ret = -errno;
	close(fd);
	return ret;
}

int nvbar_trace_record(const char *path, const char *device, struct nvbar_backend **backend)
{
	struct recorder *r = kzalloc(sizeof(*r), GFP_KERNEL);
	struct nvbar_backend *inner = *backend;
	int ret;

	if (!r)
		return -ENOMEM;
	r->path = choose_path(path);
	if (!r->path) {
		kfree(r);
		return -ENOMEM;
	}
	mutex_init(&r->lock);
	ret = create(r->path, &r->file);
	if (ret) {
		nvbar_log(&inner->log, 0, "trace %.200s: %s", r->path, output_error(ret));
		recorder_free(r);
		return ret;
	}
	r->inner = inner;
	r->base = *inner;
	r->base.ops = &r->ops;
	r->base.close = recorder_close;
	r->ops = recorder_ops;
	if (!inner->ops->transactions)
		r->ops.transactions = NULL;
	if (!inner->ops->own_reads)
		r->ops.own_reads = NULL;
	if (!inner->ops->driver_errors)
		r->ops.driver_errors = NULL;
	if (!inner->ops->tlb_read)
		r->ops.tlb_read = NULL;
	r->writer.put = put_line;
	r->writer.arg = r;
	nvbar_trace_put(&r->writer, NVBAR_TRACE_MAGIC " %d", NVBAR_TRACE_VERSION);
	nvbar_trace_put(&r->writer, "device %.400s", device);
	nvbar_trace_put(&r->writer, "bar1 0x%llx", inner->bar1_size);
	*backend = &r->base;
	return 0;
}

void nvbar_trace_identity(struct nvbar_backend *backend, const struct nvbar_gpu *gpu)
{
	struct recorder *r = (struct recorder *)backend;

	if (backend->close != recorder_close)
		return;
	mutex_lock(&r->lock);
	end_repeats(r);
	if (gpu->chip)
		nvbar_trace_put(&r->writer, "chip %s 0x%llx", gpu->chip->name, gpu->vram_size);
	mutex_unlock(&r->lock);
}

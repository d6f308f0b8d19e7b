// SPDX-License-Identifier: MIT
/*
 * vfio: devices.  The linker leads open() (open64() to it), ioctl(), and pread() and
 * pwrite() of 64-bit offsets through functions here, which do what the kernel's VFIO
 * does: a file is the device, with its regions at offsets, and steps that come in the
 * wrong order are errors.
 */
#include "fake_regs.h"
#include "fake_sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/vfio.h>

#define DEVICE	"vfio:" GPU
#define GROUP	17

/* Where the regions are in the file */
#define REGS_AT		MIB(64)
#define BAR1_AT		MIB(1024)
#define BAR1_SIZE	MIB(256)
#define FILE_SIZE	MIB(2048)

/* --- the kernel --- */

enum step { OPENED_GROUP = 1, OPENED_CONTAINER = 2, IN_CONTAINER = 4, HAS_IOMMU = 8, HAS_DEVICE = 16 };

static struct {
	unsigned int steps;
	int group, container, device;
	const char *absent;		/* a path that can't be opened ... */
	int open_err;			/* ... because of this */
	unsigned long refused;		/* a command that fails ... */
	int err;			/* ... with this */
	int version;
	uint64_t bar1_size;
	bool no_type1, not_viable, no_pci, no_reset, no_mmap, sparse, loop;
	bool claimed;			/* something else has BAR1's memory */
	bool signals;			/* each access to BAR1 as a file is cut short by one, or ends with one */
	unsigned int resets, interrupted;
} vfio;

static char device_path[128];

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long command, ...);
int __wrap_ioctl(int fd, unsigned long command, ...);

ssize_t __real_pread64(int fd, void *buf, size_t len, off_t off);
ssize_t __wrap_pread64(int fd, void *buf, size_t len, off_t off);
ssize_t __real_pwrite64(int fd, const void *buf, size_t len, off_t off);
ssize_t __wrap_pwrite64(int fd, const void *buf, size_t len, off_t off);

/* Two of three times nothing is done before the signal comes, else half of it. */
static bool interrupts(int fd, off_t off, size_t *len)
{
	if (!vfio.signals || fd != vfio.device || off < (off_t)BAR1_AT)
		return false;
	if (*len > 1)
		*len /= 2;
	errno = EINTR;
	return vfio.interrupted++ % 3 != 2;
}

ssize_t __wrap_pread64(int fd, void *buf, size_t len, off_t off)
{
	return interrupts(fd, off, &len) ? -1 : __real_pread64(fd, buf, len, off);
}

ssize_t __wrap_pwrite64(int fd, const void *buf, size_t len, off_t off)
{
	return interrupts(fd, off, &len) ? -1 : __real_pwrite64(fd, buf, len, off);
}

void *__real_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off);

void *__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	if (vfio.claimed && fd == vfio.device && off >= (off_t)BAR1_AT) {
		errno = EBUSY;
		return MAP_FAILED;
	}
	return __real_mmap64(addr, len, prot, flags, fd, off);
}

int __wrap_open64(const char *path, int flags, ...)
{
	va_list args;
	int mode;

	va_start(args, flags);
	mode = va_arg(args, int);
	va_end(args);
	if (vfio.absent && !strcmp(path, vfio.absent)) {
		errno = vfio.open_err;
		return -1;
	}
	if (!strcmp(path, "/dev/vfio/17")) {
		vfio.steps |= OPENED_GROUP;
		return vfio.group = memfd_create("group", MFD_CLOEXEC);
	}
	if (!strcmp(path, "/dev/vfio/vfio")) {
		vfio.steps |= OPENED_CONTAINER;
		return vfio.container = memfd_create("container", MFD_CLOEXEC);
	}
	return __real_open64(path, flags, mode);
}

static int region_info(struct vfio_region_info *info)
{
	struct vfio_info_cap_header *cap = (void *)((char *)info + 64);

	assert_true(info->argsz >= 96);
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	info->size = 0;
	switch (info->index) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		info->size = 4096;
		info->offset = 0;
		return 0;
	case 0:
		info->size = MIB(16);
		info->offset = REGS_AT;
		break;
	case 1:
		info->size = vfio.bar1_size;
		info->offset = BAR1_AT;
		break;
	default:
		return 0;
	}
	if (!vfio.no_mmap)
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	/* A capability that says nothing against mapping, and maybe one that does */
	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	info->cap_offset = 64;
	cap[0].id = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE;
	cap[0].next = vfio.loop ? 64 : vfio.sparse ? 72 : 0;
	cap[1].id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	cap[1].next = 0;
	return 0;
}

static int fails(int err)
{
	errno = err;
	return -1;
}

int __wrap_ioctl(int fd, unsigned long command, ...)
{
	struct vfio_group_status *status;
	struct vfio_device_info *info;
	va_list args;
	void *arg;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	if (command == vfio.refused)
		return fails(vfio.err);
	switch (command) {
	case VFIO_GET_API_VERSION:
		assert_int_equal(fd, vfio.container);
		return vfio.version;
	case VFIO_CHECK_EXTENSION:
		assert_int_equal(fd, vfio.container);
		return !vfio.no_type1 && ((uintptr_t)arg == VFIO_TYPE1v2_IOMMU);
	case VFIO_GROUP_GET_STATUS:
		assert_int_equal(fd, vfio.group);
		status = arg;
		assert_int_equal(status->argsz, sizeof(*status));
		status->flags = vfio.not_viable ? 0 : VFIO_GROUP_FLAGS_VIABLE;
		return 0;
	case VFIO_GROUP_SET_CONTAINER:
		assert_int_equal(fd, vfio.group);
		assert_int_equal(*(int *)arg, vfio.container);
		vfio.steps |= IN_CONTAINER;
		return 0;
	case VFIO_SET_IOMMU:
		assert_int_equal(fd, vfio.container);
		assert_true(vfio.steps & IN_CONTAINER);
		vfio.steps |= HAS_IOMMU;
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		assert_int_equal(fd, vfio.group);
		assert_true(vfio.steps & HAS_IOMMU);
		assert_string_equal(arg, GPU);
		vfio.steps |= HAS_DEVICE;
		return vfio.device = __real_open64(device_path, O_RDWR | O_CLOEXEC);
	case VFIO_DEVICE_GET_INFO:
		assert_int_equal(fd, vfio.device);
		info = arg;
		assert_int_equal(info->argsz, sizeof(*info));
		info->flags = (vfio.no_pci ? 0 : VFIO_DEVICE_FLAGS_PCI) |
			      (vfio.no_reset ? 0 : VFIO_DEVICE_FLAGS_RESET);
		info->num_regions = VFIO_PCI_NUM_REGIONS;
		return 0;
	case VFIO_DEVICE_GET_REGION_INFO:
		assert_int_equal(fd, vfio.device);
		return region_info(arg);
	case VFIO_DEVICE_RESET:
		assert_int_equal(fd, vfio.device);
		vfio.resets++;
		return 0;
	default:
		return __real_ioctl(fd, command, arg);
	}
}

/* --- the device --- */

static void poke(uint64_t off, uint32_t val)
{
	int fd = __real_open64(device_path, O_RDWR | O_CLOEXEC);

	assert_int_equal(pwrite(fd, &val, sizeof(val), (off_t)off), sizeof(val));
	close(fd);
}

static uint32_t peek(uint64_t off)
{
	int fd = __real_open64(device_path, O_RDWR | O_CLOEXEC);
	uint32_t val = 0;

	assert_true(pread(fd, &val, sizeof(val), (off_t)off) >= 0);
	close(fd);
	return val;
}

static int begin(void **state)
{
	(void)state;
	memset(&vfio, 0, sizeof(vfio));
	vfio.bar1_size = BAR1_SIZE;
	fake_begin();
	fake_gpu(GPU, fake_ga102);
	fake_link(GPU, "driver", "../../drivers/vfio-pci");
	fake_link(GPU, "iommu_group", "../../../../kernel/iommu_groups/17");
	fake_file(NULL, "/device", "%s", "");
	strcpy(device_path, fake_path(NULL, "/device"));
	assert_int_equal(truncate(device_path, FILE_SIZE), 0);
	poke(0x00, 0x220410de);
	poke(0x10, 0xf6000000);
	poke(0x14, 0xe000000c);
	poke(0x1c, 0xf000000c);
	poke(0x24, 0xe001);
	regs_begin(device_path, REGS_AT);
	return 0;
}

/* Nothing of VFIO's is left open. */
static int end(void **state)
{
	(void)state;
	if (vfio.steps & OPENED_GROUP)
		assert_int_equal(fcntl(vfio.group, F_GETFD), -1);
	if (vfio.steps & OPENED_CONTAINER)
		assert_int_equal(fcntl(vfio.container, F_GETFD), -1);
	if (vfio.steps & HAS_DEVICE)
		assert_int_equal(fcntl(vfio.device, F_GETFD), -1);
	regs_end();
	fake_end();
	return 0;
}

/* --- a GPU that is well --- */

static void use(struct nvbar *gpu, bool pointers)
{
	const struct nvbar_extent ext = { MIB(3), MIB(1) };
	static uint8_t out[1 << 20], in[1 << 20];
	struct nvbar_access *a;
	uint64_t val;
	void *ptr;
	size_t i;

	for (i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 5 + i / 4096);
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	assert_int_equal(nvbar_write(a, 3, out, sizeof(out) - 3), 0);
	assert_int_equal(nvbar_read(a, 3, in, sizeof(in) - 3), 0);
	assert_memory_equal(in, out, sizeof(in) - 3);
	assert_int_equal(nvbar_fill(a, 4096, 0xabcdef01, 8192), 0);
	assert_int_equal(nvbar_read64(a, 12280, &val), 0);
	assert_int_equal(val, 0xabcdef01abcdef01);
	assert_int_equal(nvbar_write32(a, 0, 0x600df00d), 0);
	assert_int_equal(nvbar_flush(a), 0);
	assert_int_equal(peek(BAR1_AT + nvbar_access_base(a)), 0x600df00d);
	assert_int_equal(nvbar_mmap(a, &ptr), pointers ? 0 : -EOPNOTSUPP);
	if (pointers)
		assert_int_equal(*(uint32_t *)ptr, 0x600df00d);
	assert_int_equal(nvbar_unmap(a), 0);
}

static void a_gpu_works_and_is_left_as_it_was(void **state)
{
	struct nvbar *gpu;

	(void)state;
	assert_int_equal(open_with(&gpu, DEVICE, 0), 0);
	assert_string_equal(said, "");
	assert_string_equal(info_of(gpu).device, DEVICE);
	assert_string_equal(info_of(gpu).chip, "GA102");
	assert_int_equal(info_of(gpu).bar1_size, BAR1_SIZE);
	assert_int_equal(peek(4), 2);
	use(gpu, true);
	nvbar_close(gpu);
	assert_int_equal(peek(4), 0);
	assert_int_equal(vfio.resets, 0);
}

static void regions_that_cant_be_mapped_are_read_and_written(void **state)
{
	struct nvbar *gpu;

	vfio.no_mmap = true;
	assert_int_equal(open_with(&gpu, DEVICE, 0), 0);
	use(gpu, false);
	nvbar_close(gpu);
	end(state);
	begin(state);
	vfio.sparse = true;
	assert_int_equal(open_with(&gpu, DEVICE, 0), 0);
	use(gpu, false);
	nvbar_close(gpu);
	end(state);
	begin(state);
	vfio.loop = true;
	assert_int_equal(open_with(&gpu, DEVICE, 0), 0);
	use(gpu, false);
	nvbar_close(gpu);
}

static void signals_interrupt_no_access(void **state)
{
	struct nvbar *gpu;

	(void)state;
	vfio.no_mmap = true;
	vfio.signals = true;
	assert_int_equal(open_with(&gpu, DEVICE, 0), 0);
	use(gpu, false);
	assert_true(vfio.interrupted > 20);
	nvbar_close(gpu);
	assert_string_equal(said, "");
}

static void it_is_reset_when_asked(void **state)
{
	struct nvbar *gpu;

	(void)state;
	assert_int_equal(open_with(&gpu, "vfio:01:00.0,reset", 0), 0);
	assert_string_equal(info_of(gpu).device, DEVICE);
	assert_int_equal(vfio.resets, 1);
	nvbar_close(gpu);
	refuses(DEVICE ",reset", NVBAR_OPEN_OBSERVE, EACCES, "must not reset");
	vfio.refused = VFIO_DEVICE_RESET;
	vfio.err = ENOTTY;
	refuses(DEVICE ",reset", 0, ENOTTY, "reset: ");
	vfio.no_reset = true;
	refuses(DEVICE ",reset", 0, EOPNOTSUPP, "no way to reset");
}

static void observing_writes_nothing(void **state)
{
	struct nvbar *gpu;
	struct stat before, after;

	(void)state;
	refuses(DEVICE, NVBAR_OPEN_OBSERVE, EACCES, "switched off");
	poke(4, 2);
	regs_end();
	assert_int_equal(stat(device_path, &before), 0);
	assert_int_equal(open_with(&gpu, DEVICE, NVBAR_OPEN_OBSERVE), 0);
	assert_int_equal(info_of(gpu).bar1_size, BAR1_SIZE);
	nvbar_close(gpu);
	assert_int_equal(stat(device_path, &after), 0);
	assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
}

static void a_gpu_that_goes_away_is_an_error_and_no_signal(void **state)
{
	const struct nvbar_extent ext = { 0, 65536 };
	struct nvbar_access *a;
	struct nvbar *gpu;
	unsigned int i;
	uint32_t val;

	for (i = 0; i < 2; i++) {
		if (i) {
			end(state);
			begin(state);
		}
		vfio.no_mmap = i;
		assert_int_equal(open_with(&gpu, DEVICE, 0), 0);
		assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
		regs_end();
		assert_int_equal(truncate(device_path, 0), 0);
		assert_int_equal(nvbar_read32(a, 0, &val), -ENODEV);
		assert_int_equal(nvbar_flush(a), -ENODEV);
		nvbar_close(gpu);
	}
}

/* --- refusals --- */

static void a_gpu_must_be_vfios(void **state)
{
	(void)state;
	fake_link(GPU, "driver", "../../drivers/nvidia");
	refuses(DEVICE, 0, EBUSY, "driver nvidia has it; \"nvbar unbind " GPU "\" and \"nvbar bind "
		GPU " vfio-pci\"");
	refuses(DEVICE, NVBAR_OPEN_OBSERVE, EBUSY, "driver nvidia has it");
	fake_remove(GPU, "driver");
	refuses(DEVICE, 0, ENOENT, "no driver has it; \"nvbar bind " GPU " vfio-pci\"");
	fake_remove(GPU, "iommu_group");
	refuses(DEVICE, 0, EOPNOTSUPP, "the IOMMU is off");
	fake_file(GPU, "vendor", "0x8086\n");
	refuses(DEVICE, 0, EOPNOTSUPP, "no GPU of NVIDIA's");
	refuses("vfio:02:00.0", 0, ENOENT, "no such PCI device");
	assert_int_equal(vfio.steps, 0);
}

static void malformed_strings_are_refused(void **state)
{
	static const char *const bad[] = {
		"vfio", "vfio:", "vfio:nonsense", "vfio:01:00.0,", "vfio:01:00.0,x", "vfio:01:00.0,reset=1",
		"vfio:01:00.0,reset,reset", "vfio:,reset", "vfio:00000000000000000000000001:00.0",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuses(bad[i], 0, EINVAL, "not the address of a PCI device");
}

static void the_group_must_be_whole(void **state)
{
	char dir[] = "/kernel/iommu_groups/17/devices", part[64];
	char *c;

	(void)state;
	vfio.not_viable = true;
	refuses(DEVICE, 0, EBUSY, "another device of IOMMU group 17 has a driver");
	for (c = strchr(dir + 1, '/'); c; c = strchr(c + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(c - dir), dir);
		assert_int_equal(mkdir(fake_path(NULL, part), 0755), 0);
	}
	assert_int_equal(mkdir(fake_path(NULL, dir), 0755), 0);
	fake_gpu("0000:01:00.1", fake_ga102);
	fake_link("0000:01:00.1", "driver", "../../drivers/snd_hda_intel");
	strcat(strcpy(part, dir), "/" GPU);
	fake_link(NULL, part, "../../../../bus/pci/devices/" GPU);
	part[strlen(part) - 1] = '1';
	fake_link(NULL, part, "../../../../bus/pci/devices/0000:01:00.1");
	refuses(DEVICE, 0, EBUSY, "driver snd_hda_intel has 0000:01:00.1, which is in IOMMU group 17");
}

static void what_vfio_refuses_is_told(void **state)
{
	static const struct {
		unsigned long command;
		int err, want;
		const char *why;
	} cases[] = {
		{ VFIO_GROUP_GET_STATUS, EIO, EIO, "state of the IOMMU group: " },
		{ VFIO_GROUP_SET_CONTAINER, EINVAL, EINVAL, "into a container: " },
		{ VFIO_SET_IOMMU, EPERM, EACCES, "type 1 IOMMU: " },
		{ VFIO_GROUP_GET_DEVICE_FD, ENODEV, ENODEV, "the device of the IOMMU group: " },
		{ VFIO_DEVICE_GET_INFO, EIO, EIO, "what VFIO's device is: " },
		{ VFIO_DEVICE_GET_REGION_INFO, EIO, EIO, "what a region" },
		{ VFIO_CHECK_EXTENSION, EIO, EOPNOTSUPP, "no type 1 IOMMU" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vfio.refused = cases[i].command;
		vfio.err = cases[i].err;
		refuses(DEVICE, 0, cases[i].want, cases[i].why);
		end(state);
		begin(state);
	}
	vfio.version = 1;
	refuses(DEVICE, 0, EOPNOTSUPP, "no type 1 IOMMU");
	vfio.version = 0;
	vfio.no_pci = true;
	refuses(DEVICE, 0, EOPNOTSUPP, "no PCI device");
	vfio.no_pci = false;
	vfio.absent = "/dev/vfio/17";
	vfio.open_err = EBUSY;
	refuses(DEVICE, 0, EBUSY, "another process has IOMMU group 17");
	vfio.open_err = EACCES;
	refuses(DEVICE, 0, EACCES, "/dev/vfio/17: Permission denied");
	vfio.absent = "/dev/vfio/vfio";
	vfio.open_err = ENOENT;
	refuses(DEVICE, 0, ENOENT, "/dev/vfio/vfio: No such file");
}

/* In the words that a pci: device has for it */
static void a_bar1_that_something_else_has_is_told(void **state)
{
	(void)state;
	vfio.claimed = true;
	refuses(DEVICE, 0, EBUSY, "something else, as a boot console, has claimed it; /proc/iomem says "
		"what");
	assert_int_equal(peek(4), 0);
}

/* The kernel resets it at opening: all ones, and what stands for "not ready yet" */
static void a_gpu_that_does_not_come_back_from_its_reset_is_gone(void **state)
{
	uint64_t off;

	(void)state;
	for (off = 0; off < 64; off += 4)
		poke(off, 0xffffffff);
	refuses(DEVICE, 0, ENODEV, "the GPU is gone: its configuration space reads 0xffffffff");
	refuses(DEVICE, NVBAR_OPEN_OBSERVE, ENODEV, "does not come back from a reset");
	poke(0, 0xffff0001);
	refuses(DEVICE, 0, ENODEV, "the GPU is gone: its configuration space reads 0xffff0001");
	assert_int_equal(peek(4), 0xffffffff);
}

static void a_virtual_function_is_refused(void **state)
{
	(void)state;
	fake_link(GPU, "physfn", "../0000:84:00.0");
	refuses(DEVICE, 0, EOPNOTSUPP, "it is a virtual function of 0000:84:00.0");
}

static void registers_that_read_as_errors_are_told(void **state)
{
	struct nvbar *gpu;

	(void)state;
	regs[0xb83094 / 4] = 0xbadf5040;
	refuses(DEVICE, 0, EIO, "register VF_PRIV_MMU_FAULT_STATUS (0xb83094) reads 0xbadf5040: it can't "
		"be read");
	regs[0xb80f40 / 4] = 0xbadf5040;
	poke(4, 2);
	assert_int_equal(open_with(&gpu, DEVICE, NVBAR_OPEN_OBSERVE), 0);
	assert_int_equal(info_of(gpu).bar1_mode, NVBAR_BAR1_UNKNOWN);
	nvbar_close(gpu);
}

static void a_device_of_other_bars_is_no_gpu(void **state)
{
	(void)state;
	/* All of I/O: there are no registers. */
	poke(0x10, 1);
	poke(0x14, 1);
	refuses(DEVICE, 0, EOPNOTSUPP, "BAR0 has no address");
	poke(0x10, 0);
	poke(0x14, 0);
	vfio.bar1_size = BAR1_SIZE + 1;
	refuses(DEVICE, 0, EIO, "BAR 1 has 0x10000001 bytes");
	regs_end();
	assert_int_equal(truncate(device_path, 0), 0);
	refuses(DEVICE, 0, ENODEV, "the GPU is gone");
}

#define ON_A_GPU(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_GPU(a_gpu_works_and_is_left_as_it_was),
		ON_A_GPU(regions_that_cant_be_mapped_are_read_and_written),
		ON_A_GPU(signals_interrupt_no_access),
		ON_A_GPU(it_is_reset_when_asked),
		ON_A_GPU(observing_writes_nothing),
		ON_A_GPU(a_gpu_that_goes_away_is_an_error_and_no_signal),
		ON_A_GPU(a_gpu_must_be_vfios),
		ON_A_GPU(malformed_strings_are_refused),
		ON_A_GPU(the_group_must_be_whole),
		ON_A_GPU(what_vfio_refuses_is_told),
		ON_A_GPU(a_bar1_that_something_else_has_is_told),
		ON_A_GPU(a_gpu_that_does_not_come_back_from_its_reset_is_gone),
		ON_A_GPU(a_virtual_function_is_refused),
		ON_A_GPU(registers_that_read_as_errors_are_told),
		ON_A_GPU(a_device_of_other_bars_is_no_gpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

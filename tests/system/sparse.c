/* SPDX-License-Identifier: MIT */
/*
 * The tests once more, on modelled GPUs whose unused addresses are sparse: what
 * is opened is opened so, and closed only if nothing went to such an address.
 */
#include "helper.h"

#include "internal.h"
#include "sim.h"

int __real_nvbar_open(struct nvbar **gpu, const char *device, const struct nvbar_open_opts *opts);
int __wrap_nvbar_open(struct nvbar **gpu, const char *device, const struct nvbar_open_opts *opts);
void __real_nvbar_close(struct nvbar *gpu);
void __wrap_nvbar_close(struct nvbar *gpu);

static void __attribute__((constructor)) begin(void)
{
	sparse_background = true;
}

int __wrap_nvbar_open(struct nvbar **gpu, const char *device, const struct nvbar_open_opts *opts)
{
	const char *name = device ? device : getenv("NVBAR_DEVICE");
	char text[1024];

	if (!name || !*name)
		name = "sim";
	if (strncmp(name, "sim", 3) || (name[3] && name[3] != ':' && name[3] != ',') ||
	    strlen(name) > sizeof(text) - 32)
		return __real_nvbar_open(gpu, device, opts);
	snprintf(text, sizeof(text), "%s,background=sparse", name);
	return __real_nvbar_open(gpu, text, opts);
}

void __wrap_nvbar_close(struct nvbar *gpu)
{
	struct sim_gpu *sim = gpu ? nvbar_backend_sim_gpu(gpu->backend) : NULL;
	struct sim_counters count = { 0 };

	if (sim)
		sim_get_counters(sim, &count);
	__real_nvbar_close(gpu);
	if (!strays_expected)
		assert_int_equal(count.strays, 0);
	strays_expected = false;
}

// SPDX-License-Identifier: MIT
/* Threads that the library could not be told the end of. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <nvbar/nvbar.h>

static __thread bool no_memory;

int __real_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);

int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
	return no_memory ? ENOMEM : __real_pthread_setspecific(key, value);
}

struct caller {
	struct nvbar *gpu;
	struct nvbar_access *a;
	int read, map, info;
};

static void *call(void *arg)
{
	struct nvbar_info info = { .size = sizeof(info) };
	struct caller *c = arg;
	struct nvbar_access *a;
	uint64_t pfn = 7;
	uint32_t val;

	no_memory = true;
	c->read = nvbar_read32(c->a, 0, &val);
	c->map = nvbar_map_pages(c->gpu, &pfn, 1, 0, &a);
	no_memory = false;
	c->info = nvbar_get_info(c->gpu, &info);
	no_memory = true;
	return NULL;
}

/* Its memory goes with it, and the close looks at that of all threads. */
static void a_thread_that_cannot_be_forgotten_is_turned_away(void **state)
{
	struct caller c = { 0 };
	uint64_t pfn = 5;
	pthread_t thread;
	int i;

	(void)state;
	assert_int_equal(nvbar_open(&c.gpu, "sim:ga102,vram=1G", NULL), 0);
	assert_int_equal(nvbar_map_pages(c.gpu, &pfn, 1, 0, &c.a), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(pthread_create(&thread, NULL, call, &c), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(c.read, -ENODEV);
		assert_int_equal(c.map, -ENODEV);
		assert_int_equal(c.info, 0);
	}
	nvbar_close(c.gpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_that_cannot_be_forgotten_is_turned_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

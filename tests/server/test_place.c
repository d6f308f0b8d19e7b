/* SPDX-License-Identifier: MIT */
/* Two servers and one path.  The linker leads listen() here, where another begins meanwhile. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../fds.h"
#include "place.h"

static char dir[] = "/tmp/nvbar-test-XXXXXX";
static char path[64], moved[64], lock[80];

/* What another server that begins between bind() and listen() is told */
static void (*meanwhile)(void);

int __wrap_listen(int sock, int backlog);
int __real_listen(int sock, int backlog);

int __wrap_listen(int sock, int backlog)
{
	void (*now)(void) = meanwhile;

	meanwhile = NULL;
	if (now)
		now();
	return __real_listen(sock, backlog);
}

/* Waiting for a lock takes no time. */
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)time;
	(void)left;
	return 0;
}

static bool answers(const char *at)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ret;

	strcpy(address.sun_path, at);
	ret = connect(sock, (struct sockaddr *)&address, sizeof(address));
	close(sock);
	return !ret;
}

static int take(struct place *place)
{
	char why[160] = "";
	int ret = place_take(place, path, why, sizeof(why));

	assert_true(!ret == !why[0]);
	return ret;
}

/* --- tests --- */

static void begin_another(void)
{
	struct place place;

	assert_int_equal(take(&place), -EWOULDBLOCK);
	assert_int_equal(access(path, F_OK), 0);
}

static void a_server_that_begins_is_not_taken_for_one_that_was_killed(void **state)
{
	unsigned int fds = open_fds();
	struct place place;

	(void)state;
	meanwhile = begin_another;
	assert_int_equal(take(&place), 0);
	assert_null(meanwhile);
	assert_true(answers(path));
	assert_int_equal(access(lock, F_OK), -1);
	place_leave(&place);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(lock, F_OK), -1);
	assert_int_equal(open_fds(), fds);
}

static void a_server_that_runs_is_left_alone(void **state)
{
	unsigned int fds = open_fds();
	struct place first, second;

	(void)state;
	assert_int_equal(take(&first), 0);
	assert_int_equal(take(&second), -EADDRINUSE);
	assert_true(answers(path));
	assert_int_equal(access(lock, F_OK), -1);
	place_leave(&first);
	assert_int_equal(open_fds(), fds);
}

static void a_server_that_ends_removes_no_other_socket(void **state)
{
	struct place first, second;

	(void)state;
	assert_int_equal(take(&first), 0);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(take(&second), 0);
	place_leave(&first);
	assert_true(answers(path));
	place_leave(&second);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(unlink(moved), 0);
}

static void what_a_killed_server_left_is_no_obstacle(void **state)
{
	struct place first, second;

	(void)state;
	assert_int_equal(take(&first), 0);
	close(first.listener);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(take(&second), 0);
	assert_true(answers(path));
	place_leave(&second);
	assert_int_equal(access(path, F_OK), -1);
}

static int begin(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(moved, sizeof(moved), "%s/moved", dir);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	return 0;
}

static int end(void **state)
{
	(void)state;
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_begins_is_not_taken_for_one_that_was_killed),
		cmocka_unit_test(a_server_that_runs_is_left_alone),
		cmocka_unit_test(a_server_that_ends_removes_no_other_socket),
		cmocka_unit_test(what_a_killed_server_left_is_no_obstacle),
	};

	return cmocka_run_group_tests(tests, begin, end);
}

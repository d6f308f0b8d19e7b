/* SPDX-License-Identifier: MIT */
/* What an honest client gets: answers, errors with an errno, and the GPU behind the BARs. */
#include "../fds.h"
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRAMIN	0x700000u

static void begin(struct server *s, const char *chip)
{
	struct sim_config cfg = { .chip = chip, .vram_size = MIB(256) };

	server_power_on(s, &cfg);
	server_connect(s, true);
	write16(s, CONFIG, 4, 2);	/* decode memory */
}

static void finish(struct server *s)
{
	server_leave(s);
	assert_int_equal(s->end, SERVE_LEFT);
	assert_int_equal(device_errors(&s->dev), 0);
	server_power_off(s);
}

/* --- version --- */

static void version(const char *proposed, char *reply, size_t room)
{
	struct sim_config cfg = { 0 };
	uint16_t got[2 + 512];
	char payload[512] = { 0 };
	struct server s;
	struct head h;
	ssize_t len;

	payload[2] = 7;		/* 0.7 */
	strcpy(payload + 4, proposed);
	server_power_on(&s, &cfg);
	server_connect(&s, false);
	assert_true(send_command(&s, VERSION, 0, payload, 4 + strlen(proposed) + 1, NULL, 0));
	len = receive_message(&s, &h, got, sizeof(got));
	assert_true(len > 4);
	assert_int_equal(h.flags, 1);
	assert_int_equal(got[0], 0);
	assert_true(got[1] <= 7);
	assert_int_equal(strnlen((char *)(got + 2), len - 4), len - 5);
	assert_true((size_t)len - 4 <= room);
	memcpy(reply, got + 2, len - 4);
	server_power_off(&s);
}

static void capabilities_are_those_proposed_that_there_are(void **state)
{
	char reply[512];

	(void)state;
	version("{}", reply, sizeof(reply));
	assert_string_equal(reply, "{\"capabilities\":{}}");
	version("{\"capabilities\":{\"max_data_xfer_size\":4096,\"other\":[1]},\"more\":0}", reply,
		sizeof(reply));
	assert_string_equal(reply, "{\"capabilities\":{\"max_data_xfer_size\":1048576}}");
	version("{\"capabilities\":{\"max_msg_fds\":8,\"pgsizes\":4096,\"max_dma_maps\":65535,"
		"\"write_multiple\":true}}", reply, sizeof(reply));
	assert_non_null(strstr(reply, "\"max_msg_fds\":8"));
	assert_non_null(strstr(reply, "\"pgsizes\":4096"));
	assert_non_null(strstr(reply, "\"max_dma_maps\":65535"));
	assert_non_null(strstr(reply, "\"write_multiple\":true"));
	version("{\"capabilities\":{\"write_multiple\":false}}", reply, sizeof(reply));
	assert_string_equal(reply, "{\"capabilities\":{}}");
}

/* --- questions and errors --- */

static void the_device_says_what_it_has(void **state)
{
	uint32_t dev[4] = { 16 }, irq[4], reply[4], i;
	struct server s;

	(void)state;
	begin(&s, "ga102");
	assert_int_equal(ask(&s, DEVICE_INFO, dev, sizeof(dev), reply, sizeof(reply)), 0);
	assert_int_equal(reply[1], 3);	/* PCI, resets */
	assert_int_equal(reply[2], 9);
	assert_int_equal(reply[3], 5);
	for (i = 0; i < 5; i++) {
		memcpy(irq, (uint32_t[4]) { 16, 0, i, 0 }, sizeof(irq));
		assert_int_equal(ask(&s, IRQ_INFO, irq, sizeof(irq), reply, sizeof(reply)), 0);
		assert_int_equal(reply[2], i);
		assert_int_equal(reply[3], i != 2);	/* MSI-X */
		assert_int_equal(reply[1], i == 0 ? 7 : i != 2);
	}
	finish(&s);
}

static void what_is_not_there_is_an_error_and_no_more(void **state)
{
	uint32_t question[8] = { 32, 0, 9 }, words[64] = { 0 };
	struct server s;

	(void)state;
	begin(&s, "ga102");
	assert_int_equal(ask(&s, REGION_INFO, question, 32, NULL, 0), EINVAL);
	assert_int_equal(ask(&s, IRQ_INFO, question, 16, NULL, 0), EINVAL);
	assert_int_equal(ask(&s, REGION_IO_FDS, words, 16, NULL, 0), EOPNOTSUPP);
	assert_int_equal(ask(&s, DMA_READ, words, 16, NULL, 0), EOPNOTSUPP);
	assert_int_equal(ask(&s, WRITE_MULTI, words, sizeof(words), NULL, 0), EOPNOTSUPP);
	assert_int_equal(ask(&s, 0, NULL, 0, NULL, 0), EOPNOTSUPP);
	assert_int_equal(ask(&s, 0xffff, words, 3, NULL, 0), EOPNOTSUPP);
	assert_int_equal(region_read(&s, 8, 0, words, 4), EINVAL);
	assert_int_equal(region_read(&s, 8, 0, words, 0), EINVAL);
	assert_int_equal(region_read(&s, 99, 0, words, 4), EINVAL);
	assert_int_equal(region_read(&s, CONFIG, 4096, words, 1), EINVAL);
	assert_int_equal(region_read(&s, CONFIG, 4093, words, 4), EINVAL);
	assert_int_equal(region_read(&s, 1, MIB(256) - 3, words, 4), EINVAL);
	assert_int_equal(region_write(&s, 0, MIB(16), words, 4), EINVAL);
	assert_int_equal(region_write(&s, 1, (uint64_t)-8, words, 4), EINVAL);
	assert_int_equal(region_read(&s, CONFIG, 4096, words, 0), 0);
	finish(&s);
}

/* As a storage toolkit's client puts them on the socket */
static void questions_may_be_as_long_as_their_answers(void **state)
{
	static uint32_t question[4064 / 4] = { 4064, 0, 0 };
	uint32_t reply[8], want[8] = { 32, 3, 0, 0, 16 << 20, 0, 0, 0 };
	struct server s;

	(void)state;
	begin(&s, "ga102");
	assert_int_equal(ask(&s, REGION_INFO, question, sizeof(question), reply, 32), 0);
	assert_memory_equal(reply, want, 32);
	assert_int_equal(ask(&s, DEVICE_INFO, question, sizeof(question), reply, 16), 0);
	assert_int_equal(reply[0], 16);
	assert_int_equal(ask(&s, IRQ_INFO, question, sizeof(question), reply, 16), 0);
	assert_int_equal(reply[0], 16);
	finish(&s);
}

/* The reply of a message that comes with descriptors */
static int ask_with_fds(struct server *s, unsigned int command, const void *payload, size_t len,
			const int *fds, size_t nr_fds, size_t want)
{
	uint8_t reply[64];
	struct head h;
	ssize_t got;

	assert_true(send_command(s, command, 0, payload, len, fds, nr_fds));
	got = receive_message(s, &h, reply, sizeof(reply));
	assert_int_equal(h.command, command);
	assert_int_equal(got, h.error ? 0 : want);
	return (int)h.error;
}

static void descriptors_that_nothing_is_done_with_do_no_harm(void **state)
{
	const struct { uint32_t argsz, flags; uint64_t off, address, size; } map = {
		32, 3, 0, MIB(1), MIB(1),
	};
	const struct { uint32_t argsz, flags; uint64_t address, size; } unmap = {
		24, 0, MIB(1), MIB(1),
	};
	const uint32_t read[4] = { 0, 0, CONFIG, 4 }, info[8] = { 32 }, set[5] = { 20, 0x21, 1, 0, 1 };
	unsigned int fds;
	struct server s;
	int fd[8], i;

	(void)state;
	begin(&s, "ga102");
	for (i = 0; i < 8; i++)
		fd[i] = eventfd(0, EFD_CLOEXEC);
	fds = open_fds();
	assert_int_equal(ask_with_fds(&s, DMA_MAP, &map, sizeof(map), fd, 1, 0), 0);
	assert_int_equal(ask_with_fds(&s, DMA_UNMAP, &unmap, sizeof(unmap), fd, 1, 24), 0);
	assert_int_equal(ask_with_fds(&s, DMA_MAP, &map, sizeof(map), fd, 2, 0), 0);
	assert_int_equal(ask_with_fds(&s, DEVICE_RESET, NULL, 0, fd, 8, 0), 0);
	assert_int_equal(ask_with_fds(&s, REGION_READ, read, sizeof(read), fd, 3, 20), 0);
	assert_int_equal(ask_with_fds(&s, REGION_INFO, info, sizeof(info), fd, 1, 32), 0);
	assert_int_equal(ask_with_fds(&s, SET_IRQS, set, sizeof(set), fd, 1, 0), EINVAL);
	assert_int_equal(ask_with_fds(&s, 99, NULL, 0, fd, 1, 0), EOPNOTSUPP);
	assert_int_equal(read16(&s, CONFIG, 0), 0x10de);
	assert_int_equal(open_fds(), fds);
	for (i = 0; i < 8; i++)
		close(fd[i]);
	finish(&s);
}

/* --- DMA and interrupts --- */

static int dma_map(struct server *s, uint64_t address, uint64_t size)
{
	const struct { uint32_t argsz, flags; uint64_t off, address, size; } map = {
		32, 3, 0, address, size,
	};

	return ask(s, DMA_MAP, &map, sizeof(map), NULL, 0);
}

static int dma_unmap(struct server *s, uint32_t flags, uint64_t address, uint64_t size)
{
	const struct { uint32_t argsz, flags; uint64_t address, size; } unmap = {
		24, flags, address, size,
	};
	uint8_t reply[24];

	return ask(s, DMA_UNMAP, &unmap, sizeof(unmap), reply, sizeof(reply));
}

static void dma_windows_are_kept_apart(void **state)
{
	struct server s;
	uint64_t i;

	(void)state;
	begin(&s, "ga102");
	assert_int_equal(dma_map(&s, 0x10000, 0x4000), 0);
	assert_int_equal(dma_map(&s, 0x10000, 0x4000), EEXIST);
	assert_int_equal(dma_map(&s, 0x13000, 0x4000), EEXIST);
	assert_int_equal(dma_map(&s, 0, 0x11000), EEXIST);
	assert_int_equal(dma_map(&s, 0, (uint64_t)-4096), EEXIST);
	assert_int_equal(dma_map(&s, 0x14000, 0x1000), 0);
	assert_int_equal(dma_map(&s, (uint64_t)-4096, 0x1000), 0);
	assert_int_equal(dma_map(&s, 0x20000, 0), EINVAL);
	assert_int_equal(dma_map(&s, 0x20800, 0x1000), EINVAL);
	assert_int_equal(dma_map(&s, 0x20000, 0x800), EINVAL);
	assert_int_equal(dma_unmap(&s, 4, 0x10000, 0x4000), EINVAL);
	assert_int_equal(dma_unmap(&s, 2, 0, 0), 0);
	for (i = 0; i < 65535; i++)
		assert_int_equal(dma_map(&s, i << 12, 0x1000), 0);
	assert_int_equal(dma_map(&s, i << 12, 0x1000), ENOSPC);
	finish(&s);
}

static void a_dma_window_is_closed_as_it_was_opened(void **state)
{
	struct server s;

	(void)state;
	begin(&s, "ga102");
	assert_int_equal(dma_unmap(&s, 0, 0x10000, 0x4000), ENOENT);
	assert_int_equal(dma_map(&s, 0x10000, 0x4000), 0);
	assert_int_equal(dma_map(&s, 0x14000, 0x1000), 0);
	assert_int_equal(dma_map(&s, 0x20000, 0x1000), 0);
	assert_int_equal(dma_unmap(&s, 0, 0xf000, 0x1000), ENOENT);	/* right below them */
	assert_int_equal(dma_unmap(&s, 0, 0x15000, 0xb000), ENOENT);	/* between them */
	assert_int_equal(dma_unmap(&s, 0, 0x21000, 0x1000), ENOENT);	/* right above them */
	assert_int_equal(dma_unmap(&s, 0, 0x10000, 0x2000), EINVAL);	/* part of one */
	assert_int_equal(dma_unmap(&s, 0, 0x12000, 0x2000), EINVAL);
	assert_int_equal(dma_unmap(&s, 0, 0x11000, 0x10000), EINVAL);
	assert_int_equal(dma_unmap(&s, 0, 0xf000, 0x5000), EINVAL);	/* more than one */
	assert_int_equal(dma_unmap(&s, 0, 0x10000, 0x5000), EINVAL);	/* two */
	assert_int_equal(dma_unmap(&s, 0, 0, 0x40000), EINVAL);
	/* All are still there, and none is in the way of what is closed. */
	assert_int_equal(dma_unmap(&s, 0, 0x14000, 0x1000), 0);
	assert_int_equal(dma_unmap(&s, 0, 0x14000, 0x1000), ENOENT);
	assert_int_equal(dma_unmap(&s, 0, 0x10000, 0x4000), 0);
	assert_int_equal(dma_unmap(&s, 0, 0x20000, 0x1000), 0);
	assert_int_equal(dma_map(&s, 0, 0x40000), 0);
	finish(&s);
}

static void dma_windows_are_closed_in_ranges_if_that_was_asked_for(void **state)
{
	struct server s;

	(void)state;
	begin(&s, "ga102");
	server_leave(&s);
	s.service.dma_ranges = true;
	server_connect(&s, true);
	assert_int_equal(dma_map(&s, 0x10000, 0x4000), 0);
	assert_int_equal(dma_map(&s, 0x14000, 0x1000), 0);
	assert_int_equal(dma_unmap(&s, 0, 0x10000, 0x2000), EINVAL);
	assert_int_equal(dma_unmap(&s, 0, 0x11000, 0x10000), EINVAL);
	assert_int_equal(dma_unmap(&s, 0, 0x10000, 0x4000), 0);
	assert_int_equal(dma_unmap(&s, 0, 0x10000, 0x4000), 0);
	assert_int_equal(dma_map(&s, 0x12000, 0x2000), 0);
	assert_int_equal(dma_unmap(&s, 0, 0, 0x20000), 0);
	assert_int_equal(dma_map(&s, 0x10000, 0x8000), 0);
	finish(&s);
}

static int set_irqs(struct server *s, uint32_t flags, uint32_t index, uint32_t start,
		    uint32_t count, int fd)
{
	const uint32_t set[5] = { 20, flags, index, start, count };
	struct head h;

	assert_true(send_command(s, SET_IRQS, 0, set, sizeof(set), &fd, fd >= 0));
	assert_int_equal(receive_message(s, &h, NULL, 0), 0);
	return (int)h.error;
}

static void interrupts_are_set_up_and_given_up(void **state)
{
	unsigned int fds;
	struct server s;
	int fd, pair[2];

	(void)state;
	begin(&s, "ga102");
	assert_int_equal(set_irqs(&s, 0x21, 1, 0, 0, -1), 0);
	assert_int_equal(set_irqs(&s, 0x24, 1, 0, 1, -1), 0);
	assert_int_equal(set_irqs(&s, 0x09, 0, 0, 1, -1), 0);
	assert_int_equal(set_irqs(&s, 0x11, 0, 0, 1, -1), 0);
	assert_int_equal(set_irqs(&s, 0x09, 1, 0, 1, -1), EINVAL);	/* not maskable */
	assert_int_equal(set_irqs(&s, 0x21, 5, 0, 0, -1), EINVAL);	/* no such kind */
	assert_int_equal(set_irqs(&s, 0x21, 1, 1, 1, -1), EINVAL);	/* no such number */
	assert_int_equal(set_irqs(&s, 0x24, 2, 0, 1, -1), EINVAL);
	assert_int_equal(set_irqs(&s, 0x39, 0, 0, 1, -1), EINVAL);	/* three actions */
	assert_int_equal(set_irqs(&s, 0x25, 1, 0, 1, -1), EINVAL);	/* two kinds of data */
	assert_int_equal(set_irqs(&s, 0x61, 1, 0, 1, -1), EINVAL);
	assert_int_equal(set_irqs(&s, 0x21, 1, 0, 1, -1), 0);	/* nobody to tell */

	/* As QEMU does */
	assert_int_equal(set_irqs(&s, 0x24, 3, 0, 1, -1), 0);
	assert_int_equal(set_irqs(&s, 0x21, 3, 0, 0, -1), 0);
	assert_int_equal(set_irqs(&s, 0x24, 4, 0, 1, -1), 0);
	assert_int_equal(set_irqs(&s, 0x11, 4, 0, 1, -1), EINVAL);	/* not maskable */

	/* A descriptor is kept until it is replaced or taken away, or the client leaves. */
	fd = eventfd(0, EFD_CLOEXEC);
	fds = open_fds();
	assert_int_equal(set_irqs(&s, 0x24, 1, 0, 1, fd), 0);
	assert_int_equal(open_fds(), fds + 1);
	assert_int_equal(set_irqs(&s, 0x09, 0, 0, 1, -1), 0);
	assert_int_equal(set_irqs(&s, 0x24, 1, 0, 1, fd), 0);
	assert_int_equal(open_fds(), fds + 1);
	assert_int_equal(set_irqs(&s, 0x21, 1, 0, 0, -1), 0);
	assert_int_equal(open_fds(), fds);
	assert_int_equal(set_irqs(&s, 0x24, 0, 0, 1, fd), 0);
	assert_int_equal(set_irqs(&s, 0x24, 1, 0, 1, fd), 0);

	/* What could block who writes to it is none, and does not stay open either. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(set_irqs(&s, 0x24, 1, 0, 1, pair[1]), EINVAL);
	close(pair[0]);
	close(pair[1]);
	/* It is closed once there is a reply; with the next reply that is done. */
	assert_int_equal(read16(&s, CONFIG, 0), 0x10de);
	assert_int_equal(open_fds(), fds + 2);
	server_leave(&s);
	/* And both ends of the connection are closed. */
	assert_int_equal(open_fds(), fds - 2);
	close(fd);
	assert_int_equal(s.end, SERVE_LEFT);
	server_power_off(&s);
}

/* What an eventfd was signalled since it was last looked at; reading it would wait for that. */
static uint64_t signalled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t nr = 0;

	if (poll(&p, 1, 0) != 1)
		return 0;
	return read(fd, &nr, sizeof(nr)) == sizeof(nr) ? nr : 0;
}

static int set_bool(struct server *s, uint32_t flags, uint32_t index, uint8_t wanted)
{
	const struct { uint32_t word[5]; uint8_t wanted; } __attribute__((packed)) set = {
		{ 21, flags, index, 0, 1 }, wanted,
	};

	return ask(s, SET_IRQS, &set, sizeof(set), NULL, 0);
}

static void a_client_triggers_its_own_interrupts(void **state)
{
	struct server s;
	uint32_t i;
	int fd[5];

	(void)state;
	begin(&s, "ga102");
	for (i = 0; i < 5; i++) {
		fd[i] = eventfd(0, EFD_CLOEXEC);
		assert_int_equal(set_irqs(&s, 0x24, i, 0, 1, fd[i]), i == 2 ? EINVAL : 0);
	}
	for (i = 0; i < 5; i++) {
		if (i == 2)	/* MSI-X, of which there is none */
			continue;
		assert_int_equal(set_irqs(&s, 0x21, i, 0, 1, -1), 0);
		assert_int_equal(signalled(fd[i]), 1);
		assert_int_equal(set_bool(&s, 0x22, i, 1), 0);
		assert_int_equal(signalled(fd[i]), 1);
		assert_int_equal(set_bool(&s, 0x22, i, 0), 0);
		assert_int_equal(signalled(fd[i]), 0);
	}
	/* None hears of another's. */
	assert_int_equal(set_irqs(&s, 0x21, 1, 0, 1, -1), 0);
	for (i = 0; i < 5; i++)
		assert_int_equal(signalled(fd[i]), i == 1);
	/* There is no end of them. */
	for (i = 0; i < 5000; i++)
		assert_int_equal(set_irqs(&s, 0x21, 1, 0, 1, -1), 0);
	assert_int_equal(signalled(fd[1]), 5000);
	for (i = 0; i < 5; i++)
		close(fd[i]);
	finish(&s);
}

/* What an eventfd holds at most by writes: the next one waits [eventfd(2)]. */
static const uint64_t full = UINT64_MAX - 1;

/* Clients fill each eventfd that somebody has found to have room, before it is used. */
static bool filled_at_once;

/* In libc's place, for the server too: what others do after its question comes before its deed. */
int poll(struct pollfd *p, nfds_t nr, int timeout)
{
	const struct timespec ts = { timeout / 1000, timeout % 1000 * 1000000L };
	int ret = ppoll(p, nr, timeout < 0 ? NULL : &ts, NULL);
	struct stat st;
	nfds_t i;

	for (i = 0; filled_at_once && ret > 0 && i < nr; i++)
		if (p[i].revents & POLLOUT && !fstat(p[i].fd, &st) && !(st.st_mode & S_IFMT))
			assert_int_equal(write(p[i].fd, &full, sizeof(full)), sizeof(full));
	return ret;
}

/* A server that waits for an eventfd is one that does not reply, however long it is given. */
static void expect_replies(struct server *s)
{
	const struct timeval patience = { 100, 0 };

	assert_int_equal(setsockopt(s->sock, SOL_SOCKET, SO_RCVTIMEO, &patience,
				    sizeof(patience)), 0);
}

static void an_eventfd_that_takes_no_more_does_not_stop_the_server(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC), i;
	struct server s;

	(void)state;
	begin(&s, "ga102");
	expect_replies(&s);
	assert_int_equal(set_irqs(&s, 0x24, 1, 0, 1, fd), 0);
	/* The kernel's signals are told of although there is no room for them [eventfd(2)]. */
	assert_int_equal(write(fd, &full, sizeof(full)), sizeof(full));
	for (i = 0; i < 3; i++)
		assert_int_equal(set_irqs(&s, 0x21, 1, 0, 1, -1), 0);
	assert_int_equal(signalled(fd), UINT64_MAX);
	/* Then it is one as any. */
	assert_int_equal(set_irqs(&s, 0x21, 1, 0, 1, -1), 0);
	assert_int_equal(signalled(fd), 1);
	/* It is the client's, too, whose reads are to wait as they did. */
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	finish(&s);
}

static void an_eventfd_that_fills_up_while_it_is_signalled_does_not_stop_the_server(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC), i;
	struct server s;

	(void)state;
	begin(&s, "ga102");
	expect_replies(&s);
	assert_int_equal(set_irqs(&s, 0x24, 1, 0, 1, fd), 0);
	filled_at_once = true;
	for (i = 0; i < 3; i++) {
		assert_int_equal(set_irqs(&s, 0x21, 1, 0, 1, -1), 0);
		assert_true(signalled(fd) >= 1);
	}
	close(fd);
	finish(&s);
}

static int fill_no_more(void **state)
{
	(void)state;
	filled_at_once = false;
	return 0;
}

#define FAULT_STATUS	0xb83094u
#define MSI_CONTROL	0x6au

/* A GPU whose aperture is larger than its VRAM, with an eventfd for INTx and one for MSI */
static void begin_with_faults(struct server *s, int *intx, int *msi)
{
	struct sim_config cfg = { .chip = "ga102", .vram_size = MIB(64) };

	server_power_on(s, &cfg);
	server_connect(s, true);
	write16(s, CONFIG, 4, 2);
	*intx = eventfd(0, EFD_CLOEXEC);
	*msi = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(set_irqs(s, 0x24, 0, 0, 1, *intx), 0);
	assert_int_equal(set_irqs(s, 0x24, 1, 0, 1, *msi), 0);
}

static void finish_with_faults(struct server *s, int intx, int msi)
{
	close(intx);
	close(msi);
	server_leave(s);
	assert_int_equal(s->end, SERVE_LEFT);
	server_power_off(s);
}

/* BAR1 in physical mode, beyond VRAM */
static void fault(struct server *s)
{
	assert_int_equal(read32(s, 1, MIB(128)), 0xffffffff);
}

static void clear_fault(struct server *s)
{
	write32(s, 0, FAULT_STATUS, 0x80000000);
	assert_int_equal(read32(s, 0, FAULT_STATUS) & 0x80000000, 0);
}

static void a_fault_is_a_message_for_each_once_msi_is_enabled(void **state)
{
	struct server s;
	int intx, msi;

	(void)state;
	begin_with_faults(&s, &intx, &msi);
	write16(&s, CONFIG, MSI_CONTROL, 1);
	fault(&s);
	/* It would write to memory, but may not master the bus. */
	assert_int_equal(signalled(msi), 0);
	clear_fault(&s);
	write16(&s, CONFIG, 4, 6);
	assert_int_equal(signalled(msi), 0);
	fault(&s);
	assert_int_equal(signalled(msi), 1);
	/* The GPU has room for one; others are dropped. */
	fault(&s);
	assert_int_equal(signalled(msi), 0);
	clear_fault(&s);
	fault(&s);
	assert_int_equal(signalled(msi), 1);
	/* Asleep it says nothing. */
	clear_fault(&s);
	write16(&s, CONFIG, 0x64, 3);
	sim_bar1_read(s.gpu, MIB(128), 4);
	assert_int_equal(read16(&s, CONFIG, 0), 0x10de);
	assert_int_equal(signalled(msi), 0);
	assert_int_equal(signalled(intx), 0);
	finish_with_faults(&s, intx, msi);
}

static void a_fault_is_a_level_without_msi(void **state)
{
	struct server s;
	int intx, msi;

	(void)state;
	begin_with_faults(&s, &intx, &msi);
	assert_int_equal(read16(&s, CONFIG, 6) & 8, 0);
	fault(&s);
	assert_int_equal(signalled(intx), 1);
	assert_int_equal(read16(&s, CONFIG, 6) & 8, 8);
	/* It has masked itself; unmasked it is told again, as the fault is still there. */
	fault(&s);
	assert_int_equal(signalled(intx), 0);
	assert_int_equal(set_irqs(&s, 0x11, 0, 0, 1, -1), 0);
	assert_int_equal(signalled(intx), 1);
	clear_fault(&s);
	assert_int_equal(read16(&s, CONFIG, 6) & 8, 0);
	assert_int_equal(set_irqs(&s, 0x11, 0, 0, 1, -1), 0);
	assert_int_equal(signalled(intx), 0);
	/* Masked, then disabled */
	assert_int_equal(set_irqs(&s, 0x09, 0, 0, 1, -1), 0);
	fault(&s);
	assert_int_equal(signalled(intx), 0);
	write16(&s, CONFIG, 4, 0x402);
	assert_int_equal(set_bool(&s, 0x12, 0, 1), 0);
	assert_int_equal(signalled(intx), 0);
	assert_int_equal(read16(&s, CONFIG, 6) & 8, 8);
	write16(&s, CONFIG, 4, 2);
	assert_int_equal(signalled(intx), 1);
	assert_int_equal(signalled(msi), 0);
	/* A reset takes the fault away. */
	assert_int_equal(ask(&s, DEVICE_RESET, NULL, 0, NULL, 0), 0);
	assert_int_equal(set_irqs(&s, 0x11, 0, 0, 1, -1), 0);
	assert_int_equal(signalled(intx), 0);
	assert_int_equal(read16(&s, CONFIG, 6) & 8, 0);
	finish_with_faults(&s, intx, msi);
}

/* As QEMU has it with KVM, which signals that the guest's handler is done */
static void the_line_is_unmasked_by_an_eventfd_too(void **state)
{
	int intx, msi, unmask = eventfd(0, EFD_CLOEXEC);
	const uint64_t one = 1;
	struct server s;

	(void)state;
	begin_with_faults(&s, &intx, &msi);
	assert_int_equal(set_irqs(&s, 0x14, 0, 0, 1, unmask), 0);
	fault(&s);
	assert_int_equal(signalled(intx), 1);
	/* The handler ends, but the fault is still there. */
	assert_int_equal(write(unmask, &one, sizeof(one)), sizeof(one));
	assert_int_equal(read16(&s, CONFIG, 0), 0x10de);
	assert_int_equal(signalled(intx), 1);
	/* Nobody has said that it ends again; reading the eventfd does not wait for that. */
	assert_int_equal(read16(&s, CONFIG, 0), 0x10de);
	assert_int_equal(signalled(intx), 0);
	clear_fault(&s);
	assert_int_equal(write(unmask, &one, sizeof(one)), sizeof(one));
	fault(&s);
	assert_int_equal(signalled(intx), 1);
	close(unmask);
	finish_with_faults(&s, intx, msi);
}

static void who_comes_after_a_fault_is_told_by_the_line_and_by_no_message(void **state)
{
	struct server s;
	int intx, msi;

	(void)state;
	begin_with_faults(&s, &intx, &msi);
	fault(&s);
	server_leave(&s);
	assert_int_equal(signalled(intx), 1);
	server_connect(&s, true);
	write16(&s, CONFIG, MSI_CONTROL, 1);
	write16(&s, CONFIG, 4, 6);
	assert_int_equal(set_irqs(&s, 0x24, 1, 0, 1, msi), 0);
	assert_int_equal(signalled(msi), 0);
	write16(&s, CONFIG, MSI_CONTROL, 0);
	assert_int_equal(set_irqs(&s, 0x24, 0, 0, 1, intx), 0);
	assert_int_equal(signalled(intx), 1);
	finish_with_faults(&s, intx, msi);
}

/* --- BARs --- */

static void blocks_reach_vram_through_both_bars(void **state)
{
	uint8_t out[8192], in[8192], vram[8192];
	struct server s;
	size_t i;

	(void)state;
	begin(&s, "gh100");
	for (i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 37 + i / 256);
	assert_int_equal(region_write(&s, 0, PRAMIN + 4096, out, sizeof(out)), 0);
	assert_int_equal(region_read(&s, 0, PRAMIN + 4096, in, sizeof(in)), 0);
	assert_memory_equal(in, out, sizeof(out));
	assert_true(sim_vram_peek(s.gpu, 4096, vram, sizeof(vram)));
	assert_memory_equal(vram, out, sizeof(out));
	/* BAR1, physical after power-on, at an odd place */
	assert_int_equal(region_read(&s, 2, 4096 + 3, in, 4001), 0);
	assert_memory_equal(in, out + 3, 4001);
	assert_int_equal(region_write(&s, 2, MIB(1) + 5, out, 777), 0);
	sim_land(s.gpu);
	assert_true(sim_vram_peek(s.gpu, MIB(1) + 5, vram, 777));
	assert_memory_equal(vram, out, 777);
	/* Heads and tails of a block in PRAMIN */
	assert_int_equal(region_write(&s, 0, PRAMIN + MIB(1) / 2 + 3, out, 30), 0);
	assert_int_equal(region_read(&s, 0, PRAMIN + MIB(1) / 2 + 3, in, 30), 0);
	assert_memory_equal(in, out, 30);
	finish(&s);
}

static void the_largest_block_is_what_was_agreed_on(void **state)
{
	const uint32_t len = 1 << 20;
	uint8_t *buf = malloc(len), *vram = malloc(len);
	struct server s;

	(void)state;
	assert_true(buf && vram);
	begin(&s, "ga102");
	memset(buf, 0x5a, len);
	assert_int_equal(region_write(&s, 1, MIB(2), buf, len), 0);
	sim_land(s.gpu);
	assert_true(sim_vram_peek(s.gpu, MIB(2), vram, len));
	assert_memory_equal(vram, buf, len);
	memset(buf, 0, len);
	assert_int_equal(region_read(&s, 1, MIB(2), buf, len), 0);
	assert_memory_equal(vram, buf, len);
	finish(&s);
	free(buf);
	free(vram);
}

static void posted_writes_arrive_before_what_follows(void **state)
{
	struct { uint64_t off; uint32_t region, count, data; } w = { 0, 1, 4, 0 };
	struct server s;
	uint32_t i;

	(void)state;
	begin(&s, "ga102");
	for (i = 0; i < 1000; i++) {
		w.off = 4 * i;
		w.data = i * 3;
		assert_true(send_command(&s, REGION_WRITE, NO_REPLY, &w, 20, NULL, 0));
	}
	/* Errors of posted commands go unheard. */
	w.off = MIB(256);
	assert_true(send_command(&s, REGION_WRITE, NO_REPLY, &w, 20, NULL, 0));
	assert_int_equal(read32(&s, 1, 4 * 999), 999 * 3);
	finish(&s);
}

/* One of several writes in a message */
struct small_write {
	uint64_t off;
	uint32_t region, count;
	uint8_t data[8];
};

static void connect_for_multiple(struct server *s)
{
	static const char version[] = "\0\0\1\0{\"capabilities\":{\"write_multiple\":true}}";
	char reply[256];
	struct head h;

	server_leave(s);
	server_connect(s, false);
	assert_true(send_command(s, VERSION, 0, version, sizeof(version), NULL, 0));
	assert_true(receive_message(s, &h, reply, sizeof(reply)) > 4);
	assert_int_equal(h.flags, 1);
}

static void several_writes_come_in_one_message(void **state)
{
	struct { uint64_t nr; struct small_write w[200]; } multi = { .nr = 200 };
	uint8_t vram[8 * 200 + 8], want[8 * 200 + 8] = { 0 };
	uint64_t done;
	struct server s;
	size_t i;

	(void)state;
	begin(&s, "ga102");
	memset(vram, 0, sizeof(vram));
	assert_true(sim_vram_poke(s.gpu, MIB(1), vram, sizeof(vram)));
	for (i = 0; i < 200; i++) {
		multi.w[i] = (struct small_write) { MIB(1) + 8 * i, 1, 1 + i % 8, { 0 } };
		memset(multi.w[i].data, (int)i + 1, 8);
		memset(want + 8 * i, (int)i + 1, 1 + i % 8);
	}
	/* Only for those who have agreed on it */
	assert_int_equal(ask(&s, WRITE_MULTI, &multi, sizeof(multi), NULL, 0), EOPNOTSUPP);
	connect_for_multiple(&s);
	assert_int_equal(ask(&s, WRITE_MULTI, &multi, sizeof(multi), &done, sizeof(done)), 0);
	assert_int_equal(done, 200);
	sim_land(s.gpu);
	assert_true(sim_vram_peek(s.gpu, MIB(1), vram, sizeof(vram)));
	assert_memory_equal(vram, want, sizeof(vram));

	/* In order, to all regions, and posted, as QEMU sends them */
	multi.nr = 4;
	multi.w[0] = (struct small_write) { 4, CONFIG, 2, { 0 } };		/* decodes no more */
	multi.w[1] = (struct small_write) { MIB(1), 1, 4, { 0xff, 0xff, 0xff, 0xff } };
	multi.w[2] = (struct small_write) { 4, CONFIG, 2, { 2 } };
	multi.w[3] = (struct small_write) { MIB(1) + 1, 1, 1, { 0x77 } };
	assert_true(send_command(&s, WRITE_MULTI, NO_REPLY, &multi, 8 + 4 * 24, NULL, 0));
	assert_int_equal(read32(&s, 1, MIB(1)), 0x00007701);

	/* Those that are refused are not counted, and keep no other from being done. */
	multi.w[0] = (struct small_write) { MIB(256), 1, 4, { 1 } };
	multi.w[1] = (struct small_write) { MIB(1), 1, 4, { 0x12 } };
	multi.w[2] = (struct small_write) { 0, 8, 4, { 1 } };
	multi.w[3] = (struct small_write) { MIB(1) + 4, 1, 0, { 1 } };
	assert_int_equal(ask(&s, WRITE_MULTI, &multi, 8 + 4 * 24, &done, sizeof(done)), 0);
	assert_int_equal(done, 2);
	assert_int_equal(read32(&s, 1, MIB(1)), 0x12);
	multi.nr = 0;
	assert_int_equal(ask(&s, WRITE_MULTI, &multi, 8, &done, sizeof(done)), 0);
	assert_int_equal(done, 0);
	finish(&s);
}

static void each_fault_of_several_writes_is_told(void **state)
{
	struct { uint64_t nr; struct small_write w[5]; } multi = {
		.nr = 5,
		.w = {
			{ MIB(128), 1, 4, { 1 } },
			{ FAULT_STATUS, 0, 4, { 0, 0, 0, 0x80 } },
			{ MIB(128), 1, 4, { 1 } },
			{ FAULT_STATUS, 0, 4, { 0, 0, 0, 0x80 } },
			{ MIB(128), 1, 4, { 1 } },
		},
	};
	struct server s;
	int intx, msi;
	uint64_t done;

	(void)state;
	begin_with_faults(&s, &intx, &msi);
	connect_for_multiple(&s);
	write16(&s, CONFIG, MSI_CONTROL, 1);
	write16(&s, CONFIG, 4, 6);
	assert_int_equal(set_irqs(&s, 0x24, 1, 0, 1, msi), 0);
	assert_int_equal(ask(&s, WRITE_MULTI, &multi, sizeof(multi), &done, sizeof(done)), 0);
	assert_int_equal(done, 5);
	assert_int_equal(signalled(msi), 3);
	finish_with_faults(&s, intx, msi);
}

static void errors_of_the_driver_are_counted_over_resets(void **state)
{
	struct server s;
	uint64_t val;

	(void)state;
	begin(&s, "ga102");
	assert_int_equal(region_read(&s, 0, 0, &val, 8), 0);	/* registers have 4 bytes */
	assert_int_equal(ask(&s, DEVICE_RESET, NULL, 0, NULL, 0), 0);
	assert_int_equal(read16(&s, CONFIG, 4), 0);
	write16(&s, CONFIG, 4, 2);
	assert_int_equal(region_read(&s, 0, 4, &val, 8), 0);
	server_leave(&s);
	assert_int_equal(device_errors(&s.dev), 2);
	server_power_off(&s);
}

static void the_state_stays_for_the_next_client(void **state)
{
	struct server s;

	(void)state;
	begin(&s, "tu102");
	write32(&s, 1, 64, 0x12345678);
	assert_int_equal(dma_map(&s, 0, 4096), 0);
	server_leave(&s);
	assert_int_equal(s.end, SERVE_LEFT);
	server_connect(&s, true);
	assert_int_equal(read16(&s, CONFIG, 4), 2);
	assert_int_equal(read32(&s, 1, 64), 0x12345678);
	assert_int_equal(dma_map(&s, 0, 4096), 0);	/* windows are the client's */
	finish(&s);
}

/* Its messages are there before the server looks, so it has no pause to be stopped in. */
static void a_client_that_never_pauses_is_stopped(void **state)
{
	const uint16_t version[2] = { 0, 0 };
	struct sim_config cfg = { 0 };
	int pair[2], stop, i;
	struct caller caller;
	struct server s;
	char left, why[160];

	(void)state;
	server_power_on(&s, &cfg);
	stop = eventfd(1, EFD_CLOEXEC);
	s.service.stop = stop;
	assert_true(stop >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	s.sock = pair[0];
	assert_true(send_command(&s, VERSION, 0, version, sizeof(version), NULL, 0));
	for (i = 0; i < 200; i++)
		assert_true(send_command(&s, DEVICE_RESET, NO_REPLY, NULL, 0, NULL, 0));
	caller = (struct caller) { .sock = pair[1] };
	assert_int_equal(serve_client(&s.service, &caller, why, sizeof(why)), SERVE_STOPPED);
	assert_int_equal(recv(pair[1], &left, 1, MSG_DONTWAIT), 1);
	close(pair[0]);
	close(pair[1]);
	close(stop);
	s.sock = -1;
	server_power_off(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capabilities_are_those_proposed_that_there_are),
		cmocka_unit_test(the_device_says_what_it_has),
		cmocka_unit_test(what_is_not_there_is_an_error_and_no_more),
		cmocka_unit_test(questions_may_be_as_long_as_their_answers),
		cmocka_unit_test(descriptors_that_nothing_is_done_with_do_no_harm),
		cmocka_unit_test(dma_windows_are_kept_apart),
		cmocka_unit_test(a_dma_window_is_closed_as_it_was_opened),
		cmocka_unit_test(dma_windows_are_closed_in_ranges_if_that_was_asked_for),
		cmocka_unit_test(interrupts_are_set_up_and_given_up),
		cmocka_unit_test(a_client_triggers_its_own_interrupts),
		cmocka_unit_test(an_eventfd_that_takes_no_more_does_not_stop_the_server),
		cmocka_unit_test_teardown(
			an_eventfd_that_fills_up_while_it_is_signalled_does_not_stop_the_server,
			fill_no_more),
		cmocka_unit_test(a_fault_is_a_message_for_each_once_msi_is_enabled),
		cmocka_unit_test(a_fault_is_a_level_without_msi),
		cmocka_unit_test(the_line_is_unmasked_by_an_eventfd_too),
		cmocka_unit_test(who_comes_after_a_fault_is_told_by_the_line_and_by_no_message),
		cmocka_unit_test(blocks_reach_vram_through_both_bars),
		cmocka_unit_test(the_largest_block_is_what_was_agreed_on),
		cmocka_unit_test(posted_writes_arrive_before_what_follows),
		cmocka_unit_test(several_writes_come_in_one_message),
		cmocka_unit_test(each_fault_of_several_writes_is_told),
		cmocka_unit_test(errors_of_the_driver_are_counted_over_resets),
		cmocka_unit_test(the_state_stays_for_the_next_client),
		cmocka_unit_test(a_client_that_never_pauses_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

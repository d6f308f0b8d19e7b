/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "arg.h"
#include "lobby.h"
#include "nvbar_sim.h"
#include "output.h"
#include "place.h"
#include "serve.h"
#include "sim_options.h"
#include "text.h"
#include "tool_args.h"

struct args {
	const char *socket;
	const char *record;
	char *gpu;
	bool dma_ranges;
};

/* --- signals -------------------------------------------------------------- */

/* Return: a descriptor that can be read once the process is to end, -1 with errno. */
static int catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* --- clients --------------------------------------------------------------- */

/* Return: whether to go on. */
static bool serve_one(const struct service *service, const struct caller *caller)
{
	enum serve_end end;
	char why[160];

	end = serve_client(service, caller, why, sizeof(why));
	close(caller->sock);
	if (end == SERVE_LIED)
		refuse("serve: client disconnected: %s", why);
	else if (end == SERVE_FAILED)
		refuse("serve: %s", why);
	return end != SERVE_STOPPED;
}

/* Return: false once it is to stop, or something failed. */
static bool wait_for_caller(const struct service *service, struct caller *caller)
{
	struct pollfd p[2] = { { .fd = service->stop, .events = POLLIN },
			       { .fd = service->lobby->listener, .events = POLLIN } };

	while (!lobby_next(service->lobby, caller)) {
		/* It may be gone already. */
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
			refuse("serve: accept: %s", strerror(errno));
			return false;
		}
		if (poll(p, 2, -1) < 0 && errno != EINTR) {
			refuse("serve: poll: %s", strerror(errno));
			return false;
		}
		if (p[0].revents)
			return false;
	}
	return true;
}

/* Return: whether it was asked to stop. */
static bool serve_all(const struct service *service)
{
	struct pollfd stop = { .fd = service->stop, .events = POLLIN };
	struct caller caller;

	while (wait_for_caller(service, &caller) && serve_one(service, &caller))
		;
	lobby_empty(service->lobby);
	return poll(&stop, 1, 0) == 1;
}

static int report(struct device *dev)
{
	uint64_t errors = device_errors(dev);
	char last[160];

	sim_last_error(dev->gpu, last, sizeof(last));
	printf("%llu driver errors%s%s\n", (unsigned long long)errors, *last ? "; the last: " : "",
	       last);
	return finish_output(0);
}

/* What has been recorded is worth a word if it is not all there. */
static int end_record(struct device *dev, const char *path)
{
	int err = dev->record ? record_close(dev->record) : 0;

	return err ? refuse("serve: %s: %s", path, strerror(-err)) : 0;
}

static int begin_record(struct device *dev, struct record *record, const char *path)
{
	int err;

	if (!path)
		return 0;
	err = record_open(record, path, sim_chip_name(dev->gpu), sim_vram_size(dev->gpu),
			  sim_bar1_size(dev->gpu));
	if (err)
		return refuse("serve: %s: %s", path, output_error(err));
	dev->record = record;
	return 0;
}

/* Return: exit status. */
static int serve_at(struct service *service, int listener, const struct args *args)
{
	struct device *dev = service->dev;
	struct record record;
	int status = 1;

	/* Only now is it sure that no other server is at it: the file is made anew. */
	if (begin_record(dev, &record, args->record))
		return 1;
	lobby_init(service->lobby, listener);
	printf("%s at %s\n", sim_chip_name(dev->gpu), text_shown(args->socket));
	if (!finish_output(0) && serve_all(service))
		status = report(dev);
	if (end_record(dev, args->record))
		status = 1;
	return status;
}

static int serve(struct sim_gpu *gpu, const struct args *args)
{
	struct device *dev = malloc(sizeof(*dev));
	struct lobby lobby;
	struct service service = {
		.dev = dev, .dma_ranges = args->dma_ranges, .lobby = &lobby,
	};
	struct place place;
	char why[160];
	int status = 1;

	if (!dev)
		return refuse("serve: no memory");
	device_init(dev, gpu);
	service.stop = catch_signals();
	if (service.stop < 0) {
		refuse("serve: signals: %s", strerror(errno));
		goto out_free;
	}
	if (place_take(&place, args->socket, why, sizeof(why))) {
		refuse("serve: %s: %s", args->socket, why);
		goto out_stop;
	}
	status = serve_at(&service, place.listener, args);
	place_leave(&place);
out_stop:
	close(service.stop);
out_free:
	device_fini(dev);
	free(dev);
	return status;
}

/* --- the command ----------------------------------------------------------- */

static void say_failed(void *arg, const char *why)
{
	(void)arg;
	refuse("serve: %s", why);
}

static int power_on(const struct args *args)
{
	char none[] = "", why[384] = "";
	struct sim_options options;
	struct sim_gpu *gpu;
	int status;

	if (sim_options_parse(args->gpu ? args->gpu : none, &options, why, sizeof(why)))
		return refuse("serve: %s", why);
	if (options.nomem)
		return refuse("serve: nomem is about a driver's memory, and the driver is elsewhere");
	options.cfg.failed = say_failed;
	options.cfg.vbios = true;	/* a machine looks for one */
	if (sim_create(&options.cfg, &gpu, why, sizeof(why)))
		return refuse("serve: %s", why);
	sim_inject(gpu, &options.inject);
	status = serve(gpu, args);
	sim_destroy(gpu);
	return status;
}

enum {
	KEY_SOCKET = 0x100,
	KEY_RECORD,
	KEY_VIOMMU,
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case KEY_SOCKET:
		args->socket = arg;
		return 0;
	case KEY_RECORD:
		args->record = arg;
		return 0;
	case KEY_VIOMMU:
		args->dma_ranges = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			argp_error(state, "too many arguments");
		args->gpu = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->socket || !*args->socket)
			argp_error(state, "--socket is needed, with the path of a file");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ .name = "socket", .key = KEY_SOCKET, .arg = "PATH", .doc = "UNIX socket to make" },
	{ .name = "record", .key = KEY_RECORD, .arg = "FILE",
	  .doc = "Write each access to a BAR down, as nvbar replay takes it" },
	{ .name = "viommu", .key = KEY_VIOMMU,
	  .doc = "Let DMA_UNMAP close all windows in a range, as a virtual machine with an "
		 "emulated IOMMU wants it" },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[CHIP][,KEY=VALUE...]",
	.doc = "Serves a modelled GPU as a PCI device by the vfio-user protocol, to one client at "
	       "a time, until SIGTERM or SIGINT.  Then it prints what the model counted against "
	       "its drivers.  Keys are those of sim: device strings.",
};

int cmd_serve(int argc, char **argv)
{
	struct args args = { 0 };

	tool_parse(&argp, argc, argv, 0, &args);
	return power_on(&args);
}

// SPDX-License-Identifier: MIT
/*
 * Opening the device, and saying in one line what went wrong with it.
 */
#include <stdarg.h>
#include <strings.h>
#include <unistd.h>

#include "cli.h"
#include "text.h"

/* What a dry run tells begins so, behind the device. */
#define DRY_RUN_MARK	": dry run: "

/* The first error is the cause of the others. */
static void take_line(void *arg, int level, const char *line)
{
	const char *write = strstr(line, DRY_RUN_MARK);
	struct cli *cli = arg;

	if (level == NVBAR_LOG_WARNING || (level == NVBAR_LOG_INFO && write))
		progress_hide();
	if (level == NVBAR_LOG_INFO && write)
		fprintf(stderr, "%s\n", write + strlen(DRY_RUN_MARK));
	if (level == NVBAR_LOG_WARNING)
		fprintf(stderr, "nvbar: %s\n", line);
	if (level == NVBAR_LOG_ERROR && !cli->log[0])
		snprintf(cli->log, sizeof(cli->log), "%s", line);
}

/* What follows the domain of a PCI address in a device string, which may be left out */
static const char *without_domain(const char *name)
{
	static const char domain[] = "0000:";
	const char *kind = !strncmp(name, "pci:", 4) ? name + 4 :
			   !strncmp(name, "vfio:", 5) ? name + 5 : name;

	return strncmp(kind, domain, strlen(domain)) ? kind : kind + strlen(domain);
}

/* @line without a leading "@name: ", and that may be a shorter or longer form of @name. */
static const char *after_name(const char *line, const char *name)
{
	const char *colon = strstr(line, ": "), *start = without_domain(line);
	size_t len;

	if (!colon)
		return line;
	name = without_domain(name);
	len = strlen(name);
	if (len > (size_t)(colon - start))
		len = colon - start;
	return strncasecmp(start, name, len) ? line : colon + 2;
}

const char *cli_reason(const struct cli *cli, int err)
{
	if (err == -EINTR)
		return "interrupted";
	if (cli->log[0])
		return after_name(after_name(cli->log, "nvbar"), cli->name);
	return nvbar_strerror(err);
}

static void complain(const struct cli *cli, const char *why, const char *fmt, va_list ap)
	PRINTF(3, 0);

/* One line, whatever names and messages hold. */
static void complain(const struct cli *cli, const char *why, const char *fmt, va_list ap)
{
	char line[1024];
	size_t n;

	n = snprintf(line, sizeof(line), "nvbar: %.200s: ", cli->name);
	n += vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	if (why && n < sizeof(line))
		snprintf(line + n, sizeof(line) - n, ": %s", why);
	progress_hide();
	fprintf(stderr, "%s\n", text_clean(line));
}

int cli_fail(const struct cli *cli, int err, const char *fmt, ...)
{
	va_list ap;

	stdout_forgive();
	va_start(ap, fmt);
	complain(cli, cli_reason(cli, err), fmt, ap);
	va_end(ap);
	return EXIT_FAILURE;
}

int cli_refuse(const struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	stdout_forgive();
	va_start(ap, fmt);
	complain(cli, NULL, fmt, ap);
	va_end(ap);
	return EXIT_FAILURE;
}

void cli_note(const struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(cli, NULL, fmt, ap);
	va_end(ap);
}

void cli_note_typing(const struct cli *cli, const char *command, const char *what)
{
	if (isatty(STDIN_FILENO))
		cli_note(cli, "%s: waiting for %s on standard input; Ctrl-D ends it", command, what);
}

void cli_forget(struct cli *cli)
{
	cli->log[0] = 0;
}

struct nvbar_stats cli_stats(struct cli *cli)
{
	struct nvbar_stats stats = { .size = sizeof(stats) };

	(void)nvbar_get_stats(cli->gpu, &stats);
	return stats;
}

const char *cli_choose_device(struct cli *cli)
{
	const char *name = getenv("NVBAR_DEVICE");

	if (cli->device)
		return *cli->device ? cli->device : "\"\"";
	cli->unchosen = !name || !*name;
	return cli->unchosen ? "sim" : name;
}

struct nvbar_open_opts cli_opts(struct cli *cli, uint32_t flags)
{
	return (struct nvbar_open_opts){
		.size = sizeof(struct nvbar_open_opts),
		.flags = flags | (cli->dry_run ? NVBAR_OPEN_DRY_RUN : 0),
		.log_level = NVBAR_LOG_INFO,
		.log = take_line,
		.log_arg = cli,
	};
}

/* A modelled GPU without file= */
static bool is_forgetful(const char *device)
{
	return !strncmp(device, "sim", 3) && strchr(":,", device[3]) && !strstr(device, ",file=");
}

int cli_open(struct cli *cli, uint32_t flags)
{
	struct nvbar_open_opts opts = cli_opts(cli, flags);
	int ret;

	if (cli->faults)
		opts.flags |= NVBAR_OPEN_FAULTS;
	if (cli->force && flags != NVBAR_OPEN_OBSERVE)
		opts.flags |= NVBAR_OPEN_FORCE;
	cli->name = cli_choose_device(cli);
	cli->forgets = is_forgetful(cli->name);
	ret = nvbar_open(&cli->gpu, cli->device, &opts);
	if (ret)
		return cli_fail(cli, ret, "open");
	cli->info.size = sizeof(cli->info);
	ret = nvbar_get_info(cli->gpu, &cli->info);
	if (ret)
		return cli_fail(cli, ret, "identify");
	cli->name = cli->info.device;
	if (cli->unchosen)
		cli_note(cli, "no device is named: this is the modelled GPU; \"nvbar list\" shows "
			 "real ones");
	cli->unchosen = false;	/* once is enough */
	return EXIT_SUCCESS;
}

static int map_list(struct cli *cli, size_t nr)
{
	const struct page_list *list = &cli->maps[nr];
	struct nvbar_extent *ext;
	struct nvbar_access *access;	/* lives until cli_close() */
	char label[NVBAR_LABEL_MAX];
	struct nvbar_map_opts opts = { .size = sizeof(opts), .label = label };
	size_t i;
	int ret;

	ext = calloc(list->nr, sizeof(*ext));
	if (!ext)
		return cli_fail(cli, -ENOMEM, "--map");
	for (i = 0; i < list->nr; i++) {
		if (list->pfn[i] > UINT64_MAX >> PAGE_SHIFT) {
			free(ext);
			return cli_fail(cli, -ERANGE, "--map: PFN 0x%" PRIx64, list->pfn[i]);
		}
		ext[i].pa = list->pfn[i] << PAGE_SHIFT;
		ext[i].len = PAGE_BYTES;
	}
	snprintf(label, sizeof(label), "--map %zu", nr + 1);
	ret = nvbar_map(cli->gpu, ext, list->nr, &opts, &access);
	free(ext);
	return ret ? cli_fail(cli, ret, "%s", label) : EXIT_SUCCESS;
}

int cli_open_bar1(struct cli *cli, const char *command)
{
	if (cli_open(cli, 0))
		return EXIT_FAILURE;
	if (!cli->info.bar1_size)
		return cli_refuse(cli, "%s: this GPU has no BAR1", command);
	return EXIT_SUCCESS;
}

int cli_open_mapped(struct cli *cli, const char *command)
{
	int ret = cli_open_bar1(cli, command);
	size_t i;

	for (i = 0; !ret && i < cli->nr_maps; i++)
		ret = map_list(cli, i);
	return ret;
}

void cli_close(struct cli *cli)
{
	size_t i;

	nvbar_close(cli->gpu);
	for (i = 0; i < cli->nr_maps; i++)
		free(cli->maps[i].pfn);
	free(cli->maps);
}

// SPDX-License-Identifier: MIT
/*
 * The command line of nvbar.  An input has an argument on each line.  The
 * tool runs in a child process, as it would for a user; what the child covers
 * is carried over to this process, for libFuzzer to see.
 *
 * It ends with one of its three statuses: 0, 1 and one line on standard error,
 * or 64 and a hint; never with a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "fuzz.h"

/* main() of the tool, under another name */
int nvbar_main(int argc, char **argv);

#define MAX_ARGS	32
#define SECONDS		20	/* that a run may take */
#define FILE_BYTES	(65 << 20)	/* and that VRAM may take */

static const char device[] = "sim:ga102,vram=64M,bar1=64M";

/* --- what the child covers --- */

/**
 * struct shared - what comes back from the child
 * @status: of its exit; below 0 if it has not come to that
 * @counters: its coverage
 */
struct shared {
	int status;
	uint8_t counters[];
};

static struct shared *shared;
static uint8_t *counters;
static size_t nr_counters;
static int errors;	/* the child's standard error */

static void set_up(void)
{
	nr_counters = fuzz_counters(&counters);
	shared = mmap(NULL, sizeof(*shared) + nr_counters, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(shared != MAP_FAILED);
	errors = memfd_create("stderr", MFD_CLOEXEC);
	must(errors >= 0);
}

/* In the child, after all that the tool itself does at exit. */
static void leave(int status, void *arg)
{
	size_t i;

	(void)arg;
	shared->status = status;
	for (i = 0; i < nr_counters; i++)
		shared->counters[i] = counters[i];
	_exit(status);
}

/* --- a run --- */

static void limit_memory(void)
{
	const struct rlimit limit = { FILE_BYTES, FILE_BYTES };

	/* VRAM is a file, too. */
	must(!setrlimit(RLIMIT_FSIZE, &limit));
	signal(SIGXFSZ, SIG_IGN);
}

_Noreturn static void run_tool(int argc, char **argv)
{
	int null = open("/dev/null", O_RDWR);

	must(null >= 0);
	must(dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0);
	must(dup2(errors, STDERR_FILENO) >= 0);
	close(null);
	limit_memory();
	setenv("NVBAR_DEVICE", device, 1);
	setenv("COLUMNS", "80", 1);
	signal(SIGALRM, SIG_DFL);
	alarm(SECONDS);
	must(!on_exit(leave, NULL));
	exit(nvbar_main(argc, argv));
}

/* Leaves out what --dry-run tells. */
static void drop_writes(char *text)
{
	char *to = text, *end;

	for (; *text; text = end) {
		end = strchr(text, '\n');
		end = end ? end + 1 : text + strlen(text);
		if (!strncmp(text, "w ", 2) || !strncmp(text, "W ", 2))
			continue;
		memmove(to, text, end - text);
		to += end - text;
	}
	*to = '\0';
}

/* What the child said; to be freed */
static char *read_errors(void)
{
	off_t len = lseek(errors, 0, SEEK_END);
	char *text = malloc(len + 1);

	must(text && len >= 0);
	must(pread(errors, text, len, 0) == len);
	text[len] = '\0';
	must(!ftruncate(errors, 0));
	must(!lseek(errors, 0, SEEK_SET));
	drop_writes(text);
	return text;
}

/* What the tool may have to say beside its results, or beside the reason of a failure */
static const char *const notes[] = {
	": this GPU has no BAR1: going through PRAMIN\n",
	": nothing is mapped; --map PAGES maps pages first\n",
	": dry run: VRAM was not read\n",
	": the model forgets this now; a device sim:CHIP,file=PATH keeps it\n",
};

static bool is_note(const char *line, size_t len)
{
	size_t i, n;

	for (i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		n = strlen(notes[i]);
		if (len >= n && !memcmp(line + len - n, notes[i], n))
			return true;
	}
	return false;
}

/* How many lines there are but notes; -1 if one is not the tool's, or not whole */
static int count_reasons(const char *text)
{
	const char *end;
	int nr = 0;

	for (; *text; text = end) {
		end = strchr(text, '\n');
		if (!end++ || strncmp(text, "nvbar: ", 7))
			return -1;
		nr += !is_note(text, end - text);
	}
	return nr;
}

static void judge(int status, const char *said)
{
	bool ok = false;

	if (status == EXIT_SUCCESS)
		ok = count_reasons(said) == 0;
	else if (status == EXIT_FAILURE)
		ok = count_reasons(said) == 1;
	else if (status == EX_USAGE)
		ok = *said;
	if (!ok)
		fprintf(stderr, "exit status %d (below 0: a signal) and on standard error:\n%s", status,
			said);
	must(ok);
}

static void run(int argc, char **argv)
{
	char *said;
	pid_t pid;
	size_t i;
	int how;

	shared->status = -1;
	fflush(NULL);
	pid = fork();
	must(pid >= 0);
	if (!pid)
		run_tool(argc, argv);
	/* libFuzzer has a timer of its own. */
	while (waitpid(pid, &how, 0) != pid)
		must(errno == EINTR);
	if (WIFSIGNALED(how))
		shared->status = -WTERMSIG(how);
	said = read_errors();
	judge(shared->status, said);
	free(said);
	for (i = 0; i < nr_counters; i++)
		counters[i] |= shared->counters[i];
}

/* --- arguments --- */

static int split(char *text, char **argv)
{
	int argc = 1;
	char *arg;

	argv[0] = (char *)"nvbar";
	while (argc < MAX_ARGS && (arg = strsep(&text, "\n")))
		argv[argc++] = arg;
	/* Text ends in a newline; that is not one more argument. */
	if (argc > 1 && !*argv[argc - 1])
		argc--;
	argv[argc] = NULL;
	return argc;
}

/*
 * Measuring and testing memory take their time.  And 0xff as an option is -? to glibc's argp,
 * which takes it for the end mark of its own.
 */
static bool is_wanted(char **argv)
{
	while (*++argv)
		if (!strcmp(*argv, "bench") || !strcmp(*argv, "memtest") || strchr(*argv, 0xff))
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = fuzz_text(data, len);
	char *argv[MAX_ARGS + 1];
	int argc;

	if (!shared)
		set_up();
	if (fuzz_is_harmless(text)) {
		argc = split(text, argv);
		if (is_wanted(argv)) {
			fuzz_dir_enter();
			run(argc, argv);
			fuzz_dir_leave();
		}
	}
	free(text);
	return 0;
}

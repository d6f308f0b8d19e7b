// SPDX-License-Identifier: MIT
/*
 * The text of a trace, and its replay: refused with a reason, or replayed to
 * its end or to a first difference, and the same again the next time.
 */
#include <errno.h>

#include "fuzz.h"

static int replay(const uint8_t *data, size_t len, struct nvbar_replay_report *report, char *why,
		  size_t why_len)
{
	memset(report, 0, sizeof(*report));
	report->size = sizeof(*report);
	why[0] = '\0';
	return nvbar_replay((const char *)data, len, report, why, why_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct nvbar_replay_report r, again;
	char why[200], why_again[200];
	int ret = replay(data, len, &r, why, sizeof(why));

	must(ret == 0 || ret == -EINVAL || ret == -EOPNOTSUPP || ret == -ENOSPC);
	must(ret == 0 || (why[0] && !r.accesses));
	if (r.line) {
		must(r.recorded != r.replayed && r.where[0]);
		must(r.width == 1 || r.width == 2 || r.width == 4 || r.width == 8);
	}
	must(replay(data, len, &again, why_again, sizeof(why_again)) == ret);
	must(!memcmp(&r, &again, sizeof(r)) && !strcmp(why, why_again));
	return 0;
}

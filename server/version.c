/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json_text.h"
#include "version.h"

static const struct capability {
	const char *name;
	int64_t val;
} capabilities[] = {
	{ VFIO_USER_MAX_MSG_FDS, SERVE_MAX_FDS },
	{ VFIO_USER_MAX_DATA_XFER, SERVE_MAX_DATA },
	{ VFIO_USER_MAX_DMA_MAPS, VFIO_USER_MAX_DMA_MAPS_DEFAULT },
	{ VFIO_USER_PGSIZES, VFIO_USER_PGSIZES_DEFAULT },
};

#define NR_CAPABILITIES	(sizeof(capabilities) / sizeof(capabilities[0]))

/* --- the reply ------------------------------------------------------------- */

/**
 * struct reply - the server's capabilities in the making
 * @text: JSON so far; there is room for all that there are
 * @len: bytes
 */
struct reply {
	char text[512];
	size_t len;
};

__attribute__((format(printf, 2, 3)))
static void say(struct reply *reply, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	reply->len += (size_t)vsnprintf(reply->text + reply->len,
					sizeof(reply->text) - reply->len, fmt, ap);
	va_end(ap);
}

static void say_capability(struct reply *reply, const char *name, const char *val)
{
	/* The first stands behind the bracket. */
	say(reply, "%s\"%s\":%s", reply->text[reply->len - 1] == '{' ? "" : ",", name, val);
}

/* It is there to be proposed, and then to be had, only as true. */
static int agree_on_multiple(struct connection *c, const char *theirs, struct reply *reply,
			     struct agreement *agreement)
{
	const char *val = json_text_find(theirs, VFIO_USER_WRITE_MULTIPLE);

	if (!val)
		return 0;
	if (*val != 't' && *val != 'f')
		return conn_lied(c, "capability %s is no boolean", VFIO_USER_WRITE_MULTIPLE);
	agreement->write_multiple = *val == 't';
	if (agreement->write_multiple)
		say_capability(reply, VFIO_USER_WRITE_MULTIPLE, "true");
	return 0;
}

/* Ours, for those that the client has proposed. */
static int agree(struct connection *c, const char *theirs, struct reply *reply,
		 struct agreement *agreement)
{
	const char *val;
	char number[24];
	size_t i;

	for (i = 0; i < NR_CAPABILITIES; i++) {
		val = json_text_find(theirs, capabilities[i].name);
		if (!val)
			continue;
		if (!json_text_is_count(val))
			return conn_lied(c, "capability %s is no number", capabilities[i].name);
		snprintf(number, sizeof(number), "%" PRId64, capabilities[i].val);
		say_capability(reply, capabilities[i].name, number);
	}
	return agree_on_multiple(c, theirs, reply, agreement);
}

static int agree_on_json(struct connection *c, const char *text, size_t len, struct reply *reply,
			 struct agreement *agreement)
{
	const char *top, *theirs;

	if (!len)
		return 0;
	if (strnlen(text, len) != len - 1)
		return conn_lied(c, "version data is not one string");
	top = json_text_is_object(text);
	if (!top)
		return conn_lied(c, "version data is no JSON object");
	theirs = json_text_find(top, VFIO_USER_CAPABILITIES);
	if (!theirs)
		return 0;
	if (*theirs != '{')
		return conn_lied(c, "capabilities are no JSON object");
	return agree(c, theirs, reply, agreement);
}

int version_agree(struct connection *c, char *text, size_t *len, struct agreement *agreement)
{
	struct reply reply = { .len = 0 };
	int err;

	*agreement = (struct agreement) { 0 };
	say(&reply, "{\"" VFIO_USER_CAPABILITIES "\":{");
	err = agree_on_json(c, text, *len, &reply, agreement);
	if (err)
		return err;
	say(&reply, "}}");
	*len = reply.len + 1;
	memcpy(text, reply.text, *len);
	return 0;
}

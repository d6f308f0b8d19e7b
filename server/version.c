/* SPDX-License-Identifier: MIT */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

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

/* The client's JSON; NULL if it is none. */
static struct json_object *parse_json(const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(8);
	struct json_object *o;

	if (!tok)
		return NULL;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	o = json_tokener_parse_ex(tok, text, (int)len);
	if (json_tokener_get_error(tok) != json_tokener_success) {
		json_object_put(o);
		o = NULL;
	}
	json_tokener_free(tok);
	return o;
}

/* It is there to be proposed, and then to be had, only as true. */
static int agree_on_multiple(struct connection *c, struct json_object *theirs,
			     struct json_object *ours, struct agreement *agreement)
{
	struct json_object *val;

	if (!json_object_object_get_ex(theirs, VFIO_USER_WRITE_MULTIPLE, &val))
		return 0;
	if (!json_object_is_type(val, json_type_boolean))
		return conn_lied(c, "capability %s is no boolean", VFIO_USER_WRITE_MULTIPLE);
	agreement->write_multiple = json_object_get_boolean(val);
	if (agreement->write_multiple)
		json_object_object_add(ours, VFIO_USER_WRITE_MULTIPLE, json_object_new_boolean(1));
	return 0;
}

/* Ours, for those that the client has proposed. */
static int agree(struct connection *c, struct json_object *theirs, struct json_object *ours,
		 struct agreement *agreement)
{
	struct json_object *val;
	size_t i;

	for (i = 0; i < NR_CAPABILITIES; i++) {
		if (!json_object_object_get_ex(theirs, capabilities[i].name, &val))
			continue;
		if (!json_object_is_type(val, json_type_int) || json_object_get_int64(val) < 0)
			return conn_lied(c, "capability %s is no number", capabilities[i].name);
		json_object_object_add(ours, capabilities[i].name,
				       json_object_new_int64(capabilities[i].val));
	}
	return agree_on_multiple(c, theirs, ours, agreement);
}

static int agree_on_json(struct connection *c, const char *text, size_t len,
			 struct json_object *ours, struct agreement *agreement)
{
	struct json_object *top, *theirs;
	int err = 0;

	if (!len)
		return 0;
	if (strnlen(text, len) != len - 1)
		return conn_lied(c, "version data is not one string");
	top = parse_json(text, len);
	if (!json_object_is_type(top, json_type_object))
		err = conn_lied(c, "version data is no JSON object");
	else if (json_object_object_get_ex(top, VFIO_USER_CAPABILITIES, &theirs))
		err = json_object_is_type(theirs, json_type_object) ?
			agree(c, theirs, ours, agreement) :
			conn_lied(c, "capabilities are no JSON object");
	json_object_put(top);
	return err;
}

int version_agree(struct connection *c, char *text, size_t *len, struct agreement *agreement)
{
	struct json_object *top = json_object_new_object(), *ours = json_object_new_object();
	const char *reply;
	int err;

	json_object_object_add(top, VFIO_USER_CAPABILITIES, ours);
	*agreement = (struct agreement) { 0 };
	err = agree_on_json(c, text, *len, ours, agreement);
	if (!err) {
		reply = json_object_to_json_string_ext(top, JSON_C_TO_STRING_PLAIN);
		*len = 1 + (size_t)snprintf(text, VERSION_MAX_JSON, "%s", reply);
	}
	json_object_put(top);
	return err;
}

/* SPDX-License-Identifier: MIT */
/*
 * Bits and fields, for the model and the headers of include/hw/, which use
 * these names and include nothing themselves.
 */
#ifndef SIM_BITS_H
#define SIM_BITS_H

#include <stdint.h>

#define BIT(n)			(1u << (n))
#define BIT_ULL(n)		(1ull << (n))
#define GENMASK(h, l)		((~0u >> (31 - (h))) & (~0u << (l)))
#define GENMASK_ULL(h, l)	((~0ull >> (63 - (h))) & (~0ull << (l)))

/* A field's mask says where the field is: its lowest bit is the unit. */
#define FIELD_GET(mask, val)	(((val) & (mask)) / ((mask) & -(mask)))
#define FIELD_PREP(mask, val)	(((val) * ((mask) & -(mask))) & (mask))

#define ARRAY_LEN(a)		(sizeof(a) / sizeof((a)[0]))

#endif

/* SPDX-License-Identifier: MIT */
/* A modelled GPU as text: what device strings have after "sim:". */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include "sim.h"

/* The TLB forgets now and then, where the text does not say otherwise. */
#define SIM_EVICT	64

/**
 * struct sim_options - a modelled GPU and what is to go wrong
 * @cfg: the GPU
 * @inject: hardware that fails
 * @sparse: the driver is to make unused VA sparse, as for an aperture that a CPU may
 *	read without being asked to
 * @nomem: this allocation of the driver's host memory fails, 1 being the first
 *	once the GPU is there; 0: none
 * @nomem_forever: and all after it
 */
struct sim_options {
	struct sim_config cfg;
	struct sim_inject inject;
	bool sparse;
	unsigned long nomem;
	bool nomem_forever;
};

/**
 * sim_options_parse - take "[CHIP][,key=value...]" apart
 * @args: the text; changed, and must outlive @options
 * @options: filled in
 * @why: receives a one-line reason on failure
 * @why_len: bytes at @why
 *
 * Return: 0 or -EINVAL.
 */
int sim_options_parse(char *args, struct sim_options *options, char *why, size_t why_len);

#endif

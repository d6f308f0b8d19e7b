/* SPDX-License-Identifier: MIT */
/* What the device string of a modelled GPU asks for. */
#ifndef NVBAR_LIB_SIM_OPTIONS_H
#define NVBAR_LIB_SIM_OPTIONS_H

#include "sim.h"

struct nvbar_log;

/**
 * struct nvbar_sim_options - a modelled GPU and what is to go wrong
 * @cfg: the GPU
 * @inject: hardware that fails
 * @nomem: this allocation of host memory fails, 1 being the first once the GPU
 *	is there; 0: none
 * @nomem_forever: and all after it
 */
struct nvbar_sim_options {
	struct sim_config cfg;
	struct sim_inject inject;
	unsigned long nomem;
	bool nomem_forever;
};

/**
 * nvbar_sim_options_parse - take "[:CHIP][,key=value...]" apart
 * @args: the text; changed, and must outlive @options
 * @log: told what is wrong with it
 * @options: filled in
 *
 * Return: 0 or -EINVAL.
 */
int nvbar_sim_options_parse(char *args, struct nvbar_log *log, struct nvbar_sim_options *options);

#endif

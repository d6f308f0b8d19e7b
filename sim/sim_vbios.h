/* SPDX-License-Identifier: MIT */
/*
 * A video BIOS image for a modelled GPU: what drivers look for before they
 * believe that a GPU has one, and nothing else.  It holds no byte of a vendor's
 * image, and says in its text that it is made for tests.
 */
#ifndef SIM_VBIOS_H
#define SIM_VBIOS_H

#include <stdint.h>

#define SIM_VBIOS_SIZE		4096

/**
 * sim_vbios_make - make the image of a chip
 * @chip: its name, one that the model has
 * @image: receives SIM_VBIOS_SIZE bytes
 *
 * The image is a PCI expansion ROM of one image for the PC, with the chip's
 * example of a PCI device id and its class [PCI Firmware 3.0, 5.1].  Firmware
 * that calls it to initialize the card gets a return [as there, 5.1.1.1].  All of
 * its bytes add up to 0.
 *
 * In it is a BIOS Information Table [open-gpu-doc, BIOS-Information-Table] with
 * the tokens that nouveau wants to see, version, initialization, memory and
 * performance, whose tables are empty [linux, nvkm/subdev/bios].  The version is
 * ff.00.00.00.00, which no board has.
 */
void sim_vbios_make(const char *chip, uint8_t image[SIM_VBIOS_SIZE]);

#endif

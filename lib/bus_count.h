/* SPDX-License-Identifier: MIT */
/*
 * How many write transactions a bus carries for a write of a backend's.
 *
 * Through an uncached BAR each access of the CPU's is one.  Through a write-combined one
 * the CPU gathers an aligned line of 64 bytes, and sends it in one piece if all of it was
 * written in ascending order before anything else came; of other lines it sends each
 * aligned 8 bytes that were touched [Intel SDM 3A, "Buffering of Write Combining Memory
 * Locations", has no more than that a full buffer goes in one piece, and others in pieces
 * of 8 bytes or less; what a CPU makes of a line that is written in another order is
 * assumed].
 *
 * Each write of a backend begins and ends with no line open, as barriers are around it:
 * so its count follows from offset and length alone.
 */
#ifndef NVBAR_LIB_BUS_COUNT_H
#define NVBAR_LIB_BUS_COUNT_H

#include <linux/math.h>
#include <linux/types.h>

#include "hw.h"

#define NVBAR_BUS_LINE	64
#define NVBAR_BUS_PIECE	8

/**
 * nvbar_bus_uncached - transactions of a write by accesses of natural width
 * @off: of the first byte in the BAR
 * @len: bytes
 *
 * Return: how many accesses of up to 8 bytes it takes.
 */
static inline u64 nvbar_bus_uncached(u64 off, u64 len)
{
	u64 nr = 0;

	while (len) {
		unsigned int width = nvbar_natural_width(off, len);
		u64 run = width == NVBAR_BUS_PIECE ? len / NVBAR_BUS_PIECE : 1;

		nr += run;
		off += run * width;
		len -= run * width;
	}
	return nr;
}

/** nvbar_bus_pieces - aligned 8 bytes that a write touches */
static inline u64 nvbar_bus_pieces(u64 off, u64 len)
{
	return len ? (off + len - 1) / NVBAR_BUS_PIECE - off / NVBAR_BUS_PIECE + 1 : 0;
}

/**
 * nvbar_bus_combined - transactions of a write-combined write in ascending order
 * @off: of the first byte in the BAR
 * @len: bytes
 *
 * Return: the lines that it writes completely, and the pieces of the others.
 */
static inline u64 nvbar_bus_combined(u64 off, u64 len)
{
	u64 first = round_up(off, NVBAR_BUS_LINE), last = round_down(off + len, NVBAR_BUS_LINE);

	if (first >= last)
		return nvbar_bus_pieces(off, len);
	return nvbar_bus_pieces(off, first - off) + (last - first) / NVBAR_BUS_LINE +
	       nvbar_bus_pieces(last, off + len - last);
}

#endif

// SPDX-License-Identifier: MIT
/*
 * random_bytes SEED MIB: so many MiB of noise on standard output, always the
 * same for a seed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

int main(int argc, char **argv)
{
	static uint64_t block[(1 << 20) / sizeof(uint64_t)];
	uint64_t state, nr;
	size_t i;

	if (argc != 3)
		return 64;
	state = strtoull(argv[1], NULL, 10);
	for (nr = strtoull(argv[2], NULL, 10); nr; nr--) {
		for (i = 0; i < sizeof(block) / sizeof(block[0]); i++)
			block[i] = next(&state);
		if (fwrite(block, sizeof(block), 1, stdout) != 1)
			return 1;
	}
	return fflush(stdout) ? 1 : 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The chip interface: what a shared library offers so that cipherdeckd has a chip do a block cipher
 * that the card itself does not have, such as SM1, whose algorithm is not published. C99 and C++.
 * docs/chips.md shows how to write, build and plug one.
 *
 * A library exports one function, CIPHERDECK_CHIP_ENTRY. The card loads the library by
 * `cipherdeckd --chip PATH[=ARGUMENT]`, calls that function, and then, on one thread that the chip
 * has for itself and one call at a time: open, self_test, run for each job, close. The library may
 * have threads of its own. It runs in the card's process and under its restrictions (no network, no
 * programs; ioctl is allowed), and is trusted with all that the card knows.
 *
 * All lengths are bytes. Nothing here may throw C++ exceptions or end the process.
 */
#ifndef CIPHERDECK_CHIP_H
#define CIPHERDECK_CHIP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of what is here. A card takes libraries of its own version only. */
#define CIPHERDECK_CHIP_ABI 1u
#define CIPHERDECK_CHIP_ENTRY "cipherdeck_chip_entry"

#define CIPHERDECK_CHIP_BLOCK_LEN 16u
#define CIPHERDECK_CHIP_MAX_ALGORITHMS 12u

/* What functions return. Any other number counts as FAILED. */
#define CIPHERDECK_CHIP_OK 0
#define CIPHERDECK_CHIP_FAILED 1 /* of the hardware: the job fails, the card tests the chip again */
#define CIPHERDECK_CHIP_BAD_KEY 2 /* the cipher has no such key: the job fails, nothing else */

/* Flags. */
#define CIPHERDECK_CHIP_STAND_IN 1u /* for tests: another cipher in a chip's place. It may offer
				       CIPHERDECK_ALG_VENDOR identifiers only. */

#define CIPHERDECK_CHIP_ENCRYPT 0u
#define CIPHERDECK_CHIP_DECRYPT 1u
#define CIPHERDECK_CHIP_MAC 2u

/*
 * One job. All memory is the card's, private to this job, and valid until run returns; after that
 * the chip must not touch it, and must have wiped what copies of the key it made. Tenants cannot
 * reach this memory: it does not change under the chip's hands.
 */
struct cipherdeck_chip_job {
	uint32_t algorithm; /* one of those offered; its lowest byte is the mode */
	uint32_t operation; /* CIPHERDECK_CHIP_ENCRYPT, _DECRYPT or, for mode MAC only, _MAC */
	const uint8_t *key; /* key_len bytes */
	/* BLOCK_LEN bytes, read and written; NULL for ECB. Out comes what a job must be given that goes
	   on where this one ends: CBC and CFB the last block of ciphertext, OFB the last block of key
	   stream, CTR the next counter (big-endian, all 16 bytes), MAC the MAC (CBC-MAC, no padding). */
	uint8_t *iv;
	/* Input, replaced by the output; for MAC only read. Begins on a page of 4096 bytes, or
	   max_len behind the part that was done before. */
	uint8_t *data;
	size_t len; /* 1 to max_len; ECB, CBC and MAC: a multiple of BLOCK_LEN */
};

/* What a library offers. All of it stays as it is while the library is loaded. */
struct cipherdeck_chip {
	uint32_t abi; /* CIPHERDECK_CHIP_ABI */
	uint32_t flags;
	const char *vendor; /* UTF-8, 1 to 31 bytes */
	const char *name; /* of the chip, likewise */
	/* Identifiers of GM/T 0006 for SM1 (0x1..) and SSF33 (0x2..), or CIPHERDECK_ALG_VENDOR (function.h)
	   with bits of the vendor's; each with one mode: ECB, CBC, CFB, OFB, MAC or CTR. */
	const uint32_t *algorithms;
	uint32_t num_algorithms; /* 1 to CIPHERDECK_CHIP_MAX_ALGORITHMS */
	uint32_t key_len; /* 16 or 32 */
	uint32_t max_len; /* most bytes of one job, a multiple of BLOCK_LEN; the card cuts longer ones */
	uint32_t reserved; /* zero */

	/* Takes the chip into use. `argument` is what stands behind '=' in --chip, or "". Writes what the
	   other functions get as `context`; on failure nothing is closed. */
	int (*open)(const char *argument, void **context);
	/* Whether the chip computes what it should, by known answers. Called after open, and after each job
	   that failed. */
	int (*self_test)(void *context);
	/* Does one job and waits until it is done. A job that takes longer than --chip-deadline costs the
	   chip its place: it is fenced, and what run returns then is thrown away. */
	int (*run)(void *context, const struct cipherdeck_chip_job *job);
	/* Gives the chip back. Not called while another call has not returned. */
	void (*close)(void *context);
};

/*
 * The library's one symbol, by the name CIPHERDECK_CHIP_ENTRY. `abi` is the card's. Gives back what
 * is offered, which stays the library's own, or NULL if it cannot work with such a card.
 */
const struct cipherdeck_chip *cipherdeck_chip_entry(uint32_t abi);

#ifdef __cplusplus
}
#endif

#endif /* CIPHERDECK_CHIP_H */

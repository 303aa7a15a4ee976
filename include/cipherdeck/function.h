/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The function interface: what one PCI function of a CipherDeck card looks like to a driver.
 *
 * One header for the three that must agree on it: the device (src/device), the user-space driver
 * (src/driver/user) and the Linux module (src/driver/linux). docs/formats/function-interface.md
 * tells the same story in prose. All fields are little-endian; all offsets and lengths are bytes;
 * all reserved fields are written as zero and a device refuses a command that has others.
 *
 *   BAR 0   registers, trapped: every access is a message to the device
 *   BAR 2   doorbell pages, mapped: one page of CIPHERDECK_DOORBELL_STRIDE per queue pair
 *   MSI     up to CIPHERDECK_MAX_VECTORS vectors, one chosen per queue pair
 *
 * Queue pair 0 is the admin queue pair; its rings are named by registers. Queue pairs 1 and up are
 * made by admin commands, and each belongs to one opener: a process, unprivileged, that maps the
 * rings, the arena and the doorbell page of that queue pair and nothing else.
 */
#ifndef CIPHERDECK_FUNCTION_H
#define CIPHERDECK_FUNCTION_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/build_bug.h>
#define CIPHERDECK_ASSERT(condition) static_assert(condition)
#else
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
#define CIPHERDECK_ASSERT(condition) static_assert(condition)
#else
#define CIPHERDECK_ASSERT(condition) _Static_assert(condition, #condition)
#endif
#endif

#ifdef __KERNEL__
typedef __u8 cipherdeck_u8;
typedef __le16 cipherdeck_le16;
typedef __le32 cipherdeck_le32;
typedef __le64 cipherdeck_le64;
#else
typedef uint8_t cipherdeck_u8;
typedef uint16_t cipherdeck_le16; /* this implementation runs on little-endian machines only */
typedef uint32_t cipherdeck_le32;
typedef uint64_t cipherdeck_le64;
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- PCI identity ------------------------------------------------------------------------- */

#define CIPHERDECK_PCI_VENDOR 0xc1de /* not assigned by the PCI-SIG: for this software card only */
#define CIPHERDECK_PCI_DEVICE_PF 0x5d01
#define CIPHERDECK_PCI_DEVICE_VF 0x5d02
#define CIPHERDECK_PCI_CLASS 0x100000 /* network and computing encryption controller */
#define CIPHERDECK_PCI_REVISION 0x01
#define CIPHERDECK_TOTAL_VFS 256

#define CIPHERDECK_BAR_REGISTERS 0
#define CIPHERDECK_BAR_REGISTERS_LEN 0x1000
#define CIPHERDECK_BAR_DOORBELLS 2
#define CIPHERDECK_DOORBELL_STRIDE 0x1000
#define CIPHERDECK_MAX_QUEUE_PAIRS 64 /* the admin queue pair counted */
#define CIPHERDECK_BAR_DOORBELLS_LEN 0x40000 /* one page per queue pair */
CIPHERDECK_ASSERT(CIPHERDECK_BAR_DOORBELLS_LEN ==
		  CIPHERDECK_MAX_QUEUE_PAIRS * CIPHERDECK_DOORBELL_STRIDE);
#define CIPHERDECK_MAX_VECTORS 8

/* ---- registers (BAR 0) -------------------------------------------------------------------- */
/* 32 bits wide unless _LO/_HI pairs; aligned accesses of 4 or 8 bytes; holes read zero. */

#define CIPHERDECK_REG_MAGIC 0x00 /* ro CIPHERDECK_MAGIC */
#define CIPHERDECK_REG_VERSION 0x04 /* ro CIPHERDECK_VERSION */
#define CIPHERDECK_REG_FEATURES_LO 0x08 /* ro CIPHERDECK_FEATURE_ bits */
#define CIPHERDECK_REG_FEATURES_HI 0x0c
#define CIPHERDECK_REG_LIMITS 0x10 /* ro see CIPHERDECK_LIMITS_ */
#define CIPHERDECK_REG_VECTORS 0x14 /* ro number of MSI vectors */
#define CIPHERDECK_REG_FUNCTION 0x18 /* ro 0: PF, n: VF n, counted from 1 */
#define CIPHERDECK_REG_GENERATION 0x1c /* ro number of resets since the card started */
#define CIPHERDECK_REG_CONTROL 0x20 /* rw CIPHERDECK_CONTROL_ bits */
#define CIPHERDECK_REG_STATUS 0x24 /* ro CIPHERDECK_STATE_ bits */
#define CIPHERDECK_REG_ERROR 0x28 /* ro why NEEDS_RESET is set: a CIPHERDECK_STATUS_ code */
#define CIPHERDECK_REG_KICK 0x2c /* wo number of the queue pair to wake the card for */
#define CIPHERDECK_REG_ADMIN_SQ_LO 0x30 /* rw DMA addresses of the admin queue pair, 4 KiB aligned */
#define CIPHERDECK_REG_ADMIN_SQ_HI 0x34
#define CIPHERDECK_REG_ADMIN_CQ_LO 0x38
#define CIPHERDECK_REG_ADMIN_CQ_HI 0x3c
#define CIPHERDECK_REG_ADMIN_ARENA_LO 0x40
#define CIPHERDECK_REG_ADMIN_ARENA_HI 0x44
#define CIPHERDECK_REG_ADMIN_ARENA_LEN 0x48 /* rw multiple of 4 KiB */
#define CIPHERDECK_REG_ADMIN_ENTRIES 0x4c /* rw entries of each admin ring, a power of two */
#define CIPHERDECK_REG_MODERATION 0x50 /* rw least time between two interrupts of a queue pair, us */
#define CIPHERDECK_REG_END 0x54

#define CIPHERDECK_MAGIC 0x4b434443u /* "CDCK" */
#define CIPHERDECK_VERSION_MAJOR 1
#define CIPHERDECK_VERSION_MINOR 0
#define CIPHERDECK_VERSION ((CIPHERDECK_VERSION_MAJOR << 16) | CIPHERDECK_VERSION_MINOR)

#define CIPHERDECK_LIMITS_QUEUE_PAIRS(limits) ((limits) & 0xffff) /* admin counted */
#define CIPHERDECK_LIMITS_ENTRIES_LOG2(limits) (((limits) >> 16) & 0xff)
#define CIPHERDECK_LIMITS_ARENA_LOG2(limits) (((limits) >> 24) & 0xff)
#define CIPHERDECK_MIN_ENTRIES_LOG2 1
#define CIPHERDECK_MAX_ENTRIES_LOG2 12
#define CIPHERDECK_MAX_ARENA_LOG2 26
#define CIPHERDECK_MAX_DATA_LEN (1u << 20) /* most input or output bytes of one command */

#define CIPHERDECK_CONTROL_ENABLE 0x1u /* 0 to 1 takes up the admin queue pair; 1 to 0 drops all */
#define CIPHERDECK_CONTROL_RESET 0x2u /* write 1: as function level reset; done when the write is */

#define CIPHERDECK_STATE_READY 0x1u
#define CIPHERDECK_STATE_NEEDS_RESET 0x2u /* the function takes no work until it is reset */
#define CIPHERDECK_STATE_CARD_FAILED 0x4u /* the card refuses service (self-test, store) */

#define CIPHERDECK_FEATURE_RANDOM (1ull << 0)
#define CIPHERDECK_FEATURE_SM2 (1ull << 1)
#define CIPHERDECK_FEATURE_SM3 (1ull << 2)
#define CIPHERDECK_FEATURE_SM4 (1ull << 3)
#define CIPHERDECK_FEATURE_SM4_AEAD (1ull << 4)
#define CIPHERDECK_FEATURE_SM4_XTS (1ull << 5)
#define CIPHERDECK_FEATURE_AGREEMENT (1ull << 6)
#define CIPHERDECK_FEATURE_MULTIPART (1ull << 7)
#define CIPHERDECK_FEATURE_FILES (1ull << 8)
#define CIPHERDECK_FEATURE_RSA (1ull << 9)
#define CIPHERDECK_FEATURE_SM9 (1ull << 10)
#define CIPHERDECK_FEATURE_ZUC (1ull << 11)
#define CIPHERDECK_FEATURE_VPN (1ull << 12)
#define CIPHERDECK_FEATURE_CHIP_SM1 (1ull << 32)

/* ---- doorbell page ------------------------------------------------------------------------ */
/*
 * Ring indices run freely over 32 bits; a slot is index & (entries - 1). Driver and device write
 * different cache lines.
 *
 * Submitting: store the descriptors, store sq_tail with release order, full fence, load needs_kick;
 * when it is not zero, write the queue pair's number to CIPHERDECK_REG_KICK (or ask the kernel to).
 * The device stores needs_kick = 1, fences, and looks at sq_tail once more before it sleeps.
 *
 * Interrupts come only when asked for. The device raises one when its count of completions passes
 * irq_at (that is: when the completion with free-running index irq_at is written). Asking: store
 * irq_at = index of the next completion wanted, full fence, look at that completion once more. Not
 * asking: leave irq_at where it is, behind cq_head.
 *
 * Making a queue pair fills its page: indices 0, irq_at 0xffffffff, needs_kick 1, state LIVE.
 */
struct cipherdeck_doorbell {
	/* written by the driver */
	cipherdeck_le32 sq_tail; /* descriptors submitted */
	cipherdeck_le32 cq_head; /* completions consumed */
	cipherdeck_le32 irq_at; /* index of the completion that shall interrupt */
	cipherdeck_le32 reserved0[13];
	/* written by the device, at 64 */
	cipherdeck_le32 needs_kick; /* not zero: the card does not poll this queue pair now */
	cipherdeck_le32 state; /* CIPHERDECK_QUEUE_ */
	cipherdeck_le32 irq_count; /* interrupts raised for this queue pair */
	cipherdeck_le32 error; /* CIPHERDECK_STATUS_ code that made the state FAILED */
	cipherdeck_le32 reserved1[12];
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_doorbell) == 128);
CIPHERDECK_ASSERT(offsetof(struct cipherdeck_doorbell, needs_kick) == 64);

#define CIPHERDECK_QUEUE_NONE 0u /* no such queue pair, or it is gone: reset, removal, destroyed */
#define CIPHERDECK_QUEUE_LIVE 1u
#define CIPHERDECK_QUEUE_FAILED 2u /* its ring broke: destroy it and make another */

/* ---- rings -------------------------------------------------------------------------------- */

struct cipherdeck_extent {
	cipherdeck_le32 offset; /* in the queue pair's arena */
	cipherdeck_le32 len; /* zero: absent */
};

/* One submission ring entry. What the operands mean is said with each opcode below. */
struct cipherdeck_command {
	cipherdeck_le16 opcode; /* CIPHERDECK_OP_ */
	cipherdeck_le16 command_id; /* the driver's; comes back in the completion */
	cipherdeck_le32 session;
	cipherdeck_le32 key; /* key handle or key index */
	cipherdeck_le32 algorithm; /* CIPHERDECK_ALG_, the numbers of GM/T 0006 */
	struct cipherdeck_extent input;
	struct cipherdeck_extent output; /* len is the room there is */
	struct cipherdeck_extent params;
	struct cipherdeck_extent aux;
	cipherdeck_le64 arg[2];
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_command) == 64);
CIPHERDECK_ASSERT(offsetof(struct cipherdeck_command, input) == 16);
CIPHERDECK_ASSERT(offsetof(struct cipherdeck_command, arg) == 48);

/*
 * One completion ring entry. The last four bytes are stored last, with release order. The phase
 * bit is 1 on the first pass through the ring, 0 on the second, and so on: a driver knows a new
 * entry by it and needs no index from the device. The ring is zeroed before it is handed over.
 */
struct cipherdeck_completion {
	cipherdeck_le32 value; /* handle or number, by opcode */
	cipherdeck_le32 output_len; /* bytes written at output; the room needed with BUFFER_TOO_SMALL */
	cipherdeck_le32 sq_head; /* descriptors the device has taken */
	cipherdeck_le16 command_id;
	cipherdeck_le16 status_phase; /* bit 0: phase; bits 1 to 15: CIPHERDECK_STATUS_ */
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_completion) == 16);

/* ---- status codes ------------------------------------------------------------------------- */

#define CIPHERDECK_STATUS_OK 0
#define CIPHERDECK_STATUS_INTERNAL 1
#define CIPHERDECK_STATUS_NOT_SUPPORTED 2 /* no such opcode or register here */
#define CIPHERDECK_STATUS_INVALID_COMMAND 3 /* malformed: reserved field set, operand missing */
#define CIPHERDECK_STATUS_INVALID_EXTENT 4 /* beyond the arena, or overflowing */
#define CIPHERDECK_STATUS_INVALID_ARGUMENT 5
#define CIPHERDECK_STATUS_BUFFER_TOO_SMALL 6 /* output_len says what is needed */
#define CIPHERDECK_STATUS_NO_SESSION 7
#define CIPHERDECK_STATUS_LIMIT 8 /* no more sessions, handles, queue pairs, partitions */
#define CIPHERDECK_STATUS_NO_PARTITION 9 /* the function is bound to no partition */
#define CIPHERDECK_STATUS_KEY_NOT_FOUND 10
#define CIPHERDECK_STATUS_KEY_TYPE 11 /* the key is not of the kind or use asked for */
#define CIPHERDECK_STATUS_ACCESS_DENIED 12 /* no access right, or the access code is wrong */
#define CIPHERDECK_STATUS_LOCKED_OUT 13 /* too many wrong access codes */
#define CIPHERDECK_STATUS_ALGORITHM 14 /* algorithm not supported */
#define CIPHERDECK_STATUS_MODE 15 /* mode of an algorithm not supported */
#define CIPHERDECK_STATUS_STEP 16 /* out of sequence: update without init */
#define CIPHERDECK_STATUS_VERIFY_FAILED 17 /* signature wrong */
#define CIPHERDECK_STATUS_MAC_FAILED 18 /* authentication tag wrong */
#define CIPHERDECK_STATUS_DECRYPT_FAILED 19 /* ciphertext not well-formed or not for this key */
#define CIPHERDECK_STATUS_INVALID_KEY 20 /* point not on the curve, scalar out of range, wrong size */
#define CIPHERDECK_STATUS_SIGN_FAILED 21
#define CIPHERDECK_STATUS_RANDOM_FAILED 22 /* noise source failed its health test */
#define CIPHERDECK_STATUS_CARD_FAILED 23 /* self-test failed: the card refuses service */
#define CIPHERDECK_STATUS_STORE_FAILED 24 /* the key store could not be read or written */
#define CIPHERDECK_STATUS_EXISTS 25
#define CIPHERDECK_STATUS_NOT_FOUND 26
#define CIPHERDECK_STATUS_NOT_INITIALISED 27 /* the card has no management key yet */
#define CIPHERDECK_STATUS_DMA_FAULT 28 /* address not mapped */
#define CIPHERDECK_STATUS_DMA_NOT_SHARED 29 /* mapped, but not as a sealed shareable memory file */
#define CIPHERDECK_STATUS_BUSY 30 /* in use: unbind or close first */
#define CIPHERDECK_STATUS_RING_BROKEN 31 /* an index that cannot be */
#define CIPHERDECK_STATUS_NO_MEMORY 32
#define CIPHERDECK_STATUS_FILE_SIZE 33
#define CIPHERDECK_STATUS_FILE_OFFSET 34
#define CIPHERDECK_STATUS_DISCONNECTED 35 /* the driver's own: the device is gone */
#define CIPHERDECK_STATUS_TIMED_OUT 36 /* the driver's own: no completion in time */
#define CIPHERDECK_STATUS_IO 37 /* the driver's own: a system call failed */
#define CIPHERDECK_STATUS_CHIP_FAILED 38 /* the chip that does this algorithm failed or is fenced */
#define CIPHERDECK_STATUS_CARD_LOCKED 39 /* the card waits for its passphrase: CARD_UNLOCK */
#define CIPHERDECK_STATUS_LOGIN_REQUIRED 40 /* no token, or one that is not valid any more */
#define CIPHERDECK_STATUS_ROLE_DENIED 41 /* the role of who is logged in does not allow this */
#define CIPHERDECK_STATUS_WRONG_PASSWORD 42 /* passphrase, password or user's name wrong */
#define CIPHERDECK_STATUS_TOO_SOON 43 /* after wrong passwords: wait before the next try */
#define CIPHERDECK_STATUS_TRAIL_FULL 44 /* the audit trail is full: an auditor must clear it */
#define CIPHERDECK_STATUS_COUNT 45

/* ---- algorithms --------------------------------------------------------------------------- */
/* GM/T 0006 and GM/T 0018-2023. libsdf turns other tables into these. */

#define CIPHERDECK_ALG_MODE_MASK 0x000000ffu
#define CIPHERDECK_ALG_ECB 0x01u
#define CIPHERDECK_ALG_CBC 0x02u
#define CIPHERDECK_ALG_CFB 0x04u
#define CIPHERDECK_ALG_OFB 0x08u
#define CIPHERDECK_ALG_MAC 0x10u
#define CIPHERDECK_ALG_CTR 0x20u
#define CIPHERDECK_ALG_SM1 0x00000100u /* this and SSF33 by a chip only */
#define CIPHERDECK_ALG_SSF33 0x00000200u
#define CIPHERDECK_ALG_SM4 0x00000400u
#define CIPHERDECK_ALG_SM4_ECB 0x00000401u
#define CIPHERDECK_ALG_SM4_CBC 0x00000402u
#define CIPHERDECK_ALG_SM4_CFB 0x00000404u
#define CIPHERDECK_ALG_SM4_OFB 0x00000408u
#define CIPHERDECK_ALG_SM4_MAC 0x00000410u
#define CIPHERDECK_ALG_SM4_CTR 0x00000420u
#define CIPHERDECK_ALG_SM4_XTS 0x01000400u
#define CIPHERDECK_ALG_SM4_GCM 0x02000400u
#define CIPHERDECK_ALG_SM4_CCM 0x04000400u
#define CIPHERDECK_ALG_ZUC_EEA3 0x00000801u
#define CIPHERDECK_ALG_ZUC_EIA3 0x00000802u
#define CIPHERDECK_ALG_SM2 0x00020100u
#define CIPHERDECK_ALG_SM2_SIGN 0x00020200u
#define CIPHERDECK_ALG_SM2_EXCHANGE 0x00020400u
#define CIPHERDECK_ALG_SM2_ENCRYPT 0x00020800u
#define CIPHERDECK_ALG_SM9 0x00080000u
#define CIPHERDECK_ALG_SM9_SIGN 0x00080100u
#define CIPHERDECK_ALG_SM9_EXCHANGE 0x00080200u
#define CIPHERDECK_ALG_SM9_ENCRYPT 0x00080400u
#define CIPHERDECK_ALG_VENDOR 0x80000000u /* set: a vendor's own cipher, by a chip only */
#define CIPHERDECK_ALG_STAND_IN 0x80008000u /* of this project's stand-in chip, for tests */
#define CIPHERDECK_ALG_SM3 0x00000001u
#define CIPHERDECK_ALG_SHA1 0x00000002u /* this and the others of SHA for what exists already */
#define CIPHERDECK_ALG_SHA224 0x00000003u
#define CIPHERDECK_ALG_SHA256 0x00000004u
#define CIPHERDECK_ALG_SHA384 0x00000005u
#define CIPHERDECK_ALG_SHA512 0x00000006u
#define CIPHERDECK_ALG_SM3_HMAC 0x00000008u
#define CIPHERDECK_ALG_SHA256_HMAC 0x00000010u
#define CIPHERDECK_ALG_RSA 0x00010000u

/* ---- opcodes: I/O queue pairs ------------------------------------------------------------- */
/*
 * Formats in the arena: an SM2 public key is x || y (64 bytes); a signature r || s (64); an SM2
 * ciphertext C1 x || C1 y || C3 || C2 (96 + length of the plaintext); all big-endian. A command
 * that names a session fails with NO_SESSION if it is not open on this queue pair.
 */
#define CIPHERDECK_OP_NOP 0x0000 /* nothing, and needs no session: the smallest round trip */
#define CIPHERDECK_OP_SESSION_OPEN 0x0001 /* value: session */
#define CIPHERDECK_OP_SESSION_CLOSE 0x0002 /* its keys and contexts are wiped */
#define CIPHERDECK_OP_DEVICE_INFO 0x0003 /* output: struct cipherdeck_identity */

#define CIPHERDECK_OP_RANDOM 0x0010 /* output: output.len random bytes */

/* key: index; input: access code of at least 8 bytes. The right is the session's. */
#define CIPHERDECK_OP_KEY_ACCESS_GET 0x0020
#define CIPHERDECK_OP_KEY_ACCESS_RELEASE 0x0021
#define CIPHERDECK_OP_KEK_ACCESS_GET 0x0022
#define CIPHERDECK_OP_KEK_ACCESS_RELEASE 0x0023

/* arg[0]: CIPHERDECK_USE_SIGN or CIPHERDECK_USE_ENCRYPT; key: index; output: public key */
#define CIPHERDECK_OP_PUBLIC_KEY_EXPORT 0x0100
/* Session keys. value: key handle. arg[0]: length of the key in bits. */
#define CIPHERDECK_OP_KEY_GENERATE_IPK 0x0110 /* key: index; output: SM2 ciphertext */
#define CIPHERDECK_OP_KEY_GENERATE_EPK 0x0111 /* params: public key; output: SM2 ciphertext */
#define CIPHERDECK_OP_KEY_IMPORT_ISK 0x0112 /* key: index, access right needed; input: ciphertext */
#define CIPHERDECK_OP_KEY_GENERATE_KEK 0x0113 /* key: KEK index; algorithm; output: wrapped key */
#define CIPHERDECK_OP_KEY_IMPORT_KEK 0x0114 /* key: KEK index; algorithm; input: wrapped key */
#define CIPHERDECK_OP_KEY_DESTROY 0x0115 /* key: handle */
#define CIPHERDECK_OP_KEY_IMPORT 0x0116 /* input: the key in the clear; a vendor extra */
#define CIPHERDECK_OP_KEY_OPEN 0x0117 /* key: index of a symmetric key, right needed if it has a code */
/* SM2 key exchange (GB/T 32918.3). params: own id; aux: peer id || see arg[1]; value: handle */
#define CIPHERDECK_OP_AGREEMENT_START 0x0120 /* sponsor. key: index; input: own id; output: pk, Rpk */
#define CIPHERDECK_OP_AGREEMENT_FINISH 0x0121 /* key: agreement; input: id; params: pk, Rpk of peer */
#define CIPHERDECK_OP_AGREEMENT_RESPOND 0x0122 /* input: own id; aux: peer id; params: pk, Rpk */
#define CIPHERDECK_OP_ENVELOPE_EXCHANGE 0x0123 /* key: index; input: ciphertext; params: public key */

#define CIPHERDECK_OP_SM2_SIGN 0x0200 /* key: index, access right needed; input: e; output: r, s */
#define CIPHERDECK_OP_SM2_VERIFY 0x0201 /* key: index; input: e; params: r, s */
#define CIPHERDECK_OP_SM2_VERIFY_EXTERNAL 0x0202 /* input: e; params: r, s; aux: public key */
#define CIPHERDECK_OP_SM2_ENCRYPT 0x0203 /* key: index; input: plaintext; output: ciphertext */
#define CIPHERDECK_OP_SM2_ENCRYPT_EXTERNAL 0x0204 /* aux: public key */
#define CIPHERDECK_OP_SM2_DECRYPT 0x0205 /* key: index, access right needed; input: ciphertext */


/*
 * With keys in the clear, for debugging (GM/T 0018-2023, 6.8); a card may be told to refuse these,
 * RSA_KEY_PAIR_MAKE and RSA_PRIVATE_EXTERNAL.
 */
#define CIPHERDECK_OP_SM2_KEY_PAIR_MAKE 0x0210 /* output: public key, scalar (32) */
#define CIPHERDECK_OP_SM2_SIGN_EXTERNAL 0x0211 /* input: e; params: scalar; output: r, s */
#define CIPHERDECK_OP_SM2_DECRYPT_EXTERNAL 0x0212 /* input: ciphertext; params: scalar */

/*
 * RSA of 1024 to 4096 bits. A public key is modulus || exponent, each as long as the modulus, k
 * bytes; input and output are k bytes, big-endian. A private key is the public key, d (k bytes) and
 * p, q, d mod p - 1, d mod q - 1, q^-1 mod p (k / 2 each). Session keys are padded by PKCS #1 v1.5.
 */
#define CIPHERDECK_OP_RSA_PUBLIC_KEY_EXPORT 0x0280 /* as PUBLIC_KEY_EXPORT */
#define CIPHERDECK_OP_RSA_PUBLIC 0x0281 /* key: index, its signing pair */
#define CIPHERDECK_OP_RSA_PUBLIC_EXTERNAL 0x0282 /* params: public key */
#define CIPHERDECK_OP_RSA_PRIVATE 0x0283 /* key: index, its signing pair, access right needed */
#define CIPHERDECK_OP_RSA_KEY_GENERATE_IPK 0x0284 /* as KEY_GENERATE_IPK */
#define CIPHERDECK_OP_RSA_KEY_GENERATE_EPK 0x0285 /* params: public key */
#define CIPHERDECK_OP_RSA_KEY_IMPORT_ISK 0x0286 /* as KEY_IMPORT_ISK */
#define CIPHERDECK_OP_RSA_ENVELOPE_EXCHANGE 0x0287 /* as ENVELOPE_EXCHANGE */
#define CIPHERDECK_OP_RSA_KEY_PAIR_MAKE 0x0288 /* arg[0]: bits; output: private key */
#define CIPHERDECK_OP_RSA_PRIVATE_EXTERNAL 0x0289 /* params: private key */

/* key: handle. input, output: of one length. params: IV (16 bytes, read and written back). */
#define CIPHERDECK_OP_ENCRYPT 0x0300 /* ECB, CBC: multiples of 16; CFB, OFB, CTR: any length */
#define CIPHERDECK_OP_DECRYPT 0x0301
#define CIPHERDECK_OP_MAC 0x0302 /* CBC-MAC; output: 16 bytes; params: IV */
/*
 * ZUC takes one message in one command, and leaves the IV as it is. The IV is that of 128-EEA3 (ENCRYPT
 * and DECRYPT) or 128-EIA3 (MAC; output: 4 bytes), which has COUNT in bytes 0 to 3, BEARER in the five
 * highest bits of byte 4, and DIRECTION in bit 2 of byte 4 or the highest bit of byte 14; the rest
 * follows from these. Byte 7, a zero in both, has the number of bits of the last byte that are not in
 * the message.
 */
/* params: nonce; aux: additional data; arg[0]: tag length. Tag follows the ciphertext. */
#define CIPHERDECK_OP_AUTH_ENCRYPT 0x0303 /* output: ciphertext || tag */
#define CIPHERDECK_OP_AUTH_DECRYPT 0x0304 /* input: ciphertext || tag; no output if the tag is wrong */

/*
 * One message in parts, one a session. arg[0]: length of the tag | length of the message << 32,
 * which may be 0 for GCM: not known. Parts are of CIPHERDECK_MAX_PART_LEN bytes at most and, but for
 * the last, of whole blocks. What decryption gives is not authenticated before it is finished.
 */
#define CIPHERDECK_MAX_PART_LEN 0x10000u
#define CIPHERDECK_OP_AUTH_ENCRYPT_INIT 0x0310 /* key: handle; params: nonce; aux: additional data */
#define CIPHERDECK_OP_AUTH_DECRYPT_INIT 0x0311
#define CIPHERDECK_OP_AUTH_UPDATE 0x0312 /* input to output */
#define CIPHERDECK_OP_AUTH_FINAL 0x0313 /* encryption: output: tag; decryption: params: tag */

/* One hash context a session. Input of SHA is of CIPHERDECK_MAX_PART_LEN bytes at most. */
#define CIPHERDECK_OP_HASH_INIT 0x0400 /* aux: id; params: public key; both or neither (Z of SM2) */
#define CIPHERDECK_OP_HASH_UPDATE 0x0401 /* input */
#define CIPHERDECK_OP_HASH_FINAL 0x0402 /* output: digest */
#define CIPHERDECK_OP_HASH 0x0403 /* input to output at once; leaves the session's context alone */
#define CIPHERDECK_OP_HMAC_INIT 0x0410 /* key: handle; then HMAC_UPDATE, HMAC_FINAL */
#define CIPHERDECK_OP_HMAC_UPDATE 0x0411
#define CIPHERDECK_OP_HMAC_FINAL 0x0412

/*
 * SM9 (GM/T 0044). Points of G1 are x || y (64 bytes), points of G2 x || y with the coefficient of u
 * first (128), signatures h || S (96), ciphertexts C1 || C3 || C2 (96 + length of C2). User keys and
 * master keys have indexes of their own, by kind; "master" is the index of one, or 0 with the master
 * public key in aux (signing: 128 bytes, encryption: 64). Identities have 1 to CIPHERDECK_SM9_MAX_ID
 * bytes. algorithm: 0, SM9 or SM9_ENCRYPT for C2 by key stream, or SM4 in ECB, CBC (both padded), OFB
 * or CFB; the last three have an IV (16 bytes) before the identity in params.
 */
#define CIPHERDECK_OP_SM9_ID_EXPORT 0x0600 /* key: index of a user key; arg[0]: use; output: id */
#define CIPHERDECK_OP_SM9_MASTER_EXPORT 0x0601 /* key: index; arg[0]: use; output: public key */
#define CIPHERDECK_OP_SM9_SIGN 0x0602 /* key: user key, right needed; arg[0]: master; input: message */
#define CIPHERDECK_OP_SM9_VERIFY 0x0603 /* key: master; input: message; params: signature || id */
#define CIPHERDECK_OP_SM9_ENCRYPT 0x0604 /* key: master; input: plaintext; params: IV || id */
#define CIPHERDECK_OP_SM9_DECRYPT 0x0605 /* key: user key, right needed; params: IV || id */
/* Session keys. value: key handle. arg[0]: length of the key in bits, and master << 32. */
#define CIPHERDECK_OP_SM9_KEY_GENERATE 0x0610 /* params: id; output: the key's package, a point */
#define CIPHERDECK_OP_SM9_KEY_IMPORT 0x0611 /* key: user key, right needed; input: package */
/* Key exchange. output: own ephemeral key || master public key; key: user key, right needed */
#define CIPHERDECK_OP_SM9_AGREEMENT_START 0x0612 /* input: own id; aux: peer id */
#define CIPHERDECK_OP_SM9_AGREEMENT_FINISH 0x0613 /* key: agreement; params: peer's ephemeral key */
#define CIPHERDECK_OP_SM9_AGREEMENT_RESPOND 0x0614 /* input: own id; aux: peer id; params: likewise */
/* For tests: user keys in the clear. */
#define CIPHERDECK_OP_SM9_SIGN_EXTERNAL 0x0620 /* params: user key (64); aux: master public key */
#define CIPHERDECK_OP_SM9_DECRYPT_EXTERNAL 0x0621 /* aux: user key (128); params: IV || id */


/*
 * Keys of VPNs. algorithm: SM3 or SHA256, the hash of the pseudo-random function. arg[0]: lengths of
 * what is derived, in bytes of 8 bits each from the lowest on. Keys become session keys, and output
 * their handles (4 bytes each); or, with a public key in aux, they are encrypted for that, and
 * output the ciphertexts. What is not a key follows in the clear.
 */
#define CIPHERDECK_OP_VPN_IKE 0x0700 /* input: nonces; params: cookies; keys D, A, E (GM/T 0022) */
#define CIPHERDECK_OP_VPN_IPSEC 0x0701 /* key: D; input: protocol, SPI, nonces; two keys, a salt */
#define CIPHERDECK_OP_VPN_SSL 0x0702 /* key: premaster secret; input: randoms of client and server,
					of one length; MAC keys, keys, IVs of both (GB/T 38636) */

/* Kept for: 0x0500 files. */

#define CIPHERDECK_USE_SIGN 1u
#define CIPHERDECK_USE_ENCRYPT 2u

/* ---- opcodes: admin queue pair ------------------------------------------------------------ */

#define CIPHERDECK_OP_IDENTIFY 0x8000 /* output: struct cipherdeck_identity */
#define CIPHERDECK_OP_QUEUE_PAIR_CREATE 0x8001 /* input: struct cipherdeck_queue_pair_create */
#define CIPHERDECK_OP_QUEUE_PAIR_DESTROY 0x8002 /* arg[0]: number; memory is free when it completes */

/* On the PF's admin queue pair only: how the host's manager runs the card. */
#define CIPHERDECK_OP_CARD_STATUS 0x8100 /* output: struct cipherdeck_card_status */
#define CIPHERDECK_OP_CARD_INIT 0x8101 /* makes management key and store; input: card label or none,
					then the passphrase; arg[0]: CIPHERDECK_PROTECT_; arg[1]: length
					of the passphrase */
#define CIPHERDECK_OP_CHIP_LIST 0x8102 /* output: struct cipherdeck_chip_record each */
#define CIPHERDECK_OP_CARD_UNLOCK 0x8103 /* input: passphrase */
#define CIPHERDECK_OP_CARD_PROTECT 0x8104 /* arg[0]: CIPHERDECK_PROTECT_; input: passphrase */
#define CIPHERDECK_OP_CARD_ZEROIZE 0x8105 /* destroys the management key and all that it wraps */
#define CIPHERDECK_OP_PARTITION_CREATE 0x8110 /* input: name; value: partition */
#define CIPHERDECK_OP_PARTITION_LIST 0x8111 /* output: struct cipherdeck_partition_record each */
#define CIPHERDECK_OP_PARTITION_REMOVE 0x8112 /* arg[0]: partition; wipes its keys */
#define CIPHERDECK_OP_PARTITION_ZEROIZE 0x8113 /* arg[0]: partition; as REMOVE, but in use too */
#define CIPHERDECK_OP_PARTITION_BACKUP 0x8114 /* arg[0]: partition; arg[1]: threshold | shares << 8;
						output: shares of CIPHERDECK_SHARE_LEN, backup */
#define CIPHERDECK_OP_PARTITION_RESTORE 0x8115 /* arg[0]: length of the name; arg[1]: number of shares;
						 input: name, shares, backup; value: partition */
#define CIPHERDECK_OP_FUNCTION_BIND 0x8120 /* arg[0]: function; arg[1]: partition, 0 to unbind */
#define CIPHERDECK_OP_FUNCTION_LIST 0x8121 /* output: struct cipherdeck_function_record each */
#define CIPHERDECK_OP_FUNCTION_SHARE 0x8122 /* arg[0]: function; input: struct cipherdeck_function_share */
#define CIPHERDECK_OP_KEY_PAIR_GENERATE 0x8130 /* arg[0]: partition; key: index; input: access code */
#define CIPHERDECK_OP_KEK_GENERATE 0x8131 /* arg[0]: partition; key: KEK index; arg[1]: bits */
#define CIPHERDECK_OP_KEY_LIST 0x8132 /* arg[0]: partition; output: struct cipherdeck_key_record each */
#define CIPHERDECK_OP_KEY_REMOVE 0x8133 /* arg[0]: partition; key: index; arg[1]: CIPHERDECK_KEY_ */
#define CIPHERDECK_OP_ACCESS_CODE_SET 0x8134 /* arg[0]: partition; key: index; arg[1]: CIPHERDECK_KEY_;
						input: new access code; lifts a lock-out */
#define CIPHERDECK_OP_RSA_KEY_PAIR_GENERATE 0x8135 /* as KEY_PAIR_GENERATE; arg[1]: bits; seconds */
#define CIPHERDECK_OP_SYMMETRIC_KEY_GENERATE 0x8136 /* as KEK_GENERATE, of 128 or 256 bits */
#define CIPHERDECK_OP_CARD_SELF_TEST 0x8180 /* output: struct cipherdeck_self_test_record each; value: failed */
#define CIPHERDECK_OP_CARD_RANDOM_TEST 0x8181 /* arg[0]: CIPHERDECK_RANDOM_TEST_; output: struct
						 cipherdeck_random_test_record each; value: failed */
#define CIPHERDECK_OP_CARD_HEALTH 0x8182 /* output: struct cipherdeck_card_health */

#define CIPHERDECK_OP_SM9_MASTER_GENERATE 0x8138 /* arg[0]: partition; key: index; arg[1]: kind */
#define CIPHERDECK_OP_SM9_USER_KEY_GENERATE 0x8139 /* arg[0]: partition; key: index; arg[1]: kind;
						      input: struct cipherdeck_sm9_user, access code, id */

/* The access code, of access_code_len bytes, follows, and then the identity to the end. */
struct cipherdeck_sm9_user {
	cipherdeck_le32 master; /* index of the master key that the user key comes from */
	cipherdeck_le32 access_code_len;
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_sm9_user) == 8);

/*
 * Roles. Without users, whoever drives the PF may do all. With users, commands that change, and those
 * of the audit trail, want in `params` the token of a login whose role allows them, or fail with
 * LOGIN_REQUIRED or ROLE_DENIED; docs/keys-and-roles.md has the table.
 */
#define CIPHERDECK_OP_LOGIN 0x8140 /* key: length of the name; input: name, password; output: token */
#define CIPHERDECK_OP_LOGOUT 0x8141 /* ends the login of the token in params */
#define CIPHERDECK_OP_LOGIN_CHECK 0x8142 /* arg[0]: opcode that the login must allow, 0: any; arg[1]:
					    partition; output: struct cipherdeck_user_record */
#define CIPHERDECK_OP_ROLE_ADD 0x8143 /* arg[0]: CIPHERDECK_ROLE_; arg[1]: partition, 0: card; key:
					 length of the name; input: name, password */
#define CIPHERDECK_OP_ROLE_LIST 0x8144 /* output: struct cipherdeck_user_record each */
#define CIPHERDECK_OP_ROLE_REMOVE 0x8145 /* input: name */
#define CIPHERDECK_OP_PASSWORD_SET 0x8146 /* key: length of the name; input: name, new password */
#define CIPHERDECK_OP_AUDIT_LIST 0x8150 /* arg[0]: number of the first; arg[1]: the most records;
					   output: struct cipherdeck_audit_record each */
#define CIPHERDECK_OP_AUDIT_VERIFY 0x8151 /* output: struct cipherdeck_audit_report */
#define CIPHERDECK_OP_AUDIT_CLEAR 0x8152 /* arg[0]: removes the records up to this number */

#define CIPHERDECK_TOKEN_LEN 32u
#define CIPHERDECK_SHARE_LEN 64u

#define CIPHERDECK_ROLE_ADMINISTRATOR 1u
#define CIPHERDECK_ROLE_OPERATOR 2u
#define CIPHERDECK_ROLE_AUDITOR 3u

struct cipherdeck_user_record {
	cipherdeck_u8 name[32];
	cipherdeck_le32 role; /* CIPHERDECK_ROLE_; 0: nobody needs to log in, there are no users */
	cipherdeck_le32 partition; /* 0: of the whole card */
	cipherdeck_le64 created; /* seconds since 1970 */
	cipherdeck_le32 login_s; /* seconds that this login still lasts; LOGIN_CHECK only */
	cipherdeck_u8 reserved[12];
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_user_record) == 64);

struct cipherdeck_audit_record {
	cipherdeck_le64 number;
	cipherdeck_le64 time; /* seconds since 1970 */
	cipherdeck_u8 actor[32]; /* user's name; empty: nobody had logged in */
	cipherdeck_le32 action; /* opcode */
	cipherdeck_le32 partition;
	cipherdeck_le32 outcome; /* CIPHERDECK_STATUS_ */
	cipherdeck_le32 reserved;
	cipherdeck_u8 subject[64];
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_audit_record) == 128);

struct cipherdeck_audit_report {
	cipherdeck_le64 first; /* records that there should be; last = first - 1: none */
	cipherdeck_le64 last;
	cipherdeck_le64 bad; /* number of the first that is not as it was written, or 0 */
	cipherdeck_le64 clock_set_back; /* first record with an earlier time than the one before, or 0 */
	cipherdeck_le64 capacity;
	cipherdeck_u8 fault[88]; /* empty: the trail is whole */
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_audit_report) == 128);

struct cipherdeck_queue_pair_create {
	cipherdeck_le32 number; /* 1 and up */
	cipherdeck_le32 entries; /* of each ring, a power of two */
	cipherdeck_le64 submission; /* DMA addresses, 4 KiB aligned; the three do not overlap */
	cipherdeck_le64 completion;
	cipherdeck_le64 arena;
	cipherdeck_le32 arena_len; /* multiple of 4 KiB */
	cipherdeck_le32 vector; /* MSI vector */
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_queue_pair_create) == 40);

struct cipherdeck_identity {
	cipherdeck_u8 issuer[40]; /* texts end with zero bytes */
	cipherdeck_u8 name[16];
	cipherdeck_u8 serial[16];
	cipherdeck_le32 device_version;
	cipherdeck_le32 standard_version;
	cipherdeck_le32 asym_alg_ability[2];
	cipherdeck_le32 sym_alg_ability;
	cipherdeck_le32 hash_alg_ability;
	cipherdeck_le32 max_data_len;
	cipherdeck_le32 function; /* 0: PF */
	cipherdeck_le32 partition; /* the function's, 0: none */
	cipherdeck_le32 max_sessions; /* per queue pair */
	cipherdeck_le32 max_keys; /* key handles per queue pair */
	cipherdeck_le32 failure; /* CIPHERDECK_STATUS_ for which the card refuses service; 0: none */
	cipherdeck_le64 features;
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_identity) == 128);

/* What protects the management key. */
#define CIPHERDECK_PROTECT_KEY_FILE 0u
#define CIPHERDECK_PROTECT_PASSPHRASE 1u /* the card is LOCKED after each start until CARD_UNLOCK */
#define CIPHERDECK_PROTECT_CREDENTIAL 2u /* handed to the card's service by systemd */

#define CIPHERDECK_CARD_UNINITIALISED 0u
#define CIPHERDECK_CARD_READY 1u
#define CIPHERDECK_CARD_FAILED 2u
#define CIPHERDECK_CARD_LOCKED 3u /* initialised, and waiting for its passphrase */

struct cipherdeck_card_status {
	cipherdeck_le32 state; /* CIPHERDECK_CARD_ */
	cipherdeck_le32 reason; /* CIPHERDECK_STATUS_ that made it FAILED */
	cipherdeck_u8 label[32];
	cipherdeck_u8 serial[16];
	cipherdeck_u8 version[16]; /* of the software */
	cipherdeck_u8 engines[64]; /* "sm2=portable sm3=portable sm4=portable" */
	cipherdeck_u8 random[40]; /* sources in use: "kernel rdseed" */
	cipherdeck_le32 num_partitions;
	cipherdeck_le32 num_vfs;
	cipherdeck_le32 num_queue_pairs;
	cipherdeck_le32 num_sessions;
	cipherdeck_le64 commands; /* completed since the start */
	cipherdeck_le64 uptime_s;
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_card_status) == 208);

/* One known-answer test, or the check of the program; run by CARD_SELF_TEST in the order of the list. */
struct cipherdeck_self_test_record {
	cipherdeck_u8 name[32]; /* "sm4/vaes"; texts end with zero bytes */
	cipherdeck_le32 failed; /* not zero: the card is FAILED now */
	cipherdeck_le32 reserved;
	cipherdeck_le64 time_ns;
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_self_test_record) == 48);

/* Amounts of GM/T 0062, class E. */
#define CIPHERDECK_RANDOM_TEST_FACTORY 1u /* 50 samples of 10^6 bits, 15 tests */
#define CIPHERDECK_RANDOM_TEST_POWER_ON 2u /* 20 samples of 10^6 bits, 15 tests */
#define CIPHERDECK_RANDOM_TEST_PERIODIC 3u /* 20 samples of 20000 bits, 12 tests */

/* One test with one parameter, on all samples. */
struct cipherdeck_random_test_record {
	cipherdeck_u8 name[32]; /* "poker m=4" */
	cipherdeck_le32 samples;
	cipherdeck_le32 failures; /* samples below the level of significance, 0.01 */
	cipherdeck_le32 standard; /* most failures by GM/T 0005: about one item in 60 has more */
	cipherdeck_le32 allowed; /* most failures that pass */
	cipherdeck_le32 uniformity_ppm; /* P-value of the samples' values being uniform, in millionths */
	cipherdeck_le32 failed;
	cipherdeck_le64 time_us; /* of the whole run */
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_random_test_record) == 64);

struct cipherdeck_card_health {
	cipherdeck_le32 self_tests; /* runs since the start, that at the start among them */
	cipherdeck_le32 random_tests;
	cipherdeck_le32 alarms; /* failures since the start, also those that a second try made good */
	cipherdeck_le32 interval_s; /* between two runs by itself; 0: only the one at the start */
	cipherdeck_le64 last_self_test; /* seconds since 1970 */
	cipherdeck_le64 last_random_test;
	cipherdeck_u8 fault[240]; /* why the card is FAILED, and what to do; empty: it is not, or messages say */
	cipherdeck_u8 alarm[240]; /* the last one */
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_card_health) == 512);

#define CIPHERDECK_CHIP_STATE_WORKING 1u
#define CIPHERDECK_CHIP_STATE_FENCED 2u /* it failed or hung: its algorithms fail with CHIP_FAILED */
#define CIPHERDECK_CHIP_STATE_REFUSED 3u /* its library was not taken: as if there were none */

struct cipherdeck_chip_record {
	cipherdeck_le32 state; /* CIPHERDECK_CHIP_STATE_ */
	cipherdeck_le32 stand_in; /* not zero: for tests, another cipher in a chip's place */
	cipherdeck_u8 vendor[32]; /* texts end with zero bytes */
	cipherdeck_u8 name[32];
	cipherdeck_le32 algorithms[12]; /* CIPHERDECK_ALG_, then zeros */
	cipherdeck_le64 jobs; /* done */
	cipherdeck_le64 bytes; /* of those */
	cipherdeck_le64 failed;
	cipherdeck_u8 path[128]; /* of the library */
	cipherdeck_u8 fault[240]; /* why it does not work, and what to do */
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_chip_record) == 512);

struct cipherdeck_partition_record {
	cipherdeck_le32 id;
	cipherdeck_le32 num_key_pairs;
	cipherdeck_le32 num_keks;
	cipherdeck_le32 num_functions; /* bound to it */
	cipherdeck_u8 name[48];
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_partition_record) == 64);

#define CIPHERDECK_WEIGHT_DEFAULT 100u
#define CIPHERDECK_WEIGHT_MAX 1000u
#define CIPHERDECK_RATE_UNLIMITED 0xffffffffu

/*
 * How much of the card's engine time a function gets. Rates are microseconds of engine time per
 * second: 1000000 is all of what one worker has. Not kept over a restart of the card.
 */
struct cipherdeck_function_share {
	cipherdeck_le32 weight; /* 1 to CIPHERDECK_WEIGHT_MAX: its part of what committed rates leave */
	cipherdeck_le32 committed; /* what it gets in any case, if it has work; 0: nothing */
	cipherdeck_le32 peak; /* the most it gets, not 0, not less than committed; or _UNLIMITED */
	cipherdeck_le32 reserved;
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_function_share) == 16);

struct cipherdeck_function_record {
	cipherdeck_le32 function;
	cipherdeck_le32 partition; /* 0: none */
	cipherdeck_le32 num_queue_pairs;
	cipherdeck_le32 num_sessions;
	cipherdeck_le64 commands; /* completed since the function was made */
	cipherdeck_le64 bytes; /* input bytes of those */
	cipherdeck_le64 engine_ns; /* what those were charged */
	struct cipherdeck_function_share share;
	cipherdeck_u8 reserved[8];
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_function_record) == 64);

#define CIPHERDECK_KEY_PAIR 1u /* signing pair and encryption pair of one index */
#define CIPHERDECK_KEY_KEK 2u
#define CIPHERDECK_KEY_RSA 3u /* signing pair and encryption pair of RSA, with indexes of their own */
#define CIPHERDECK_KEY_SM9_SIGN_MASTER 4u
#define CIPHERDECK_KEY_SM9_ENCRYPT_MASTER 5u
#define CIPHERDECK_KEY_SM9_SIGN_USER 6u
#define CIPHERDECK_KEY_SM9_ENCRYPT_USER 7u /* for encryption and for key exchange */
#define CIPHERDECK_KEY_SYMMETRIC 8u /* for data */
#define CIPHERDECK_SM9_MAX_ID 128u

struct cipherdeck_key_record {
	cipherdeck_le32 index;
	cipherdeck_le32 kind; /* CIPHERDECK_KEY_ */
	cipherdeck_le32 bits;
	cipherdeck_le32 locked; /* not zero: locked out after wrong access codes */
	cipherdeck_le64 created; /* seconds since 1970 */
	/*
	 * Zero for a KEK. The two together are the public key of an SM9 signing master key, or the
	 * identity of an SM9 user key; that of an encryption master key is in the second.
	 */
	cipherdeck_u8 sign_public_key[64];
	cipherdeck_u8 encrypt_public_key[64];
	cipherdeck_le32 id_len; /* of an SM9 user key's identity */
	cipherdeck_u8 reserved[4];
};
CIPHERDECK_ASSERT(sizeof(struct cipherdeck_key_record) == 160);

#ifdef __cplusplus
}
#endif

#endif /* CIPHERDECK_FUNCTION_H */

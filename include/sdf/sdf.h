/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device API of GM/T 0018 as libsdf offers it. This header brings all parts:
 *
 *   sdf_types.h   structures, algorithm identifiers, return codes
 *   sdf_device.h  clause 6.2: devices, sessions, random numbers, access rights
 *   sdf_key.h     clause 6.3: session keys and key exchange
 *   sdf_crypto.h  clauses 6.4 to 6.7: asymmetric, symmetric, hash, files
 *   sdf_debug.h   clause 6.8: keys in the clear, for debugging only
 *   sdf_sm9.h     annex B         sdf_vpn.h    annex C
 *   sdf_vendor.h  what is in no standard, but in the libraries of many vendors
 *
 * Rules for all functions
 *   Returns SDR_OK (0) or one of the SDR_ codes of sdf_types.h. Each function names the codes that
 *   are peculiar to it. Any function may return SDR_INARGERR (a handle that is not open, an
 * argument out of range, a NULL pointer to input), SDR_OUTARGERR (a NULL pointer to output),
 * SDR_COMMFAIL (the card is gone or was reset: close the device and open it again), SDR_HARDFAIL
 * (the card, or the chip that does an algorithm, refuses service after a failure), and
 * SDR_UNKNOWERR. Functions marked "not there yet" return SDR_NOTSUPPORT and touch nothing. Lengths
 * are in bytes unless the name says bits. Buffers belong to the caller and are used during the call
 * only. Output lengths (unsigned int *) are in and out: on entry the room at the output, or 0 if
 * the caller has made it as large as the function says it will write; on return the bytes written.
 * They are always set. With too little room: SDR_NOBUFFER, nothing is done, and the length says
 * what it takes. With a NULL output pointer: SDR_OK, and the length says what it takes. Handles are
 * opaque: not pointers, never given twice in a process, and checked on every call. Thread-safe: any
 * thread may use any handle. Calls of one session are put in some order where they change its state
 * (hash, access rights), so threads better have a session each. A child of fork() has none of its
 * parent's handles (SDR_INARGERR), and may open the device. Key indexes: 0 is the card's own key
 * pair, 1 and up are the user's; each has a signing pair and an encryption pair. Key encryption
 * keys have indexes of their own, from 1.
 */
#ifndef SDF_H
#define SDF_H

#include <sdf/sdf_types.h>

#include <sdf/sdf_crypto.h>
#include <sdf/sdf_debug.h>
#include <sdf/sdf_device.h>
#include <sdf/sdf_key.h>
#include <sdf/sdf_sm9.h>
#include <sdf/sdf_vendor.h>
#include <sdf/sdf_vpn.h>

#endif /* SDF_H */

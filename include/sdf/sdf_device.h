/* SPDX-License-Identifier: Apache-2.0 */
/* Clause 6.2 of GM/T 0018-2023: devices and sessions. The rules for all functions are in sdf.h. */
#ifndef SDF_DEVICE_H
#define SDF_DEVICE_H

#include <sdf/sdf_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * SDF_OpenDevice opens the card and returns a handle for it (6.2.2). The card is that of the
 * environment variable CIPHERDECK_DEVICE, else of the configuration file (CIPHERDECK_CONFIG or
 * /etc/cipherdeck/sdf.toml), else /dev/cipherdeck0, else the first free function under
 * /run/cipherdeck/. A process may open the device several times and gets a handle each time.
 * Returns SDR_OPENDEVICE if there is none; with CIPHERDECK_LOG=error standard error says why.
 */
int SDF_OpenDevice(void** phDeviceHandle);

/* SDF_CloseDevice closes the sessions that were opened by this handle, and the handle (6.2.3). */
int SDF_CloseDevice(void* hDeviceHandle);

/* SDF_OpenSession opens a session (6.2.4). SDR_OPENSESSION: the card has no more of them. */
int SDF_OpenSession(void* hDeviceHandle, void** phSessionHandle);

/* SDF_CloseSession closes a session and destroys its keys and access rights (6.2.5). */
int SDF_CloseSession(void* hSessionHandle);

/* SDF_GetDeviceInfo tells what the card is and can do (6.2.6). */
int SDF_GetDeviceInfo(void* hSessionHandle, DEVICEINFO* pstDeviceInfo);

/*
 * SDF_GenerateRandom fills uiLength bytes, as many as wanted, with random numbers of the card
 * (6.2.7). SDR_RANDERR: the noise source failed its test.
 */
int SDF_GenerateRandom(void* hSessionHandle, unsigned int uiLength, unsigned char* pucRandom);

/*
 * SDF_GetPrivateKeyAccessRight gives this session the right to use the private keys of an index:
 * for signing, decryption, import under them, key exchange (6.2.8). The access code has 8 to 256
 * bytes. SDR_PRKRERR: wrong, or locked after too many wrong ones. SDR_KEYNOTEXIST.
 */
int SDF_GetPrivateKeyAccessRight(void* hSessionHandle, unsigned int uiKeyIndex,
                                 unsigned char* pucPassword, unsigned int uiPwdLength);

/* SDF_ReleasePrivateKeyAccessRight gives that right back (6.2.9). */
int SDF_ReleasePrivateKeyAccessRight(void* hSessionHandle, unsigned int uiKeyIndex);

#ifdef __cplusplus
}
#endif

#endif /* SDF_DEVICE_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that are in no standard but in the libraries of many vendors, with the arguments that
 * most of them have. The rules for all functions are in sdf.h.
 */
#ifndef SDF_VENDOR_H
#define SDF_VENDOR_H

#include <sdf/sdf_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* SDF_OpenDeviceWithConf opens the device that a configuration file names; see SDF_OpenDevice. */
int SDF_OpenDeviceWithConf(void** phDeviceHandle, const char* pcConfigFile);

/*
 * SDF_ImportKey makes a session key of 1 to 64 bytes given in the clear. SM4 takes keys of 16
 * bytes, XTS of 32; others serve HMAC and the functions of annex C. SDR_KEYERR.
 */
int SDF_ImportKey(void* hSessionHandle, unsigned char* pucKey, unsigned int uiKeyLength,
                  void** phKeyHandle);

/*
 * SDF_GetSymmKeyHandle makes a session key of a symmetric key that the card keeps (made by
 * 'cipherdeck key generate --kind symmetric'). If that has an access code, the right is needed
 * first, by SDF_GetPrivateKeyAccessRight for the same index (SDR_PARDENY). SDR_KEYNOTEXIST.
 */
int SDF_GetSymmKeyHandle(void* hSessionHandle, unsigned int uiKeyIndex, void** phKeyHandle);

/*
 * SDF_GetKEKAccessRight gives this session the right to use a key encryption key that has an access
 * code. Codes as SDF_GetPrivateKeyAccessRight.
 */
int SDF_GetKEKAccessRight(void* hSessionHandle, unsigned int uiKeyIndex, unsigned char* pucPassword,
                          unsigned int uiPwdLength);
int SDF_ReleaseKEKAccessRight(void* hSessionHandle, unsigned int uiKeyIndex);

/*
 * SDF_InternalEncrypt_ECC encrypts by the encryption pair of an index. Writes 164 + uiDataLength
 * bytes at pucEncData.
 */
int SDF_InternalEncrypt_ECC(void* hSessionHandle, unsigned int uiIPKIndex, unsigned char* pucData,
                            unsigned int uiDataLength, ECCCipher* pucEncData);

/*
 * SDF_InternalDecrypt_ECC decrypts by the encryption pair of an index. Needs the access right
 * (SDR_PARDENY). Writes pucEncData->L bytes. SDR_ENCDATAERR: not for this key.
 */
int SDF_InternalDecrypt_ECC(void* hSessionHandle, unsigned int uiISKIndex, ECCCipher* pucEncData,
                            unsigned char* pucData, unsigned int* puiDataLength);

#ifdef __cplusplus
}
#endif

#endif /* SDF_VENDOR_H */

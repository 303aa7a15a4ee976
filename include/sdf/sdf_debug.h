/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clause 6.8 of GM/T 0018-2023: operations with keys in the clear, for verification and debugging.
 * The program has these keys in its memory, so they are as safe as it is. A card started with
 * --no-debugging refuses all that name a private key: SDR_NOTSUPPORT. Keys for symmetric algorithms
 * have 1 to 64 bytes, of which SM4 takes 16, and XTS 32. Arguments otherwise as in sdf_crypto.h.
 */
#ifndef SDF_DEBUG_H
#define SDF_DEBUG_H

#include <sdf/sdf_types.h>

#ifdef __cplusplus
extern "C" {
#endif

int SDF_GenerateKeyPair_RSA(void* hSessionHandle, unsigned int uiKeyBits,
                            RSArefPublicKey* pucPublicKey, RSArefPrivateKey* pucPrivateKey);
int SDF_GenerateKeyPair_ECC(void* hSessionHandle, unsigned int uiAlgID, unsigned int uiKeyBits,
                            ECCrefPublicKey* pucPublicKey, ECCrefPrivateKey* pucPrivateKey);
int SDF_ExternalPrivateKeyOperation_RSA(void* hSessionHandle, RSArefPrivateKey* pucPrivateKey,
                                        unsigned char* pucDataInput, unsigned int uiInputLength,
                                        unsigned char* pucDataOutput,
                                        unsigned int* puiOutputLength);
int SDF_ExternalSign_ECC(void* hSessionHandle, unsigned int uiAlgID,
                         ECCrefPrivateKey* pucPrivateKey, unsigned char* pucData,
                         unsigned int uiDataLength, ECCSignature* pucSignature);
int SDF_ExternalDecrypt_ECC(void* hSessionHandle, unsigned int uiAlgID,
                            ECCrefPrivateKey* pucPrivateKey, ECCCipher* pucEncData,
                            unsigned char* pucData, unsigned int* puiDataLength);

/*
 * SDF_ExternalSign_SM9 signs as SDF_InternalSignWithMasterEPK_SM9, with a user's key that the
 * caller gives. SDR_KEYERR: one of the keys is no point of its group.
 */
int SDF_ExternalSign_SM9(void* hSessionHandle, SM9SignMasterPublicKey* pSignMastPublicKey,
                         SM9SignUserPrivateKey* pSignUserPrivateKey, unsigned char* pucData,
                         unsigned int uiDataLength, SM9Signature* pSignature);

/* SDF_ExternalDecrypt_SM9 decrypts likewise, as SDF_DecryptWithISK_SM9. */
int SDF_ExternalDecrypt_SM9(void* hSessionHandle, SM9EncUserPrivateKey* pEncUserPrivateKey,
                            unsigned char* pucUserID, unsigned int uiUserIDLen,
                            unsigned int uiAlgID, unsigned char* pucIV, SM9Cipher* pEncData,
                            unsigned char* pucData, unsigned int* puiDataLength);
int SDF_ExternalKeyEncrypt(void* hSessionHandle, unsigned int uiAlgID, unsigned char* pucKey,
                           unsigned int uiKeyLength, unsigned char* pucIV, unsigned int uiIVLength,
                           unsigned char* pucData, unsigned int uiDataLength,
                           unsigned char* pucEncData, unsigned int* puiEncDataLength);
int SDF_ExternalKeyDecrypt(void* hSessionHandle, unsigned int uiAlgID, unsigned char* pucKey,
                           unsigned int uiKeyLength, unsigned char* pucIV, unsigned int uiIVLength,
                           unsigned char* pucEncData, unsigned int uiEncDataLength,
                           unsigned char* pucData, unsigned int* puiDataLength);
int SDF_ExternalKeyEncryptInit(void* hSessionHandle, unsigned int uiAlgID, unsigned char* pucKey,
                               unsigned int uiKeyLength, unsigned char* pucIV,
                               unsigned int uiIVLength);
int SDF_ExternalKeyDecryptInit(void* hSessionHandle, unsigned int uiAlgID, unsigned char* pucKey,
                               unsigned int uiKeyLength, unsigned char* pucIV,
                               unsigned int uiIVLength);
int SDF_ExternalKeyHMACInit(void* hSessionHandle, unsigned int uiAlgID, unsigned char* pucKey,
                            unsigned int uiKeyLength);

#ifdef __cplusplus
}
#endif

#endif /* SDF_DEBUG_H */

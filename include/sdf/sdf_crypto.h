/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clauses 6.4 to 6.7 of GM/T 0018-2023: asymmetric and symmetric operations, hashes, files. The
 * rules for all functions are in sdf.h.
 */
#ifndef SDF_CRYPTO_H
#define SDF_CRYPTO_H

#include <sdf/sdf_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 6.4: asymmetric ---------------------------------------------------------------------- */

/*
 * RSA (6.4.2 to 6.4.4): input to the power of an exponent. Input and output are as long as the
 * modulus (SDR_INARGERR), and the input is below it; padding is the program's affair. The internal
 * functions use the signing pair of an index, the private one needs the access right (SDR_PARDENY).
 * A key of more than RSAref_MAX_BITS cannot be given: SDR_KEYERR.
 */
int SDF_ExternalPublicKeyOperation_RSA(void* hSessionHandle, RSArefPublicKey* pucPublicKey,
                                       unsigned char* pucDataInput, unsigned int uiInputLength,
                                       unsigned char* pucDataOutput, unsigned int* puiOutputLength);
int SDF_InternalPublicKeyOperation_RSA(void* hSessionHandle, unsigned int uiKeyIndex,
                                       unsigned char* pucDataInput, unsigned int uiInputLength,
                                       unsigned char* pucDataOutput, unsigned int* puiOutputLength);
int SDF_InternalPrivateKeyOperation_RSA(void* hSessionHandle, unsigned int uiKeyIndex,
                                        unsigned char* pucDataInput, unsigned int uiInputLength,
                                        unsigned char* pucDataOutput,
                                        unsigned int* puiOutputLength);

/*
 * SDF_ExternalVerify_ECC checks a signature by a given public key (6.4.5). pucDataInput is the
 * 32-byte value e, that is SM3(Z || message); see SDF_HashInit. SDR_VERIFYERR: the signature is
 * wrong. SDR_KEYERR.
 */
int SDF_ExternalVerify_ECC(void* hSessionHandle, unsigned int uiAlgID,
                           ECCrefPublicKey* pucPublicKey, unsigned char* pucDataInput,
                           unsigned int uiInputLength, ECCSignature* pucSignature);

/*
 * SDF_InternalSign_ECC signs the 32-byte value e by the signing pair of an index (6.4.6). Needs the
 * access right (SDR_PARDENY). SDR_KEYNOTEXIST.
 */
int SDF_InternalSign_ECC(void* hSessionHandle, unsigned int uiISKIndex, unsigned char* pucData,
                         unsigned int uiDataLength, ECCSignature* pucSignature);

/* SDF_InternalVerify_ECC checks a signature by the signing pair of an index (6.4.7). */
int SDF_InternalVerify_ECC(void* hSessionHandle, unsigned int uiIPKIndex, unsigned char* pucData,
                           unsigned int uiDataLength, ECCSignature* pucSignature);

/*
 * SDF_ExternalEncrypt_ECC encrypts by a given public key (6.4.8). Writes 164 + uiDataLength bytes
 * at pucEncData.
 */
int SDF_ExternalEncrypt_ECC(void* hSessionHandle, unsigned int uiAlgID,
                            ECCrefPublicKey* pucPublicKey, unsigned char* pucData,
                            unsigned int uiDataLength, ECCCipher* pucEncData);

/* ---- 6.5: symmetric ----------------------------------------------------------------------- */

/*
 * SDF_Encrypt encrypts any multiple of 16 bytes by a session key (6.5.2); in modes CFB, OFB and CTR
 * any length, in XTS (a key of 256 bits) any from 16. There is no padding. pucIV is 16 bytes, read
 * and then set so that the next call goes on; ECB does not use it. Input and output may be the
 * same. Writes uiDataLength bytes. SDR_KEYNOTEXIST, SDR_ALGNOTSUPPORT, SDR_ALGMODNOTSUPPORT.
 *
 * SGD_ZUC_EEA3 (a key of 128 bits) encrypts one message of at most about 1 MiB under 128-EEA3.
 * pucIV is the IV that 128-EEA3 makes of its parameters: COUNT (bytes 0 to 3, big-endian), BEARER
 * << 3 | DIRECTION << 2 (byte 4), zeros (5 to 7), and the same again (8 to 15); byte 7 alone has
 * the number of bits of the last byte that are not in the message, which come out as zeros. It is
 * left as it is. SDR_INARGERR: no parameters make this IV.
 */
int SDF_Encrypt(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID, unsigned char* pucIV,
                unsigned char* pucData, unsigned int uiDataLength, unsigned char* pucEncData,
                unsigned int* puiEncDataLength);

/* SDF_Decrypt is the inverse of SDF_Encrypt (6.5.3). */
int SDF_Decrypt(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID, unsigned char* pucIV,
                unsigned char* pucEncData, unsigned int uiEncDataLength, unsigned char* pucData,
                unsigned int* puiDataLength);

/*
 * SDF_CalculateMAC computes the CBC-MAC of a multiple of 16 bytes (6.5.4). pucIV is read, and set
 * to the MAC. Writes 16 bytes.
 *
 * SGD_ZUC_EIA3 (a key of 128 bits) computes the MAC of one message of at most about 1 MiB under
 * 128-EIA3, and writes 4 bytes. pucIV is the IV that 128-EIA3 makes of its parameters: COUNT (bytes
 * 0 to 3), BEARER << 3 (byte 4), zeros, and the same again with DIRECTION in the highest bits of
 * bytes 8 (exclusive or) and 14; byte 7 as with SDF_Encrypt. It is left as it is.
 */
int SDF_CalculateMAC(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                     unsigned char* pucIV, unsigned char* pucData, unsigned int uiDataLength,
                     unsigned char* pucMAC, unsigned int* puiMACLength);

/*
 * SDF_AuthEnc encrypts and authenticates (6.5.5). uiAlgID: SGD_SM4_GCM or SGD_SM4_CCM. pucStartVar
 * is the nonce: 12 bytes best for GCM, 7 to 13 for CCM. *puiAuthDataLength is the length of the tag
 * wanted, 0 for 16; writes as many bytes at pucAuthData and uiDataLength at pucEncData. Data and
 * additional data together have at most about 1 MiB.
 */
int SDF_AuthEnc(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                unsigned char* pucStartVar, unsigned int uiStartVarLength, unsigned char* pucAad,
                unsigned int uiAadLength, unsigned char* pucData, unsigned int uiDataLength,
                unsigned char* pucEncData, unsigned int* puiEncDataLength,
                unsigned char* pucAuthData, unsigned int* puiAuthDataLength);

/* SDF_AuthDec is its inverse (6.5.6). SDR_MACERR: the tag is wrong, and no data is returned. */
int SDF_AuthDec(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                unsigned char* pucStartVar, unsigned int uiStartVarLength, unsigned char* pucAad,
                unsigned int uiAadLength, unsigned char* pucAuthData, unsigned int uiAuthDataLength,
                unsigned char* pucEncData, unsigned int uiEncDataLength, unsigned char* pucData,
                unsigned int* puiDataLength);

/*
 * Operations in parts (6.5.7 to 6.5.21). Init begins one and ends what was under way; a session has
 * an encryption, a decryption and a MAC of its own, and one authenticated message. Parts have any
 * length. Update writes whole blocks, so up to 15 bytes more or fewer than it was given (31 in
 * XTS), and Final the rest: *pui...Length is as everywhere. Without padding, ECB, CBC and MAC must
 * end with a whole block: SDR_INARGERR. SDR_STEPERR: no Init. The key must live until Final.
 *
 * An authenticated message of CCM has uiDataLength bytes in all (SDR_INARGERR); of GCM it may be 0,
 * not known. The tag of encryption has 16 bytes. AuthDecUpdate returns data before the tag has been
 * checked: do nothing with it before AuthDecFinal returned SDR_OK. SDR_MACERR.
 */
int SDF_EncryptInit(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                    unsigned char* pucIV, unsigned int uiIVLength);
int SDF_EncryptUpdate(void* hSessionHandle, unsigned char* pucData, unsigned int uiDataLength,
                      unsigned char* pucEncData, unsigned int* puiEncDataLength);
int SDF_EncryptFinal(void* hSessionHandle, unsigned char* pucLastEncData,
                     unsigned int* puiLastEncDataLength);
int SDF_DecryptInit(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                    unsigned char* pucIV, unsigned int uiIVLength);
int SDF_DecryptUpdate(void* hSessionHandle, unsigned char* pucEncData, unsigned int uiEncDataLength,
                      unsigned char* pucData, unsigned int* puiDataLength);
int SDF_DecryptFinal(void* hSessionHandle, unsigned char* pucLastData,
                     unsigned int* puiLastDataLength);
int SDF_CalculateMACInit(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                         unsigned char* pucIV, unsigned int uiIVLength);
int SDF_CalculateMACUpdate(void* hSessionHandle, unsigned char* pucData, unsigned int uiDataLength);
int SDF_CalculateMACFinal(void* hSessionHandle, unsigned char* pucMAC, unsigned int* puiMACLength);
int SDF_AuthEncInit(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                    unsigned char* pucStartVar, unsigned int uiStartVarLength,
                    unsigned char* pucAad, unsigned int uiAadLength, unsigned int uiDataLength);
int SDF_AuthEncUpdate(void* hSessionHandle, unsigned char* pucData, unsigned int uiDataLength,
                      unsigned char* pucEncData, unsigned int* puiEncDataLength);
int SDF_AuthEncFinal(void* hSessionHandle, unsigned char* pucLastEncData,
                     unsigned int* puiLastEncDataLength, unsigned char* pucAuthData,
                     unsigned int* puiAuthDataLength);
int SDF_AuthDecInit(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                    unsigned char* pucStartVar, unsigned int uiStartVarLength,
                    unsigned char* pucAad, unsigned int uiAadLength, unsigned char* pucAuthData,
                    unsigned int uiAuthDataLength, unsigned int uiDataLength);
int SDF_AuthDecUpdate(void* hSessionHandle, unsigned char* pucEncData, unsigned int uiEncDataLength,
                      unsigned char* pucData, unsigned int* puiDataLength);
int SDF_AuthDecFinal(void* hSessionHandle, unsigned char* pucLastData,
                     unsigned int* puiLastDataLength);

/* ---- 6.6: hash ---------------------------------------------------------------------------- */

/*
 * SDF_HashInit begins the hash of a session, and ends the one that was in progress (6.6.5).
 * uiAlgID: SGD_SM3, SGD_SHA1, SGD_SHA256, or 3, 5 and 6 for SHA-224, 384 and 512. With a public
 * key and an identity that is not empty a hash of SM3 begins with Z, as signatures of SM2 want it
 * (GB/T 32918.2, 5.5); the identity has at most 8191 bytes.
 */
int SDF_HashInit(void* hSessionHandle, unsigned int uiAlgID, ECCrefPublicKey* pucPublicKey,
                 unsigned char* pucID, unsigned int uiIDLength);

/* SDF_HashUpdate adds data (6.6.6). SDR_STEPERR: no hash in progress. */
int SDF_HashUpdate(void* hSessionHandle, unsigned char* pucData, unsigned int uiDataLength);

/* SDF_HashFinal writes the digest, 20 to 64 bytes, and ends the hash (6.6.7). SDR_STEPERR. */
int SDF_HashFinal(void* hSessionHandle, unsigned char* pucHash, unsigned int* puiHashLength);

/*
 * SDF_HMACInit begins a message authentication code by a session key (6.6.2); it takes the place of
 * a hash in progress. uiAlgID: SGD_SM3_HMAC or SGD_SM3, or SGD_SHA256_HMAC.
 */
int SDF_HMACInit(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID);

/* SDF_HMACUpdate adds data (6.6.3). SDR_STEPERR. */
int SDF_HMACUpdate(void* hSessionHandle, unsigned char* pucData, unsigned int uiDataLength);

/* SDF_HMACFinal writes the code, 32 bytes (6.6.4). SDR_STEPERR. */
int SDF_HMACFinal(void* hSessionHandle, unsigned char* pucHMac, unsigned int* puiHMacLength);

/* ---- 6.7: files, not there yet ------------------------------------------------------------ */

int SDF_CreateFile(void* hSessionHandle, unsigned char* pucFileName, unsigned int uiNameLen,
                   unsigned int uiFileSize);
int SDF_ReadFile(void* hSessionHandle, unsigned char* pucFileName, unsigned int uiNameLen,
                 unsigned int uiOffset, unsigned int* puiFileLength, unsigned char* pucBuffer);
int SDF_WriteFile(void* hSessionHandle, unsigned char* pucFileName, unsigned int uiNameLen,
                  unsigned int uiOffset, unsigned int uiFileLength, unsigned char* pucBuffer);
int SDF_DeleteFile(void* hSessionHandle, unsigned char* pucFileName, unsigned int uiNameLen);

#ifdef __cplusplus
}
#endif

#endif /* SDF_CRYPTO_H */

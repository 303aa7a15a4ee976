/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Annex B of GM/T 0018-2023: SM9 (GM/T 0044, GB/T 38635).
 *
 * Rules for all functions
 *   Master keys for signatures, master keys for encryption, user keys for signatures and user keys
 *   for encryption and key exchange have indexes of their own, from 1; the management makes them.
 *   The private keys of users need SDF_GetPrivateKeyAccessRight for their index: SDR_PARDENY. An
 *   index with no such key is SDR_KEYNOTEXIST. Numbers and coordinates are big-endian, of 32 bytes;
 *   in structures with xa, xb, ya and yb, xa and ya are the coefficients of u, which GM/T 0044
 *   writes first; bits is 256. Points from outside are checked: SDR_KEYERR. Identities have 1 to
 *   128 bytes: SDR_INARGERR. These operations take the card milliseconds.
 */
#ifndef SDF_SM9_H
#define SDF_SM9_H

#include <sdf/sdf_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * SDF_ExportUserID_SM9 gives the identity of the user key at an index; if there are two, that of
 * the key for signatures. Writes at most 128 bytes.
 */
int SDF_ExportUserID_SM9(void* hSessionHandle, unsigned int uiKeyIndex, unsigned char* pucUserID,
                         unsigned int* puiUserIDLen);

/*
 * SDF_GenerateEncMasterKeyPair_SM9: programs make no keys that stay in the card, as they make no
 * key pairs of SM2. Always SDR_NOTSUPPORT; see 'cipherdeck key generate'.
 */
int SDF_GenerateEncMasterKeyPair_SM9(void* hSessionHandle, unsigned int uiAlgID,
                                     unsigned int* puiMasterKeyIndex,
                                     SM9EncMasterPublicKey* pEncMasterPublicKey);

/*
 * SDF_GenerateKeyWithEMK_SM9 makes a session key and encapsulates it for an identity under a given
 * master public key. uiKeyLen: 128 or 256 bits, or 16 or 32 bytes. *phKeyHandle is the caller's, to
 * be given to SDF_DestroyKey.
 */
int SDF_GenerateKeyWithEMK_SM9(void* hSessionHandle, unsigned int uiKeyLen,
                               SM9EncMasterPublicKey* pEncMasterPublicKey, unsigned char* pucUserID,
                               unsigned int uiUserIDLen, SM9KeyPackage* pKeyPackage,
                               void** phKeyHandle);

/*
 * SDF_GenerateKeyWithIMK_SM9: the same under the card's master key at an index.
 */
int SDF_GenerateKeyWithIMK_SM9(void* hSessionHandle, unsigned int uiKeyLen,
                               unsigned int uiMasterKeyIndex, unsigned char* pucUserID,
                               unsigned int uiUserIDLen, SM9KeyPackage* pKeyPackage,
                               void** phKeyHandle);

/*
 * SDF_ImportKeyWithISK_SM9 takes a session key out of its package with a user's private key (access
 * right needed). uiKeyLen is the length with which it was made. SDR_ENCDATAERR: the package holds
 * no point, or no key. A package for another identity gives another key, not an error.
 */
int SDF_ImportKeyWithISK_SM9(void* hSessionHandle, unsigned int uiISKIndex, unsigned int uiKeyLen,
                             SM9KeyPackage* pKeyPackage, void** phKeyHandle);

/*
 * SDF_GenerateAgreementDataWithSM9 begins a key exchange (GM/T 0044.3) as the sponsor, with the
 * user key for encryption at uiISKIndex (access right needed) and the encryption master key that
 * both sides' keys are from. pSponsorID must be the identity of that user key: SDR_INARGERR. Writes
 * the master public key at pPublicKey and the ephemeral key at pSponsorTempPublicKey, which goes to
 * the other side. *phAgreementHandle is the caller's, for one SDF_GenerateKeyWithSM9 or
 * SDF_DestroyKey.
 */
int SDF_GenerateAgreementDataWithSM9(void* hSessionHandle, unsigned int uiMasterKeyIndex,
                                     unsigned int uiISKIndex, unsigned int uiKeyBits,
                                     unsigned char* pResponseID, unsigned int ulResponseIDLen,
                                     unsigned char* pSponsorID, unsigned int ulSponsorIDLen,
                                     SM9EncMasterPublicKey* pPublicKey,
                                     SM9EncMasterPublicKey* pSponsorTempPublicKey,
                                     void** phAgreementHandle);

/*
 * SDF_GenerateKeyWithSM9 ends it with the ephemeral key of the other side. The agreement's handle
 * is gone then; after an error it stays.
 */
int SDF_GenerateKeyWithSM9(void* hSessionHandle, void* hAgreementHandle,
                           SM9EncMasterPublicKey* pTempPublicKey, void** phKeyHandle);

/*
 * SDF_GenerateAgreementDataAndKeyWithSM9 is all of a key exchange for the responder, whose user key
 * is at uiISKIndex (access right needed). Writes the master public key at pPublicKey and the
 * ephemeral key at pResponseTempPublicKey.
 */
int SDF_GenerateAgreementDataAndKeyWithSM9(void* hSessionHandle, unsigned int uiMasterKeyIndex,
                                           unsigned int uiISKIndex, unsigned int uiKeyBits,
                                           unsigned char* pResponseID, unsigned int ulResponseIDLen,
                                           unsigned char* pSponsorID, unsigned int ulSponsorIDLen,
                                           SM9EncMasterPublicKey* pPublicKey,
                                           SM9EncMasterPublicKey* pSponsorTempPublicKey,
                                           SM9EncMasterPublicKey* pResponseTempPublicKey,
                                           void** phKeyHandle);

/*
 * SDF_VerifyWithMasterEPK_SM9 verifies an identity's signature of data, not of a digest, of 1 byte
 * to about 1 MiB. SDR_VERIFYERR.
 */
int SDF_VerifyWithMasterEPK_SM9(void* hSessionHandle, SM9SignMasterPublicKey* pSignPublicKey,
                                unsigned char* pucUserID, unsigned int uiUserIDLen,
                                unsigned char* pucData, unsigned int uiDataLength,
                                SM9Signature* pSignature);

/*
 * SDF_VerifyWithMasterIPK_SM9: the same under the card's master key at an index.
 */
int SDF_VerifyWithMasterIPK_SM9(void* hSessionHandle, unsigned int uiSignMasterKeyIndex,
                                unsigned char* pucUserID, unsigned int uiUserIDLen,
                                unsigned char* pucData, unsigned int uiDataLength,
                                SM9Signature* pSignature);

/*
 * SDF_InternalSignWithMasterEPK_SM9 signs data, not a digest, of 1 byte to about 1 MiB with the
 * user key for signatures at uiISKIndex (access right needed), which must be from that master key
 * for the signature to hold.
 */
int SDF_InternalSignWithMasterEPK_SM9(void* hSessionHandle, SM9SignMasterPublicKey* pSignPublicKey,
                                      unsigned int uiISKIndex, unsigned char* pucData,
                                      unsigned int uiDataLength, SM9Signature* pSignature);

/*
 * SDF_InternalSignWithMasterIPK_SM9: the same under the card's master key at an index.
 */
int SDF_InternalSignWithMasterIPK_SM9(void* hSessionHandle, unsigned int uiMasterKeyIndex,
                                      unsigned int uiISKIndex, unsigned char* pucData,
                                      unsigned int uiDataLength, SM9Signature* pSignature);

/*
 * SDF_EncryptWithMasterEPK_SM9 encrypts for an identity. uiAlgID: SGD_SM9_3 or SGD_SM9 by the key
 * stream of the KDF; SGD_SM4_ECB and SGD_SM4_CBC (padded to whole blocks, always: 1 to 16 bytes
 * more), SGD_SM4_OFB and SGD_SM4_CFB. pucIV is 16 bytes, read only; the first three do not use it.
 * Writes the structure up to C and L bytes there; EncType is 0, 1, 2, 4 or 8 in that order (GB/T
 * 38635.2). SDR_ALGNOTSUPPORT.
 */
int SDF_EncryptWithMasterEPK_SM9(void* hSessionHandle, SM9EncMasterPublicKey* pEncPublicKey,
                                 unsigned char* pucUserID, unsigned int uiUserIDLen,
                                 unsigned int uiAlgID, unsigned char* pucIV, unsigned char* pucData,
                                 unsigned int uiDataLength, SM9Cipher* pEncData);

/*
 * SDF_EncryptWithMasterIPK_SM9: the same under the card's master key at an index.
 */
int SDF_EncryptWithMasterIPK_SM9(void* hSessionHandle, unsigned int uiMasterKeyIndex,
                                 unsigned char* pucUserID, unsigned int uiUserIDLen,
                                 unsigned int uiAlgID, unsigned char* pucIV, unsigned char* pucData,
                                 unsigned int uiDataLength, SM9Cipher* pEncData);

/*
 * SDF_DecryptWithISK_SM9 is their inverse, with the user key for encryption at uiISKIndex (access
 * right needed). SDR_ENCDATAERR: EncType is not that of uiAlgID, or the data are not what was
 * encrypted for this identity.
 */
int SDF_DecryptWithISK_SM9(void* hSessionHandle, unsigned int uiISKIndex, unsigned char* pucUserID,
                           unsigned int uiUserIDLen, unsigned int uiAlgID, unsigned char* pucIV,
                           SM9Cipher* pEncData, unsigned int* puiDataLength,
                           unsigned char* pucData);

#ifdef __cplusplus
}
#endif

#endif /* SDF_SM9_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Annex B of GM/T 0018-2023: SM9. Not there yet: every function returns SDR_NOTSUPPORT and touches
 * nothing.
 */
#ifndef SDF_SM9_H
#define SDF_SM9_H

#include <sdf/sdf_types.h>

#ifdef __cplusplus
extern "C" {
#endif

int SDF_ExportUserID_SM9(void* hSessionHandle, unsigned int uiKeyIndex, unsigned char* pucUserID,
                         unsigned int* puiUserIDLen);
int SDF_GenerateEncMasterKeyPair_SM9(void* hSessionHandle, unsigned int uiAlgID,
                                     unsigned int* puiMasterKeyIndex,
                                     SM9EncMasterPublicKey* pEncMasterPublicKey);
int SDF_GenerateKeyWithEMK_SM9(void* hSessionHandle, unsigned int uiKeyLen,
                               SM9EncMasterPublicKey* pEncMasterPublicKey, unsigned char* pucUserID,
                               unsigned int uiUserIDLen, SM9KeyPackage* pKeyPackage,
                               void** phKeyHandle);
int SDF_GenerateKeyWithIMK_SM9(void* hSessionHandle, unsigned int uiKeyLen,
                               unsigned int uiMasterKeyIndex, unsigned char* pucUserID,
                               unsigned int uiUserIDLen, SM9KeyPackage* pKeyPackage,
                               void** phKeyHandle);
int SDF_ImportKeyWithISK_SM9(void* hSessionHandle, unsigned int uiISKIndex, unsigned int uiKeyLen,
                             SM9KeyPackage* pKeyPackage, void** phKeyHandle);
int SDF_GenerateAgreementDataWithSM9(void* hSessionHandle, unsigned int uiMasterKeyIndex,
                                     unsigned int uiISKIndex, unsigned int uiKeyBits,
                                     unsigned char* pResponseID, unsigned int ulResponseIDLen,
                                     unsigned char* pSponsorID, unsigned int ulSponsorIDLen,
                                     SM9EncMasterPublicKey* pPublicKey,
                                     SM9EncMasterPublicKey* pSponsorTempPublicKey,
                                     void** phAgreementHandle);
int SDF_GenerateKeyWithSM9(void* hSessionHandle, void* hAgreementHandle,
                           SM9EncMasterPublicKey* pTempPublicKey, void** phKeyHandle);
int SDF_GenerateAgreementDataAndKeyWithSM9(void* hSessionHandle, unsigned int uiMasterKeyIndex,
                                           unsigned int uiISKIndex, unsigned int uiKeyBits,
                                           unsigned char* pResponseID, unsigned int ulResponseIDLen,
                                           unsigned char* pSponsorID, unsigned int ulSponsorIDLen,
                                           SM9EncMasterPublicKey* pPublicKey,
                                           SM9EncMasterPublicKey* pSponsorTempPublicKey,
                                           SM9EncMasterPublicKey* pResponseTempPublicKey,
                                           void** phKeyHandle);
int SDF_VerifyWithMasterEPK_SM9(void* hSessionHandle, SM9SignMasterPublicKey* pSignPublicKey,
                                unsigned char* pucUserID, unsigned int uiUserIDLen,
                                unsigned char* pucData, unsigned int uiDataLength,
                                SM9Signature* pSignature);
int SDF_VerifyWithMasterIPK_SM9(void* hSessionHandle, unsigned int uiSignMasterKeyIndex,
                                unsigned char* pucUserID, unsigned int uiUserIDLen,
                                unsigned char* pucData, unsigned int uiDataLength,
                                SM9Signature* pSignature);
int SDF_InternalSignWithMasterEPK_SM9(void* hSessionHandle, SM9SignMasterPublicKey* pSignPublicKey,
                                      unsigned int uiISKIndex, unsigned char* pucData,
                                      unsigned int uiDataLength, SM9Signature* pSignature);
int SDF_InternalSignWithMasterIPK_SM9(void* hSessionHandle, unsigned int uiMasterKeyIndex,
                                      unsigned int uiISKIndex, unsigned char* pucData,
                                      unsigned int uiDataLength, SM9Signature* pSignature);
int SDF_EncryptWithMasterEPK_SM9(void* hSessionHandle, SM9EncMasterPublicKey* pEncPublicKey,
                                 unsigned char* pucUserID, unsigned int uiUserIDLen,
                                 unsigned int uiAlgID, unsigned char* pucIV, unsigned char* pucData,
                                 unsigned int uiDataLength, SM9Cipher* pEncData);
int SDF_EncryptWithMasterIPK_SM9(void* hSessionHandle, unsigned int uiMasterKeyIndex,
                                 unsigned char* pucUserID, unsigned int uiUserIDLen,
                                 unsigned int uiAlgID, unsigned char* pucIV, unsigned char* pucData,
                                 unsigned int uiDataLength, SM9Cipher* pEncData);
int SDF_DecryptWithISK_SM9(void* hSessionHandle, unsigned int uiISKIndex, unsigned char* pucUserID,
                           unsigned int uiUserIDLen, unsigned int uiAlgID, unsigned char* pucIV,
                           SM9Cipher* pEncData, unsigned int* puiDataLength,
                           unsigned char* pucData);

#ifdef __cplusplus
}
#endif

#endif /* SDF_SM9_H */

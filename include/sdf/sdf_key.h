/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clause 6.3 of GM/T 0018-2023: public keys, session keys, key exchange. The rules for all
 * functions are in sdf.h. A session key never leaves the card in the clear; it is named by a
 * handle, belongs to its session and dies with it. uiKeyBits is 128 or 256. uiAlgID of SM2 is
 * SGD_SM2 or the identifier of its use, SGD_SM2_3 for encryption. Codes of all: SDR_KEYNOTEXIST (no
 * such index), SDR_KEYERR (a public key that is no point of the curve), SDR_ALGNOTSUPPORT.
 */
#ifndef SDF_KEY_H
#define SDF_KEY_H

#include <sdf/sdf_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * RSA (6.3.2 to 6.3.6). RSA keys have indexes of their own. Session keys are wrapped by PKCS #1
 * v1.5 for the encryption pair of an index, or for a key that is given, and have as many bytes as
 * its modulus. Importing needs the access right (SDR_PARDENY); SDR_ENCDATAERR: not for this key.
 */
int SDF_ExportSignPublicKey_RSA(void* hSessionHandle, unsigned int uiKeyIndex,
                                RSArefPublicKey* pucPublicKey);
int SDF_ExportEncPublicKey_RSA(void* hSessionHandle, unsigned int uiKeyIndex,
                               RSArefPublicKey* pucPublicKey);
int SDF_GenerateKeyWithIPK_RSA(void* hSessionHandle, unsigned int uiIPKIndex,
                               unsigned int uiKeyBits, unsigned char* pucKey,
                               unsigned int* puiKeyLength, void** phKeyHandle);
int SDF_GenerateKeyWithEPK_RSA(void* hSessionHandle, unsigned int uiKeyBits,
                               RSArefPublicKey* pucPublicKey, unsigned char* pucKey,
                               unsigned int* puiKeyLength, void** phKeyHandle);
int SDF_ImportKeyWithISK_RSA(void* hSessionHandle, unsigned int uiISKIndex, unsigned char* pucKey,
                             unsigned int uiKeyLength, void** phKeyHandle);

/* SDF_ExportSignPublicKey_ECC returns the public key of the signing pair (6.3.7). */
int SDF_ExportSignPublicKey_ECC(void* hSessionHandle, unsigned int uiKeyIndex,
                                ECCrefPublicKey* pucPublicKey);

/* SDF_ExportEncPublicKey_ECC returns the public key of the encryption pair (6.3.8). */
int SDF_ExportEncPublicKey_ECC(void* hSessionHandle, unsigned int uiKeyIndex,
                               ECCrefPublicKey* pucPublicKey);

/*
 * SDF_GenerateKeyWithIPK_ECC makes a session key and also returns it encrypted for the encryption
 * pair of an index (6.3.9). Writes 164 + uiKeyBits / 8 bytes at pucKey.
 */
int SDF_GenerateKeyWithIPK_ECC(void* hSessionHandle, unsigned int uiIPKIndex,
                               unsigned int uiKeyBits, ECCCipher* pucKey, void** phKeyHandle);

/* SDF_GenerateKeyWithEPK_ECC does so for a given public key (6.3.10). */
int SDF_GenerateKeyWithEPK_ECC(void* hSessionHandle, unsigned int uiKeyBits, unsigned int uiAlgID,
                               ECCrefPublicKey* pucPublicKey, ECCCipher* pucKey,
                               void** phKeyHandle);

/*
 * SDF_ImportKeyWithISK_ECC takes a session key that is encrypted for the encryption pair of an
 * index (6.3.11). Needs the access right (SDR_PARDENY). SDR_ENCDATAERR: not for this key.
 */
int SDF_ImportKeyWithISK_ECC(void* hSessionHandle, unsigned int uiISKIndex, ECCCipher* pucKey,
                             void** phKeyHandle);

/*
 * SDF_GenerateAgreementDataWithECC begins a key exchange as the sponsor (6.3.12, GB/T 32918.3):
 * returns its public key of the encryption pair uiISKIndex, a temporary public key, and a handle
 * for SDF_GenerateKeyWithECC. Needs the access right.
 */
int SDF_GenerateAgreementDataWithECC(void* hSessionHandle, unsigned int uiISKIndex,
                                     unsigned int uiKeyBits, unsigned char* pucSponsorID,
                                     unsigned int uiSponsorIDLength,
                                     ECCrefPublicKey* pucSponsorPublicKey,
                                     ECCrefPublicKey* pucSponsorTmpPublicKey,
                                     void** phAgreementHandle);

/*
 * SDF_GenerateKeyWithECC ends it with the answer of the responder, and returns the session key
 * (6.3.13). The agreement handle may not be used again, unless the call failed on its arguments.
 */
int SDF_GenerateKeyWithECC(void* hSessionHandle, unsigned char* pucResponseID,
                           unsigned int uiResponseIDLength, ECCrefPublicKey* pucResponsePublicKey,
                           ECCrefPublicKey* pucResponseTmpPublicKey, void* hAgreementHandle,
                           void** phKeyHandle);

/*
 * SDF_GenerateAgreementDataAndKeyWithECC is the responder's part (6.3.14): takes the sponsor's
 * identity and two public keys, returns its own two and the session key. Needs the access right.
 */
int SDF_GenerateAgreementDataAndKeyWithECC(
    void* hSessionHandle, unsigned int uiISKIndex, unsigned int uiKeyBits,
    unsigned char* pucResponseID, unsigned int uiResponseIDLength, unsigned char* pucSponsorID,
    unsigned int uiSponsorIDLength, ECCrefPublicKey* pucSponsorPublicKey,
    ECCrefPublicKey* pucSponsorTmpPublicKey, ECCrefPublicKey* pucResponsePublicKey,
    ECCrefPublicKey* pucResponseTmpPublicKey, void** phKeyHandle);

/*
 * SDF_GenerateKeyWithKEK makes a session key and also returns it encrypted by a key encryption key
 * (6.3.15). uiAlgID: SGD_SM4_ECB, which writes uiKeyBits / 8 bytes, or SGD_SM4_CBC, which writes an
 * initial value of 16 bytes and the padded key.
 */
int SDF_GenerateKeyWithKEK(void* hSessionHandle, unsigned int uiKeyBits, unsigned int uiAlgID,
                           unsigned int uiKEKIndex, unsigned char* pucKey,
                           unsigned int* puiKeyLength, void** phKeyHandle);

/* SDF_ImportKeyWithKEK takes back what SDF_GenerateKeyWithKEK returned (6.3.16). */
int SDF_ImportKeyWithKEK(void* hSessionHandle, unsigned int uiAlgID, unsigned int uiKEKIndex,
                         unsigned char* pucKey, unsigned int uiKeyLength, void** phKeyHandle);

/* SDF_DestroyKey wipes a session key (6.3.17), or an agreement that will not be ended. */
int SDF_DestroyKey(void* hSessionHandle, void* hKeyHandle);

/* SDF_ExchangeDigitEnvelopeBaseOnRSA does for RSA what the next function does for SM2. */
int SDF_ExchangeDigitEnvelopeBaseOnRSA(void* hSessionHandle, unsigned int uiKeyIndex,
                                       RSArefPublicKey* pucPublicKey, unsigned char* pucDEInput,
                                       unsigned int uiDELength, unsigned char* pucDEOutput,
                                       unsigned int* puiDELength);

/*
 * SDF_ExchangeDigitEnvelopeBaseOnECC decrypts a session key inside the card by the encryption pair
 * of an index, and encrypts it for another public key (GM/T 0018-2012, 6.3.17). Needs the access
 * right. Writes 164 + pucEncDataIn->L bytes.
 */
int SDF_ExchangeDigitEnvelopeBaseOnECC(void* hSessionHandle, unsigned int uiKeyIndex,
                                       unsigned int uiAlgID, ECCrefPublicKey* pucPublicKey,
                                       ECCCipher* pucEncDataIn, ECCCipher* pucEncDataOut);

#ifdef __cplusplus
}
#endif

#endif /* SDF_KEY_H */

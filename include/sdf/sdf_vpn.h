/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Annex C of GM/T 0018-2023: keys of IKE and IPsec (GM/T 0022) and of TLCP or TLS 1.2 (GB/T 38636),
 * derived in the card. uiPrfAlgID: SGD_SM3 or SGD_SHA256. A function without EPK in its name
 * returns handles of session keys, one with it the same keys encrypted for a public key of SM2, 164
 * bytes and the key in each ECCCipher. Keys have up to 512 bits, those of IKE up to 256, in whole
 * bytes; of no bits: no key, and the handle or pointer may be NULL. Salt and IVs, up to 64 bytes,
 * are not secret. The hKeyHandle of IPsec is key D of IKE; that of SSL is the premaster secret.
 * Keys are taken in the order of the arguments. SDR_ALGNOTSUPPORT, SDR_INARGERR, SDR_KEYNOTEXIST.
 */
#ifndef SDF_VPN_H
#define SDF_VPN_H

#include <sdf/sdf_types.h>

#ifdef __cplusplus
extern "C" {
#endif

int SDF_GenerateKeywithIKE(void* hSessionHandle, unsigned char* pucSponsorNonce,
                           unsigned int uiSponsorNonceLength, unsigned char* pucResponseNonce,
                           unsigned int uiResponseNonceLength, unsigned char* pucSponsorCookie,
                           unsigned int uiSponsorCookieLength, unsigned char* pucResponseCookie,
                           unsigned int uiResponseCookieLength, unsigned int uiPrfAlgID,
                           void** phKeyHandleD, unsigned int uiKeyBitsD, void** phKeyHandleA,
                           unsigned int uiKeyBitsA, void** phKeyHandleE, unsigned int uiKeyBitsE);
int SDF_GenerateKeywithEPK_IKE(void* hSessionHandle, unsigned char* pucSponsorNonce,
                               unsigned int uiSponsorNonceLength, unsigned char* pucResponseNonce,
                               unsigned int uiResponseNonceLength, unsigned char* pucSponsorCookie,
                               unsigned int uiSponsorCookieLength, unsigned char* pucResponseCookie,
                               unsigned int uiResponseCookieLength, unsigned int uiPrfAlgID,
                               unsigned int uiEccAlgID, ECCrefPublicKey* pucPublicKey,
                               ECCCipher* pucKeyD, unsigned int uiKeyBitsD, ECCCipher* pucKeyA,
                               unsigned int uiKeyBitsA, ECCCipher* pucKeyE,
                               unsigned int uiKeyBitsE);
int SDF_GenerateKeywithIPSEC(void* hSessionHandle, unsigned char* pucProtocolID,
                             unsigned int uiProtocolIDLength, unsigned char* pucSpi,
                             unsigned int uiSpiLength, unsigned char* pucSponsorNonce,
                             unsigned int uiSponsorNonceLength, unsigned char* pucResponseNonce,
                             unsigned int uiResponseNonceLength, void* hKeyHandle,
                             unsigned int uiPrfAlgID, void** phKeyHandleEnc,
                             unsigned int uiKeyBitsEnc, void** phKeyHandleMac,
                             unsigned int uiKeyBitsMac, unsigned char* pucSalt,
                             unsigned int uiSaltLength);
int SDF_GenerateKeywithEPK_IPSEC(void* hSessionHandle, unsigned char* pucProtocolID,
                                 unsigned int uiProtocolIDLength, unsigned char* pucSpi,
                                 unsigned int uiSpiLength, unsigned char* pucSponsorNonce,
                                 unsigned int uiSponsorNonceLength, unsigned char* pucResponseNonce,
                                 unsigned int uiResponseNonceLength, void* hKeyHandle,
                                 unsigned int uiPrfAlgID, unsigned int uiEccAlgID,
                                 ECCrefPublicKey* pucPublicKey, ECCCipher* pucKeyEnc,
                                 unsigned int uiKeyBitsEnc, ECCCipher* pucKeyMac,
                                 unsigned int uiKeyBitsMac, unsigned char* pucSalt,
                                 unsigned int uiSaltLength);
int SDF_GenerateKeywithSSL(void* hSessionHandle, void* hKeyHandlePreMaster,
                           unsigned char* pucClientRandom, unsigned int uiClientRandomLength,
                           unsigned char* pucServerRandom, unsigned int uiServerRandomLength,
                           unsigned int uiPrfAlgID, void** phKeyHandleClientMac,
                           unsigned int uiKeyBitsClientMac, void** phKeyHandleServerMac,
                           unsigned int uiKeyBitsServerMac, void** phKeyHandleClientEnc,
                           unsigned int uiKeyBitsClientEnc, void** phKeyHandleServerEnc,
                           unsigned int uiKeyBitsServerEnc, unsigned char* pucClientIV,
                           unsigned int uiClientIVLength, unsigned char* pucServerIV,
                           unsigned int uiServerIVLength);
int SDF_GenerateKeywithEPK_SSL(void* hSessionHandle, void* hKeyHandlePreMaster,
                               unsigned char* pucClientRandom, unsigned int uiClientRandomLength,
                               unsigned char* pucServerRandom, unsigned int uiServerRandomLength,
                               unsigned int uiPrfAlgID, unsigned int uiEccAlgID,
                               ECCrefPublicKey* pucPublicKey, ECCCipher* pucKeyClientMac,
                               unsigned int uiKeyBitsClientMac, ECCCipher* pucKeyServerMac,
                               unsigned int uiKeyBitsServerMac, ECCCipher* pucKeyClientEnc,
                               unsigned int uiKeyBitsClientEnc, ECCCipher* pucKeyServerEnc,
                               unsigned int uiKeyBitsServerEnc, unsigned char* pucClientIV,
                               unsigned int uiClientIVLength, unsigned char* pucServerIV,
                               unsigned int uiServerIVLength);

#ifdef __cplusplus
}
#endif

#endif /* SDF_VPN_H */

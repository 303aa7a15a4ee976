/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Annex C of GM/T 0018-2023: keys of IKE, IPsec and SSL. Not there yet: every function returns
 * SDR_NOTSUPPORT and touches nothing.
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

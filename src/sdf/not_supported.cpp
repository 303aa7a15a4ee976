// SPDX-License-Identifier: Apache-2.0
// The functions that this card does not have, or not yet. Programs resolve every name of the
// standard when they load the library, so each is there, and answers SDR_NOTSUPPORT.
#include "sdf/guard.h"

extern "C" int sdf_not_supported() { return SDR_NOTSUPPORT; }

// Each name is the function above under its own type: callers clean up their arguments on every
// machine that this library is for.
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Wattribute-alias"
#define NOT_SUPPORTED(name) \
  extern "C" __attribute__((visibility("default"), alias("sdf_not_supported"))) decltype(name) name;

// Clause 6.3 and GM/T 0018-2012, RSA
NOT_SUPPORTED(SDF_ExportSignPublicKey_RSA)
NOT_SUPPORTED(SDF_ExportEncPublicKey_RSA)
NOT_SUPPORTED(SDF_GenerateKeyWithIPK_RSA)
NOT_SUPPORTED(SDF_GenerateKeyWithEPK_RSA)
NOT_SUPPORTED(SDF_ImportKeyWithISK_RSA)
NOT_SUPPORTED(SDF_ExchangeDigitEnvelopeBaseOnRSA)

// Clause 6.4, RSA
NOT_SUPPORTED(SDF_ExternalPublicKeyOperation_RSA)
NOT_SUPPORTED(SDF_InternalPublicKeyOperation_RSA)
NOT_SUPPORTED(SDF_InternalPrivateKeyOperation_RSA)

// Clause 6.5, in parts
NOT_SUPPORTED(SDF_EncryptInit)
NOT_SUPPORTED(SDF_EncryptUpdate)
NOT_SUPPORTED(SDF_EncryptFinal)
NOT_SUPPORTED(SDF_DecryptInit)
NOT_SUPPORTED(SDF_DecryptUpdate)
NOT_SUPPORTED(SDF_DecryptFinal)
NOT_SUPPORTED(SDF_CalculateMACInit)
NOT_SUPPORTED(SDF_CalculateMACUpdate)
NOT_SUPPORTED(SDF_CalculateMACFinal)
NOT_SUPPORTED(SDF_AuthEncInit)
NOT_SUPPORTED(SDF_AuthEncUpdate)
NOT_SUPPORTED(SDF_AuthEncFinal)
NOT_SUPPORTED(SDF_AuthDecInit)
NOT_SUPPORTED(SDF_AuthDecUpdate)
NOT_SUPPORTED(SDF_AuthDecFinal)

// Clause 6.7
NOT_SUPPORTED(SDF_CreateFile)
NOT_SUPPORTED(SDF_ReadFile)
NOT_SUPPORTED(SDF_WriteFile)
NOT_SUPPORTED(SDF_DeleteFile)

// Clause 6.8
NOT_SUPPORTED(SDF_GenerateKeyPair_RSA)
NOT_SUPPORTED(SDF_GenerateKeyPair_ECC)
NOT_SUPPORTED(SDF_ExternalPrivateKeyOperation_RSA)
NOT_SUPPORTED(SDF_ExternalSign_ECC)
NOT_SUPPORTED(SDF_ExternalDecrypt_ECC)
NOT_SUPPORTED(SDF_ExternalKeyEncrypt)
NOT_SUPPORTED(SDF_ExternalKeyDecrypt)
NOT_SUPPORTED(SDF_ExternalKeyEncryptInit)
NOT_SUPPORTED(SDF_ExternalKeyDecryptInit)
NOT_SUPPORTED(SDF_ExternalKeyHMACInit)

// Annex B: master keys are made by the management
NOT_SUPPORTED(SDF_GenerateEncMasterKeyPair_SM9)

// Annex C
NOT_SUPPORTED(SDF_GenerateKeywithIKE)
NOT_SUPPORTED(SDF_GenerateKeywithEPK_IKE)
NOT_SUPPORTED(SDF_GenerateKeywithIPSEC)
NOT_SUPPORTED(SDF_GenerateKeywithEPK_IPSEC)
NOT_SUPPORTED(SDF_GenerateKeywithSSL)
NOT_SUPPORTED(SDF_GenerateKeywithEPK_SSL)

// Vendors'
NOT_SUPPORTED(SDF_GetSymmKeyHandle)

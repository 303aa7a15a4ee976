// SPDX-License-Identifier: Apache-2.0
// Annex C: keys of IKE, IPsec and SSL, derived in the card.
#include "sdf/guard.h"
#include "sdf/session_key.h"
#include "sdf/wire.h"

#include <initializer_list>

namespace cipherdeck::sdf {
namespace {

constexpr std::size_t kMaxKeys = 4;
constexpr std::size_t kMaxClear = 2 * kMaxKeyLen;

struct Input {
  const unsigned char* data;
  unsigned int len;
};

Result<std::vector<std::uint8_t>> concat(std::initializer_list<Input> inputs) {
  std::vector<std::uint8_t> all;
  for (const Input& each : inputs) {
    CIPHERDECK_ASSIGN(const Bytes bytes, input(each.data, each.len));
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  if (all.empty()) return Error::invalid_argument;
  return all;
}

// A key that is derived: a handle for it, or its ciphertext.
struct WantedKey {
  unsigned int bits;
  void** handle = nullptr;
  ECCCipher* ciphertext = nullptr;
};

// Bytes that are derived beside the keys, and are not secret.
struct WantedBytes {
  unsigned char* out;
  unsigned int len;
};

struct Wanted {
  std::vector<WantedKey> keys;
  std::vector<WantedBytes> clear;
};

// arg[0] of the command: lengths in bytes, 8 bits each.
Result<std::uint64_t> lengths_of(const Wanted& wanted) {
  std::uint64_t lengths = 0;
  unsigned shift = 0;
  for (const WantedKey& key : wanted.keys) {
    const bool has_place = key.bits == 0 || key.handle != nullptr || key.ciphertext != nullptr;
    if (key.bits % 8 != 0 || key.bits / 8 > kMaxKeyLen || !has_place) {
      return Error::invalid_argument;
    }
    lengths |= std::uint64_t{key.bits / 8} << shift;
    shift += 8;
  }
  for (const WantedBytes& bytes : wanted.clear) {
    if (bytes.len > kMaxKeyLen || (bytes.out == nullptr && bytes.len != 0)) {
      return Error::invalid_argument;
    }
    lengths |= std::uint64_t{bytes.len} << shift;
    shift += 8;
  }
  return lengths;
}

// What the command gave for the keys: handles or ciphertexts. Takes it from the start of `output`.
Result<void> take_key(const WantedKey& key, bool gives_handles, const void* session_handle,
                      CipherLayout layout, Bytes& output) {
  if (gives_handles) {
    const auto number = load<std::uint32_t>(output.first(sizeof(std::uint32_t)));
    output = output.subspan(sizeof number);
    if (key.bits == 0) return {};
    return give_handle(key.handle, session_handle, number);
  }
  if (key.bits == 0) return {};
  const std::size_t len = kCipherExtra + key.bits / 8;
  const Bytes ciphertext = output.first(len);
  output = output.subspan(len);
  return to_struct(*key.ciphertext, layout, ciphertext);
}

Result<void> derive(const void* session_handle, driver::Request request, const Wanted& wanted) {
  for (const WantedKey& key : wanted.keys) {
    if (key.handle != nullptr) *key.handle = nullptr;
  }
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(request.arg0, lengths_of(wanted));
  std::array<std::uint8_t, kMaxKeys*(kCipherExtra + kMaxKeyLen) + kMaxClear> output;
  request.output = output;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  Bytes rest = Bytes(output).first(reply.output_len);
  for (const WantedKey& key : wanted.keys) {
    CIPHERDECK_TRY(
        take_key(key, request.aux.empty(), session_handle, session->config().cipher_layout, rest));
  }
  for (const WantedBytes& bytes : wanted.clear) {
    if (bytes.len != 0) std::memcpy(bytes.out, rest.data(), bytes.len);
    rest = rest.subspan(bytes.len);
  }
  return {};
}

Result<void> derive_for(const void* session_handle, std::uint32_t algorithm,
                        const ECCrefPublicKey* public_key, driver::Request request,
                        const Wanted& wanted) {
  CIPHERDECK_TRY(check_sm2(algorithm, SGD_SM2_3));
  CIPHERDECK_ASSIGN(const Point point, to_point(public_key));
  request.aux = point;
  return derive(session_handle, request, wanted);
}

// ---- the three derivations: what the card is given ----------------------------------------------

struct Derivation {
  driver::Request request;
  std::vector<std::uint8_t> input, params;  // what the request refers to

  Derivation(std::uint16_t opcode, std::uint32_t prf) {
    request.opcode = opcode;
    request.algorithm = prf;
  }
};

Result<void> with_key(Derivation& derivation, const void* session_handle, const void* key) {
  CIPHERDECK_ASSIGN(derivation.request.key,
                    Library::instance().key(session_handle, key, KeyKind::session_key));
  return {};
}

Result<void> with_input(Derivation& derivation, std::initializer_list<Input> inputs) {
  CIPHERDECK_ASSIGN(derivation.input, concat(inputs));
  derivation.request.input = derivation.input;
  return {};
}

Result<void> with_params(Derivation& derivation, std::initializer_list<Input> inputs) {
  CIPHERDECK_ASSIGN(derivation.params, concat(inputs));
  derivation.request.params = derivation.params;
  return {};
}

}  // namespace
}  // namespace cipherdeck::sdf

using namespace cipherdeck;       // NOLINT: what follows is the C interface to the above
using namespace cipherdeck::sdf;  // NOLINT

SDF_EXPORT int SDF_GenerateKeywithIKE(
    void* hSessionHandle, unsigned char* pucSponsorNonce, unsigned int uiSponsorNonceLength,
    unsigned char* pucResponseNonce, unsigned int uiResponseNonceLength,
    unsigned char* pucSponsorCookie, unsigned int uiSponsorCookieLength,
    unsigned char* pucResponseCookie, unsigned int uiResponseCookieLength, unsigned int uiPrfAlgID,
    void** phKeyHandleD, unsigned int uiKeyBitsD, void** phKeyHandleA, unsigned int uiKeyBitsA,
    void** phKeyHandleE, unsigned int uiKeyBitsE) {
  return guard(__func__, {phKeyHandleD, phKeyHandleA, phKeyHandleE}, [&]() -> Result<void> {
    Derivation derivation(CIPHERDECK_OP_VPN_IKE, uiPrfAlgID);
    CIPHERDECK_TRY(with_input(derivation, {{pucSponsorNonce, uiSponsorNonceLength},
                                           {pucResponseNonce, uiResponseNonceLength}}));
    CIPHERDECK_TRY(with_params(derivation, {{pucSponsorCookie, uiSponsorCookieLength},
                                            {pucResponseCookie, uiResponseCookieLength}}));
    return derive(
        hSessionHandle, derivation.request,
        {{{uiKeyBitsD, phKeyHandleD}, {uiKeyBitsA, phKeyHandleA}, {uiKeyBitsE, phKeyHandleE}}, {}});
  });
}

SDF_EXPORT int SDF_GenerateKeywithEPK_IKE(
    void* hSessionHandle, unsigned char* pucSponsorNonce, unsigned int uiSponsorNonceLength,
    unsigned char* pucResponseNonce, unsigned int uiResponseNonceLength,
    unsigned char* pucSponsorCookie, unsigned int uiSponsorCookieLength,
    unsigned char* pucResponseCookie, unsigned int uiResponseCookieLength, unsigned int uiPrfAlgID,
    unsigned int uiEccAlgID, ECCrefPublicKey* pucPublicKey, ECCCipher* pucKeyD,
    unsigned int uiKeyBitsD, ECCCipher* pucKeyA, unsigned int uiKeyBitsA, ECCCipher* pucKeyE,
    unsigned int uiKeyBitsE) {
  return guard(__func__, {pucKeyD, pucKeyA, pucKeyE}, [&]() -> Result<void> {
    Derivation derivation(CIPHERDECK_OP_VPN_IKE, uiPrfAlgID);
    CIPHERDECK_TRY(with_input(derivation, {{pucSponsorNonce, uiSponsorNonceLength},
                                           {pucResponseNonce, uiResponseNonceLength}}));
    CIPHERDECK_TRY(with_params(derivation, {{pucSponsorCookie, uiSponsorCookieLength},
                                            {pucResponseCookie, uiResponseCookieLength}}));
    return derive_for(hSessionHandle, uiEccAlgID, pucPublicKey, derivation.request,
                      {{{uiKeyBitsD, nullptr, pucKeyD},
                        {uiKeyBitsA, nullptr, pucKeyA},
                        {uiKeyBitsE, nullptr, pucKeyE}},
                       {}});
  });
}

SDF_EXPORT int SDF_GenerateKeywithIPSEC(
    void* hSessionHandle, unsigned char* pucProtocolID, unsigned int uiProtocolIDLength,
    unsigned char* pucSpi, unsigned int uiSpiLength, unsigned char* pucSponsorNonce,
    unsigned int uiSponsorNonceLength, unsigned char* pucResponseNonce,
    unsigned int uiResponseNonceLength, void* hKeyHandle, unsigned int uiPrfAlgID,
    void** phKeyHandleEnc, unsigned int uiKeyBitsEnc, void** phKeyHandleMac,
    unsigned int uiKeyBitsMac, unsigned char* pucSalt, unsigned int uiSaltLength) {
  return guard(__func__, {phKeyHandleEnc, phKeyHandleMac}, [&]() -> Result<void> {
    Derivation derivation(CIPHERDECK_OP_VPN_IPSEC, uiPrfAlgID);
    CIPHERDECK_TRY(with_key(derivation, hSessionHandle, hKeyHandle));
    CIPHERDECK_TRY(with_input(derivation, {{pucProtocolID, uiProtocolIDLength},
                                           {pucSpi, uiSpiLength},
                                           {pucSponsorNonce, uiSponsorNonceLength},
                                           {pucResponseNonce, uiResponseNonceLength}}));
    return derive(hSessionHandle, derivation.request,
                  {{{uiKeyBitsEnc, phKeyHandleEnc}, {uiKeyBitsMac, phKeyHandleMac}},
                   {{pucSalt, uiSaltLength}}});
  });
}

SDF_EXPORT int SDF_GenerateKeywithEPK_IPSEC(
    void* hSessionHandle, unsigned char* pucProtocolID, unsigned int uiProtocolIDLength,
    unsigned char* pucSpi, unsigned int uiSpiLength, unsigned char* pucSponsorNonce,
    unsigned int uiSponsorNonceLength, unsigned char* pucResponseNonce,
    unsigned int uiResponseNonceLength, void* hKeyHandle, unsigned int uiPrfAlgID,
    unsigned int uiEccAlgID, ECCrefPublicKey* pucPublicKey, ECCCipher* pucKeyEnc,
    unsigned int uiKeyBitsEnc, ECCCipher* pucKeyMac, unsigned int uiKeyBitsMac,
    unsigned char* pucSalt, unsigned int uiSaltLength) {
  return guard(__func__, {pucKeyEnc, pucKeyMac}, [&]() -> Result<void> {
    Derivation derivation(CIPHERDECK_OP_VPN_IPSEC, uiPrfAlgID);
    CIPHERDECK_TRY(with_key(derivation, hSessionHandle, hKeyHandle));
    CIPHERDECK_TRY(with_input(derivation, {{pucProtocolID, uiProtocolIDLength},
                                           {pucSpi, uiSpiLength},
                                           {pucSponsorNonce, uiSponsorNonceLength},
                                           {pucResponseNonce, uiResponseNonceLength}}));
    return derive_for(hSessionHandle, uiEccAlgID, pucPublicKey, derivation.request,
                      {{{uiKeyBitsEnc, nullptr, pucKeyEnc}, {uiKeyBitsMac, nullptr, pucKeyMac}},
                       {{pucSalt, uiSaltLength}}});
  });
}

SDF_EXPORT int SDF_GenerateKeywithSSL(
    void* hSessionHandle, void* hKeyHandlePreMaster, unsigned char* pucClientRandom,
    unsigned int uiClientRandomLength, unsigned char* pucServerRandom,
    unsigned int uiServerRandomLength, unsigned int uiPrfAlgID, void** phKeyHandleClientMac,
    unsigned int uiKeyBitsClientMac, void** phKeyHandleServerMac, unsigned int uiKeyBitsServerMac,
    void** phKeyHandleClientEnc, unsigned int uiKeyBitsClientEnc, void** phKeyHandleServerEnc,
    unsigned int uiKeyBitsServerEnc, unsigned char* pucClientIV, unsigned int uiClientIVLength,
    unsigned char* pucServerIV, unsigned int uiServerIVLength) {
  return guard(__func__, {phKeyHandleClientEnc, phKeyHandleServerEnc}, [&]() -> Result<void> {
    Derivation derivation(CIPHERDECK_OP_VPN_SSL, uiPrfAlgID);
    if (uiClientRandomLength != uiServerRandomLength) return Error::invalid_argument;
    CIPHERDECK_TRY(with_key(derivation, hSessionHandle, hKeyHandlePreMaster));
    CIPHERDECK_TRY(with_input(derivation, {{pucClientRandom, uiClientRandomLength},
                                           {pucServerRandom, uiServerRandomLength}}));
    return derive(hSessionHandle, derivation.request,
                  {{{uiKeyBitsClientMac, phKeyHandleClientMac},
                    {uiKeyBitsServerMac, phKeyHandleServerMac},
                    {uiKeyBitsClientEnc, phKeyHandleClientEnc},
                    {uiKeyBitsServerEnc, phKeyHandleServerEnc}},
                   {{pucClientIV, uiClientIVLength}, {pucServerIV, uiServerIVLength}}});
  });
}

SDF_EXPORT int SDF_GenerateKeywithEPK_SSL(
    void* hSessionHandle, void* hKeyHandlePreMaster, unsigned char* pucClientRandom,
    unsigned int uiClientRandomLength, unsigned char* pucServerRandom,
    unsigned int uiServerRandomLength, unsigned int uiPrfAlgID, unsigned int uiEccAlgID,
    ECCrefPublicKey* pucPublicKey, ECCCipher* pucKeyClientMac, unsigned int uiKeyBitsClientMac,
    ECCCipher* pucKeyServerMac, unsigned int uiKeyBitsServerMac, ECCCipher* pucKeyClientEnc,
    unsigned int uiKeyBitsClientEnc, ECCCipher* pucKeyServerEnc, unsigned int uiKeyBitsServerEnc,
    unsigned char* pucClientIV, unsigned int uiClientIVLength, unsigned char* pucServerIV,
    unsigned int uiServerIVLength) {
  return guard(__func__, {pucKeyClientEnc, pucKeyServerEnc}, [&]() -> Result<void> {
    Derivation derivation(CIPHERDECK_OP_VPN_SSL, uiPrfAlgID);
    if (uiClientRandomLength != uiServerRandomLength) return Error::invalid_argument;
    CIPHERDECK_TRY(with_key(derivation, hSessionHandle, hKeyHandlePreMaster));
    CIPHERDECK_TRY(with_input(derivation, {{pucClientRandom, uiClientRandomLength},
                                           {pucServerRandom, uiServerRandomLength}}));
    return derive_for(hSessionHandle, uiEccAlgID, pucPublicKey, derivation.request,
                      {{{uiKeyBitsClientMac, nullptr, pucKeyClientMac},
                        {uiKeyBitsServerMac, nullptr, pucKeyServerMac},
                        {uiKeyBitsClientEnc, nullptr, pucKeyClientEnc},
                        {uiKeyBitsServerEnc, nullptr, pucKeyServerEnc}},
                       {{pucClientIV, uiClientIVLength}, {pucServerIV, uiServerIVLength}}});
  });
}

// SPDX-License-Identifier: Apache-2.0
// Clause 6.8: operations with keys in the clear, for debugging. Those of RSA are in rsa.cpp, those
// that begin an operation in parts in multipart.cpp.
#include "sdf/cipher_operation.h"
#include "sdf/guard.h"
#include "sdf/session_key.h"
#include "sdf/wire.h"

namespace cipherdeck::sdf {
namespace {

Result<void> generate_key_pair(ECCrefPublicKey& public_key, ECCrefPrivateKey& private_key,
                               const void* session_handle, std::uint32_t algorithm,
                               std::uint32_t bits) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  // Of any use: the pair is SM2's.
  const bool is_sm2 = check_sm2(algorithm, SGD_SM2_1) || check_sm2(algorithm, SGD_SM2_2) ||
                      check_sm2(algorithm, SGD_SM2_3);
  if (!is_sm2) return Error::algorithm;
  if (bits != kSm2Bits) return Error::invalid_argument;
  Secret<kPointLen + kFieldLen> pair;
  driver::Request request;
  request.opcode = CIPHERDECK_OP_SM2_KEY_PAIR_MAKE;
  request.output = pair.span();
  CIPHERDECK_TRY(session->execute(request));
  const std::span all = pair.span();
  to_struct(public_key, all.first<kPointLen>());
  to_struct(private_key, all.last<kFieldLen>());
  return {};
}

Result<void> sign(ECCSignature& signature, const void* session_handle, std::uint32_t algorithm,
                  const ECCrefPrivateKey* key, const unsigned char* data, unsigned int len) {
  CIPHERDECK_TRY(check_sm2(algorithm, SGD_SM2_1));
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const Scalar scalar, to_scalar(key));
  driver::Request request;
  CIPHERDECK_ASSIGN(request.input, input(data, len));
  if (len != kDigestLen) return Error::invalid_argument;
  SignatureBytes bytes;
  request.opcode = CIPHERDECK_OP_SM2_SIGN_EXTERNAL;
  request.params = scalar.span();
  request.output = bytes;
  CIPHERDECK_TRY(session->execute(request));
  to_struct(signature, bytes);
  return {};
}

// One command decrypts as much as a key envelope holds.
constexpr std::size_t kMaxDebugPlaintext = 4096 - kCipherExtra;

Result<void> decrypt(unsigned char* out, unsigned int* out_len, const void* session_handle,
                     std::uint32_t algorithm, const ECCrefPrivateKey* key,
                     const ECCCipher* cipher) {
  CIPHERDECK_TRY(check_sm2(algorithm, SGD_SM2_3));
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const Scalar scalar, to_scalar(key));
  CIPHERDECK_ASSIGN(const auto bytes,
                    to_ciphertext(cipher, session->config().cipher_layout, kMaxDebugPlaintext));
  const std::size_t len = bytes.size() - kCipherExtra;
  CIPHERDECK_ASSIGN(const bool query, is_length_query(out, out_len, len));
  if (query) return {};
  driver::Request request;
  request.opcode = CIPHERDECK_OP_SM2_DECRYPT_EXTERNAL;
  request.input = bytes;
  request.params = scalar.span();
  request.output = {out, len};
  return session->perform(request);
}

struct ExternalKey {
  const unsigned char* bytes;
  unsigned int len;
};

// The IV is read only: its length is given, so the caller may have it in a place that is too short.
Result<void> crypt(std::uint16_t opcode, const void* session_handle, std::uint32_t algorithm,
                   const ExternalKey& key, const unsigned char* iv, unsigned int iv_len,
                   const unsigned char* data, unsigned int len, unsigned char* out,
                   unsigned int* out_len) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const Bytes key_bytes, input(key.bytes, key.len));
  CIPHERDECK_ASSIGN(const Bytes all, input(data, len));
  if (all.empty()) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const bool query, is_length_query(out, out_len, len));
  if (query) return {};
  driver::Request request;
  request.opcode = opcode;
  request.algorithm = to_symmetric_algorithm(algorithm, session->config().sm4_base);
  Block chained{};
  if (takes_iv(request.algorithm)) {
    if (iv == nullptr || iv_len != kBlockLen) return Error::invalid_argument;
    std::memcpy(chained.data(), iv, chained.size());
  }
  CIPHERDECK_ASSIGN(const TemporaryKey imported, TemporaryKey::import(session, key_bytes));
  request.key = imported.number();
  return crypt_chunks(*session, request, all, out, chained);
}

Result<void> hmac_init(const void* session_handle, std::uint32_t algorithm,
                       const ExternalKey& key) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const Bytes bytes, input(key.bytes, key.len));
  CIPHERDECK_ASSIGN(const TemporaryKey imported, TemporaryKey::import(session, bytes));
  driver::Request request;
  request.opcode = CIPHERDECK_OP_HMAC_INIT;
  request.key = imported.number();
  request.algorithm = algorithm;
  return session->perform(request);  // the card has taken what it needs of the key
}

}  // namespace
}  // namespace cipherdeck::sdf

using namespace cipherdeck;       // NOLINT: what follows is the C interface to the above
using namespace cipherdeck::sdf;  // NOLINT

SDF_EXPORT int SDF_GenerateKeyPair_ECC(void* hSessionHandle, unsigned int uiAlgID,
                                       unsigned int uiKeyBits, ECCrefPublicKey* pucPublicKey,
                                       ECCrefPrivateKey* pucPrivateKey) {
  return guard(__func__, {pucPublicKey, pucPrivateKey}, [&] {
    return generate_key_pair(*pucPublicKey, *pucPrivateKey, hSessionHandle, uiAlgID, uiKeyBits);
  });
}

SDF_EXPORT int SDF_ExternalSign_ECC(void* hSessionHandle, unsigned int uiAlgID,
                                    ECCrefPrivateKey* pucPrivateKey, unsigned char* pucData,
                                    unsigned int uiDataLength, ECCSignature* pucSignature) {
  return guard(__func__, {pucSignature}, [&] {
    return sign(*pucSignature, hSessionHandle, uiAlgID, pucPrivateKey, pucData, uiDataLength);
  });
}

SDF_EXPORT int SDF_ExternalDecrypt_ECC(void* hSessionHandle, unsigned int uiAlgID,
                                       ECCrefPrivateKey* pucPrivateKey, ECCCipher* pucEncData,
                                       unsigned char* pucData, unsigned int* puiDataLength) {
  return guard(__func__, {puiDataLength}, [&] {
    return decrypt(pucData, puiDataLength, hSessionHandle, uiAlgID, pucPrivateKey, pucEncData);
  });
}

SDF_EXPORT int SDF_ExternalKeyEncrypt(void* hSessionHandle, unsigned int uiAlgID,
                                      unsigned char* pucKey, unsigned int uiKeyLength,
                                      unsigned char* pucIV, unsigned int uiIVLength,
                                      unsigned char* pucData, unsigned int uiDataLength,
                                      unsigned char* pucEncData, unsigned int* puiEncDataLength) {
  return guard(__func__, {puiEncDataLength}, [&] {
    return crypt(CIPHERDECK_OP_ENCRYPT, hSessionHandle, uiAlgID, {pucKey, uiKeyLength}, pucIV,
                 uiIVLength, pucData, uiDataLength, pucEncData, puiEncDataLength);
  });
}

SDF_EXPORT int SDF_ExternalKeyDecrypt(void* hSessionHandle, unsigned int uiAlgID,
                                      unsigned char* pucKey, unsigned int uiKeyLength,
                                      unsigned char* pucIV, unsigned int uiIVLength,
                                      unsigned char* pucEncData, unsigned int uiEncDataLength,
                                      unsigned char* pucData, unsigned int* puiDataLength) {
  return guard(__func__, {puiDataLength}, [&] {
    return crypt(CIPHERDECK_OP_DECRYPT, hSessionHandle, uiAlgID, {pucKey, uiKeyLength}, pucIV,
                 uiIVLength, pucEncData, uiEncDataLength, pucData, puiDataLength);
  });
}

SDF_EXPORT int SDF_ExternalKeyHMACInit(void* hSessionHandle, unsigned int uiAlgID,
                                       unsigned char* pucKey, unsigned int uiKeyLength) {
  return guard(__func__, {}, [&] {
    return hmac_init(hSessionHandle, uiAlgID, {pucKey, uiKeyLength});
  });
}

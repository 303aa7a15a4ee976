// SPDX-License-Identifier: Apache-2.0
// Clause 6.4: signatures and encryption of SM2; and the vendors' functions that belong with them.
#include "sdf/guard.h"
#include "sdf/library.h"
#include "sdf/wire.h"

namespace cipherdeck::sdf {
namespace {

// The prepared value e.
Result<Bytes> digest(const unsigned char* data, unsigned int len) {
  if (len != kDigestLen) return Error::invalid_argument;
  return input(data, len);
}

Result<void> sign(ECCSignature& signature, const void* session_handle, std::uint32_t index,
                  const unsigned char* data, unsigned int len) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  SignatureBytes bytes;
  driver::Request request;
  CIPHERDECK_ASSIGN(request.input, digest(data, len));
  request.opcode = CIPHERDECK_OP_SM2_SIGN;
  request.key = index;
  request.output = bytes;
  CIPHERDECK_TRY(session->execute(request));
  to_struct(signature, bytes);
  return {};
}

Result<void> verify(const void* session_handle, const unsigned char* data, unsigned int len,
                    const ECCSignature* signature, driver::Request request) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const SignatureBytes bytes, to_signature(signature));
  CIPHERDECK_ASSIGN(request.input, digest(data, len));
  request.params = bytes;
  auto reply = session->execute(request);
  return reply ? Result<void>{} : reply.error();
}

Result<void> verify_external(const void* session_handle, std::uint32_t algorithm,
                             const ECCrefPublicKey* key, const unsigned char* data,
                             unsigned int len, const ECCSignature* signature) {
  CIPHERDECK_TRY(check_sm2(algorithm, SGD_SM2_1));
  CIPHERDECK_ASSIGN(const Point point, to_point(key));
  driver::Request request;
  request.opcode = CIPHERDECK_OP_SM2_VERIFY_EXTERNAL;
  request.aux = point;
  return verify(session_handle, data, len, signature, request);
}

Result<void> encrypt(ECCCipher& cipher, const void* session_handle, const unsigned char* data,
                     unsigned int len, driver::Request request) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  const CipherLayout layout = session->config().cipher_layout;
  if (len == 0 || len > max_plaintext_len(layout)) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(request.input, input(data, len));
  std::vector<std::uint8_t> bytes(kCipherExtra + len);
  request.output = bytes;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  if (reply.output_len != bytes.size()) return Error::internal;
  return to_struct(cipher, layout, bytes);
}

Result<void> encrypt_external(ECCCipher& cipher, const void* session_handle,
                              std::uint32_t algorithm, const ECCrefPublicKey* key,
                              const unsigned char* data, unsigned int len) {
  CIPHERDECK_TRY(check_sm2(algorithm, SGD_SM2_3));
  CIPHERDECK_ASSIGN(const Point point, to_point(key));
  driver::Request request;
  request.opcode = CIPHERDECK_OP_SM2_ENCRYPT_EXTERNAL;
  request.aux = point;
  return encrypt(cipher, session_handle, data, len, request);
}

Result<void> decrypt(unsigned char* out, unsigned int* len, const void* session_handle,
                     std::uint32_t index, const ECCCipher* cipher) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  const CipherLayout layout = session->config().cipher_layout;
  CIPHERDECK_ASSIGN(const auto bytes, to_ciphertext(cipher, layout, max_plaintext_len(layout)));
  const std::size_t plaintext_len = bytes.size() - kCipherExtra;
  CIPHERDECK_ASSIGN(const bool query, is_length_query(out, len, plaintext_len));
  if (query) return {};
  driver::Request request;
  request.opcode = CIPHERDECK_OP_SM2_DECRYPT;
  request.key = index;
  request.input = bytes;
  request.output = {out, plaintext_len};
  auto reply = session->execute(request);
  return reply ? Result<void>{} : reply.error();
}

}  // namespace
}  // namespace cipherdeck::sdf

using namespace cipherdeck;       // NOLINT: what follows is the C interface to the above
using namespace cipherdeck::sdf;  // NOLINT

SDF_EXPORT int SDF_ExternalVerify_ECC(void* hSessionHandle, unsigned int uiAlgID,
                                      ECCrefPublicKey* pucPublicKey, unsigned char* pucDataInput,
                                      unsigned int uiInputLength, ECCSignature* pucSignature) {
  return guard(__func__, {}, [&] {
    return verify_external(hSessionHandle, uiAlgID, pucPublicKey, pucDataInput, uiInputLength,
                           pucSignature);
  });
}

SDF_EXPORT int SDF_InternalSign_ECC(void* hSessionHandle, unsigned int uiISKIndex,
                                    unsigned char* pucData, unsigned int uiDataLength,
                                    ECCSignature* pucSignature) {
  return guard(__func__, {pucSignature}, [&] {
    return sign(*pucSignature, hSessionHandle, uiISKIndex, pucData, uiDataLength);
  });
}

SDF_EXPORT int SDF_InternalVerify_ECC(void* hSessionHandle, unsigned int uiIPKIndex,
                                      unsigned char* pucData, unsigned int uiDataLength,
                                      ECCSignature* pucSignature) {
  return guard(__func__, {}, [&] {
    driver::Request request;
    request.opcode = CIPHERDECK_OP_SM2_VERIFY;
    request.key = uiIPKIndex;
    return verify(hSessionHandle, pucData, uiDataLength, pucSignature, request);
  });
}

SDF_EXPORT int SDF_ExternalEncrypt_ECC(void* hSessionHandle, unsigned int uiAlgID,
                                       ECCrefPublicKey* pucPublicKey, unsigned char* pucData,
                                       unsigned int uiDataLength, ECCCipher* pucEncData) {
  return guard(__func__, {pucEncData}, [&] {
    return encrypt_external(*pucEncData, hSessionHandle, uiAlgID, pucPublicKey, pucData,
                            uiDataLength);
  });
}

SDF_EXPORT int SDF_InternalEncrypt_ECC(void* hSessionHandle, unsigned int uiIPKIndex,
                                       unsigned char* pucData, unsigned int uiDataLength,
                                       ECCCipher* pucEncData) {
  return guard(__func__, {pucEncData}, [&] {
    driver::Request request;
    request.opcode = CIPHERDECK_OP_SM2_ENCRYPT;
    request.key = uiIPKIndex;
    return encrypt(*pucEncData, hSessionHandle, pucData, uiDataLength, request);
  });
}

SDF_EXPORT int SDF_InternalDecrypt_ECC(void* hSessionHandle, unsigned int uiISKIndex,
                                       ECCCipher* pucEncData, unsigned char* pucData,
                                       unsigned int* puiDataLength) {
  return guard(__func__, {puiDataLength}, [&] {
    return decrypt(pucData, puiDataLength, hSessionHandle, uiISKIndex, pucEncData);
  });
}

// SPDX-License-Identifier: Apache-2.0
// Clause 6.5: symmetric operations at once; in parts they are in multipart.cpp.
#include "sdf/cipher_operation.h"
#include "sdf/guard.h"

#include <algorithm>

namespace cipherdeck::sdf {
namespace {

constexpr std::size_t kMaxTagLen = 16;
constexpr std::size_t kZucMacLen = 4;
constexpr std::size_t kMaxNonceLen = 256;

Result<void> crypt(std::uint16_t opcode, const void* session_handle, const void* key,
                   std::uint32_t algorithm, unsigned char* iv, const unsigned char* data,
                   unsigned int data_len, unsigned char* out, unsigned int* out_len) {
  CIPHERDECK_ASSIGN(const CipherOperation operation,
                    begin_operation(opcode, session_handle, key, algorithm));
  CIPHERDECK_ASSIGN(const Bytes all, input(data, data_len));
  if (all.empty()) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const bool query, is_length_query(out, out_len, data_len));
  if (query) return {};
  Block chained{};
  const bool has_iv = takes_iv(operation.request.algorithm);
  if (has_iv && iv == nullptr) return Error::invalid_argument;
  if (has_iv) std::memcpy(chained.data(), iv, chained.size());
  CIPHERDECK_TRY(crypt_chunks(*operation.session, operation.request, all, out, chained));
  if (has_iv) std::memcpy(iv, chained.data(), chained.size());
  return {};
}

// 128-EIA3: a message of any length, its parameters in the IV.
Result<void> calculate_zuc_mac(CipherOperation operation, const unsigned char* iv, Bytes data,
                               unsigned char* out, unsigned int* out_len) {
  if (data.empty() || iv == nullptr) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const bool query, is_length_query(out, out_len, kZucMacLen));
  if (query) return {};
  operation.request.params = {iv, kBlockLen};
  operation.request.input = data;
  operation.request.output = {out, kZucMacLen};
  CIPHERDECK_TRY(operation.session->execute(operation.request));
  return {};
}

Result<void> calculate_mac(const void* session_handle, const void* key, std::uint32_t algorithm,
                           unsigned char* iv, const unsigned char* data, unsigned int data_len,
                           unsigned char* out, unsigned int* out_len) {
  CIPHERDECK_ASSIGN(const CipherOperation operation,
                    begin_operation(CIPHERDECK_OP_MAC, session_handle, key, algorithm));
  CIPHERDECK_ASSIGN(const Bytes all, input(data, data_len));
  if (is_zuc(operation.request.algorithm)) {
    return calculate_zuc_mac(operation, iv, all, out, out_len);
  }
  if (all.empty() || all.size() % kBlockLen != 0 || iv == nullptr) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const bool query, is_length_query(out, out_len, kBlockLen));
  if (query) return {};
  Block mac;
  std::memcpy(mac.data(), iv, mac.size());
  CIPHERDECK_TRY(mac_chunks(*operation.session, operation.request, all, mac));
  std::memcpy(iv, mac.data(), mac.size());
  std::memcpy(out, mac.data(), mac.size());
  return {};
}

struct Authenticated {
  const unsigned char* nonce;
  unsigned int nonce_len;
  const unsigned char* aad;
  unsigned int aad_len;
  const unsigned char* data;
  unsigned int data_len;
};

Result<CipherOperation> begin_authenticated(std::uint16_t opcode, const void* session_handle,
                                            const void* key, std::uint32_t algorithm,
                                            const Authenticated& what) {
  CIPHERDECK_ASSIGN(CipherOperation operation,
                    begin_operation(opcode, session_handle, key, algorithm));
  CIPHERDECK_ASSIGN(operation.request.params, input(what.nonce, what.nonce_len));
  CIPHERDECK_ASSIGN(operation.request.aux, input(what.aad, what.aad_len));
  CIPHERDECK_ASSIGN(operation.request.input, input(what.data, what.data_len));
  if (what.nonce_len == 0 || what.nonce_len > kMaxNonceLen) return Error::invalid_argument;
  return operation;
}

Result<void> auth_encrypt(const void* session_handle, const void* key, std::uint32_t algorithm,
                          const Authenticated& what, unsigned char* out, unsigned int* out_len,
                          unsigned char* tag, unsigned int* tag_len) {
  CIPHERDECK_ASSIGN(
      CipherOperation operation,
      begin_authenticated(CIPHERDECK_OP_AUTH_ENCRYPT, session_handle, key, algorithm, what));
  if (*tag_len == 0) *tag_len = kMaxTagLen;
  if (*tag_len > kMaxTagLen) *tag_len = kMaxTagLen;  // room for more than there is
  // Without data there need be no place for it.
  static unsigned char nowhere;
  unsigned char* const place = out == nullptr && what.data_len == 0 ? &nowhere : out;
  CIPHERDECK_ASSIGN(const bool query, is_length_query(place, out_len, what.data_len));
  if (query || tag == nullptr) return {};
  std::vector<std::uint8_t> sealed(what.data_len + *tag_len);
  operation.request.arg0 = *tag_len;
  operation.request.output = sealed;
  CIPHERDECK_ASSIGN(const driver::Reply reply, operation.session->execute(operation.request));
  if (reply.output_len != sealed.size()) return Error::internal;
  if (what.data_len != 0) std::memcpy(out, sealed.data(), what.data_len);
  std::memcpy(tag, sealed.data() + what.data_len, *tag_len);
  return {};
}

Result<void> auth_decrypt(const void* session_handle, const void* key, std::uint32_t algorithm,
                          const Authenticated& what, const unsigned char* tag, unsigned int tag_len,
                          unsigned char* out, unsigned int* out_len) {
  CIPHERDECK_ASSIGN(
      CipherOperation operation,
      begin_authenticated(CIPHERDECK_OP_AUTH_DECRYPT, session_handle, key, algorithm, what));
  CIPHERDECK_ASSIGN(const Bytes tag_bytes, input(tag, tag_len));
  if (tag_len == 0 || tag_len > kMaxTagLen) return Error::invalid_argument;
  static unsigned char nowhere;
  unsigned char* const place = out == nullptr && what.data_len == 0 ? &nowhere : out;
  CIPHERDECK_ASSIGN(const bool query, is_length_query(place, out_len, what.data_len));
  if (query) return {};
  std::vector<std::uint8_t> sealed(operation.request.input.begin(), operation.request.input.end());
  sealed.insert(sealed.end(), tag_bytes.begin(), tag_bytes.end());
  operation.request.input = sealed;
  operation.request.arg0 = tag_len;
  operation.request.output = {out, what.data_len};
  auto reply = operation.session->execute(operation.request);
  return reply ? Result<void>{} : reply.error();
}

}  // namespace
}  // namespace cipherdeck::sdf

using namespace cipherdeck;       // NOLINT: what follows is the C interface to the above
using namespace cipherdeck::sdf;  // NOLINT

SDF_EXPORT int SDF_Encrypt(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                           unsigned char* pucIV, unsigned char* pucData, unsigned int uiDataLength,
                           unsigned char* pucEncData, unsigned int* puiEncDataLength) {
  return guard(__func__, {puiEncDataLength}, [&] {
    return crypt(CIPHERDECK_OP_ENCRYPT, hSessionHandle, hKeyHandle, uiAlgID, pucIV, pucData,
                 uiDataLength, pucEncData, puiEncDataLength);
  });
}

SDF_EXPORT int SDF_Decrypt(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                           unsigned char* pucIV, unsigned char* pucEncData,
                           unsigned int uiEncDataLength, unsigned char* pucData,
                           unsigned int* puiDataLength) {
  return guard(__func__, {puiDataLength}, [&] {
    return crypt(CIPHERDECK_OP_DECRYPT, hSessionHandle, hKeyHandle, uiAlgID, pucIV, pucEncData,
                 uiEncDataLength, pucData, puiDataLength);
  });
}

SDF_EXPORT int SDF_CalculateMAC(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                                unsigned char* pucIV, unsigned char* pucData,
                                unsigned int uiDataLength, unsigned char* pucMAC,
                                unsigned int* puiMACLength) {
  return guard(__func__, {puiMACLength}, [&] {
    return calculate_mac(hSessionHandle, hKeyHandle, uiAlgID, pucIV, pucData, uiDataLength, pucMAC,
                         puiMACLength);
  });
}

SDF_EXPORT int SDF_AuthEnc(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                           unsigned char* pucStartVar, unsigned int uiStartVarLength,
                           unsigned char* pucAad, unsigned int uiAadLength, unsigned char* pucData,
                           unsigned int uiDataLength, unsigned char* pucEncData,
                           unsigned int* puiEncDataLength, unsigned char* pucAuthData,
                           unsigned int* puiAuthDataLength) {
  return guard(__func__, {puiEncDataLength, puiAuthDataLength}, [&] {
    return auth_encrypt(hSessionHandle, hKeyHandle, uiAlgID,
                        {pucStartVar, uiStartVarLength, pucAad, uiAadLength, pucData, uiDataLength},
                        pucEncData, puiEncDataLength, pucAuthData, puiAuthDataLength);
  });
}

SDF_EXPORT int SDF_AuthDec(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                           unsigned char* pucStartVar, unsigned int uiStartVarLength,
                           unsigned char* pucAad, unsigned int uiAadLength,
                           unsigned char* pucAuthData, unsigned int uiAuthDataLength,
                           unsigned char* pucEncData, unsigned int uiEncDataLength,
                           unsigned char* pucData, unsigned int* puiDataLength) {
  return guard(__func__, {puiDataLength}, [&] {
    return auth_decrypt(
        hSessionHandle, hKeyHandle, uiAlgID,
        {pucStartVar, uiStartVarLength, pucAad, uiAadLength, pucEncData, uiEncDataLength},
        pucAuthData, uiAuthDataLength, pucData, puiDataLength);
  });
}

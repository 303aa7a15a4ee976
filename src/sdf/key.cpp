// SPDX-License-Identifier: Apache-2.0
// Clause 6.3: public keys and session keys; and the vendors' import of a key in the clear. Key
// exchange is in agreement.cpp.
#include "sdf/guard.h"
#include "sdf/session_key.h"
#include "sdf/wire.h"

namespace cipherdeck::sdf {
namespace {

constexpr std::size_t kMaxWrappedLen = 256;

Result<void> export_public_key(ECCrefPublicKey& key, const void* session_handle,
                               std::uint32_t index, std::uint32_t use) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  Point point;
  driver::Request request;
  request.opcode = CIPHERDECK_OP_PUBLIC_KEY_EXPORT;
  request.key = index;
  request.arg0 = use;
  request.output = point;
  CIPHERDECK_TRY(session->execute(request));
  to_struct(key, point);
  return {};
}

// KEY_GENERATE_IPK and KEY_GENERATE_EPK.
Result<void> generate_for_public_key(void** handle, ECCCipher& wrapped, const void* session_handle,
                                     driver::Request request) {
  *handle = nullptr;
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  std::array<std::uint8_t, kCipherExtra + kMaxKeyLen> bytes;
  request.output = bytes;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  if (reply.output_len <= kCipherExtra) return Error::internal;
  CIPHERDECK_TRY(
      to_struct(wrapped, session->config().cipher_layout, Bytes(bytes).first(reply.output_len)));
  return give_handle(handle, session_handle, reply.value);
}

Result<void> generate_with_epk(void** handle, ECCCipher& wrapped, const void* session_handle,
                               std::uint32_t bits, std::uint32_t algorithm,
                               const ECCrefPublicKey* key) {
  CIPHERDECK_TRY(check_sm2(algorithm, SGD_SM2_3));
  CIPHERDECK_ASSIGN(const Point point, to_point(key));
  driver::Request request;
  request.opcode = CIPHERDECK_OP_KEY_GENERATE_EPK;
  request.params = point;
  request.arg0 = bits;
  return generate_for_public_key(handle, wrapped, session_handle, request);
}

Result<void> import_key(void** handle, const void* session_handle, driver::Request request) {
  *handle = nullptr;
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  return give_handle(handle, session_handle, reply.value);
}

Result<void> import_with_isk(void** handle, const void* session_handle, std::uint32_t index,
                             const ECCCipher* wrapped) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const auto bytes,
                    to_ciphertext(wrapped, session->config().cipher_layout, kMaxKeyLen));
  driver::Request request;
  request.opcode = CIPHERDECK_OP_KEY_IMPORT_ISK;
  request.key = index;
  request.input = bytes;
  return import_key(handle, session_handle, request);
}

// How long a wrapped key is depends on the mode: the card says it, so the key is made first and
// destroyed if the caller has no room or only asks for the length.
Result<void> generate_with_kek(void** handle, unsigned char* out, unsigned int* len,
                               const void* session_handle, std::uint32_t bits,
                               std::uint32_t algorithm, std::uint32_t index) {
  *handle = nullptr;
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  std::array<std::uint8_t, kMaxWrappedLen> wrapped;
  driver::Request request;
  request.opcode = CIPHERDECK_OP_KEY_GENERATE_KEK;
  request.key = index;
  request.algorithm = to_symmetric_algorithm(algorithm, session->config().sm4_base);
  request.arg0 = bits;
  request.output = wrapped;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  const auto query = is_length_query(out, len, reply.output_len);
  if (!query || *query) {
    CIPHERDECK_TRY(destroy_at_card(*session, reply.value));
    return query ? Result<void>{} : query.error();
  }
  std::memcpy(out, wrapped.data(), reply.output_len);
  return give_handle(handle, session_handle, reply.value);
}

Result<void> import_with_kek(void** handle, const void* session_handle, std::uint32_t algorithm,
                             std::uint32_t index, const unsigned char* wrapped, unsigned int len) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  driver::Request request;
  CIPHERDECK_ASSIGN(request.input, input(wrapped, len));
  if (len == 0 || len > kMaxWrappedLen) return Error::invalid_argument;
  request.opcode = CIPHERDECK_OP_KEY_IMPORT_KEK;
  request.key = index;
  request.algorithm = to_symmetric_algorithm(algorithm, session->config().sm4_base);
  return import_key(handle, session_handle, request);
}

Result<void> import_plain_key(void** handle, const void* session_handle, const unsigned char* key,
                              unsigned int len) {
  *handle = nullptr;
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const Bytes bytes, input(key, len));
  CIPHERDECK_ASSIGN(const std::uint32_t number, import_in_clear(*session, bytes));
  return give_handle(handle, session_handle, number);
}

Result<void> destroy_key(const void* session_handle, const void* key) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const std::uint32_t number, Library::instance().any_key(session_handle, key));
  Library::instance().forget_key(key);
  return destroy_at_card(*session, number);
}

Result<void> exchange_envelope(ECCCipher& out, const void* session_handle, std::uint32_t index,
                               std::uint32_t algorithm, const ECCrefPublicKey* key,
                               const ECCCipher* in) {
  CIPHERDECK_TRY(check_sm2(algorithm, SGD_SM2_3));
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  const CipherLayout layout = session->config().cipher_layout;
  CIPHERDECK_ASSIGN(const Point point, to_point(key));
  CIPHERDECK_ASSIGN(const auto bytes, to_ciphertext(in, layout, max_plaintext_len(layout)));
  std::vector<std::uint8_t> exchanged(bytes.size());
  driver::Request request;
  request.opcode = CIPHERDECK_OP_ENVELOPE_EXCHANGE;
  request.key = index;
  request.input = bytes;
  request.params = point;
  request.output = exchanged;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  if (reply.output_len != exchanged.size()) return Error::internal;
  return to_struct(out, layout, exchanged);
}

}  // namespace
}  // namespace cipherdeck::sdf

using namespace cipherdeck;       // NOLINT: what follows is the C interface to the above
using namespace cipherdeck::sdf;  // NOLINT

SDF_EXPORT int SDF_ExportSignPublicKey_ECC(void* hSessionHandle, unsigned int uiKeyIndex,
                                           ECCrefPublicKey* pucPublicKey) {
  return guard(__func__, {pucPublicKey}, [&] {
    return export_public_key(*pucPublicKey, hSessionHandle, uiKeyIndex, CIPHERDECK_USE_SIGN);
  });
}

SDF_EXPORT int SDF_ExportEncPublicKey_ECC(void* hSessionHandle, unsigned int uiKeyIndex,
                                          ECCrefPublicKey* pucPublicKey) {
  return guard(__func__, {pucPublicKey}, [&] {
    return export_public_key(*pucPublicKey, hSessionHandle, uiKeyIndex, CIPHERDECK_USE_ENCRYPT);
  });
}

SDF_EXPORT int SDF_GenerateKeyWithIPK_ECC(void* hSessionHandle, unsigned int uiIPKIndex,
                                          unsigned int uiKeyBits, ECCCipher* pucKey,
                                          void** phKeyHandle) {
  return guard(__func__, {pucKey, phKeyHandle}, [&] {
    driver::Request request;
    request.opcode = CIPHERDECK_OP_KEY_GENERATE_IPK;
    request.key = uiIPKIndex;
    request.arg0 = uiKeyBits;
    return generate_for_public_key(phKeyHandle, *pucKey, hSessionHandle, request);
  });
}

SDF_EXPORT int SDF_GenerateKeyWithEPK_ECC(void* hSessionHandle, unsigned int uiKeyBits,
                                          unsigned int uiAlgID, ECCrefPublicKey* pucPublicKey,
                                          ECCCipher* pucKey, void** phKeyHandle) {
  return guard(__func__, {pucKey, phKeyHandle}, [&] {
    return generate_with_epk(phKeyHandle, *pucKey, hSessionHandle, uiKeyBits, uiAlgID,
                             pucPublicKey);
  });
}

SDF_EXPORT int SDF_ImportKeyWithISK_ECC(void* hSessionHandle, unsigned int uiISKIndex,
                                        ECCCipher* pucKey, void** phKeyHandle) {
  return guard(__func__, {phKeyHandle},
               [&] { return import_with_isk(phKeyHandle, hSessionHandle, uiISKIndex, pucKey); });
}

SDF_EXPORT int SDF_GenerateKeyWithKEK(void* hSessionHandle, unsigned int uiKeyBits,
                                      unsigned int uiAlgID, unsigned int uiKEKIndex,
                                      unsigned char* pucKey, unsigned int* puiKeyLength,
                                      void** phKeyHandle) {
  return guard(__func__, {puiKeyLength, phKeyHandle}, [&] {
    return generate_with_kek(phKeyHandle, pucKey, puiKeyLength, hSessionHandle, uiKeyBits, uiAlgID,
                             uiKEKIndex);
  });
}

SDF_EXPORT int SDF_ImportKeyWithKEK(void* hSessionHandle, unsigned int uiAlgID,
                                    unsigned int uiKEKIndex, unsigned char* pucKey,
                                    unsigned int uiKeyLength, void** phKeyHandle) {
  return guard(__func__, {phKeyHandle}, [&] {
    return import_with_kek(phKeyHandle, hSessionHandle, uiAlgID, uiKEKIndex, pucKey, uiKeyLength);
  });
}

SDF_EXPORT int SDF_ImportKey(void* hSessionHandle, unsigned char* pucKey, unsigned int uiKeyLength,
                             void** phKeyHandle) {
  return guard(__func__, {phKeyHandle},
               [&] { return import_plain_key(phKeyHandle, hSessionHandle, pucKey, uiKeyLength); });
}

SDF_EXPORT int SDF_GetSymmKeyHandle(void* hSessionHandle, unsigned int uiKeyIndex,
                                    void** phKeyHandle) {
  return guard(__func__, {phKeyHandle}, [&] {
    driver::Request request;
    request.opcode = CIPHERDECK_OP_KEY_OPEN;
    request.key = uiKeyIndex;
    return import_key(phKeyHandle, hSessionHandle, request);
  });
}

SDF_EXPORT int SDF_DestroyKey(void* hSessionHandle, void* hKeyHandle) {
  return guard(__func__, {}, [&] { return destroy_key(hSessionHandle, hKeyHandle); });
}

SDF_EXPORT int SDF_ExchangeDigitEnvelopeBaseOnECC(void* hSessionHandle, unsigned int uiKeyIndex,
                                                  unsigned int uiAlgID,
                                                  ECCrefPublicKey* pucPublicKey,
                                                  ECCCipher* pucEncDataIn,
                                                  ECCCipher* pucEncDataOut) {
  return guard(__func__, {pucEncDataOut}, [&] {
    return exchange_envelope(*pucEncDataOut, hSessionHandle, uiKeyIndex, uiAlgID, pucPublicKey,
                             pucEncDataIn);
  });
}

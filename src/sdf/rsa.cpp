// SPDX-License-Identifier: Apache-2.0
// RSA of clauses 6.3, 6.4 and 6.8.
#include "sdf/guard.h"
#include "sdf/rsa_struct.h"
#include "sdf/session_key.h"

namespace cipherdeck::sdf {
namespace {

constexpr std::size_t kMaxLen = 512;  // of a modulus, in bytes
constexpr std::size_t kMaxPrivateLen = 3 * kMaxLen + 5 * (kMaxLen / 2);

using Block = std::array<std::uint8_t, kMaxLen>;

// A command whose output has a length that the card knows, into a caller's buffer.
Result<void> operate(const void* session_handle, driver::Request request, const unsigned char* data,
                     unsigned int len, unsigned char* out, unsigned int* out_len) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(request.input, input(data, len));
  SecretBytes block(kMaxLen);
  request.output = block.bytes();
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  CIPHERDECK_ASSIGN(const bool query, is_length_query(out, out_len, reply.output_len));
  if (!query) std::memcpy(out, block.bytes().data(), reply.output_len);
  return {};
}

Result<void> export_public_key(RSArefPublicKey& key, const void* session_handle,
                               std::uint32_t index, std::uint32_t use) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  std::array<std::uint8_t, 2 * kMaxLen> numbers;
  driver::Request request;
  request.opcode = CIPHERDECK_OP_RSA_PUBLIC_KEY_EXPORT;
  request.key = index;
  request.arg0 = use;
  request.output = numbers;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  return to_struct(key, Bytes(numbers).first(reply.output_len), session->config().rsa_max_bits);
}

Result<std::vector<std::uint8_t>> external_key(const void* session_handle,
                                               const RSArefPublicKey* key) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  return to_rsa_public_key(key, session->config().rsa_max_bits);
}

// As with KEKs, the key is made first and destroyed if the caller only asked for the length or has
// too little room.
Result<void> generate_key(void** handle, const void* session_handle, const driver::Request& request,
                          unsigned char* out, unsigned int* out_len) {
  *handle = nullptr;
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  Block wrapped;
  driver::Request sent = request;
  sent.output = wrapped;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(sent));
  const auto query = is_length_query(out, out_len, reply.output_len);
  if (!query || *query) {
    CIPHERDECK_TRY(destroy_at_card(*session, reply.value));
    return query ? Result<void>{} : query.error();
  }
  std::memcpy(out, wrapped.data(), reply.output_len);
  return give_handle(handle, session_handle, reply.value);
}

Result<void> import_key(void** handle, const void* session_handle, std::uint32_t index,
                        const unsigned char* wrapped, unsigned int len) {
  *handle = nullptr;
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  driver::Request request;
  CIPHERDECK_ASSIGN(request.input, input(wrapped, len));
  request.opcode = CIPHERDECK_OP_RSA_KEY_IMPORT_ISK;
  request.key = index;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  return give_handle(handle, session_handle, reply.value);
}

Result<void> generate_pair(RSArefPublicKey& public_key, RSArefPrivateKey& private_key,
                           const void* session_handle, std::uint32_t bits) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  const std::uint32_t max_bits = session->config().rsa_max_bits;
  if (bits > max_bits) return Error::invalid_argument;
  SecretBytes numbers(kMaxPrivateLen);
  driver::Request request;
  request.opcode = CIPHERDECK_OP_RSA_KEY_PAIR_MAKE;
  request.arg0 = bits;
  request.output = numbers.bytes();
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  const Bytes made = numbers.bytes().first(reply.output_len);
  CIPHERDECK_TRY(to_struct(private_key, made, max_bits));
  return to_struct(public_key, made.first(std::size_t{bits} / 8 * 2), max_bits);
}

}  // namespace
}  // namespace cipherdeck::sdf

using namespace cipherdeck;       // NOLINT: what follows is the C interface to the above
using namespace cipherdeck::sdf;  // NOLINT

// ---- 6.3 ----------------------------------------------------------------------------------------

SDF_EXPORT int SDF_ExportSignPublicKey_RSA(void* hSessionHandle, unsigned int uiKeyIndex,
                                           RSArefPublicKey* pucPublicKey) {
  return guard(__func__, {pucPublicKey}, [&] {
    return export_public_key(*pucPublicKey, hSessionHandle, uiKeyIndex, CIPHERDECK_USE_SIGN);
  });
}

SDF_EXPORT int SDF_ExportEncPublicKey_RSA(void* hSessionHandle, unsigned int uiKeyIndex,
                                          RSArefPublicKey* pucPublicKey) {
  return guard(__func__, {pucPublicKey}, [&] {
    return export_public_key(*pucPublicKey, hSessionHandle, uiKeyIndex, CIPHERDECK_USE_ENCRYPT);
  });
}

SDF_EXPORT int SDF_GenerateKeyWithIPK_RSA(void* hSessionHandle, unsigned int uiIPKIndex,
                                          unsigned int uiKeyBits, unsigned char* pucKey,
                                          unsigned int* puiKeyLength, void** phKeyHandle) {
  return guard(__func__, {puiKeyLength, phKeyHandle}, [&] {
    driver::Request request;
    request.opcode = CIPHERDECK_OP_RSA_KEY_GENERATE_IPK;
    request.key = uiIPKIndex;
    request.arg0 = uiKeyBits;
    return generate_key(phKeyHandle, hSessionHandle, request, pucKey, puiKeyLength);
  });
}

SDF_EXPORT int SDF_GenerateKeyWithEPK_RSA(void* hSessionHandle, unsigned int uiKeyBits,
                                          RSArefPublicKey* pucPublicKey, unsigned char* pucKey,
                                          unsigned int* puiKeyLength, void** phKeyHandle) {
  return guard(__func__, {puiKeyLength, phKeyHandle}, [&]() -> Result<void> {
    CIPHERDECK_ASSIGN(const auto key, external_key(hSessionHandle, pucPublicKey));
    driver::Request request;
    request.opcode = CIPHERDECK_OP_RSA_KEY_GENERATE_EPK;
    request.params = key;
    request.arg0 = uiKeyBits;
    return generate_key(phKeyHandle, hSessionHandle, request, pucKey, puiKeyLength);
  });
}

SDF_EXPORT int SDF_ImportKeyWithISK_RSA(void* hSessionHandle, unsigned int uiISKIndex,
                                        unsigned char* pucKey, unsigned int uiKeyLength,
                                        void** phKeyHandle) {
  return guard(__func__, {phKeyHandle}, [&] {
    return import_key(phKeyHandle, hSessionHandle, uiISKIndex, pucKey, uiKeyLength);
  });
}

SDF_EXPORT int SDF_ExchangeDigitEnvelopeBaseOnRSA(void* hSessionHandle, unsigned int uiKeyIndex,
                                                  RSArefPublicKey* pucPublicKey,
                                                  unsigned char* pucDEInput,
                                                  unsigned int uiDELength,
                                                  unsigned char* pucDEOutput,
                                                  unsigned int* puiDELength) {
  return guard(__func__, {puiDELength}, [&]() -> Result<void> {
    CIPHERDECK_ASSIGN(const auto key, external_key(hSessionHandle, pucPublicKey));
    driver::Request request;
    request.opcode = CIPHERDECK_OP_RSA_ENVELOPE_EXCHANGE;
    request.key = uiKeyIndex;
    request.params = key;
    return operate(hSessionHandle, request, pucDEInput, uiDELength, pucDEOutput, puiDELength);
  });
}

// ---- 6.4 ----------------------------------------------------------------------------------------

SDF_EXPORT int SDF_ExternalPublicKeyOperation_RSA(
    void* hSessionHandle, RSArefPublicKey* pucPublicKey, unsigned char* pucDataInput,
    unsigned int uiInputLength, unsigned char* pucDataOutput, unsigned int* puiOutputLength) {
  return guard(__func__, {puiOutputLength}, [&]() -> Result<void> {
    CIPHERDECK_ASSIGN(const auto key, external_key(hSessionHandle, pucPublicKey));
    driver::Request request;
    request.opcode = CIPHERDECK_OP_RSA_PUBLIC_EXTERNAL;
    request.params = key;
    return operate(hSessionHandle, request, pucDataInput, uiInputLength, pucDataOutput,
                   puiOutputLength);
  });
}

SDF_EXPORT int SDF_InternalPublicKeyOperation_RSA(void* hSessionHandle, unsigned int uiKeyIndex,
                                                  unsigned char* pucDataInput,
                                                  unsigned int uiInputLength,
                                                  unsigned char* pucDataOutput,
                                                  unsigned int* puiOutputLength) {
  return guard(__func__, {puiOutputLength}, [&] {
    driver::Request request;
    request.opcode = CIPHERDECK_OP_RSA_PUBLIC;
    request.key = uiKeyIndex;
    return operate(hSessionHandle, request, pucDataInput, uiInputLength, pucDataOutput,
                   puiOutputLength);
  });
}

SDF_EXPORT int SDF_InternalPrivateKeyOperation_RSA(void* hSessionHandle, unsigned int uiKeyIndex,
                                                   unsigned char* pucDataInput,
                                                   unsigned int uiInputLength,
                                                   unsigned char* pucDataOutput,
                                                   unsigned int* puiOutputLength) {
  return guard(__func__, {puiOutputLength}, [&] {
    driver::Request request;
    request.opcode = CIPHERDECK_OP_RSA_PRIVATE;
    request.key = uiKeyIndex;
    return operate(hSessionHandle, request, pucDataInput, uiInputLength, pucDataOutput,
                   puiOutputLength);
  });
}

// ---- 6.8 ----------------------------------------------------------------------------------------

SDF_EXPORT int SDF_GenerateKeyPair_RSA(void* hSessionHandle, unsigned int uiKeyBits,
                                       RSArefPublicKey* pucPublicKey,
                                       RSArefPrivateKey* pucPrivateKey) {
  return guard(__func__, {pucPublicKey, pucPrivateKey}, [&] {
    return generate_pair(*pucPublicKey, *pucPrivateKey, hSessionHandle, uiKeyBits);
  });
}

SDF_EXPORT int SDF_ExternalPrivateKeyOperation_RSA(
    void* hSessionHandle, RSArefPrivateKey* pucPrivateKey, unsigned char* pucDataInput,
    unsigned int uiInputLength, unsigned char* pucDataOutput, unsigned int* puiOutputLength) {
  return guard(__func__, {puiOutputLength}, [&]() -> Result<void> {
    CIPHERDECK_ASSIGN(const auto session, Library::instance().session(hSessionHandle));
    CIPHERDECK_ASSIGN(const SecretBytes key,
                      to_rsa_private_key(pucPrivateKey, session->config().rsa_max_bits));
    driver::Request request;
    request.opcode = CIPHERDECK_OP_RSA_PRIVATE_EXTERNAL;
    request.params = key.bytes();
    return operate(hSessionHandle, request, pucDataInput, uiInputLength, pucDataOutput,
                   puiOutputLength);
  });
}

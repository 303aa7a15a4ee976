// SPDX-License-Identifier: Apache-2.0
// Clauses 6.5.7 to 6.5.21: symmetric operations in parts; and those of 6.8 that begin one with a
// key in the clear.
#include "sdf/guard.h"
#include "sdf/part_stream.h"
#include "sdf/session_key.h"

namespace cipherdeck::sdf {
namespace {

constexpr std::size_t kMaxTagLen = 16;
constexpr std::size_t kMaxNonceLen = 256;

// Where a session keeps one kind of operation.
template <typename Stream>
using Place = std::unique_ptr<Stream> Parts::*;

bool has_parts(std::uint32_t algorithm) noexcept {
  switch (algorithm) {
    case CIPHERDECK_ALG_SM4_ECB:
    case CIPHERDECK_ALG_SM4_CBC:
    case CIPHERDECK_ALG_SM4_CFB:
    case CIPHERDECK_ALG_SM4_OFB:
    case CIPHERDECK_ALG_SM4_CTR:
    case CIPHERDECK_ALG_SM4_XTS:
      return true;
    default:
      return false;
  }
}

Result<Block> to_iv(std::uint32_t algorithm, const unsigned char* iv, unsigned int len) {
  Block block{};
  if (!takes_iv(algorithm)) return block;
  if (iv == nullptr || len != kBlockLen) return Error::invalid_argument;
  std::memcpy(block.data(), iv, block.size());
  return block;
}

// ---- begin --------------------------------------------------------------------------------------

Result<void> start_cipher(Place<CipherStream> place, const CipherOperation& operation,
                          const unsigned char* iv, unsigned int iv_len,
                          std::optional<TemporaryKey> own_key = std::nullopt) {
  if (!has_parts(operation.request.algorithm)) return Error::mode;
  CIPHERDECK_ASSIGN(const Block block, to_iv(operation.request.algorithm, iv, iv_len));
  auto stream = std::make_unique<CipherStream>(operation.request, block, std::move(own_key));
  Parts& parts = *operation.session->parts;
  const std::lock_guard lock(parts.mutex);
  parts.*place = std::move(stream);
  return {};
}

Result<void> init_cipher(Place<CipherStream> place, std::uint16_t opcode,
                         const void* session_handle, const void* key, std::uint32_t algorithm,
                         const unsigned char* iv, unsigned int iv_len) {
  CIPHERDECK_ASSIGN(const auto operation, begin_operation(opcode, session_handle, key, algorithm));
  return start_cipher(place, operation, iv, iv_len);
}

Result<void> init_with_external_key(Place<CipherStream> place, std::uint16_t opcode,
                                    const void* session_handle, std::uint32_t algorithm,
                                    const unsigned char* key, unsigned int key_len,
                                    const unsigned char* iv, unsigned int iv_len) {
  CipherOperation operation;
  CIPHERDECK_ASSIGN(operation.session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const Bytes bytes, input(key, key_len));
  CIPHERDECK_ASSIGN(TemporaryKey imported, TemporaryKey::import(operation.session, bytes));
  operation.request.opcode = opcode;
  operation.request.key = imported.number();
  operation.request.algorithm =
      to_symmetric_algorithm(algorithm, operation.session->config().sm4_base);
  return start_cipher(place, operation, iv, iv_len, std::move(imported));
}

Result<void> init_mac(const void* session_handle, const void* key, std::uint32_t algorithm,
                      const unsigned char* iv, unsigned int iv_len) {
  CIPHERDECK_ASSIGN(const auto operation,
                    begin_operation(CIPHERDECK_OP_MAC, session_handle, key, algorithm));
  if (operation.request.algorithm != CIPHERDECK_ALG_SM4_MAC) return Error::mode;
  CIPHERDECK_ASSIGN(const Block block, to_iv(operation.request.algorithm, iv, iv_len));
  Parts& parts = *operation.session->parts;
  const std::lock_guard lock(parts.mutex);
  parts.mac = std::make_unique<MacStream>(operation.request, block);
  return {};
}

struct Message {
  const unsigned char* nonce;
  unsigned int nonce_len;
  const unsigned char* aad;
  unsigned int aad_len;
  Bytes tag;  // empty for encryption
  unsigned int data_len;
};

Result<void> init_message(Place<MessageStream> place, std::uint16_t opcode,
                          const void* session_handle, const void* key, std::uint32_t algorithm,
                          const Message& message) {
  CIPHERDECK_ASSIGN(auto operation, begin_operation(opcode, session_handle, key, algorithm));
  CIPHERDECK_ASSIGN(operation.request.params, input(message.nonce, message.nonce_len));
  CIPHERDECK_ASSIGN(operation.request.aux, input(message.aad, message.aad_len));
  if (message.nonce_len == 0 || message.nonce_len > kMaxNonceLen) return Error::invalid_argument;
  const std::size_t tag_len = message.tag.empty() ? kMaxTagLen : message.tag.size();
  operation.request.arg0 = std::uint64_t{message.data_len} << 32 | tag_len;
  Parts& parts = *operation.session->parts;
  const std::lock_guard lock(parts.mutex);
  parts.auth_encryption.reset();
  parts.auth_decryption.reset();
  CIPHERDECK_TRY(operation.session->execute(operation.request));
  parts.*place = std::make_unique<MessageStream>(message.tag, tag_len);
  return {};
}

// ---- update -------------------------------------------------------------------------------------

template <typename Stream>
Result<void> update(Place<Stream> place, const void* session_handle, const unsigned char* data,
                    unsigned int len, unsigned char* out, unsigned int* out_len) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const Bytes part, input(data, len));
  Parts& parts = *session->parts;
  const std::lock_guard lock(parts.mutex);
  auto& stream = parts.*place;
  if (stream == nullptr) return Error::step;
  const std::size_t ready = stream->ready_len(len);
  static unsigned char nowhere;
  unsigned char* const to = out == nullptr && ready == 0 ? &nowhere : out;
  CIPHERDECK_ASSIGN(const bool query, is_length_query(to, out_len, ready));
  if (query) return {};
  const auto updated = stream->update(*session, part, to);
  if (!updated) stream.reset();
  return updated;
}

Result<void> update_mac(const void* session_handle, const unsigned char* data, unsigned int len) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const Bytes part, input(data, len));
  Parts& parts = *session->parts;
  const std::lock_guard lock(parts.mutex);
  if (parts.mac == nullptr) return Error::step;
  const auto updated = parts.mac->update(*session, part, nullptr);
  if (!updated) parts.mac.reset();
  return updated;
}

// ---- final --------------------------------------------------------------------------------------

// What is left goes to `out`. False: the caller only asked how much that is.
template <typename Stream>
Result<bool> finish_text(Stream& stream, const Session& session, unsigned char* out,
                         unsigned int* out_len) {
  static unsigned char nowhere;
  unsigned char* const to = out == nullptr && stream.last_len() == 0 ? &nowhere : out;
  CIPHERDECK_ASSIGN(const bool query, is_length_query(to, out_len, stream.last_len()));
  if (query) return false;
  CIPHERDECK_TRY(stream.finish(session, to));
  return true;
}

Result<void> finish_cipher(Place<CipherStream> place, const void* session_handle,
                           unsigned char* out, unsigned int* out_len) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  Parts& parts = *session->parts;
  const std::lock_guard lock(parts.mutex);
  auto& stream = parts.*place;
  if (stream == nullptr) return Error::step;
  const auto finished = finish_text(*stream, *session, out, out_len);
  if (!finished && finished.error() == Error::buffer_too_small) return finished.error();
  if (finished && !*finished) return {};
  stream.reset();
  return finished ? Result<void>{} : finished.error();
}

Result<void> finish_mac(const void* session_handle, unsigned char* out, unsigned int* out_len) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  Parts& parts = *session->parts;
  const std::lock_guard lock(parts.mutex);
  if (parts.mac == nullptr) return Error::step;
  CIPHERDECK_ASSIGN(const bool query, is_length_query(out, out_len, kBlockLen));
  if (query) return {};
  const auto stream = std::move(parts.mac);
  CIPHERDECK_TRY(stream->finish(*session, nullptr));
  std::memcpy(out, stream->mac().data(), kBlockLen);
  return {};
}

Result<void> finish_auth_encryption(const void* session_handle, unsigned char* out,
                                    unsigned int* out_len, unsigned char* tag,
                                    unsigned int* tag_len) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  Parts& parts = *session->parts;
  const std::lock_guard lock(parts.mutex);
  auto& stream = parts.auth_encryption;
  if (stream == nullptr) return Error::step;
  CIPHERDECK_ASSIGN(const bool tag_query, is_length_query(tag, tag_len, stream->tag_len()));
  CIPHERDECK_ASSIGN(const bool is_done, finish_text(*stream, *session, out, out_len));
  if (tag_query || !is_done) return {};
  const auto ended = std::move(stream);
  driver::Request request;
  request.opcode = CIPHERDECK_OP_AUTH_FINAL;
  request.output = {tag, ended->tag_len()};
  return session->perform(request);
}

Result<void> finish_auth_decryption(const void* session_handle, unsigned char* out,
                                    unsigned int* out_len) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  Parts& parts = *session->parts;
  const std::lock_guard lock(parts.mutex);
  auto& stream = parts.auth_decryption;
  if (stream == nullptr) return Error::step;
  const std::size_t last_len = stream->last_len();
  CIPHERDECK_ASSIGN(const bool is_done, finish_text(*stream, *session, out, out_len));
  if (!is_done) return {};
  const auto ended = std::move(stream);
  driver::Request request;
  request.opcode = CIPHERDECK_OP_AUTH_FINAL;
  request.params = ended->tag();
  const auto finished = session->perform(request);
  if (!finished && last_len != 0) wipe({out, last_len});
  return finished;
}

}  // namespace
}  // namespace cipherdeck::sdf

using namespace cipherdeck;       // NOLINT: what follows is the C interface to the above
using namespace cipherdeck::sdf;  // NOLINT

SDF_EXPORT int SDF_EncryptInit(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                               unsigned char* pucIV, unsigned int uiIVLength) {
  return guard(__func__, {}, [&] {
    return init_cipher(&Parts::encryption, CIPHERDECK_OP_ENCRYPT, hSessionHandle, hKeyHandle,
                       uiAlgID, pucIV, uiIVLength);
  });
}

SDF_EXPORT int SDF_EncryptUpdate(void* hSessionHandle, unsigned char* pucData,
                                 unsigned int uiDataLength, unsigned char* pucEncData,
                                 unsigned int* puiEncDataLength) {
  return guard(__func__, {puiEncDataLength}, [&] {
    return update(&Parts::encryption, hSessionHandle, pucData, uiDataLength, pucEncData,
                  puiEncDataLength);
  });
}

SDF_EXPORT int SDF_EncryptFinal(void* hSessionHandle, unsigned char* pucLastEncData,
                                unsigned int* puiLastEncDataLength) {
  return guard(__func__, {puiLastEncDataLength}, [&] {
    return finish_cipher(&Parts::encryption, hSessionHandle, pucLastEncData, puiLastEncDataLength);
  });
}

SDF_EXPORT int SDF_DecryptInit(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                               unsigned char* pucIV, unsigned int uiIVLength) {
  return guard(__func__, {}, [&] {
    return init_cipher(&Parts::decryption, CIPHERDECK_OP_DECRYPT, hSessionHandle, hKeyHandle,
                       uiAlgID, pucIV, uiIVLength);
  });
}

SDF_EXPORT int SDF_DecryptUpdate(void* hSessionHandle, unsigned char* pucEncData,
                                 unsigned int uiEncDataLength, unsigned char* pucData,
                                 unsigned int* puiDataLength) {
  return guard(__func__, {puiDataLength}, [&] {
    return update(&Parts::decryption, hSessionHandle, pucEncData, uiEncDataLength, pucData,
                  puiDataLength);
  });
}

SDF_EXPORT int SDF_DecryptFinal(void* hSessionHandle, unsigned char* pucLastData,
                                unsigned int* puiLastDataLength) {
  return guard(__func__, {puiLastDataLength}, [&] {
    return finish_cipher(&Parts::decryption, hSessionHandle, pucLastData, puiLastDataLength);
  });
}

SDF_EXPORT int SDF_CalculateMACInit(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                                    unsigned char* pucIV, unsigned int uiIVLength) {
  return guard(__func__, {},
               [&] { return init_mac(hSessionHandle, hKeyHandle, uiAlgID, pucIV, uiIVLength); });
}

SDF_EXPORT int SDF_CalculateMACUpdate(void* hSessionHandle, unsigned char* pucData,
                                      unsigned int uiDataLength) {
  return guard(__func__, {}, [&] { return update_mac(hSessionHandle, pucData, uiDataLength); });
}

SDF_EXPORT int SDF_CalculateMACFinal(void* hSessionHandle, unsigned char* pucMAC,
                                     unsigned int* puiMACLength) {
  return guard(__func__, {puiMACLength},
               [&] { return finish_mac(hSessionHandle, pucMAC, puiMACLength); });
}

SDF_EXPORT int SDF_AuthEncInit(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                               unsigned char* pucStartVar, unsigned int uiStartVarLength,
                               unsigned char* pucAad, unsigned int uiAadLength,
                               unsigned int uiDataLength) {
  return guard(__func__, {}, [&] {
    return init_message(&Parts::auth_encryption, CIPHERDECK_OP_AUTH_ENCRYPT_INIT, hSessionHandle,
                        hKeyHandle, uiAlgID,
                        {pucStartVar, uiStartVarLength, pucAad, uiAadLength, {}, uiDataLength});
  });
}

SDF_EXPORT int SDF_AuthEncUpdate(void* hSessionHandle, unsigned char* pucData,
                                 unsigned int uiDataLength, unsigned char* pucEncData,
                                 unsigned int* puiEncDataLength) {
  return guard(__func__, {puiEncDataLength}, [&] {
    return update(&Parts::auth_encryption, hSessionHandle, pucData, uiDataLength, pucEncData,
                  puiEncDataLength);
  });
}

SDF_EXPORT int SDF_AuthEncFinal(void* hSessionHandle, unsigned char* pucLastEncData,
                                unsigned int* puiLastEncDataLength, unsigned char* pucAuthData,
                                unsigned int* puiAuthDataLength) {
  return guard(__func__, {puiLastEncDataLength, puiAuthDataLength}, [&] {
    return finish_auth_encryption(hSessionHandle, pucLastEncData, puiLastEncDataLength, pucAuthData,
                                  puiAuthDataLength);
  });
}

SDF_EXPORT int SDF_AuthDecInit(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID,
                               unsigned char* pucStartVar, unsigned int uiStartVarLength,
                               unsigned char* pucAad, unsigned int uiAadLength,
                               unsigned char* pucAuthData, unsigned int uiAuthDataLength,
                               unsigned int uiDataLength) {
  return guard(__func__, {}, [&]() -> Result<void> {
    CIPHERDECK_ASSIGN(const Bytes tag, input(pucAuthData, uiAuthDataLength));
    if (tag.empty() || tag.size() > kMaxTagLen) return Error::invalid_argument;
    return init_message(&Parts::auth_decryption, CIPHERDECK_OP_AUTH_DECRYPT_INIT, hSessionHandle,
                        hKeyHandle, uiAlgID,
                        {pucStartVar, uiStartVarLength, pucAad, uiAadLength, tag, uiDataLength});
  });
}

SDF_EXPORT int SDF_AuthDecUpdate(void* hSessionHandle, unsigned char* pucEncData,
                                 unsigned int uiEncDataLength, unsigned char* pucData,
                                 unsigned int* puiDataLength) {
  return guard(__func__, {puiDataLength}, [&] {
    return update(&Parts::auth_decryption, hSessionHandle, pucEncData, uiEncDataLength, pucData,
                  puiDataLength);
  });
}

SDF_EXPORT int SDF_AuthDecFinal(void* hSessionHandle, unsigned char* pucLastData,
                                unsigned int* puiLastDataLength) {
  return guard(__func__, {puiLastDataLength}, [&] {
    return finish_auth_decryption(hSessionHandle, pucLastData, puiLastDataLength);
  });
}

// ---- 6.8 ----------------------------------------------------------------------------------------

SDF_EXPORT int SDF_ExternalKeyEncryptInit(void* hSessionHandle, unsigned int uiAlgID,
                                          unsigned char* pucKey, unsigned int uiKeyLength,
                                          unsigned char* pucIV, unsigned int uiIVLength) {
  return guard(__func__, {}, [&] {
    return init_with_external_key(&Parts::encryption, CIPHERDECK_OP_ENCRYPT, hSessionHandle,
                                  uiAlgID, pucKey, uiKeyLength, pucIV, uiIVLength);
  });
}

SDF_EXPORT int SDF_ExternalKeyDecryptInit(void* hSessionHandle, unsigned int uiAlgID,
                                          unsigned char* pucKey, unsigned int uiKeyLength,
                                          unsigned char* pucIV, unsigned int uiIVLength) {
  return guard(__func__, {}, [&] {
    return init_with_external_key(&Parts::decryption, CIPHERDECK_OP_DECRYPT, hSessionHandle,
                                  uiAlgID, pucKey, uiKeyLength, pucIV, uiIVLength);
  });
}

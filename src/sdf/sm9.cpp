// SPDX-License-Identifier: Apache-2.0
// Annex B: SM9; and its two functions of clause 6.8.
#include "sdf/guard.h"
#include "sdf/library.h"
#include "sdf/sm9_wire.h"
#include "sdf/wire.h"

namespace cipherdeck::sdf {
namespace {

// The master key of a call: an index, or a public key in the form of the function interface.
struct Master {
  std::uint32_t index = 0;
  Bytes key;
};

Result<Bytes> identity(const unsigned char* id, unsigned int len) {
  if (len == 0 || len > CIPHERDECK_SM9_MAX_ID) return Error::invalid_argument;
  return input(id, len);
}

// The standard calls it a length and not a number of bits: 16 and 32 are taken for bytes.
std::uint64_t key_bits(unsigned int len) noexcept {
  return len <= 32 ? 8 * std::uint64_t{len} : len;
}

std::uint64_t key_and_master(unsigned int key_len, std::uint32_t master) noexcept {
  return key_bits(key_len) | std::uint64_t{master} << 32;
}

// Where a program names a master key by its index, which is from 1.
Result<Master> internal_master(unsigned int index) {
  if (index == 0) return Error::key_not_found;
  return Master{index, {}};
}

Result<void> give_handle(void** handle, const void* session, KeyKind kind, std::uint32_t number) {
  CIPHERDECK_ASSIGN(const Handle given, Library::instance().add_key(session, kind, number));
  *handle = to_opaque(given);
  return {};
}

Result<void> run(const void* session_handle, const driver::Request& request) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_TRY(session->execute(request));
  return {};
}

// ---- identities and signatures ----

Result<void> export_id(unsigned char* out, unsigned int* len, const void* session_handle,
                       std::uint32_t index) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  std::array<std::uint8_t, CIPHERDECK_SM9_MAX_ID> id;
  driver::Request request;
  request.opcode = CIPHERDECK_OP_SM9_ID_EXPORT;
  request.key = index;
  request.arg0 = CIPHERDECK_USE_SIGN;
  request.output = id;
  auto reply = session->execute(request);
  if (!reply && reply.error() == Error::key_not_found) {
    request.arg0 = CIPHERDECK_USE_ENCRYPT;
    reply = session->execute(request);
  }
  if (!reply) return reply.error();
  CIPHERDECK_ASSIGN(const bool query, is_length_query(out, len, reply->output_len));
  if (!query) std::memcpy(out, id.data(), reply->output_len);
  return {};
}

// Of SM9_SIGN and SM9_SIGN_EXTERNAL.
Result<void> sign(SM9Signature& signature, const void* session_handle, const unsigned char* data,
                  unsigned int len, driver::Request request) {
  Sm9SignatureBytes bytes;
  CIPHERDECK_ASSIGN(request.input, input(data, len));
  if (len == 0) return Error::invalid_argument;
  request.output = bytes;
  CIPHERDECK_TRY(run(session_handle, request));
  to_struct(signature, bytes);
  return {};
}

Result<void> sign_internal(SM9Signature& signature, const void* session_handle,
                           const Master& master, std::uint32_t index, const unsigned char* data,
                           unsigned int len) {
  driver::Request request;
  request.opcode = CIPHERDECK_OP_SM9_SIGN;
  request.key = index;
  request.arg0 = master.index;
  request.aux = master.key;
  return sign(signature, session_handle, data, len, request);
}

Result<void> sign_external(SM9Signature& signature, const void* session_handle,
                           const SM9SignMasterPublicKey* master, const SM9SignUserPrivateKey* key,
                           const unsigned char* data, unsigned int len) {
  CIPHERDECK_ASSIGN(const G2Bytes master_bytes, to_point(master));
  CIPHERDECK_ASSIGN(Secret<kPointLen> key_bytes, to_point(key));
  driver::Request request;
  request.opcode = CIPHERDECK_OP_SM9_SIGN_EXTERNAL;
  request.params = key_bytes.span();
  request.aux = master_bytes;
  return sign(signature, session_handle, data, len, request);
}

Result<void> verify(const void* session_handle, const Master& master, const unsigned char* id,
                    unsigned int id_len, const unsigned char* data, unsigned int len,
                    const SM9Signature* signature) {
  if (signature == nullptr || len == 0) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const Bytes id_bytes, identity(id, id_len));
  const Sm9SignatureBytes bytes = to_bytes(*signature);
  std::vector<std::uint8_t> params(bytes.begin(), bytes.end());
  params.insert(params.end(), id_bytes.begin(), id_bytes.end());
  driver::Request request;
  CIPHERDECK_ASSIGN(request.input, input(data, len));
  request.opcode = CIPHERDECK_OP_SM9_VERIFY;
  request.key = master.index;
  request.params = params;
  request.aux = master.key;
  return run(session_handle, request);
}

// ---- encryption ----

struct Cipher {
  std::uint32_t algorithm;  // the card's
  Sm9CipherShape shape;
  std::vector<std::uint8_t> params;  // IV || id
};

Result<Cipher> read_cipher(const Session& session, unsigned int algorithm, const unsigned char* iv,
                           const unsigned char* id, unsigned int id_len) {
  Cipher cipher;
  cipher.algorithm = to_symmetric_algorithm(algorithm, session.config().sm4_base);
  CIPHERDECK_ASSIGN(cipher.shape, sm9_cipher_shape(cipher.algorithm));
  CIPHERDECK_ASSIGN(const Bytes id_bytes, identity(id, id_len));
  if (cipher.shape.has_iv && iv == nullptr) return Error::invalid_argument;
  if (cipher.shape.has_iv) cipher.params.assign(iv, iv + kBlockLen);
  cipher.params.insert(cipher.params.end(), id_bytes.begin(), id_bytes.end());
  return cipher;
}

struct User {
  const unsigned char* id;
  unsigned int id_len;
};

Result<void> encrypt(SM9Cipher& out, const void* session_handle, const Master& master,
                     const User& user, unsigned int algorithm, const unsigned char* iv,
                     const unsigned char* data, unsigned int len) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const Cipher cipher,
                    read_cipher(*session, algorithm, iv, user.id, user.id_len));
  driver::Request request;
  CIPHERDECK_ASSIGN(request.input, input(data, len));
  if (len == 0 || len > CIPHERDECK_MAX_DATA_LEN - kCipherExtra - kBlockLen) {
    return Error::invalid_argument;
  }
  std::vector<std::uint8_t> bytes(kCipherExtra + len + (cipher.shape.is_padded ? kBlockLen : 0));
  request.opcode = CIPHERDECK_OP_SM9_ENCRYPT;
  request.key = master.index;
  request.algorithm = cipher.algorithm;
  request.params = cipher.params;
  request.aux = master.key;
  request.output = bytes;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  if (reply.output_len <= kCipherExtra) return Error::internal;
  to_struct(out, cipher.shape.type, Bytes(bytes).first(reply.output_len));
  return {};
}

// How long the plaintext is depends on its padding: it is decrypted first.
Result<void> decrypt(unsigned char* out, unsigned int* len, const void* session_handle,
                     const User& user, unsigned int algorithm, const unsigned char* iv,
                     const SM9Cipher* in, driver::Request request) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const Cipher cipher,
                    read_cipher(*session, algorithm, iv, user.id, user.id_len));
  CIPHERDECK_ASSIGN(const auto bytes, to_ciphertext(in, cipher.shape.type));
  std::vector<std::uint8_t> plaintext(bytes.size() - kCipherExtra);
  request.algorithm = cipher.algorithm;
  request.params = cipher.params;
  request.input = bytes;
  request.output = plaintext;
  const auto reply = session->execute(request);
  Result<void> result;
  if (!reply) {
    result = reply.error();
  } else if (const auto query = is_length_query(out, len, reply->output_len); !query) {
    result = query.error();
  } else if (!*query) {
    std::memcpy(out, plaintext.data(), reply->output_len);
  }
  wipe(plaintext);
  return result;
}

Result<void> decrypt_internal(unsigned char* out, unsigned int* len, const void* session_handle,
                              std::uint32_t index, const User& user, unsigned int algorithm,
                              const unsigned char* iv, const SM9Cipher* in) {
  driver::Request request;
  request.opcode = CIPHERDECK_OP_SM9_DECRYPT;
  request.key = index;
  return decrypt(out, len, session_handle, user, algorithm, iv, in, request);
}

Result<void> decrypt_external(unsigned char* out, unsigned int* len, const void* session_handle,
                              const SM9EncUserPrivateKey* key, const User& user,
                              unsigned int algorithm, const unsigned char* iv,
                              const SM9Cipher* in) {
  CIPHERDECK_ASSIGN(const Secret<kG2Len> key_bytes, to_point(key));
  driver::Request request;
  request.opcode = CIPHERDECK_OP_SM9_DECRYPT_EXTERNAL;
  request.aux = key_bytes.span();
  return decrypt(out, len, session_handle, user, algorithm, iv, in, request);
}

// ---- session keys ----

Result<void> generate_key(void** handle, SM9KeyPackage& package, const void* session_handle,
                          unsigned int key_len, const Master& master, const User& user) {
  *handle = nullptr;
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  Point point;
  driver::Request request;
  CIPHERDECK_ASSIGN(request.params, identity(user.id, user.id_len));
  request.opcode = CIPHERDECK_OP_SM9_KEY_GENERATE;
  request.arg0 = key_and_master(key_len, master.index);
  request.aux = master.key;
  request.output = point;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  to_struct(package, point);
  return give_handle(handle, session_handle, KeyKind::session_key, reply.value);
}

Result<void> import_key(void** handle, const void* session_handle, std::uint32_t index,
                        unsigned int key_len, const SM9KeyPackage* package) {
  *handle = nullptr;
  if (package == nullptr) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  const Point point = to_bytes(*package);
  driver::Request request;
  request.opcode = CIPHERDECK_OP_SM9_KEY_IMPORT;
  request.key = index;
  request.arg0 = key_bits(key_len);
  request.input = point;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  return give_handle(handle, session_handle, KeyKind::session_key, reply.value);
}

// ---- key exchange ----

struct Public {
  SM9EncMasterPublicKey& master;
  SM9EncMasterPublicKey& temporary;
};

// Of SM9_AGREEMENT_START and SM9_AGREEMENT_RESPOND.
struct Party {
  std::uint32_t master;
  std::uint32_t index;
  unsigned int key_bits;
  User own;
  User peer;
};

Result<void> agree(void** handle, const Public& own, const void* session_handle, KeyKind kind,
                   const Party& party, driver::Request request) {
  *handle = nullptr;
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const Master master, internal_master(party.master));
  std::array<std::uint8_t, 2 * kPointLen> points{};
  CIPHERDECK_ASSIGN(request.input, identity(party.own.id, party.own.id_len));
  CIPHERDECK_ASSIGN(request.aux, identity(party.peer.id, party.peer.id_len));
  request.key = party.index;
  request.arg0 = key_and_master(party.key_bits, master.index);
  request.output = points;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  CIPHERDECK_TRY(give_handle(handle, session_handle, kind, reply.value));
  const std::span all(points);
  to_struct(own.temporary, all.first<kPointLen>());
  to_struct(own.master, all.last<kPointLen>());
  return {};
}

Result<void> start(void** handle, const Public& own, const void* session_handle,
                   const Party& party) {
  driver::Request request;
  request.opcode = CIPHERDECK_OP_SM9_AGREEMENT_START;
  return agree(handle, own, session_handle, KeyKind::agreement, party, request);
}

Result<void> respond(void** handle, const Public& own, const void* session_handle,
                     const Party& party, const SM9EncMasterPublicKey* sponsor) {
  *handle = nullptr;
  CIPHERDECK_ASSIGN(const Point peer, to_point(sponsor));
  driver::Request request;
  request.opcode = CIPHERDECK_OP_SM9_AGREEMENT_RESPOND;
  request.params = peer;
  return agree(handle, own, session_handle, KeyKind::session_key, party, request);
}

Result<void> finish(void** handle, const void* session_handle, const void* agreement,
                    const SM9EncMasterPublicKey* peer_temporary) {
  *handle = nullptr;
  auto& library = Library::instance();
  CIPHERDECK_ASSIGN(const auto session, library.session(session_handle));
  CIPHERDECK_ASSIGN(const Point peer, to_point(peer_temporary));
  driver::Request request;
  CIPHERDECK_ASSIGN(request.key, library.key(session_handle, agreement, KeyKind::agreement));
  request.opcode = CIPHERDECK_OP_SM9_AGREEMENT_FINISH;
  request.params = peer;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  library.forget_key(agreement);
  return give_handle(handle, session_handle, KeyKind::session_key, reply.value);
}

// Runs `body` with the master key that a structure or an index names.
template <typename Structure, typename Body>
Result<void> with_external(const Structure* structure, Body body) {
  CIPHERDECK_ASSIGN(const auto bytes, to_point(structure));
  return body(Master{0, bytes});
}
template <typename Body>
Result<void> with_internal(unsigned int index, Body body) {
  CIPHERDECK_ASSIGN(const Master master, internal_master(index));
  return body(master);
}

}  // namespace
}  // namespace cipherdeck::sdf

using namespace cipherdeck;       // NOLINT: what follows is the C interface to the above
using namespace cipherdeck::sdf;  // NOLINT

SDF_EXPORT int SDF_ExportUserID_SM9(void* hSessionHandle, unsigned int uiKeyIndex,
                                    unsigned char* pucUserID, unsigned int* puiUserIDLen) {
  return guard(__func__, {puiUserIDLen},
               [&] { return export_id(pucUserID, puiUserIDLen, hSessionHandle, uiKeyIndex); });
}

SDF_EXPORT int SDF_GenerateKeyWithEMK_SM9(void* hSessionHandle, unsigned int uiKeyLen,
                                          SM9EncMasterPublicKey* pEncMasterPublicKey,
                                          unsigned char* pucUserID, unsigned int uiUserIDLen,
                                          SM9KeyPackage* pKeyPackage, void** phKeyHandle) {
  return guard(__func__, {pKeyPackage, phKeyHandle}, [&] {
    return with_external(pEncMasterPublicKey, [&](const Master& master) {
      return generate_key(phKeyHandle, *pKeyPackage, hSessionHandle, uiKeyLen, master,
                          {pucUserID, uiUserIDLen});
    });
  });
}

SDF_EXPORT int SDF_GenerateKeyWithIMK_SM9(void* hSessionHandle, unsigned int uiKeyLen,
                                          unsigned int uiMasterKeyIndex, unsigned char* pucUserID,
                                          unsigned int uiUserIDLen, SM9KeyPackage* pKeyPackage,
                                          void** phKeyHandle) {
  return guard(__func__, {pKeyPackage, phKeyHandle}, [&] {
    return with_internal(uiMasterKeyIndex, [&](const Master& master) {
      return generate_key(phKeyHandle, *pKeyPackage, hSessionHandle, uiKeyLen, master,
                          {pucUserID, uiUserIDLen});
    });
  });
}

SDF_EXPORT int SDF_ImportKeyWithISK_SM9(void* hSessionHandle, unsigned int uiISKIndex,
                                        unsigned int uiKeyLen, SM9KeyPackage* pKeyPackage,
                                        void** phKeyHandle) {
  return guard(__func__, {phKeyHandle}, [&] {
    return import_key(phKeyHandle, hSessionHandle, uiISKIndex, uiKeyLen, pKeyPackage);
  });
}

SDF_EXPORT int SDF_GenerateAgreementDataWithSM9(
    void* hSessionHandle, unsigned int uiMasterKeyIndex, unsigned int uiISKIndex,
    unsigned int uiKeyBits, unsigned char* pResponseID, unsigned int ulResponseIDLen,
    unsigned char* pSponsorID, unsigned int ulSponsorIDLen, SM9EncMasterPublicKey* pPublicKey,
    SM9EncMasterPublicKey* pSponsorTempPublicKey, void** phAgreementHandle) {
  return guard(__func__, {pPublicKey, pSponsorTempPublicKey, phAgreementHandle}, [&] {
    return start(phAgreementHandle, {*pPublicKey, *pSponsorTempPublicKey}, hSessionHandle,
                 {uiMasterKeyIndex,
                  uiISKIndex,
                  uiKeyBits,
                  {pSponsorID, ulSponsorIDLen},
                  {pResponseID, ulResponseIDLen}});
  });
}

SDF_EXPORT int SDF_GenerateKeyWithSM9(void* hSessionHandle, void* hAgreementHandle,
                                      SM9EncMasterPublicKey* pTempPublicKey, void** phKeyHandle) {
  return guard(__func__, {phKeyHandle}, [&] {
    return finish(phKeyHandle, hSessionHandle, hAgreementHandle, pTempPublicKey);
  });
}

SDF_EXPORT int SDF_GenerateAgreementDataAndKeyWithSM9(
    void* hSessionHandle, unsigned int uiMasterKeyIndex, unsigned int uiISKIndex,
    unsigned int uiKeyBits, unsigned char* pResponseID, unsigned int ulResponseIDLen,
    unsigned char* pSponsorID, unsigned int ulSponsorIDLen, SM9EncMasterPublicKey* pPublicKey,
    SM9EncMasterPublicKey* pSponsorTempPublicKey, SM9EncMasterPublicKey* pResponseTempPublicKey,
    void** phKeyHandle) {
  return guard(__func__, {pPublicKey, pResponseTempPublicKey, phKeyHandle}, [&] {
    return respond(phKeyHandle, {*pPublicKey, *pResponseTempPublicKey}, hSessionHandle,
                   {uiMasterKeyIndex,
                    uiISKIndex,
                    uiKeyBits,
                    {pResponseID, ulResponseIDLen},
                    {pSponsorID, ulSponsorIDLen}},
                   pSponsorTempPublicKey);
  });
}

SDF_EXPORT int SDF_VerifyWithMasterEPK_SM9(void* hSessionHandle,
                                           SM9SignMasterPublicKey* pSignPublicKey,
                                           unsigned char* pucUserID, unsigned int uiUserIDLen,
                                           unsigned char* pucData, unsigned int uiDataLength,
                                           SM9Signature* pSignature) {
  return guard(__func__, {}, [&] {
    return with_external(pSignPublicKey, [&](const Master& master) {
      return verify(hSessionHandle, master, pucUserID, uiUserIDLen, pucData, uiDataLength,
                    pSignature);
    });
  });
}

SDF_EXPORT int SDF_VerifyWithMasterIPK_SM9(void* hSessionHandle, unsigned int uiSignMasterKeyIndex,
                                           unsigned char* pucUserID, unsigned int uiUserIDLen,
                                           unsigned char* pucData, unsigned int uiDataLength,
                                           SM9Signature* pSignature) {
  return guard(__func__, {}, [&] {
    return with_internal(uiSignMasterKeyIndex, [&](const Master& master) {
      return verify(hSessionHandle, master, pucUserID, uiUserIDLen, pucData, uiDataLength,
                    pSignature);
    });
  });
}

SDF_EXPORT int SDF_InternalSignWithMasterEPK_SM9(void* hSessionHandle,
                                                 SM9SignMasterPublicKey* pSignPublicKey,
                                                 unsigned int uiISKIndex, unsigned char* pucData,
                                                 unsigned int uiDataLength,
                                                 SM9Signature* pSignature) {
  return guard(__func__, {pSignature}, [&] {
    return with_external(pSignPublicKey, [&](const Master& master) {
      return sign_internal(*pSignature, hSessionHandle, master, uiISKIndex, pucData, uiDataLength);
    });
  });
}

SDF_EXPORT int SDF_InternalSignWithMasterIPK_SM9(void* hSessionHandle,
                                                 unsigned int uiMasterKeyIndex,
                                                 unsigned int uiISKIndex, unsigned char* pucData,
                                                 unsigned int uiDataLength,
                                                 SM9Signature* pSignature) {
  return guard(__func__, {pSignature}, [&] {
    return with_internal(uiMasterKeyIndex, [&](const Master& master) {
      return sign_internal(*pSignature, hSessionHandle, master, uiISKIndex, pucData, uiDataLength);
    });
  });
}

SDF_EXPORT int SDF_EncryptWithMasterEPK_SM9(void* hSessionHandle,
                                            SM9EncMasterPublicKey* pEncPublicKey,
                                            unsigned char* pucUserID, unsigned int uiUserIDLen,
                                            unsigned int uiAlgID, unsigned char* pucIV,
                                            unsigned char* pucData, unsigned int uiDataLength,
                                            SM9Cipher* pEncData) {
  return guard(__func__, {pEncData}, [&] {
    return with_external(pEncPublicKey, [&](const Master& master) {
      return encrypt(*pEncData, hSessionHandle, master, {pucUserID, uiUserIDLen}, uiAlgID, pucIV,
                     pucData, uiDataLength);
    });
  });
}

SDF_EXPORT int SDF_EncryptWithMasterIPK_SM9(void* hSessionHandle, unsigned int uiMasterKeyIndex,
                                            unsigned char* pucUserID, unsigned int uiUserIDLen,
                                            unsigned int uiAlgID, unsigned char* pucIV,
                                            unsigned char* pucData, unsigned int uiDataLength,
                                            SM9Cipher* pEncData) {
  return guard(__func__, {pEncData}, [&] {
    return with_internal(uiMasterKeyIndex, [&](const Master& master) {
      return encrypt(*pEncData, hSessionHandle, master, {pucUserID, uiUserIDLen}, uiAlgID, pucIV,
                     pucData, uiDataLength);
    });
  });
}

SDF_EXPORT int SDF_DecryptWithISK_SM9(void* hSessionHandle, unsigned int uiISKIndex,
                                      unsigned char* pucUserID, unsigned int uiUserIDLen,
                                      unsigned int uiAlgID, unsigned char* pucIV,
                                      SM9Cipher* pEncData, unsigned int* puiDataLength,
                                      unsigned char* pucData) {
  return guard(__func__, {puiDataLength}, [&] {
    return decrypt_internal(pucData, puiDataLength, hSessionHandle, uiISKIndex,
                            {pucUserID, uiUserIDLen}, uiAlgID, pucIV, pEncData);
  });
}

SDF_EXPORT int SDF_ExternalSign_SM9(void* hSessionHandle,
                                    SM9SignMasterPublicKey* pSignMastPublicKey,
                                    SM9SignUserPrivateKey* pSignUserPrivateKey,
                                    unsigned char* pucData, unsigned int uiDataLength,
                                    SM9Signature* pSignature) {
  return guard(__func__, {pSignature}, [&] {
    return sign_external(*pSignature, hSessionHandle, pSignMastPublicKey, pSignUserPrivateKey,
                         pucData, uiDataLength);
  });
}

SDF_EXPORT int SDF_ExternalDecrypt_SM9(void* hSessionHandle,
                                       SM9EncUserPrivateKey* pEncUserPrivateKey,
                                       unsigned char* pucUserID, unsigned int uiUserIDLen,
                                       unsigned int uiAlgID, unsigned char* pucIV,
                                       SM9Cipher* pEncData, unsigned char* pucData,
                                       unsigned int* puiDataLength) {
  return guard(__func__, {puiDataLength}, [&] {
    return decrypt_external(pucData, puiDataLength, hSessionHandle, pEncUserPrivateKey,
                            {pucUserID, uiUserIDLen}, uiAlgID, pucIV, pEncData);
  });
}

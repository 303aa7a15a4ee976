// SPDX-License-Identifier: Apache-2.0
// Clauses 6.3.12 to 6.3.14: key exchange of SM2 (GB/T 32918.3).
#include "sdf/guard.h"
#include "sdf/library.h"
#include "sdf/wire.h"

namespace cipherdeck::sdf {
namespace {

using TwoPoints = std::array<std::uint8_t, 2 * kPointLen>;

// An identity: GB/T 32918.2 gives its length in bits in 16 bits.
Result<Bytes> identity(const unsigned char* id, unsigned int len) {
  constexpr unsigned int kMaxIdLen = 8191;
  if (len == 0 || len > kMaxIdLen) return Error::invalid_argument;
  return input(id, len);
}

Result<TwoPoints> two_points(const ECCrefPublicKey* key, const ECCrefPublicKey* temporary) {
  CIPHERDECK_ASSIGN(const Point first, to_point(key));
  CIPHERDECK_ASSIGN(const Point second, to_point(temporary));
  TwoPoints both;
  std::memcpy(both.data(), first.data(), kPointLen);
  std::memcpy(both.data() + kPointLen, second.data(), kPointLen);
  return both;
}

void to_structs(ECCrefPublicKey& key, ECCrefPublicKey& temporary, const TwoPoints& both) {
  const std::span all(both);
  to_struct(key, all.first<kPointLen>());
  to_struct(temporary, all.last<kPointLen>());
}

struct Public {
  ECCrefPublicKey& key;
  ECCrefPublicKey& temporary;
};

Result<void> start(void** handle, const Public& own, const void* session_handle,
                   std::uint32_t index, std::uint32_t bits, const unsigned char* id,
                   unsigned int id_len) {
  *handle = nullptr;
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  TwoPoints points{};
  driver::Request request;
  CIPHERDECK_ASSIGN(request.input, identity(id, id_len));
  request.opcode = CIPHERDECK_OP_AGREEMENT_START;
  request.key = index;
  request.arg0 = bits;
  request.output = points;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  CIPHERDECK_ASSIGN(const Handle given,
                    Library::instance().add_key(session_handle, KeyKind::agreement, reply.value));
  to_structs(own.key, own.temporary, points);
  *handle = to_opaque(given);
  return {};
}

Result<void> finish(void** handle, const void* session_handle, const unsigned char* id,
                    unsigned int id_len, const ECCrefPublicKey* peer_key,
                    const ECCrefPublicKey* peer_temporary, const void* agreement) {
  *handle = nullptr;
  auto& library = Library::instance();
  CIPHERDECK_ASSIGN(const auto session, library.session(session_handle));
  CIPHERDECK_ASSIGN(const TwoPoints points, two_points(peer_key, peer_temporary));
  driver::Request request;
  CIPHERDECK_ASSIGN(request.input, identity(id, id_len));
  CIPHERDECK_ASSIGN(request.key, library.key(session_handle, agreement, KeyKind::agreement));
  request.opcode = CIPHERDECK_OP_AGREEMENT_FINISH;
  request.params = points;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  library.forget_key(agreement);
  CIPHERDECK_ASSIGN(const Handle given,
                    library.add_key(session_handle, KeyKind::session_key, reply.value));
  *handle = to_opaque(given);
  return {};
}

struct Sponsor {
  const unsigned char* id;
  unsigned int id_len;
  const ECCrefPublicKey* key;
  const ECCrefPublicKey* temporary;
};

Result<void> respond(void** handle, const Public& own, const void* session_handle,
                     std::uint32_t index, std::uint32_t bits, const unsigned char* id,
                     unsigned int id_len, const Sponsor& sponsor) {
  *handle = nullptr;
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(const TwoPoints peer, two_points(sponsor.key, sponsor.temporary));
  TwoPoints points{};
  driver::Request request;
  CIPHERDECK_ASSIGN(request.input, identity(id, id_len));
  CIPHERDECK_ASSIGN(request.aux, identity(sponsor.id, sponsor.id_len));
  request.opcode = CIPHERDECK_OP_AGREEMENT_RESPOND;
  request.key = index;
  request.arg0 = bits;
  request.params = peer;
  request.output = points;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
  CIPHERDECK_ASSIGN(const Handle given,
                    Library::instance().add_key(session_handle, KeyKind::session_key, reply.value));
  to_structs(own.key, own.temporary, points);
  *handle = to_opaque(given);
  return {};
}

}  // namespace
}  // namespace cipherdeck::sdf

using namespace cipherdeck;       // NOLINT: what follows is the C interface to the above
using namespace cipherdeck::sdf;  // NOLINT

SDF_EXPORT int SDF_GenerateAgreementDataWithECC(void* hSessionHandle, unsigned int uiISKIndex,
                                                unsigned int uiKeyBits, unsigned char* pucSponsorID,
                                                unsigned int uiSponsorIDLength,
                                                ECCrefPublicKey* pucSponsorPublicKey,
                                                ECCrefPublicKey* pucSponsorTmpPublicKey,
                                                void** phAgreementHandle) {
  return guard(__func__, {pucSponsorPublicKey, pucSponsorTmpPublicKey, phAgreementHandle}, [&] {
    return start(phAgreementHandle, {*pucSponsorPublicKey, *pucSponsorTmpPublicKey}, hSessionHandle,
                 uiISKIndex, uiKeyBits, pucSponsorID, uiSponsorIDLength);
  });
}

SDF_EXPORT int SDF_GenerateKeyWithECC(void* hSessionHandle, unsigned char* pucResponseID,
                                      unsigned int uiResponseIDLength,
                                      ECCrefPublicKey* pucResponsePublicKey,
                                      ECCrefPublicKey* pucResponseTmpPublicKey,
                                      void* hAgreementHandle, void** phKeyHandle) {
  return guard(__func__, {phKeyHandle}, [&] {
    return finish(phKeyHandle, hSessionHandle, pucResponseID, uiResponseIDLength,
                  pucResponsePublicKey, pucResponseTmpPublicKey, hAgreementHandle);
  });
}

SDF_EXPORT int SDF_GenerateAgreementDataAndKeyWithECC(
    void* hSessionHandle, unsigned int uiISKIndex, unsigned int uiKeyBits,
    unsigned char* pucResponseID, unsigned int uiResponseIDLength, unsigned char* pucSponsorID,
    unsigned int uiSponsorIDLength, ECCrefPublicKey* pucSponsorPublicKey,
    ECCrefPublicKey* pucSponsorTmpPublicKey, ECCrefPublicKey* pucResponsePublicKey,
    ECCrefPublicKey* pucResponseTmpPublicKey, void** phKeyHandle) {
  return guard(__func__, {pucResponsePublicKey, pucResponseTmpPublicKey, phKeyHandle}, [&] {
    return respond(phKeyHandle, {*pucResponsePublicKey, *pucResponseTmpPublicKey}, hSessionHandle,
                   uiISKIndex, uiKeyBits, pucResponseID, uiResponseIDLength,
                   {pucSponsorID, uiSponsorIDLength, pucSponsorPublicKey, pucSponsorTmpPublicKey});
  });
}

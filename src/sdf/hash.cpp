// SPDX-License-Identifier: Apache-2.0
// Clause 6.6: hash and HMAC, one in progress per session.
#include "sdf/guard.h"
#include "sdf/library.h"
#include "sdf/wire.h"

#include <algorithm>

namespace cipherdeck::sdf {
namespace {

constexpr std::size_t kChunk = CIPHERDECK_MAX_PART_LEN;
constexpr unsigned int kMaxIdLen = 8191;

Result<void> hash_init(const void* session_handle, std::uint32_t algorithm,
                       const ECCrefPublicKey* key, const unsigned char* id, unsigned int id_len) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  Point point;
  driver::Request request;
  request.opcode = CIPHERDECK_OP_HASH_INIT;
  request.algorithm = algorithm;
  const bool with_z = key != nullptr && id_len != 0;
  if (with_z) {
    if (id_len > kMaxIdLen) return Error::invalid_argument;
    CIPHERDECK_ASSIGN(point, to_point(key));
    CIPHERDECK_ASSIGN(request.aux, input(id, id_len));
    request.params = point;
  }
  auto reply = session->execute(request);
  return reply ? Result<void>{} : reply.error();
}

Result<void> hmac_init(const void* session_handle, const void* key, std::uint32_t algorithm) {
  auto& library = Library::instance();
  CIPHERDECK_ASSIGN(const auto session, library.session(session_handle));
  driver::Request request;
  CIPHERDECK_ASSIGN(request.key, library.key(session_handle, key, KeyKind::session_key));
  request.opcode = CIPHERDECK_OP_HMAC_INIT;
  request.algorithm = algorithm;
  auto reply = session->execute(request);
  return reply ? Result<void>{} : reply.error();
}

Result<void> update(std::uint16_t opcode, const void* session_handle, const unsigned char* data,
                    unsigned int len) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  CIPHERDECK_ASSIGN(Bytes rest, input(data, len));
  const std::size_t chunk = std::min(kChunk, session->device->channel.max_data_len());
  // No data is a command too: it tells whether a hash is in progress.
  do {
    driver::Request request;
    request.opcode = opcode;
    request.input = rest.first(std::min(chunk, rest.size()));
    CIPHERDECK_TRY(session->execute(request));
    rest = rest.subspan(request.input.size());
  } while (!rest.empty());
  return {};
}

// How long the digest is depends on the algorithm: the card says it.
Result<void> finish(std::uint16_t opcode, const void* session_handle, unsigned char* out,
                    unsigned int* len) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  driver::Request request;
  request.opcode = opcode;
  request.session = session->number;
  std::uint32_t needed = 0;
  const auto asked = session->device->channel.execute(request, &needed);
  if (!asked && asked.error() != Error::buffer_too_small) return asked.error();
  CIPHERDECK_ASSIGN(const bool query, is_length_query(out, len, needed));
  if (query) return {};
  request.output = {out, needed};
  return session->perform(request);
}

}  // namespace
}  // namespace cipherdeck::sdf

using namespace cipherdeck;       // NOLINT: what follows is the C interface to the above
using namespace cipherdeck::sdf;  // NOLINT

SDF_EXPORT int SDF_HashInit(void* hSessionHandle, unsigned int uiAlgID,
                            ECCrefPublicKey* pucPublicKey, unsigned char* pucID,
                            unsigned int uiIDLength) {
  return guard(__func__, {},
               [&] { return hash_init(hSessionHandle, uiAlgID, pucPublicKey, pucID, uiIDLength); });
}

SDF_EXPORT int SDF_HashUpdate(void* hSessionHandle, unsigned char* pucData,
                              unsigned int uiDataLength) {
  return guard(__func__, {}, [&] {
    return update(CIPHERDECK_OP_HASH_UPDATE, hSessionHandle, pucData, uiDataLength);
  });
}

SDF_EXPORT int SDF_HashFinal(void* hSessionHandle, unsigned char* pucHash,
                             unsigned int* puiHashLength) {
  return guard(__func__, {puiHashLength}, [&] {
    return finish(CIPHERDECK_OP_HASH_FINAL, hSessionHandle, pucHash, puiHashLength);
  });
}

SDF_EXPORT int SDF_HMACInit(void* hSessionHandle, void* hKeyHandle, unsigned int uiAlgID) {
  return guard(__func__, {}, [&] { return hmac_init(hSessionHandle, hKeyHandle, uiAlgID); });
}

SDF_EXPORT int SDF_HMACUpdate(void* hSessionHandle, unsigned char* pucData,
                              unsigned int uiDataLength) {
  return guard(__func__, {}, [&] {
    return update(CIPHERDECK_OP_HMAC_UPDATE, hSessionHandle, pucData, uiDataLength);
  });
}

SDF_EXPORT int SDF_HMACFinal(void* hSessionHandle, unsigned char* pucHMac,
                             unsigned int* puiHMacLength) {
  return guard(__func__, {puiHMacLength}, [&] {
    return finish(CIPHERDECK_OP_HMAC_FINAL, hSessionHandle, pucHMac, puiHMacLength);
  });
}

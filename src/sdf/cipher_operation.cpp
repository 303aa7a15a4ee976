// SPDX-License-Identifier: Apache-2.0
#include "sdf/cipher_operation.h"

#include <algorithm>

namespace cipherdeck::sdf {
namespace {

// Large enough that the round trip does not count, small enough that the next chunk's copy and
// other callers find their place.
constexpr std::size_t kChunk = 256U << 10;

// How much of `len` bytes goes to the card now. Never does less than a block remain: XTS could not
// steal from the block before it.
std::size_t next_chunk(const Session& session, std::size_t len) noexcept {
  const std::size_t most = session.device->channel.max_data_len() & ~(kBlockLen - 1);
  const std::size_t chunk = std::min(kChunk, most);
  if (len <= chunk) return len;
  return len - chunk < kBlockLen ? chunk - kBlockLen : chunk;
}

}  // namespace

Result<CipherOperation> begin_operation(std::uint16_t opcode, const void* session_handle,
                                        const void* key, std::uint32_t algorithm) {
  auto& library = Library::instance();
  CipherOperation operation;
  CIPHERDECK_ASSIGN(operation.session, library.session(session_handle));
  CIPHERDECK_ASSIGN(operation.request.key, library.key(session_handle, key, KeyKind::session_key));
  operation.request.opcode = opcode;
  operation.request.algorithm =
      to_symmetric_algorithm(algorithm, operation.session->config().sm4_base);
  return operation;
}

bool is_mode(std::uint32_t algorithm, std::uint32_t mode) noexcept {
  return !is_zuc(algorithm) && (algorithm & CIPHERDECK_ALG_MODE_MASK) == mode;
}

bool is_zuc(std::uint32_t algorithm) noexcept {
  return algorithm == CIPHERDECK_ALG_ZUC_EEA3 || algorithm == CIPHERDECK_ALG_ZUC_EIA3;
}

bool takes_iv(std::uint32_t algorithm) noexcept { return !is_mode(algorithm, CIPHERDECK_ALG_ECB); }

Result<void> crypt_chunks(const Session& session, driver::Request request, Bytes data,
                          unsigned char* out, Block& iv) {
  if (takes_iv(request.algorithm)) {
    request.params = iv;
    request.params_result = iv;
  }
  while (!data.empty()) {
    const bool at_once = is_zuc(request.algorithm);
    request.input = at_once ? data : data.first(next_chunk(session, data.size()));
    request.output = {out, request.input.size()};
    CIPHERDECK_TRY(session.execute(request));
    out += request.input.size();
    data = data.subspan(request.input.size());
  }
  return {};
}

Result<void> mac_chunks(const Session& session, driver::Request request, Bytes data, Block& mac) {
  request.params = mac;
  request.output = mac;
  while (!data.empty()) {
    request.input = data.first(next_chunk(session, data.size()));
    CIPHERDECK_TRY(session.execute(request));
    data = data.subspan(request.input.size());
  }
  return {};
}

}  // namespace cipherdeck::sdf

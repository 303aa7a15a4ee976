// SPDX-License-Identifier: Apache-2.0
#include "sdf/part_stream.h"

#include <algorithm>
#include <functional>

namespace cipherdeck::sdf {
namespace {

bool do_overlap(Bytes data, const unsigned char* out) noexcept {
  const std::less<const unsigned char*> is_before;
  return out != nullptr && is_before(data.data(), out + data.size() + 2 * kBlockLen) &&
         is_before(out, data.data() + data.size());
}

}  // namespace

std::size_t PartStream::ready_len(std::size_t len) const noexcept {
  const std::size_t all = m_held_len + len;
  return all < m_keep ? 0 : (all - m_keep) / kBlockLen * kBlockLen;
}

void PartStream::hold(Bytes data) noexcept {
  std::copy(data.begin(), data.end(), m_held.begin() + m_held_len);
  m_held_len += data.size();
}

// The first of `len` bytes that are ready, where some of them were held.
Result<void> PartStream::run_head(const Session& session, Bytes& data, unsigned char*& out,
                                  std::size_t& len) {
  const std::size_t head_len = std::min(len, m_held.size());
  if (head_len > m_held_len) {
    const std::size_t taken = head_len - m_held_len;
    hold(data.first(taken));
    data = data.subspan(taken);
  }
  CIPHERDECK_TRY(run(session, Bytes(m_held).first(head_len), out));
  std::copy(m_held.begin() + head_len, m_held.begin() + m_held_len, m_held.begin());
  m_held_len -= head_len;
  if (out != nullptr) out += head_len;
  len -= head_len;
  return {};
}

Result<void> PartStream::update(const Session& session, Bytes data, unsigned char* out) {
  std::size_t len = ready_len(data.size());
  std::vector<std::uint8_t> copy;
  // Output runs ahead of the input by what was held.
  if (m_held_len != 0 && do_overlap(data, out)) {
    copy.assign(data.begin(), data.end());
    data = copy;
  }
  if (m_held_len != 0 && len != 0) CIPHERDECK_TRY(run_head(session, data, out, len));
  if (len != 0) CIPHERDECK_TRY(run(session, data.first(len), out));
  hold(data.subspan(len));
  return {};
}

Result<void> PartStream::finish(const Session& session, unsigned char* out) {
  if (!may_end_with(m_held_len)) return Error::invalid_argument;
  if (m_held_len == 0) return {};
  return run(session, Bytes(m_held).first(m_held_len), out);
}

// XTS steals from the last whole block.
CipherStream::CipherStream(const driver::Request& request, const Block& iv,
                           std::optional<TemporaryKey> key)
    : PartStream(request.algorithm == CIPHERDECK_ALG_SM4_XTS ? kBlockLen : 0),
      m_request(request),
      m_key(std::move(key)),
      m_iv(iv) {}

Result<void> CipherStream::run(const Session& session, Bytes data, unsigned char* out) {
  return crypt_chunks(session, m_request, data, out, m_iv);
}

bool CipherStream::may_end_with(std::size_t len) const noexcept {
  if (m_request.algorithm == CIPHERDECK_ALG_SM4_XTS) return len >= kBlockLen;
  const bool whole = is_mode(m_request.algorithm, CIPHERDECK_ALG_ECB) ||
                     is_mode(m_request.algorithm, CIPHERDECK_ALG_CBC);
  return len == 0 || !whole;
}

Result<void> MacStream::run(const Session& session, Bytes data, unsigned char*) {
  return mac_chunks(session, m_request, data, m_mac);
}

Result<void> MessageStream::run(const Session& session, Bytes data, unsigned char* out) {
  driver::Request request;
  request.opcode = CIPHERDECK_OP_AUTH_UPDATE;
  while (!data.empty()) {
    request.input = data.first(std::min<std::size_t>(data.size(), CIPHERDECK_MAX_PART_LEN));
    request.output = {out, request.input.size()};
    CIPHERDECK_TRY(session.execute(request));
    out += request.input.size();
    data = data.subspan(request.input.size());
  }
  return {};
}

}  // namespace cipherdeck::sdf

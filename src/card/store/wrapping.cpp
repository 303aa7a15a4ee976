// SPDX-License-Identifier: Apache-2.0
#include "card/store/wrapping.h"

#include "engine/batch.h"

#include <array>

namespace cipherdeck::card::store {
namespace {

engine::Sm4Key wrapping_key(Bytes root, std::string_view purpose) {
  const Secret<32> derived = derive(root, purpose);
  return engine::Sm4Key(derived.span().first<engine::kSm4KeyLen>());
}

}  // namespace

Context& Context::add(std::uint64_t value) {
  std::array<std::uint8_t, 8> bytes{};
  store_be64(bytes.data(), value);
  m_bytes.insert(m_bytes.end(), bytes.begin(), bytes.end());
  return *this;
}

Context& Context::add(std::string_view text) {
  add(std::uint64_t{text.size()});
  m_bytes.insert(m_bytes.end(), text.begin(), text.end());
  return *this;
}

Secret<32> derive(Bytes root, std::string_view purpose) {
  constexpr std::array<std::uint8_t, 4> kCounter = {0, 0, 0, 1};
  constexpr std::array<std::uint8_t, 5> kEnd = {0, 0, 0, 1, 0};  // a zero byte, then 256 bits
  engine::HmacSm3 mac(root);
  mac.update(kCounter);
  mac.update(as_bytes(purpose));
  mac.update(kEnd);
  engine::Sm3Digest digest = mac.finish();
  const Secret<32> key(digest);
  wipe(digest);
  return key;
}

Result<std::vector<std::uint8_t>> wrap(Bytes root, std::string_view purpose, const Context& context,
                                       Bytes secret, RandomSource& random) {
  std::vector<std::uint8_t> blob(secret.size() + kWrapOverhead);
  const MutableBytes nonce = MutableBytes(blob).first(kNonceLen);
  CIPHERDECK_TRY(random.fill(nonce));
  const engine::Sm4Key key = wrapping_key(root, purpose);
  engine::AeadJob job;
  job.key = &key;
  job.direction = engine::Direction::encrypt;
  job.nonce = nonce;
  job.aad = context.bytes();
  job.input = secret.data();
  job.output = blob.data() + kNonceLen;
  job.len = secret.size();
  job.tag = blob.data() + kNonceLen + secret.size();
  job.tag_len = kTagLen;
  engine::run(std::span(&job, 1));
  CIPHERDECK_TRY(job.result);
  return blob;
}

Result<void> unwrap(MutableBytes out, Bytes root, std::string_view purpose, const Context& context,
                    Bytes blob) {
  wipe(out);
  if (blob.size() != out.size() + kWrapOverhead) return Error::decrypt_failed;
  const engine::Sm4Key key = wrapping_key(root, purpose);
  std::array<std::uint8_t, kTagLen> tag{};
  std::memcpy(tag.data(), blob.data() + blob.size() - kTagLen, kTagLen);
  engine::AeadJob job;
  job.key = &key;
  job.direction = engine::Direction::decrypt;
  job.nonce = blob.first(kNonceLen);
  job.aad = context.bytes();
  job.input = blob.data() + kNonceLen;
  job.output = out.data();
  job.len = out.size();
  job.tag = tag.data();
  job.tag_len = kTagLen;
  engine::run(std::span(&job, 1));
  if (job.result.ok()) return {};
  wipe(out);
  return Error::decrypt_failed;
}

std::vector<std::uint8_t> authenticate(Bytes root, std::string_view purpose,
                                       const Context& context) {
  const Secret<32> key = derive(root, purpose);
  const engine::Sm3Digest mac = engine::HmacSm3::mac(key.span(), context.bytes());
  return {mac.begin(), mac.end()};
}

}  // namespace cipherdeck::card::store

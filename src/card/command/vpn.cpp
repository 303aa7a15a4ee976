// SPDX-License-Identifier: Apache-2.0
// Keys of IKE and IPsec (GM/T 0022) and of TLCP (GB/T 38636), derived in the card.
#include "card/command/handlers.h"
#include "card/session/other_hash.h"

#include <initializer_list>

namespace cipherdeck::card::command {
namespace {

using engine::HmacSm3;
constexpr std::size_t kDigestLen = 32;  // of SM3 and SHA-256
constexpr std::size_t kMaxParts = 6;
constexpr std::size_t kMasterLen = 48;
constexpr std::uint32_t kDerivationCost = 10'000;

using Digest = Secret<kDigestLen>;

SecretBytes concat(std::initializer_list<Bytes> parts) {
  std::size_t len = 0;
  for (const Bytes part : parts) len += part.size();
  SecretBytes all(len);
  std::uint8_t* at = all.bytes().data();
  for (const Bytes part : parts) {
    if (!part.empty()) std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
  return all;
}

// The hash of a command, and HMAC by it.
class Prf {
 public:
  static Result<Prf> of(std::uint32_t algorithm) noexcept {
    switch (algorithm) {
      case CIPHERDECK_ALG_SM3:
      case CIPHERDECK_ALG_SM3_HMAC:
        return Prf(CIPHERDECK_ALG_SM3);
      case CIPHERDECK_ALG_SHA256:
      case CIPHERDECK_ALG_SHA256_HMAC:
        return Prf(CIPHERDECK_ALG_SHA256);
      default:
        return Error::algorithm;
    }
  }

  Result<void> hash(Digest& digest, Bytes data) const {
    if (m_algorithm == CIPHERDECK_ALG_SM3) {
      engine::Sm3 state;
      state.update(data);
      return put(digest, state.finish());
    }
    CIPHERDECK_ASSIGN(auto state, session::OtherHash::begin(m_algorithm));
    CIPHERDECK_TRY(state.update(data));
    return state.finish(digest.span());
  }

  Result<void> mac(Digest& digest, Bytes key, Bytes data) const {
    if (m_algorithm == CIPHERDECK_ALG_SM3) return put(digest, HmacSm3::mac(key, data));
    CIPHERDECK_ASSIGN(auto state, session::OtherHash::begin_hmac(m_algorithm, key));
    CIPHERDECK_TRY(state.update(data));
    return state.finish(digest.span());
  }

 private:
  explicit Prf(std::uint32_t algorithm) : m_algorithm(algorithm) {}

  static Result<void> put(Digest& digest, engine::Sm3Digest value) {
    std::memcpy(digest.data(), value.data(), value.size());
    wipe(value);
    return {};
  }

  std::uint32_t m_algorithm;
};

void append(MutableBytes out, std::size_t& len, const Digest& digest) {
  const std::size_t taken = std::min(kDigestLen, out.size() - len);
  std::memcpy(out.data() + len, digest.data(), taken);
  len += taken;
}

// K1 | K2 | ..., Ki = prf(key, K(i-1) | seed) (GM/T 0022, 5.1.4).
Result<void> expand_ipsec(MutableBytes out, const Prf& prf, Bytes key, Bytes seed) {
  Digest block;
  for (std::size_t len = 0; len < out.size();) {
    const Bytes before = len == 0 ? Bytes{} : Bytes(block.span());
    const SecretBytes data = concat({before, seed});
    CIPHERDECK_TRY(prf.mac(block, key, data.bytes()));
    append(out, len, block);
  }
  return {};
}

// P_hash(secret, label || seed) (GB/T 38636, 5.2.3; RFC 5246, 5).
Result<void> expand_tls(MutableBytes out, const Prf& prf, Bytes secret, std::string_view label,
                        Bytes seed) {
  const SecretBytes start = concat({as_bytes(label), seed});
  Digest a, block;
  CIPHERDECK_TRY(prf.mac(a, secret, start.bytes()));
  for (std::size_t len = 0; len < out.size();) {
    const SecretBytes data = concat({a.span(), start.bytes()});
    CIPHERDECK_TRY(prf.mac(block, secret, data.bytes()));
    append(out, len, block);
    CIPHERDECK_TRY(prf.mac(a, secret, a.span()));
  }
  return {};
}

// What a command derives: keys, then bytes that are not secret.
struct Derived {
  std::array<std::size_t, kMaxParts> lens{};
  std::size_t num_keys = 0;
  std::size_t clear_len = 0;
  SecretBytes bytes;

  [[nodiscard]] std::size_t keys_len() const noexcept { return bytes.size() - clear_len; }
  [[nodiscard]] Bytes clear() const noexcept { return bytes.bytes().last(clear_len); }
};

// The lengths in arg[0]: `num_keys` of keys, then `num_clear` of others.
Result<Derived> wanted(const Call& call, std::size_t num_keys, std::size_t num_clear) {
  Derived derived;
  derived.num_keys = num_keys;
  std::size_t all = 0;
  for (std::size_t i = 0; i < num_keys + num_clear; ++i) {
    const std::size_t len = call.command.arg[0] >> (8 * i) & 0xff;
    if (len > session::kMaxSecretLen) return Error::invalid_argument;
    derived.lens[i] = len;
    all += len;
    if (i >= num_keys) derived.clear_len += len;
  }
  const bool is_more = (call.command.arg[0] >> (8 * (num_keys + num_clear))) != 0;
  if (all == 0 || is_more) return Error::invalid_argument;
  derived.bytes = SecretBytes(all);
  return derived;
}

std::size_t output_len(const Call& call, const Derived& derived) noexcept {
  if (call.aux.empty()) return 4 * derived.num_keys + derived.clear_len;
  std::size_t num = 0;
  for (std::size_t i = 0; i < derived.num_keys; ++i) num += derived.lens[i] != 0;
  return derived.bytes.size() + num * engine::kSm2CiphertextOverhead;
}

// Handles of new session keys, 0 for a key without bytes. All of them or none.
Result<void> give_handles(Call& call, const Derived& derived) {
  std::array<std::uint32_t, kMaxParts> handles{};
  Bytes rest = derived.bytes.bytes();
  for (std::size_t i = 0; i < derived.num_keys; ++i) {
    const Bytes bytes = rest.first(derived.lens[i]);
    rest = rest.subspan(bytes.size());
    if (bytes.empty()) continue;
    const auto given = give_key(call.origin(), bytes);
    if (!given) {
      for (std::size_t j = 0; j < i; ++j) {
        (void)call.client.sessions.destroy_key(*call.session, handles[j]);
      }
      return given.error();
    }
    handles[i] = given->value;
  }
  std::memcpy(call.output.data(), handles.data(), 4 * derived.num_keys);
  return {};
}

// Each key encrypted for the public key in the command's aux.
Result<void> encrypt_keys(Call& call, const Derived& derived) {
  CIPHERDECK_ASSIGN(const auto recipient, external_public_key(call.aux));
  Bytes rest = derived.bytes.bytes();
  std::size_t at = 0;
  for (std::size_t i = 0; i < derived.num_keys; ++i) {
    const Bytes bytes = rest.first(derived.lens[i]);
    rest = rest.subspan(bytes.size());
    if (bytes.empty()) continue;
    std::array<std::uint8_t, session::kMaxSecretLen + engine::kSm2CiphertextOverhead> ciphertext;
    const auto used = MutableBytes(ciphertext).first(bytes.size() + engine::kSm2CiphertextOverhead);
    CIPHERDECK_TRY(engine::sm2_encrypt(used, recipient, bytes, call.services.random));
    std::memcpy(call.output.data() + at, used.data(), used.size());
    at += used.size();
  }
  return {};
}

HandlerResult deliver(Call& call, const Derived& derived) {
  const std::size_t needed = output_len(call, derived);
  if (call.aux.empty()) {
    CIPHERDECK_TRY(give_handles(call, derived));
  } else {
    CIPHERDECK_TRY(encrypt_keys(call, derived));
  }
  if (derived.clear_len != 0) {
    std::memcpy(call.output.data() + needed - derived.clear_len, derived.clear().data(),
                derived.clear_len);
  }
  const std::uint32_t cost = call.aux.empty() ? 0 : kSm2Cost;
  return done(0, needed, kDerivationCost + cost * static_cast<std::uint32_t>(derived.num_keys));
}

// SKEYID_d, SKEYID_a and SKEYID_e (GM/T 0022, 5.1.2).
Result<void> derive_ike(Derived& derived, const Prf& prf, Bytes nonces, Bytes cookies) {
  Digest nonce_hash, skeyid, key;
  CIPHERDECK_TRY(prf.hash(nonce_hash, nonces));
  CIPHERDECK_TRY(prf.mac(skeyid, nonce_hash.span(), cookies));
  MutableBytes out = derived.bytes.bytes();
  for (std::uint8_t i = 0; i < 3; ++i) {
    if (derived.lens[i] > kDigestLen) return Error::invalid_argument;
    const Bytes before = i == 0 ? Bytes{} : Bytes(key.span());
    const SecretBytes data = concat({before, cookies, Bytes(&i, 1)});
    CIPHERDECK_TRY(prf.mac(key, skeyid.span(), data.bytes()));
    std::memcpy(out.data(), key.data(), derived.lens[i]);
    out = out.subspan(derived.lens[i]);
  }
  return {};
}

// Master secret, then key block (GB/T 38636, 6.5).
Result<void> derive_tls(Derived& derived, const Prf& prf, Bytes premaster, Bytes randoms) {
  const Bytes client = randoms.first(randoms.size() / 2);
  const Bytes server = randoms.last(randoms.size() / 2);
  Secret<kMasterLen> master;
  CIPHERDECK_TRY(expand_tls(master.span(), prf, premaster, "master secret", randoms));
  const SecretBytes reversed = concat({server, client});
  return expand_tls(derived.bytes.bytes(), prf, master.span(), "key expansion", reversed.bytes());
}

}  // namespace

HandlerResult vpn_ike(Call& call) {
  CIPHERDECK_ASSIGN(const Prf prf, Prf::of(call.command.algorithm));
  CIPHERDECK_ASSIGN(Derived derived, wanted(call, 3, 0));
  if (call.output.size() < output_len(call, derived)) return too_small(output_len(call, derived));
  const SecretBytes nonces{Bytes(call.input)}, cookies{Bytes(call.params)};
  CIPHERDECK_TRY(derive_ike(derived, prf, nonces.bytes(), cookies.bytes()));
  return deliver(call, derived);
}

HandlerResult vpn_ipsec(Call& call) {
  CIPHERDECK_ASSIGN(const Prf prf, Prf::of(call.command.algorithm));
  CIPHERDECK_ASSIGN(const auto* const key,
                    call.client.sessions.key(*call.session, call.command.key));
  CIPHERDECK_ASSIGN(Derived derived, wanted(call, 2, 1));
  if (call.output.size() < output_len(call, derived)) return too_small(output_len(call, derived));
  const SecretBytes seed{Bytes(call.input)};
  CIPHERDECK_TRY(expand_ipsec(derived.bytes.bytes(), prf, key->bytes(), seed.bytes()));
  return deliver(call, derived);
}

HandlerResult vpn_ssl(Call& call) {
  CIPHERDECK_ASSIGN(const Prf prf, Prf::of(call.command.algorithm));
  CIPHERDECK_ASSIGN(const auto* const key,
                    call.client.sessions.key(*call.session, call.command.key));
  CIPHERDECK_ASSIGN(Derived derived, wanted(call, 4, 2));
  if (call.output.size() < output_len(call, derived)) return too_small(output_len(call, derived));
  if (call.input.size() % 2 != 0) return Error::invalid_argument;
  const SecretBytes randoms{Bytes(call.input)};
  CIPHERDECK_TRY(derive_tls(derived, prf, key->bytes(), randoms.bytes()));
  return deliver(call, derived);
}

}  // namespace cipherdeck::card::command

// SPDX-License-Identifier: Apache-2.0
// Public key encryption (GB/T 32918.4), with ciphertexts C1 || C3 || C2.
#include "base/secret.h"
#include "engine/declassify.h"
#include "engine/sm2/curve.h"
#include "engine/sm2/sm2.h"

#include <algorithm>

namespace cipherdeck::engine {
namespace {

using SharedPoint = Secret<kSm2PointLen>;

SharedPoint shared_point(const sm2::Uint256& scalar,
                         std::span<const std::uint8_t, kSm2PointLen> point) {
  SharedPoint shared;
  sm2::AffinePoint product =
      sm2::to_affine(sm2::multiply(scalar, sm2::Point::from(sm2::load_point(point))));
  sm2::store_point(shared.span(), product);
  wipe_object(product);
  return shared;
}

// C3 = SM3(x2 || M || y2).
Sm3Digest check_value(const SharedPoint& shared, Bytes plaintext) {
  const Bytes bytes = shared.span();
  Sm3 hash;
  hash.update(bytes.first(32));
  hash.update(plaintext);
  hash.update(bytes.last(32));
  return hash.finish();
}

// out = in ^ KDF(x2 || y2). The key stream passes through `out`. False: it was all zero.
bool apply_key_stream(MutableBytes out, Bytes in, const SharedPoint& shared) {
  sm2::derive(out, shared.span());
  std::uint8_t any = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    any |= out[i];
    out[i] ^= in[i];
  }
  return any != 0;
}

}  // namespace

Result<void> sm2_encrypt(MutableBytes ciphertext, const Sm2PublicKey& key, Bytes plaintext,
                         RandomSource& random) {
  if (plaintext.empty() || ciphertext.size() < kSm2CiphertextOverhead ||
      ciphertext.size() - kSm2CiphertextOverhead != plaintext.size()) {
    return Error::invalid_argument;
  }
  constexpr int kMaxTries = 64;  // a one-byte key stream is zero one time in 256
  for (int i = 0; i < kMaxTries; ++i) {
    sm2::Uint256 k;
    CIPHERDECK_TRY(sm2::random_scalar(k, random));
    sm2::store_point(ciphertext.first<kSm2PointLen>(), sm2::to_affine(sm2::multiply_generator(k)));
    const SharedPoint shared = shared_point(k, key.bytes());
    wipe_object(k);
    const bool is_usable =
        apply_key_stream(ciphertext.subspan(kSm2CiphertextOverhead), plaintext, shared);
    declassify(is_usable);
    if (!is_usable) continue;
    const Sm3Digest c3 = check_value(shared, plaintext);
    std::memcpy(ciphertext.data() + kSm2PointLen, c3.data(), c3.size());
    return {};
  }
  wipe(ciphertext);
  return Error::random_failed;
}

Result<void> sm2_decrypt(MutableBytes plaintext, const Sm2PrivateKey& key, Bytes ciphertext) {
  if (plaintext.empty() || ciphertext.size() < kSm2CiphertextOverhead ||
      ciphertext.size() - kSm2CiphertextOverhead != plaintext.size()) {
    return Error::invalid_argument;
  }
  sm2::PointBytes c1;
  Sm3Digest c3;
  std::memcpy(c1.data(), ciphertext.data(), c1.size());
  std::memcpy(c3.data(), ciphertext.data() + c1.size(), c3.size());
  bool is_right = sm2::is_on_curve(c1);
  if (is_right) {
    sm2::Uint256 d = sm2::load_uint256(key.bytes().data());
    const SharedPoint shared = shared_point(d, c1);
    wipe_object(d);
    is_right = apply_key_stream(plaintext, ciphertext.subspan(kSm2CiphertextOverhead), shared);
    is_right &= equal_constant_time(check_value(shared, plaintext), c3);
    declassify(is_right);
  }
  if (is_right) return {};
  wipe(plaintext);
  return Error::decrypt_failed;
}

}  // namespace cipherdeck::engine

// SPDX-License-Identifier: Apache-2.0
// Key encapsulation (GM/T 0044.4, 7).
#include "engine/declassify.h"
#include "engine/sm9/encapsulation.h"
#include "engine/sm9/pairing.h"
#include "engine/sm9/range_hash.h"
#include "engine/sm9/wiped.h"

namespace cipherdeck::engine {
namespace sm9 {
namespace {

sm2::Kdf seeded_kdf(std::span<const std::uint8_t, kG1Len> package, const Fp12& w, Bytes id) {
  Secret<kGtLen> bytes;
  store(bytes.span(), w);
  Sm3 seed;
  seed.update(package);
  seed.update(bytes.span());
  seed.update(id);
  return sm2::Kdf(seed);
}

}  // namespace

Result<G1Affine> identity_point(const Sm9EncryptMasterPublicKey& master, Bytes id, Sm9Use use) {
  const Uint256 h1 = hash_identity(id, static_cast<std::uint8_t>(use));
  const G1Point q = add(multiply(h1, g1_generator()), G1Point::from(master.point()));
  if (q.is_infinity() != 0) return Error::invalid_key;
  return to_affine(q);
}

Result<sm2::Kdf> encapsulate(Sm9G1Bytes& package, const Sm9EncryptMasterPublicKey& master, Bytes id,
                             RandomSource& random) {
  CIPHERDECK_ASSIGN(const G1Affine q, identity_point(master, id, Sm9Use::encrypt));
  Wiped<Uint256> r;
  CIPHERDECK_TRY(sm2::random_scalar(r.value, random, OrderModulus::kValue));
  store(package, to_affine(multiply(r.value, q)));
  declassify(package);
  const Wiped<Fp12> w(power(master.base(), r.value));
  return seeded_kdf(package, w.value, id);
}

Result<sm2::Kdf> decapsulate(const Sm9EncryptUserKey& user, Bytes id,
                             std::span<const std::uint8_t, kG1Len> package) {
  const auto c = load_g1(package);
  if (!c) return Error::decrypt_failed;
  const Wiped<Fp12> w(pairing(*c, user.point()));
  return seeded_kdf(package, w.value, id);
}

bool is_all_zero(Bytes key) noexcept {
  std::uint64_t any = 0;
  for (const std::uint8_t byte : key) any |= byte;
  const std::uint64_t is_zero = sm2::is_zero(any);
  declassify(is_zero);
  return is_zero != 0;
}

}  // namespace sm9

Result<void> sm9_encapsulate(MutableBytes key, Sm9G1Bytes& package,
                             const Sm9EncryptMasterPublicKey& master, Bytes id,
                             RandomSource& random) {
  if (key.empty()) return Error::invalid_argument;
  do {
    CIPHERDECK_ASSIGN(sm2::Kdf kdf, sm9::encapsulate(package, master, id, random));
    kdf.fill(key);
  } while (sm9::is_all_zero(key));
  return {};
}

Result<void> sm9_decapsulate(MutableBytes key, const Sm9EncryptUserKey& user, Bytes id,
                             std::span<const std::uint8_t, kSm9G1Len> package) {
  auto kdf = sm9::decapsulate(user, id, package);
  if (kdf) kdf->fill(key);
  if (!kdf || sm9::is_all_zero(key)) {
    wipe(key);
    return Error::decrypt_failed;
  }
  return {};
}

}  // namespace cipherdeck::engine

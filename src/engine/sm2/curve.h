// SPDX-License-Identifier: Apache-2.0
// The group of SM2: the points of y^2 = x^3 - 3x + b (GB/T 32918.5), constant-time, simple and
// without exceptions. What the fast variants (sm2_variants.h) are compared with.
#pragma once

#include "engine/sm2/residue.h"
#include "engine/sm2/sm2.h"

namespace cipherdeck::engine::sm2 {

/// A point other than infinity.
struct AffinePoint {
  FieldElement x, y;
};

/// A point in homogeneous coordinates: (x / z, y / z), or infinity if z is 0.
struct Point {
  FieldElement x, y, z;

  [[nodiscard]] static Point infinity() noexcept {
    return {FieldElement(), FieldElement::one(), FieldElement()};
  }
  [[nodiscard]] static Point from(const AffinePoint& point) noexcept {
    return {point.x, point.y, FieldElement::one()};
  }
  [[nodiscard]] std::uint64_t is_infinity() const noexcept { return z.is_zero(); }
};

[[nodiscard]] const AffinePoint& generator() noexcept;
[[nodiscard]] const FieldElement& coefficient_b() noexcept;

/// The formulas hold for all points, equal, opposite or infinite.
[[nodiscard]] Point add(const Point& a, const Point& b) noexcept;
[[nodiscard]] Point add(const Point& a, const AffinePoint& b) noexcept;
[[nodiscard]] Point twice(const Point& a) noexcept;

/// Scalars have any value below 2^256.
[[nodiscard]] Point multiply(const Uint256& scalar, const Point& point) noexcept;

/// `point` is not infinity.
[[nodiscard]] AffinePoint to_affine(const Point& point) noexcept;

/// x || y, big-endian.
using PointBytes = std::array<std::uint8_t, kSm2PointLen>;
void store_point(std::span<std::uint8_t, kSm2PointLen> to, const AffinePoint& point) noexcept;

/// `from` is known to be on the curve.
[[nodiscard]] AffinePoint load_point(std::span<const std::uint8_t, kSm2PointLen> from) noexcept;

/// Whether both coordinates are reduced and on the curve. Takes its time: the bytes are public.
[[nodiscard]] bool is_on_curve(std::span<const std::uint8_t, kSm2PointLen> point) noexcept;

/// Whether 0 < scalar < limit, as a mask.
[[nodiscard]] std::uint64_t is_in_range(const Uint256& scalar, const Uint256& limit) noexcept;

/// Makes `scalar` one of 1 to order - 1, each as likely as any other; wipe it after use. `order` is
/// above 2^255. Fails with random_failed if the source fails, or gives nothing of use in many
/// tries.
[[nodiscard]] Result<void> random_scalar(Uint256& scalar, RandomSource& random,
                                         const Uint256& order = OrderModulus::kValue);

/// Kdf gives the bytes of the KDF of GB/T 32918.4, 5.4.3, SM3(seed || counter) for counters from 1,
/// in order. Wipes itself.
class Kdf {
 public:
  /// `seeded` has hashed the seed.
  explicit Kdf(const Sm3& seeded) noexcept : m_seeded(seeded) {}
  Kdf(const Kdf&) noexcept = default;
  Kdf& operator=(const Kdf&) noexcept = default;
  ~Kdf();

  /// The next `out.size()` bytes.
  void fill(MutableBytes out) noexcept;

 private:
  Sm3 m_seeded;
  Sm3Digest m_digest{};
  std::size_t m_num_used = kSm3DigestLen;  // bytes of m_digest
  std::uint32_t m_counter = 0;
};

/// The first `out.size()` bytes of the KDF.
void derive(MutableBytes out, Bytes seed) noexcept;

}  // namespace cipherdeck::engine::sm2

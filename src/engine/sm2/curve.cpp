// SPDX-License-Identifier: Apache-2.0
#include "engine/sm2/curve.h"

#include "base/secret.h"
#include "engine/declassify.h"

#include <algorithm>

namespace cipherdeck::engine::sm2 {
namespace {

constexpr FieldElement kB = FieldElement::from(
    {0xddbcbd414d940e93, 0xf39789f515ab8f92, 0x4d5a9e4bcf6509a7, 0x28e9fa9e9d9f5e34});
constexpr AffinePoint kGenerator = {FieldElement::from({0x715a4589334c74c7, 0x8fe30bbff2660be1,
                                                        0x5f9904466a39c994, 0x32c4ae2c1f198119}),
                                    FieldElement::from({0x02df32e52139f0a0, 0xd0a9877cc62a4740,
                                                        0x59bdcee36b692153, 0xbc3736a2f4f6779c})};

[[gnu::always_inline]] inline FieldElement triple(const FieldElement& a) { return a + a + a; }

// The six products that an addition of (x1 : y1 : z1) and (x2 : y2 : z2) starts from.
struct Products {
  FieldElement xx, yy, zz;  // x1 x2, y1 y2, z1 z2
  FieldElement xy, yz, xz;  // x1 y2 + x2 y1, y1 z2 + y2 z1, x1 z2 + x2 z1
};

// The complete formulas of Bosma and Lenstra for a = -3, in the order of Renes, Costello and Batina
// (2016). They have no exception on a curve of odd order.
[[gnu::always_inline]] inline Point combine(const Products& t) {
  const FieldElement u = triple(kB * t.zz - t.xz);
  const FieldElement v = triple(t.xx - t.zz);
  const FieldElement w = triple(kB * t.xz - t.xx - triple(t.zz));
  const FieldElement minus = t.yy - u, plus = t.yy + u;
  return {t.xy * minus - t.yz * w, plus * minus + v * w, t.yz * plus + t.xy * v};
}

constexpr std::size_t kWindowBits = 5;
constexpr std::size_t kNumWindows = 52;     // 256 bits and the sign of the window at the top
constexpr std::size_t kWindowEntries = 16;  // 1 to 16 times

// A signed digit from -16 to 16.
struct Digit {
  std::uint64_t magnitude;
  std::uint64_t negative;  // mask
};

// Booth's recoding: the digit of window `i` is told by its bits and the one below.
Digit window_digit(const Uint256& scalar, std::size_t i) {
  const std::size_t low = i * kWindowBits;  // of the scalar doubled
  const std::size_t limb = low / 64, shift = low % 64;
  const auto doubled = [&](std::size_t k) {
    const std::uint64_t current = k < 4 ? scalar[k] << 1 : 0;
    const std::uint64_t below = k > 0 && k <= 4 ? scalar[k - 1] >> 63 : 0;
    return current | below;
  };
  std::uint64_t bits = doubled(limb) >> shift;
  if (shift > 64 - kWindowBits - 1) bits |= doubled(limb + 1) << (64 - shift);
  bits &= 63;
  const std::uint64_t negative = opaque(0 - (bits >> kWindowBits));
  const std::uint64_t folded = (bits ^ negative) & 63;
  return {(folded >> 1) + (folded & 1), negative};
}

// Reads the whole table, whose entry 0 is infinity.
Point look_up(const std::array<Point, kWindowEntries + 1>& table, const Digit& digit) {
  Point found;
  for (std::size_t j = 0; j <= kWindowEntries; ++j) {
    const std::uint64_t mask = is_zero(digit.magnitude ^ j);
    found.x.collect(mask, table[j].x);
    found.y.collect(mask, table[j].y);
    found.z.collect(mask, table[j].z);
  }
  found.y = FieldElement::select(digit.negative, found.y.negate(), found.y);
  return found;
}

}  // namespace

const AffinePoint& generator() noexcept { return kGenerator; }

const FieldElement& coefficient_b() noexcept { return kB; }

Point add(const Point& a, const Point& b) noexcept {
  Products t;
  t.xx = a.x * b.x;
  t.yy = a.y * b.y;
  t.zz = a.z * b.z;
  t.xy = (a.x + a.y) * (b.x + b.y) - t.xx - t.yy;
  t.yz = (a.y + a.z) * (b.y + b.z) - t.yy - t.zz;
  t.xz = (a.x + a.z) * (b.x + b.z) - t.xx - t.zz;
  return combine(t);
}

Point add(const Point& a, const AffinePoint& b) noexcept {
  Products t;
  t.xx = a.x * b.x;
  t.yy = a.y * b.y;
  t.zz = a.z;
  t.xy = (a.x + a.y) * (b.x + b.y) - t.xx - t.yy;
  t.yz = a.y + b.y * a.z;
  t.xz = a.x + b.x * a.z;
  return combine(t);
}

Point twice(const Point& a) noexcept {
  const FieldElement xx = a.x.square(), yy = a.y.square(), zz = a.z.square();
  const FieldElement xy = a.x * a.y, yz = a.y * a.z, xz = a.x * a.z;
  const FieldElement xz2 = xz + xz, yz2 = yz + yz;
  const FieldElement u = triple(kB * zz - xz2);
  const FieldElement v = triple(xx - zz);
  const FieldElement w = triple(kB * xz2 - xx - triple(zz));
  const FieldElement minus = yy - u, plus = yy + u;
  const FieldElement z3 = yz2 * yy, z3_2 = z3 + z3;
  return {(xy + xy) * minus - yz2 * w, plus * minus + v * w, z3_2 + z3_2};
}

Point multiply(const Uint256& scalar, const Point& point) noexcept {
  std::array<Point, kWindowEntries + 1> table;
  table[0] = Point::infinity();
  table[1] = point;
  for (std::size_t j = 2; j <= kWindowEntries; ++j) {
    table[j] = j % 2 == 0 ? twice(table[j / 2]) : add(table[j - 1], point);
  }
  Point sum = look_up(table, window_digit(scalar, kNumWindows - 1));
  for (std::size_t i = kNumWindows - 1; i-- > 0;) {
    for (std::size_t j = 0; j < kWindowBits; ++j) sum = twice(sum);
    sum = add(sum, look_up(table, window_digit(scalar, i)));
  }
  return sum;
}

AffinePoint to_affine(const Point& point) noexcept {
  const FieldElement inverse = point.z.inverse();
  return {point.x * inverse, point.y * inverse};
}

void store_point(std::span<std::uint8_t, kSm2PointLen> to, const AffinePoint& point) noexcept {
  store_uint256(to.data(), point.x.value());
  store_uint256(to.data() + 32, point.y.value());
}

AffinePoint load_point(std::span<const std::uint8_t, kSm2PointLen> from) noexcept {
  return {FieldElement::from(load_uint256(from.data())),
          FieldElement::from(load_uint256(from.data() + 32))};
}

bool is_on_curve(std::span<const std::uint8_t, kSm2PointLen> point) noexcept {
  const Uint256 x = load_uint256(point.data()), y = load_uint256(point.data() + 32);
  if (!is_less(x, FieldModulus::kValue) || !is_less(y, FieldModulus::kValue)) return false;
  const AffinePoint affine = load_point(point);
  const FieldElement cubic = affine.x.square() * affine.x - triple(affine.x) + kB;
  return affine.y.square().equals(cubic) != 0;
}

std::uint64_t is_in_range(const Uint256& scalar, const Uint256& limit) noexcept {
  return is_less(scalar, limit) & ~is_zero(scalar);
}

Result<void> random_scalar(Uint256& scalar, RandomSource& random, const Uint256& order) {
  constexpr int kMaxTries = 64;  // one in 2^32 scalars is out of range, for SM9 three in ten
  Secret<kSm2ScalarLen> bytes;
  for (int i = 0; i < kMaxTries; ++i) {
    CIPHERDECK_TRY(random.fill(bytes.span()));
    scalar = load_uint256(bytes.data());
    const std::uint64_t is_usable = is_in_range(scalar, order);
    declassify(is_usable);
    if (is_usable != 0) return {};
  }
  wipe_object(scalar);
  return Error::random_failed;
}

Kdf::~Kdf() { wipe(m_digest); }

void Kdf::fill(MutableBytes out) noexcept {
  while (!out.empty()) {
    if (m_num_used == m_digest.size()) {
      Sm3 hash = m_seeded;
      std::uint8_t count[4];
      store_be32(count, ++m_counter);
      hash.update(count);
      m_digest = hash.finish();
      m_num_used = 0;
    }
    const std::size_t taken = std::min(m_digest.size() - m_num_used, out.size());
    std::memcpy(out.data(), m_digest.data() + m_num_used, taken);
    m_num_used += taken;
    out = out.subspan(taken);
  }
}

void derive(MutableBytes out, Bytes seed) noexcept {
  Sm3 seeded;
  seeded.update(seed);
  Kdf(seeded).fill(out);
}

}  // namespace cipherdeck::engine::sm2

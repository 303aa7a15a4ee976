// SPDX-License-Identifier: Apache-2.0
#include "engine/sm2/window_table.h"

#include <vector>

namespace cipherdeck::engine::sm2 {
namespace {

std::vector<Point> multiples_of(const AffinePoint& base) {
  std::vector<Point> points;
  points.reserve(kTableWindows * kTableEntries);
  Point unit = Point::from(base);
  for (std::size_t i = 0; i < kTableWindows; ++i) {
    Point multiple = unit;
    for (std::size_t j = 0; j < kTableEntries; ++j) {
      points.push_back(multiple);
      multiple = add(multiple, unit);
    }
    for (std::size_t j = 0; j < kTableBits; ++j) unit = twice(unit);
  }
  return points;
}

}  // namespace

std::unique_ptr<const WindowTable> make_window_table(const AffinePoint& base) {
  const std::vector<Point> points = multiples_of(base);
  std::vector<FieldElement> products(points.size());  // of the z before; one inversion serves all
  FieldElement product = FieldElement::one();
  for (std::size_t k = 0; k < points.size(); ++k) {
    products[k] = product;
    product = product * points[k].z;
  }
  FieldElement inverse = product.inverse();
  auto table = std::make_unique<WindowTable>();
  for (std::size_t k = points.size(); k-- > 0;) {
    const FieldElement z_inverse = inverse * products[k];
    inverse = inverse * points[k].z;
    table->windows[k / kTableEntries][k % kTableEntries] = {points[k].x * z_inverse,
                                                            points[k].y * z_inverse};
  }
  return table;
}

const WindowTable& generator_table() {
  static const std::unique_ptr<const WindowTable> table = make_window_table(generator());
  return *table;
}

}  // namespace cipherdeck::engine::sm2

// SPDX-License-Identifier: Apache-2.0
// What the known-answer tests of the algorithms have in common.
#pragma once

#include "base/bytes.h"
#include "base/random_source.h"

#include <algorithm>
#include <array>

namespace cipherdeck::engine::known_answer {

/// Bytes from hexadecimal digits in lower case, at compile time.
template <std::size_t N>
consteval auto hex(const char (&text)[N]) {
  std::array<std::uint8_t, (N - 1) / 2> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      const char c = text[2 * i + j];
      bytes[i] = static_cast<std::uint8_t>(bytes[i] * 16 + (c <= '9' ? c - '0' : c - 'a' + 10));
    }
  }
  return bytes;
}

/// FixedNonce gives the nonce of an example, once.
class FixedNonce final : public RandomSource {
 public:
  explicit FixedNonce(Bytes nonce) : m_nonce(nonce) {}
  Result<void> fill(MutableBytes out) override {
    if (m_is_used || out.size() != m_nonce.size()) return Error::random_failed;
    m_is_used = true;
    std::copy(m_nonce.begin(), m_nonce.end(), out.begin());
    return {};
  }

 private:
  Bytes m_nonce;
  bool m_is_used = false;
};

}  // namespace cipherdeck::engine::known_answer

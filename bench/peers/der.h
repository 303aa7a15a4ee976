// SPDX-License-Identifier: Apache-2.0
// Just enough DER to hand known answers to libraries that want it.
#pragma once

#include "peers/known_answers.h"

#include <initializer_list>

namespace cipherdeck::peers {

inline Octets der(std::uint8_t tag, const Octets& content) {
  Octets out = {tag};
  if (content.size() >= 128) out.push_back(0x81);  // up to 255
  out.push_back(static_cast<std::uint8_t>(content.size()));
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

/// A number that is not negative and has no leading zero octets.
inline Octets der_integer(Octets value) {
  if ((value.front() & 0x80) != 0) value.insert(value.begin(), 0);
  while (value.size() > 1 && value[0] == 0 && (value[1] & 0x80) == 0) value.erase(value.begin());
  return der(0x02, value);
}

inline Octets der_octets(const Octets& value) { return der(0x04, value); }

inline Octets der_sequence(std::initializer_list<Octets> parts) {
  Octets content;
  for (const Octets& part : parts) content.insert(content.end(), part.begin(), part.end());
  return der(0x30, content);
}

inline Octets known_signature_der() {
  return der_sequence({der_integer(hex(kSm2R)), der_integer(hex(kSm2S))});
}

inline Octets known_ciphertext_der() {
  return der_sequence({der_integer(hex(kSm2CipherX)), der_integer(hex(kSm2CipherY)),
                       der_octets(hex(kSm2C3)), der_octets(hex(kSm2C2))});
}

}  // namespace cipherdeck::peers

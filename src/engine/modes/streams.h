// SPDX-License-Identifier: Apache-2.0
// Streams whose every block waits for the one before, side by side in the lanes of the variant.
#pragma once

#include "engine/sm4/sm4.h"
#include "engine/sm4/sm4_variants.h"

namespace cipherdeck::engine::modes {

/// One CBC encryption, CFB encryption, OFB or CBC-MAC: lengths, `iv` and its value afterwards are
/// as modes.h says of the function of that name.
struct Stream {
  const Sm4Key* key = nullptr;
  std::uint8_t* iv = nullptr;
  const std::uint8_t* in = nullptr;
  std::uint8_t* out = nullptr;  // null for a MAC
  std::size_t len = 0;
};

/// Where the streams of one call come from.
class StreamSource {
 public:
  /// Sets `stream` to one that has not been given yet. False: there is none left.
  virtual bool next(Stream& stream) = 0;

 protected:
  ~StreamSource() = default;
};

/// All streams of `source`, which are independent. A lane takes the next one when its own has
/// ended.
void run_streams(sm4::Chaining chaining, StreamSource& source,
                 const sm4::Variant& variant = sm4::chosen_variant());

}  // namespace cipherdeck::engine::modes

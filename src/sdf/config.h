// SPDX-License-Identifier: Apache-2.0
// What the library is told from outside: which device, and where a program's idea of the standard
// differs from its text.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace cipherdeck::sdf {

enum class CipherLayout {
  standard,  // x[64], y[64], M[32], L, C[L]
  short_,    // L, x[32], y[32], C[136], M[32], as clients of FISCO BCOS have it
};

struct Config {
  std::string device;              // for driver::open_queue_pair()
  std::uint32_t sm4_base = 0x400;  // of the program's identifiers of SM4; some vendors: 0x2000
  CipherLayout cipher_layout = CipherLayout::standard;
  std::uint32_t rsa_max_bits = 2048;  // RSAref_MAX_BITS of the program's header; or 4096

  /// From `file` if given (an error if it cannot be read), else from CIPHERDECK_CONFIG or
  /// /etc/cipherdeck/sdf.toml if they are there; CIPHERDECK_DEVICE goes before the file's device
  /// unless `file` is given. `why` says in a sentence what is wrong.
  static Result<Config> load(const std::optional<std::filesystem::path>& file, std::string& why);
};

}  // namespace cipherdeck::sdf

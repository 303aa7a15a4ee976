// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "engine/batch.h"
#include "functions/operation.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace cipherdeck::bench {

/// What the card must answer to each of some commands of one kind, computed beforehand by the
/// engine in this process. Signatures differ each time: they are kept, and verified at the end. The
/// cipher of a chip nobody else has: what it answers to an input first is what it must answer
/// again.
class KnownResults {
 public:
  /// SM4 takes `key` and an IV of zeros, both 16 bytes; SM2 signs inputs of 32 bytes, and
  /// `signer` is its public key. The inputs are read once.
  KnownResults(Operation operation, const std::vector<Bytes>& inputs, Bytes key,
               std::optional<engine::Sm2PublicKey> signer);

  /// Fails with verify_failed if `output` is not what input `number` gives. `output` has
  /// output_len() bytes.
  Result<void> check(std::size_t number, Bytes output);

  /// Verifies the signatures that check() kept. Fails with verify_failed if one is wrong.
  Result<void> finish();

  /// Bytes of one output; 0 if there is none to check.
  [[nodiscard]] std::size_t output_len() const noexcept { return m_output_len; }

  /// How many outputs check() was given since the start.
  [[nodiscard]] std::uint64_t num_checked() const noexcept { return m_num_checked; }

 private:
  void encrypt(engine::CipherMode mode, const std::vector<Bytes>& inputs, Bytes key);
  void hash(const std::vector<Bytes>& inputs);
  void sign(const std::vector<Bytes>& inputs);

  std::size_t m_output_len = 0;
  bool m_is_learning = false;                        // outputs that are empty are not known yet
  std::vector<std::vector<std::uint8_t>> m_outputs;  // of SM4 and SM3
  std::vector<engine::Sm3Digest> m_signed;           // of SM2
  std::vector<engine::Sm2VerifyJob> m_signatures;
  std::optional<engine::Sm2PublicKey> m_signer;
  std::unique_ptr<const engine::Sm2VerifyTable> m_table;
  std::uint64_t m_num_checked = 0;
};

}  // namespace cipherdeck::bench

// SPDX-License-Identifier: Apache-2.0
#include "functions/known_results.h"

#include <algorithm>
#include <array>

namespace cipherdeck::bench {

KnownResults::KnownResults(Operation operation, const std::vector<Bytes>& inputs, Bytes key,
                           std::optional<engine::Sm2PublicKey> signer)
    : m_signer(std::move(signer)) {
  if (operation == Operation::sm4_cbc) encrypt(engine::CipherMode::cbc, inputs, key);
  if (operation == Operation::sm4_ctr) encrypt(engine::CipherMode::ctr, inputs, key);
  if (operation == Operation::sm3) hash(inputs);
  if (operation == Operation::sm2_sign && m_signer) sign(inputs);
  if (operation == Operation::sm1_cbc || operation == Operation::stand_in_cbc) {
    m_is_learning = true;
    m_outputs.resize(inputs.size());
    m_output_len = inputs.empty() ? 0 : inputs[0].size();
  }
}

void KnownResults::sign(const std::vector<Bytes>& inputs) {
  m_output_len = engine::kSm2SignatureLen;
  m_table = std::make_unique<const engine::Sm2VerifyTable>(*m_signer);
  for (const Bytes input : inputs) std::ranges::copy(input, m_signed.emplace_back().begin());
}

void KnownResults::encrypt(engine::CipherMode mode, const std::vector<Bytes>& inputs, Bytes key) {
  const engine::Sm4Key sm4(key.first<engine::kSm4KeyLen>());
  std::vector<std::array<std::uint8_t, engine::kSm4BlockLen>> ivs(inputs.size());
  std::vector<engine::CipherJob> jobs(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    m_outputs.emplace_back(inputs[i].size());
    jobs[i] = {.key = &sm4,
               .mode = mode,
               .iv = ivs[i].data(),
               .input = inputs[i].data(),
               .output = m_outputs[i].data(),
               .len = inputs[i].size()};
  }
  engine::run(jobs);
  m_output_len = inputs.empty() ? 0 : inputs[0].size();
}

void KnownResults::hash(const std::vector<Bytes>& inputs) {
  for (const Bytes input : inputs) {
    const engine::Sm3Digest digest = engine::Sm3::digest(input);
    m_outputs.emplace_back(digest.begin(), digest.end());
  }
  m_output_len = engine::kSm3DigestLen;
}

Result<void> KnownResults::check(std::size_t number, Bytes output) {
  if (m_output_len == 0) return {};
  if (m_is_learning && m_outputs[number].empty()) {
    m_outputs[number].assign(output.begin(), output.end());
    return {};
  }
  ++m_num_checked;
  if (!m_signer) {
    return std::ranges::equal(output, m_outputs[number]) ? Result<void>() : Error::verify_failed;
  }
  engine::Sm2VerifyJob& job = m_signatures.emplace_back();
  job.e = m_signed[number];
  std::ranges::copy(output, job.signature.begin());
  return {};
}

Result<void> KnownResults::finish() {
  for (engine::Sm2VerifyJob& job : m_signatures) {
    job.key = &*m_signer;
    job.table = m_table.get();
  }
  engine::run(m_signatures);
  for (const engine::Sm2VerifyJob& job : m_signatures) CIPHERDECK_TRY(job.result);
  m_signatures.clear();
  return {};
}

}  // namespace cipherdeck::bench

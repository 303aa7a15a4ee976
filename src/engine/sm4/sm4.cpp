// SPDX-License-Identifier: Apache-2.0
#include "engine/sm4/sm4.h"

#include "base/secret.h"
#include "engine/sm4/sm4_variants.h"

#include <algorithm>
#include <bit>

namespace cipherdeck::engine {
namespace sm4 {
namespace {

using enum cpu::Feature;

constexpr Variant kVariants[] = {
    {{"gfni512", {avx2, bmi2, gfni, avx512, vbmi}},
     crypt_blocks_gfni512,
     64,
     set_lane_key,
     chain_lanes_gfni512,
     ctr_blocks_gfni512},
    {{"vaes", {avx2, aes, vaes}}, crypt_blocks_vaes, 64, set_lane_key, chain_lanes_vaes},
    {{"aesni", {avx2, aes}}, crypt_blocks_aesni, 64, set_lane_key, chain_lanes_aesni},
    {{"portable", {}}, crypt_blocks_portable, 64, set_lane_key, chain_lanes_portable},
};

}  // namespace

void set_lane_key(Lanes& lanes, std::size_t lane, const RoundKeys& round_keys) noexcept {
  lanes.keys[lane] = &round_keys;
  lanes.prepared_for = 0;
}

std::span<const Variant> variants() noexcept { return kVariants; }

const Variant& chosen_variant() noexcept {
  static const Variant& chosen = cpu::choose<Variant>(kVariants, "sm4");
  return chosen;
}

}  // namespace sm4

namespace {

constexpr std::uint32_t kFk[4] = {0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc};

// CK of GB/T 32907, 7.3.2: byte j of word i is (4i + j) * 7 modulo 256.
constexpr std::uint32_t ck(std::uint32_t i) {
  std::uint32_t word = 0;
  for (std::uint32_t j = 0; j < 4; ++j) word = (word << 8) | (((4 * i + j) * 7) & 0xff);
  return word;
}

}  // namespace

Sm4Key::Sm4Key(std::span<const std::uint8_t, kSm4KeyLen> key) noexcept {
  std::uint32_t k[4];
  for (std::size_t i = 0; i < 4; ++i) k[i] = load_be32(key.data() + 4 * i) ^ kFk[i];
  for (std::uint32_t i = 0; i < 32; ++i) {
    const std::uint32_t t =
        sm4::substitute_word(k[(i + 1) % 4] ^ k[(i + 2) % 4] ^ k[(i + 3) % 4] ^ ck(i));
    k[i % 4] ^= t ^ std::rotl(t, 13) ^ std::rotl(t, 23);
    m_encryption.words[i] = k[i % 4];
  }
  wipe_object(k);
  std::ranges::reverse_copy(m_encryption.words, m_decryption.words.begin());
  sm4::fold_round_keys(m_encryption);
  sm4::fold_round_keys(m_decryption);
}

Sm4Key::~Sm4Key() {
  wipe_object(m_encryption);
  wipe_object(m_decryption);
}

void Sm4Key::encrypt_blocks(std::uint8_t* out, const std::uint8_t* in,
                            std::size_t num_blocks) const noexcept {
  sm4::chosen_variant().crypt_blocks(out, in, num_blocks, m_encryption);
}

void Sm4Key::decrypt_blocks(std::uint8_t* out, const std::uint8_t* in,
                            std::size_t num_blocks) const noexcept {
  sm4::chosen_variant().crypt_blocks(out, in, num_blocks, m_decryption);
}

}  // namespace cipherdeck::engine

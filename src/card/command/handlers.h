// SPDX-License-Identifier: Apache-2.0
// One function per opcode, for the table; and what the handlers share. An error of a handler is the
// command's status, and the command has then changed nothing.
#pragma once

#include "card/command/processor.h"

namespace cipherdeck::card::command {

using HandlerResult = Result<Reply>;

// What commands that are done at once are charged, roughly.
constexpr std::uint32_t kSmallCost = 200;
constexpr std::uint32_t kAccessCost = 2000;
constexpr std::uint32_t kSm2Cost = 150000;

[[nodiscard]] inline Reply done(std::uint32_t value = 0, std::size_t output_len = 0,
                                std::uint32_t cost_ns = kSmallCost) noexcept {
  return {.value = value, .output_len = static_cast<std::uint32_t>(output_len), .cost_ns = cost_ns};
}

[[nodiscard]] inline Reply queued(std::uint32_t cost_ns) noexcept {
  return {.kind = Reply::Kind::queued, .cost_ns = cost_ns};
}

[[nodiscard]] inline Reply later() noexcept { return {.kind = Reply::Kind::later}; }

[[nodiscard]] inline Reply sent_away(std::uint32_t cost_ns) noexcept {
  return {.kind = Reply::Kind::away, .cost_ns = cost_ns};
}

[[nodiscard]] inline Reply after_away() noexcept { return {.kind = Reply::Kind::after_away}; }

[[nodiscard]] inline Reply too_small(std::size_t needed) noexcept {
  return {.status = CIPHERDECK_STATUS_BUFFER_TOO_SMALL,
          .output_len = static_cast<std::uint32_t>(needed),
          .cost_ns = kSmallCost};
}

/// Where `input` and `output` share bytes, they must start at the same one.
[[nodiscard]] Result<void> check_overlap(Bytes input, Bytes output) noexcept;

/// Accepts 0, SM2 and `use`, one of CIPHERDECK_ALG_SM2_; else fails with algorithm.
[[nodiscard]] Result<void> check_sm2(std::uint32_t algorithm, std::uint32_t use) noexcept;

/// `algorithm` if it is in SM4's family: fails with algorithm if it is not.
[[nodiscard]] Result<void> check_sm4_family(std::uint32_t algorithm) noexcept;

/// Length in bytes of a session key of arg[0] bits: 16 or 32, else invalid_argument.
[[nodiscard]] Result<std::size_t> wanted_key_len(const Call& call) noexcept;
/// Fails with invalid_argument unless arg[0] is zero or says `len`.
[[nodiscard]] Result<void> check_key_len(const Call& call, std::size_t len) noexcept;

/// The key pair at the command's index: key_not_found. For use of its private keys, the session
/// must have the right: access_denied.
[[nodiscard]] Result<std::shared_ptr<const KeyPair>> public_key_pair(const Call& call);
[[nodiscard]] Result<std::shared_ptr<const KeyPair>> private_key_pair(const Call& call);

/// A public key from 64 bytes of arena memory.
[[nodiscard]] Result<engine::Sm2PublicKey> external_public_key(Bytes at);

// command/basic.cpp
HandlerResult nop(Call& call);
HandlerResult session_open(Call& call);
HandlerResult session_close(Call& call);
HandlerResult device_info(Call& call);
HandlerResult random(Call& call);
HandlerResult key_access_get(Call& call);
HandlerResult key_access_release(Call& call);
HandlerResult kek_access_get(Call& call);
HandlerResult kek_access_release(Call& call);

// command/keys.cpp
HandlerResult public_key_export(Call& call);
HandlerResult key_generate_ipk(Call& call);
HandlerResult key_generate_epk(Call& call);
HandlerResult key_import_isk(Call& call);
HandlerResult key_destroy(Call& call);
HandlerResult key_import(Call& call);
HandlerResult envelope_exchange(Call& call);

// command/kek.cpp
HandlerResult key_generate_kek(Call& call);
HandlerResult key_import_kek(Call& call);

// command/agreement.cpp
HandlerResult agreement_start(Call& call);
HandlerResult agreement_finish(Call& call);
HandlerResult agreement_respond(Call& call);

// command/sm2.cpp
HandlerResult sm2_sign(Call& call);
HandlerResult sm2_verify(Call& call);
HandlerResult sm2_verify_external(Call& call);
HandlerResult sm2_encrypt(Call& call);
HandlerResult sm2_encrypt_external(Call& call);
HandlerResult sm2_decrypt(Call& call);

// command/cipher.cpp
HandlerResult encrypt(Call& call);
HandlerResult decrypt(Call& call);
HandlerResult mac(Call& call);
HandlerResult auth_encrypt(Call& call);
HandlerResult auth_decrypt(Call& call);

// command/sm9.cpp
HandlerResult sm9_id_export(Call& call);
HandlerResult sm9_master_export(Call& call);
HandlerResult sm9_sign(Call& call);
HandlerResult sm9_verify(Call& call);
HandlerResult sm9_encrypt(Call& call);
HandlerResult sm9_decrypt(Call& call);
HandlerResult sm9_key_generate(Call& call);
HandlerResult sm9_key_import(Call& call);
HandlerResult sm9_agreement_start(Call& call);
HandlerResult sm9_agreement_finish(Call& call);
HandlerResult sm9_agreement_respond(Call& call);
HandlerResult sm9_sign_external(Call& call);
HandlerResult sm9_decrypt_external(Call& call);

// command/zuc.cpp
HandlerResult crypt_by_zuc(Call& call);
HandlerResult mac_by_zuc(Call& call);

// command/chip_cipher.cpp: for algorithms that the engine does not have
HandlerResult crypt_by_chip(Call& call, engine::Direction direction);
HandlerResult mac_by_chip(Call& call);

// command/hash.cpp
HandlerResult hash_init(Call& call);
HandlerResult hash_update(Call& call);
HandlerResult hash_final(Call& call);
HandlerResult hash(Call& call);
HandlerResult hmac_init(Call& call);
HandlerResult hmac_update(Call& call);
HandlerResult hmac_final(Call& call);

}  // namespace cipherdeck::card::command

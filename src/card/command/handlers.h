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

/// GCM or CCM: fails with algorithm or mode.
[[nodiscard]] Result<engine::AeadMode> aead_mode(std::uint32_t algorithm) noexcept;

/// The SM4 key that the command names; XTS has two in one, the other modes have one. Fails with
/// key_not_found and key_type.
[[nodiscard]] Result<const session::SessionKey*> sm4_key(const Call& call, bool two_keys);

/// Length in bytes of a session key of arg[0] bits: up to kMaxSecretLen, else invalid_argument.
[[nodiscard]] Result<std::size_t> wanted_key_len(const Call& call) noexcept;
/// Fails with invalid_argument unless arg[0] is zero or says `len`.
[[nodiscard]] Result<void> check_key_len(const Call& call, std::size_t len) noexcept;

/// The key pair at the command's index: key_not_found. For use of its private keys, the session
/// must have the right: access_denied.
[[nodiscard]] Result<std::shared_ptr<const KeyPair>> public_key_pair(const Call& call);
[[nodiscard]] Result<std::shared_ptr<const KeyPair>> private_key_pair(const Call& call);

/// The key of that kind at the command's index: key_not_found. For use of what is secret of it, the
/// session must have the right: access_denied.
[[nodiscard]] Result<std::shared_ptr<const OtherKey>> other_key(const Call& call,
                                                                std::uint32_t kind);
[[nodiscard]] Result<std::shared_ptr<const OtherKey>> other_private_key(const Call& call,
                                                                        std::uint32_t kind);

/// Makes a session key of the origin's session: done() with its handle, limit or invalid_key.
[[nodiscard]] HandlerResult give_key(const Origin& origin, Bytes bytes,
                                     std::uint32_t cost_ns = kSmallCost);

/// Fails with not_supported if the card does not take keys in the clear (GM/T 0018-2023, 6.8).
[[nodiscard]] Result<void> check_debugging(const Call& call) noexcept;

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
HandlerResult key_open(Call& call);
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
HandlerResult sm2_key_pair_make(Call& call);
HandlerResult sm2_sign_external(Call& call);
HandlerResult sm2_decrypt_external(Call& call);

// command/rsa.cpp
HandlerResult rsa_public_key_export(Call& call);
HandlerResult rsa_public(Call& call);
HandlerResult rsa_public_external(Call& call);
HandlerResult rsa_private(Call& call);
HandlerResult rsa_key_generate_ipk(Call& call);
HandlerResult rsa_key_generate_epk(Call& call);
HandlerResult rsa_key_import_isk(Call& call);
HandlerResult rsa_envelope_exchange(Call& call);
HandlerResult rsa_key_pair_make(Call& call);
HandlerResult rsa_private_external(Call& call);

// command/vpn.cpp
HandlerResult vpn_ike(Call& call);
HandlerResult vpn_ipsec(Call& call);
HandlerResult vpn_ssl(Call& call);

// command/cipher.cpp
HandlerResult encrypt(Call& call);
HandlerResult decrypt(Call& call);
HandlerResult mac(Call& call);
HandlerResult auth_encrypt(Call& call);
HandlerResult auth_decrypt(Call& call);

// command/message_parts.cpp
HandlerResult auth_encrypt_init(Call& call);
HandlerResult auth_decrypt_init(Call& call);
HandlerResult auth_update(Call& call);
HandlerResult auth_final(Call& call);
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

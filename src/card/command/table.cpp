// SPDX-License-Identifier: Apache-2.0
#include "card/command/table.h"

#include <array>

namespace cipherdeck::card::command {
namespace {

constexpr OperandSpec kNone{};
constexpr OperandSpec kData{Need::required};
constexpr OperandSpec kMaybeData{Need::optional};
// How much room an output needs is the handler's to say: it answers BUFFER_TOO_SMALL.
constexpr OperandSpec kRoom{Need::optional};
constexpr OperandSpec kAccessCode{Need::required, 1, kMaxAccessCodeLen};
constexpr OperandSpec kId{Need::required, 1, 8191};  // its length in bits is a 16-bit number
constexpr OperandSpec kMaybeId{Need::optional, 1, 8191};
constexpr OperandSpec kPoint{Need::required, 64, 64};
constexpr OperandSpec kMaybePoint{Need::optional, 64, 64};
constexpr OperandSpec kTwoPoints{Need::required, 128, 128};
constexpr OperandSpec kDigest{Need::required, 32, 32};
constexpr OperandSpec kSignature{Need::required, 64, 64};
constexpr OperandSpec kIv{Need::required, 16, 16};
constexpr OperandSpec kMaybeIv{Need::optional, 16, 16};
constexpr OperandSpec kNonce{Need::required, 1, 256};
constexpr OperandSpec kKeyBytes{Need::required, 1, 256};
constexpr OperandSpec kEnvelope{Need::required, 1, 4096};
constexpr OperandSpec kMaybeTag{Need::optional, 1, 16};
constexpr OperandSpec kMaybePart{Need::optional, 1, CIPHERDECK_MAX_PART_LEN};
constexpr OperandSpec kScalar{Need::required, 32, 32};
constexpr OperandSpec kRsaBlock{Need::required, 128, 512};
constexpr OperandSpec kRsaPublicKey{Need::required, 256, 1024};
constexpr OperandSpec kRsaPrivateKey{Need::required, 256, 2816};
constexpr OperandSpec kNonces{Need::required, 1, 1024};

constexpr OperandSpec kSm9Id{Need::required, 1, CIPHERDECK_SM9_MAX_ID};
constexpr OperandSpec kSm9SignatureAndId{Need::required, 96 + 1, 96 + CIPHERDECK_SM9_MAX_ID};
constexpr OperandSpec kSm9IvAndId{Need::required, 1, 16 + CIPHERDECK_SM9_MAX_ID};
constexpr OperandSpec kSm9G2{Need::required, 128, 128};
constexpr OperandSpec kMaybeSm9G2{Need::optional, 128, 128};

constexpr auto kRequired = Need::required;

// opcode, handler, session, key, algorithm, arg[0], input, output, params, aux
constexpr OpcodeSpec kSpecs[] = {
    {CIPHERDECK_OP_NOP, nop, Need::absent},
    {CIPHERDECK_OP_SESSION_OPEN, session_open, Need::absent},
    {CIPHERDECK_OP_SESSION_CLOSE, session_close},
    {CIPHERDECK_OP_DEVICE_INFO, device_info, Need::optional, false, false, false, kNone, kRoom},
    {CIPHERDECK_OP_RANDOM, random, kRequired, false, false, false, kNone, kData},
    {CIPHERDECK_OP_KEY_ACCESS_GET, key_access_get, kRequired, true, false, false, kAccessCode},
    {CIPHERDECK_OP_KEY_ACCESS_RELEASE, key_access_release, kRequired, true},
    {CIPHERDECK_OP_KEK_ACCESS_GET, kek_access_get, kRequired, true, false, false, kAccessCode},
    {CIPHERDECK_OP_KEK_ACCESS_RELEASE, kek_access_release, kRequired, true},

    {CIPHERDECK_OP_PUBLIC_KEY_EXPORT, public_key_export, kRequired, true, false, true, kNone,
     kRoom},
    {CIPHERDECK_OP_KEY_GENERATE_IPK, key_generate_ipk, kRequired, true, true, true, kNone, kRoom},
    {CIPHERDECK_OP_KEY_GENERATE_EPK, key_generate_epk, kRequired, false, true, true, kNone, kRoom,
     kPoint},
    {CIPHERDECK_OP_KEY_IMPORT_ISK, key_import_isk, kRequired, true, true, true, kEnvelope},
    {CIPHERDECK_OP_KEY_GENERATE_KEK, key_generate_kek, kRequired, true, true, true, kNone, kRoom},
    {CIPHERDECK_OP_KEY_IMPORT_KEK, key_import_kek, kRequired, true, true, true, kKeyBytes},
    {CIPHERDECK_OP_KEY_DESTROY, key_destroy, kRequired, true},
    {CIPHERDECK_OP_KEY_IMPORT, key_import, kRequired, false, false, true, kKeyBytes},
    {CIPHERDECK_OP_KEY_OPEN, key_open, kRequired, true},
    {CIPHERDECK_OP_AGREEMENT_START, agreement_start, kRequired, true, true, true, kId, kRoom},
    {CIPHERDECK_OP_AGREEMENT_FINISH, agreement_finish, kRequired, true, true, true, kId, kNone,
     kTwoPoints},
    {CIPHERDECK_OP_AGREEMENT_RESPOND, agreement_respond, kRequired, true, true, true, kId, kRoom,
     kTwoPoints, kId},
    {CIPHERDECK_OP_ENVELOPE_EXCHANGE, envelope_exchange, kRequired, true, true, false, kEnvelope,
     kRoom, kPoint},

    {CIPHERDECK_OP_SM2_SIGN, sm2_sign, kRequired, true, true, false, kDigest, kRoom},
    {CIPHERDECK_OP_SM2_VERIFY, sm2_verify, kRequired, true, true, false, kDigest, kNone,
     kSignature},
    {CIPHERDECK_OP_SM2_VERIFY_EXTERNAL, sm2_verify_external, kRequired, false, true, false, kDigest,
     kNone, kSignature, kPoint},
    {CIPHERDECK_OP_SM2_ENCRYPT, sm2_encrypt, kRequired, true, true, false, kData, kRoom},
    {CIPHERDECK_OP_SM2_ENCRYPT_EXTERNAL, sm2_encrypt_external, kRequired, false, true, false, kData,
     kRoom, kNone, kPoint},
    {CIPHERDECK_OP_SM2_DECRYPT, sm2_decrypt, kRequired, true, true, false, kData, kRoom},

    {CIPHERDECK_OP_SM2_KEY_PAIR_MAKE, sm2_key_pair_make, kRequired, false, false, false, kNone,
     kRoom},
    {CIPHERDECK_OP_SM2_SIGN_EXTERNAL, sm2_sign_external, kRequired, false, true, false, kDigest,
     kRoom, kScalar},
    {CIPHERDECK_OP_SM2_DECRYPT_EXTERNAL, sm2_decrypt_external, kRequired, false, true, false,
     kEnvelope, kRoom, kScalar},

    {CIPHERDECK_OP_RSA_PUBLIC_KEY_EXPORT, rsa_public_key_export, kRequired, true, false, true,
     kNone, kRoom},
    {CIPHERDECK_OP_RSA_PUBLIC, rsa_public, kRequired, true, false, false, kRsaBlock, kRoom},
    {CIPHERDECK_OP_RSA_PUBLIC_EXTERNAL, rsa_public_external, kRequired, false, false, false,
     kRsaBlock, kRoom, kRsaPublicKey},
    {CIPHERDECK_OP_RSA_PRIVATE, rsa_private, kRequired, true, false, false, kRsaBlock, kRoom},
    {CIPHERDECK_OP_RSA_KEY_GENERATE_IPK, rsa_key_generate_ipk, kRequired, true, false, true, kNone,
     kRoom},
    {CIPHERDECK_OP_RSA_KEY_GENERATE_EPK, rsa_key_generate_epk, kRequired, false, false, true, kNone,
     kRoom, kRsaPublicKey},
    {CIPHERDECK_OP_RSA_KEY_IMPORT_ISK, rsa_key_import_isk, kRequired, true, false, true, kRsaBlock},
    {CIPHERDECK_OP_RSA_ENVELOPE_EXCHANGE, rsa_envelope_exchange, kRequired, true, false, false,
     kRsaBlock, kRoom, kRsaPublicKey},
    {CIPHERDECK_OP_RSA_KEY_PAIR_MAKE, rsa_key_pair_make, kRequired, false, false, true, kNone,
     kRoom},
    {CIPHERDECK_OP_RSA_PRIVATE_EXTERNAL, rsa_private_external, kRequired, false, false, false,
     kRsaBlock, kRoom, kRsaPrivateKey},

    {CIPHERDECK_OP_ENCRYPT, encrypt, kRequired, true, true, false, kData, kRoom, kMaybeIv},
    {CIPHERDECK_OP_DECRYPT, decrypt, kRequired, true, true, false, kData, kRoom, kMaybeIv},
    {CIPHERDECK_OP_MAC, mac, kRequired, true, true, false, kData, kRoom, kIv},
    {CIPHERDECK_OP_AUTH_ENCRYPT, auth_encrypt, kRequired, true, true, true, kMaybeData, kRoom,
     kNonce, kMaybeData},
    {CIPHERDECK_OP_AUTH_DECRYPT, auth_decrypt, kRequired, true, true, true, kData, kRoom, kNonce,
     kMaybeData},

    {CIPHERDECK_OP_AUTH_ENCRYPT_INIT, auth_encrypt_init, kRequired, true, true, true, kNone, kNone,
     kNonce, kMaybeData},
    {CIPHERDECK_OP_AUTH_DECRYPT_INIT, auth_decrypt_init, kRequired, true, true, true, kNone, kNone,
     kNonce, kMaybeData},
    {CIPHERDECK_OP_AUTH_UPDATE, auth_update, kRequired, false, false, false, kMaybePart, kRoom},
    {CIPHERDECK_OP_AUTH_FINAL, auth_final, kRequired, false, false, false, kNone, kRoom, kMaybeTag},

    {CIPHERDECK_OP_HASH_INIT, hash_init, kRequired, false, true, false, kNone, kNone, kMaybePoint,
     kMaybeId},
    {CIPHERDECK_OP_HASH_UPDATE, hash_update, kRequired, false, false, false, kMaybeData},
    {CIPHERDECK_OP_HASH_FINAL, hash_final, kRequired, false, false, false, kNone, kRoom},
    {CIPHERDECK_OP_HASH, hash, kRequired, false, true, false, kMaybeData, kRoom},
    {CIPHERDECK_OP_HMAC_INIT, hmac_init, kRequired, true, true},
    {CIPHERDECK_OP_HMAC_UPDATE, hmac_update, kRequired, false, false, false, kMaybeData},
    {CIPHERDECK_OP_HMAC_FINAL, hmac_final, kRequired, false, false, false, kNone, kRoom},

    {CIPHERDECK_OP_SM9_ID_EXPORT, sm9_id_export, kRequired, true, false, true, kNone, kRoom},
    {CIPHERDECK_OP_SM9_MASTER_EXPORT, sm9_master_export, kRequired, true, false, true, kNone,
     kRoom},
    {CIPHERDECK_OP_SM9_SIGN, sm9_sign, kRequired, true, false, true, kData, kRoom, kNone,
     kMaybeSm9G2},
    {CIPHERDECK_OP_SM9_VERIFY, sm9_verify, kRequired, true, false, false, kData, kNone,
     kSm9SignatureAndId, kMaybeSm9G2},
    {CIPHERDECK_OP_SM9_ENCRYPT, sm9_encrypt, kRequired, true, true, false, kData, kRoom,
     kSm9IvAndId, kMaybePoint},
    {CIPHERDECK_OP_SM9_DECRYPT, sm9_decrypt, kRequired, true, true, false, kData, kRoom,
     kSm9IvAndId},
    {CIPHERDECK_OP_SM9_KEY_GENERATE, sm9_key_generate, kRequired, false, false, true, kNone, kRoom,
     kSm9Id, kMaybePoint},
    {CIPHERDECK_OP_SM9_KEY_IMPORT, sm9_key_import, kRequired, true, false, true, kPoint},
    {CIPHERDECK_OP_SM9_AGREEMENT_START, sm9_agreement_start, kRequired, true, false, true, kSm9Id,
     kRoom, kNone, kSm9Id},
    {CIPHERDECK_OP_SM9_AGREEMENT_FINISH, sm9_agreement_finish, kRequired, true, false, false, kNone,
     kNone, kPoint},
    {CIPHERDECK_OP_SM9_AGREEMENT_RESPOND, sm9_agreement_respond, kRequired, true, false, true,
     kSm9Id, kRoom, kPoint, kSm9Id},
    {CIPHERDECK_OP_SM9_SIGN_EXTERNAL, sm9_sign_external, kRequired, false, false, false, kData,
     kRoom, kPoint, kSm9G2},
    {CIPHERDECK_OP_SM9_DECRYPT_EXTERNAL, sm9_decrypt_external, kRequired, false, true, false, kData,
     kRoom, kSm9IvAndId, kSm9G2},
    {CIPHERDECK_OP_VPN_IKE, vpn_ike, kRequired, false, true, true, kNonces, kRoom, kNonces,
     kMaybePoint},
    {CIPHERDECK_OP_VPN_IPSEC, vpn_ipsec, kRequired, true, true, true, kNonces, kRoom, kNone,
     kMaybePoint},
    {CIPHERDECK_OP_VPN_SSL, vpn_ssl, kRequired, true, true, true, kNonces, kRoom, kNone,
     kMaybePoint},
};

constexpr std::size_t kNumSpecs = std::size(kSpecs);
constexpr std::uint16_t kMaxOpcode = kSpecs[kNumSpecs - 1].opcode;

constexpr bool is_ascending() {
  for (std::size_t i = 1; i < kNumSpecs; ++i) {
    if (kSpecs[i - 1].opcode >= kSpecs[i].opcode) return false;
  }
  return true;
}
static_assert(is_ascending());

// Position + 1 in kSpecs by opcode; 0: no such opcode.
constexpr std::array<std::uint8_t, kMaxOpcode + 1> make_positions() {
  std::array<std::uint8_t, kMaxOpcode + 1> positions{};
  for (std::size_t i = 0; i < kNumSpecs; ++i) {
    positions[kSpecs[i].opcode] = static_cast<std::uint8_t>(i + 1);
  }
  return positions;
}
constexpr auto kPositions = make_positions();

}  // namespace

const OpcodeSpec* find_spec(std::uint16_t opcode) noexcept {
  if (opcode > kMaxOpcode || kPositions[opcode] == 0) return nullptr;
  return &kSpecs[kPositions[opcode] - 1];
}

std::span<const OpcodeSpec> all_specs() noexcept { return kSpecs; }

}  // namespace cipherdeck::card::command

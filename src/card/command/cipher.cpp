// SPDX-License-Identifier: Apache-2.0
// SM4 in its modes.
#include "card/command/handlers.h"

namespace cipherdeck::card::command {
namespace {

using engine::CipherMode;
using engine::Direction;
constexpr std::size_t kBlock = engine::kSm4BlockLen;

Result<CipherMode> cipher_mode(std::uint32_t algorithm) noexcept {
  CIPHERDECK_TRY(check_sm4_family(algorithm));
  switch (algorithm) {
    case CIPHERDECK_ALG_SM4_ECB:
      return CipherMode::ecb;
    case CIPHERDECK_ALG_SM4_CBC:
      return CipherMode::cbc;
    case CIPHERDECK_ALG_SM4_CFB:
      return CipherMode::cfb;
    case CIPHERDECK_ALG_SM4_OFB:
      return CipherMode::ofb;
    case CIPHERDECK_ALG_SM4_CTR:
      return CipherMode::ctr;
    case CIPHERDECK_ALG_SM4_XTS:
      return CipherMode::xts;
    default:
      return Error::mode;
  }
}

Result<void> check_len(CipherMode mode, std::size_t len) noexcept {
  const bool whole_blocks = mode == CipherMode::ecb || mode == CipherMode::cbc;
  if (whole_blocks && len % kBlock != 0) return Error::invalid_argument;
  if (mode == CipherMode::xts && len < kBlock) return Error::invalid_argument;
  return {};
}

HandlerResult crypt(Call& call, Direction direction) {
  CIPHERDECK_ASSIGN(const CipherMode mode, cipher_mode(call.command.algorithm));
  CIPHERDECK_ASSIGN(const auto* const key, sm4_key(call, mode == CipherMode::xts));
  const std::size_t len = call.input.size();
  CIPHERDECK_TRY(check_len(mode, len));
  if (call.output.size() < len) return too_small(len);
  CIPHERDECK_TRY(check_overlap(call.input, call.output.first(len)));
  CipherTask task{.origin = call.origin(), .len = len};
  if (mode != CipherMode::ecb) {
    if (call.params.empty()) return Error::invalid_command;
    task.iv = copy_once<kBlock>(call.params);
    task.iv_out = call.params.data();
  }
  return queued(call.batch.add(task, engine::CipherJob{.key = key->first(),
                                                       .tweak_key = key->second(),
                                                       .mode = mode,
                                                       .direction = direction,
                                                       .input = call.input.data(),
                                                       .output = call.output.data(),
                                                       .len = len}));
}

Result<std::size_t> tag_len_of(const Call& call, engine::AeadMode mode) noexcept {
  const std::uint64_t len = call.command.arg[0];
  const bool allowed = mode == engine::AeadMode::gcm
                           ? len == 4 || len == 8 || (len >= 12 && len <= 16)
                           : len >= 4 && len <= 16 && len % 2 == 0;
  if (!allowed) return Error::invalid_argument;
  return static_cast<std::size_t>(len);
}

Result<void> check_nonce(engine::AeadMode mode, std::size_t len) noexcept {
  if (mode == engine::AeadMode::ccm && (len < 7 || len > 13)) return Error::invalid_argument;
  return {};
}

// Both directions: `text_len` bytes of text at the start of input and output. All of it goes
// through private memory, because the tag must be that of the text which is delivered.
HandlerResult queue_aead(Call& call, Direction direction, engine::AeadMode mode,
                         std::size_t text_len, std::size_t tag_len) {
  CIPHERDECK_ASSIGN(const auto* const key, sm4_key(call, false));
  CIPHERDECK_TRY(check_nonce(mode, call.params.size()));
  const bool encrypting = direction == Direction::encrypt;
  const std::size_t needed = encrypting ? text_len + tag_len : text_len;
  if (needed > CIPHERDECK_MAX_DATA_LEN) return Error::invalid_argument;
  if (call.output.size() < needed) return too_small(needed);
  CIPHERDECK_TRY(check_overlap(call.input, call.output.first(needed)));
  Bounce& bounce = call.batch.bounce();
  const std::size_t private_len = call.params.size() + call.aux.size() + text_len + tag_len;
  if (!bounce.has_room(private_len, 4)) return later();
  const Bytes nonce = bounce.copy(call.params);
  const Bytes aad = bounce.copy(call.aux);
  const MutableBytes text = bounce.copy(call.input.first(text_len));
  const MutableBytes tag =
      encrypting ? bounce.take(tag_len) : bounce.copy(call.input.subspan(text_len));
  AeadTask task{.origin = call.origin(), .output = call.output.first(needed)};
  if (encrypting) task.tag_out = call.output.data() + text_len;
  return queued(call.batch.add(task, engine::AeadJob{.key = key->first(),
                                                     .mode = mode,
                                                     .direction = direction,
                                                     .nonce = nonce,
                                                     .aad = aad,
                                                     .input = text.data(),
                                                     .output = text.data(),
                                                     .len = text_len,
                                                     .tag = tag.data(),
                                                     .tag_len = tag_len}));
}

}  // namespace

HandlerResult encrypt(Call& call) {
  if (call.command.algorithm == CIPHERDECK_ALG_ZUC_EEA3) return crypt_by_zuc(call);
  if (!check_sm4_family(call.command.algorithm)) return crypt_by_chip(call, Direction::encrypt);
  return crypt(call, Direction::encrypt);
}

HandlerResult decrypt(Call& call) {
  if (call.command.algorithm == CIPHERDECK_ALG_ZUC_EEA3) return crypt_by_zuc(call);
  if (!check_sm4_family(call.command.algorithm)) return crypt_by_chip(call, Direction::decrypt);
  return crypt(call, Direction::decrypt);
}

HandlerResult mac(Call& call) {
  if (call.command.algorithm == CIPHERDECK_ALG_ZUC_EIA3) return mac_by_zuc(call);
  if (!check_sm4_family(call.command.algorithm)) return mac_by_chip(call);
  if (call.command.algorithm != CIPHERDECK_ALG_SM4_MAC) return Error::mode;
  CIPHERDECK_ASSIGN(const auto* const key, sm4_key(call, false));
  if (call.input.size() % kBlock != 0) return Error::invalid_argument;
  if (call.output.size() < kBlock) return too_small(kBlock);
  const MacTask task{.origin = call.origin(),
                     .iv = copy_once<kBlock>(call.params),
                     .iv_out = call.params.data(),
                     .output = call.output.data()};
  return queued(call.batch.add(
      task,
      engine::MacJob{.key = key->first(), .input = call.input.data(), .len = call.input.size()}));
}

HandlerResult auth_encrypt(Call& call) {
  CIPHERDECK_ASSIGN(const auto mode, aead_mode(call.command.algorithm));
  CIPHERDECK_ASSIGN(const std::size_t tag_len, tag_len_of(call, mode));
  return queue_aead(call, Direction::encrypt, mode, call.input.size(), tag_len);
}

HandlerResult auth_decrypt(Call& call) {
  CIPHERDECK_ASSIGN(const auto mode, aead_mode(call.command.algorithm));
  CIPHERDECK_ASSIGN(const std::size_t tag_len, tag_len_of(call, mode));
  if (call.input.size() < tag_len) return Error::invalid_argument;
  return queue_aead(call, Direction::decrypt, mode, call.input.size() - tag_len, tag_len);
}

}  // namespace cipherdeck::card::command

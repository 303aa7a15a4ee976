// SPDX-License-Identifier: Apache-2.0
// Messages of SM4-GCM and SM4-CCM in parts, one at a time in each session.
#include "card/command/handlers.h"

#include <optional>

namespace cipherdeck::card::command {
namespace {

using engine::Direction;
constexpr std::size_t kMaxNonceLen = 256;  // as the table has it
constexpr std::size_t kMaxTagLen = 16;
constexpr std::size_t kPieceLen = 4096;

// Roughly, until the worker's rounds are measured anew.
std::uint32_t cost_of(std::size_t len) noexcept {
  return kAccessCost + static_cast<std::uint32_t>(len);
}

HandlerResult begin(Call& call, Direction direction) {
  CIPHERDECK_ASSIGN(const auto mode, aead_mode(call.command.algorithm));
  CIPHERDECK_ASSIGN(const auto* const key, sm4_key(call, false));
  const auto tag_len = static_cast<std::uint32_t>(call.command.arg[0]);
  const std::uint64_t len = call.command.arg[0] >> 32;
  std::optional<std::uint64_t> known_len = len;
  if (len == 0 && mode == engine::AeadMode::gcm) known_len.reset();
  std::array<std::uint8_t, kMaxNonceLen> nonce;
  std::memcpy(nonce.data(), call.params.data(), call.params.size());
  // Additional data is only hashed, and each byte of it read once.
  CIPHERDECK_ASSIGN(call.session->message,
                    engine::AeadStream::begin(mode, direction, *key->first(),
                                              Bytes(nonce).first(call.params.size()), call.aux,
                                              known_len, tag_len));
  return done(0, 0, cost_of(call.aux.size()));
}

}  // namespace

HandlerResult auth_encrypt_init(Call& call) { return begin(call, Direction::encrypt); }

HandlerResult auth_decrypt_init(Call& call) { return begin(call, Direction::decrypt); }

// Through private memory, because the tag must be that of the text which is delivered.
HandlerResult auth_update(Call& call) {
  if (call.session->message == nullptr) return Error::step;
  engine::AeadStream& message = *call.session->message;
  const std::size_t len = call.input.size();
  if (call.output.size() < len) return too_small(len);
  CIPHERDECK_TRY(check_overlap(call.input, call.output.first(len)));
  if (!message.takes(len)) return Error::invalid_argument;
  Secret<kPieceLen> piece;
  for (std::size_t at = 0; at < len; at += kPieceLen) {
    const std::size_t taken = std::min(kPieceLen, len - at);
    std::memcpy(piece.data(), call.input.data() + at, taken);
    CIPHERDECK_TRY(message.update(piece.data(), Bytes(piece.span()).first(taken)));
    std::memcpy(call.output.data() + at, piece.data(), taken);
  }
  return done(0, len, cost_of(len));
}

HandlerResult auth_final(Call& call) {
  if (call.session->message == nullptr) return Error::step;
  engine::AeadStream& message = *call.session->message;
  const std::size_t tag_len = message.tag_len();
  std::array<std::uint8_t, kMaxTagLen> tag{};
  const MutableBytes used = MutableBytes(tag).first(tag_len);
  if (message.direction() == Direction::encrypt) {
    if (call.output.size() < tag_len) return too_small(tag_len);
    CIPHERDECK_TRY(message.finish_encryption(used));
    std::memcpy(call.output.data(), tag.data(), tag_len);
    call.session->message.reset();
    return done(0, tag_len, kAccessCost);
  }
  if (call.params.size() != tag_len) return Error::invalid_argument;
  std::memcpy(tag.data(), call.params.data(), tag_len);
  const auto finished = message.finish_decryption(used);
  // A wrong tag ends the message; so that a missing part can still come, only that does.
  if (finished || finished.error() == Error::mac_failed) call.session->message.reset();
  CIPHERDECK_TRY(finished);
  return done(0, 0, kAccessCost);
}

}  // namespace cipherdeck::card::command

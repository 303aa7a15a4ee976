// SPDX-License-Identifier: Apache-2.0
#include "engine/aead_stream.h"

#include "base/secret.h"
#include "engine/declassify.h"
#include "engine/modes/aead_parts.h"

#include <variant>

namespace cipherdeck::engine {
namespace {

constexpr std::size_t kMaxNonceLen = std::size_t{1} << 32;
constexpr std::uint64_t kMostUnknown = (std::uint64_t{1} << 36) - 32;  // of GCM

}  // namespace

bool are_aead_lens_allowed(AeadMode mode, std::size_t nonce_len, std::uint64_t len,
                           std::size_t tag_len) noexcept {
  if (mode == AeadMode::gcm) {
    const bool is_tag_allowed = tag_len == 4 || tag_len == 8 || (tag_len >= 12 && tag_len <= 16);
    return is_tag_allowed && nonce_len >= 1 && nonce_len <= kMaxNonceLen &&
           modes::gcm_allows_len(len);
  }
  return mode == AeadMode::ccm && tag_len >= 4 && tag_len <= 16 && tag_len % 2 == 0 &&
         nonce_len >= 7 && nonce_len <= 13 && modes::ccm_allows_len(len, nonce_len);
}

class AeadStream::Message {
 public:
  Message(AeadMode mode, Direction way, const Sm4Key& key, Bytes nonce, Bytes aad,
          std::optional<std::uint64_t> len, std::size_t length_of_tag)
      : direction(way),
        tag_len(length_of_tag),
        is_open_ended(!len),
        rest(len.value_or(kMostUnknown)) {
    if (mode == AeadMode::gcm) {
      m_parts.emplace<modes::GcmParts>(key, nonce, aad);
    } else {
      m_parts.emplace<modes::CcmParts>(key, nonce, aad, rest, length_of_tag);
    }
  }

  void crypt(std::uint8_t* output, Bytes input) {
    visit([&](auto& parts) {
      if (direction == Direction::encrypt) {
        parts.encrypt(output, input.data(), input.size());
      } else {
        parts.decrypt(output, input.data(), input.size());
      }
    });
  }

  [[nodiscard]] bool may_end(Direction way) const noexcept {
    return way == direction && (is_open_ended || rest == 0);
  }

  [[nodiscard]] modes::Block tag() {
    modes::Block tag{};
    visit([&](auto& parts) { tag = parts.tag(); });
    return tag;
  }

  const Direction direction;
  const std::size_t tag_len;
  const bool is_open_ended;
  std::uint64_t rest;

 private:
  template <typename Function>
  void visit(Function function) {
    if (auto* const gcm = std::get_if<modes::GcmParts>(&m_parts)) function(*gcm);
    if (auto* const ccm = std::get_if<modes::CcmParts>(&m_parts)) function(*ccm);
  }

  std::variant<std::monostate, modes::GcmParts, modes::CcmParts> m_parts;
};

AeadStream::AeadStream(std::unique_ptr<Message> message) : m_message(std::move(message)) {}
AeadStream::~AeadStream() = default;

Result<std::unique_ptr<AeadStream>> AeadStream::begin(AeadMode mode, Direction direction,
                                                      const Sm4Key& key, Bytes nonce, Bytes aad,
                                                      std::optional<std::uint64_t> len,
                                                      std::size_t tag_len) {
  if (!len && mode != AeadMode::gcm) return Error::invalid_argument;
  if (!are_aead_lens_allowed(mode, nonce.size(), len.value_or(0), tag_len)) {
    return Error::invalid_argument;
  }
  return std::unique_ptr<AeadStream>(
      new AeadStream(std::make_unique<Message>(mode, direction, key, nonce, aad, len, tag_len)));
}

Direction AeadStream::direction() const noexcept { return m_message->direction; }
std::size_t AeadStream::tag_len() const noexcept { return m_message->tag_len; }

bool AeadStream::takes(std::size_t len) const noexcept {
  const bool is_last = m_message->is_open_ended || len == m_message->rest;
  return len <= m_message->rest && (len % kSm4BlockLen == 0 || is_last);
}

Result<void> AeadStream::update(std::uint8_t* output, Bytes input) {
  if (!takes(input.size())) return Error::invalid_argument;
  if (input.empty()) return {};
  const bool is_whole = input.size() % kSm4BlockLen == 0;
  m_message->crypt(output, input);
  m_message->rest = is_whole ? m_message->rest - input.size() : 0;
  return {};
}

Result<void> AeadStream::finish_encryption(MutableBytes tag) {
  if (!m_message->may_end(Direction::encrypt) || tag.size() != m_message->tag_len)
    return Error::invalid_argument;
  const modes::Block full = m_message->tag();
  std::memcpy(tag.data(), full.data(), tag.size());
  return {};
}

Result<void> AeadStream::finish_decryption(Bytes tag) {
  if (!m_message->may_end(Direction::decrypt) || tag.size() != m_message->tag_len)
    return Error::invalid_argument;
  modes::Block full = m_message->tag();
  const bool is_right = equal_constant_time(Bytes(full).first(tag.size()), tag);
  wipe(full);
  declassify(is_right);
  if (!is_right) return Error::mac_failed;
  return {};
}

}  // namespace cipherdeck::engine

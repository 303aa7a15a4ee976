// SPDX-License-Identifier: Apache-2.0
// GCM and CCM of one message in parts, for messages that are not there as a whole.
#pragma once

#include "engine/batch.h"

#include <memory>
#include <optional>

namespace cipherdeck::engine {

/// Whether lengths, in bytes, are those that AeadJob allows.
[[nodiscard]] bool are_aead_lens_allowed(AeadMode mode, std::size_t nonce_len, std::uint64_t len,
                                         std::size_t tag_len) noexcept;

/// One message under way. Keeps a key of its own and wipes itself. Buffers must be private as those
/// of AeadJob, and input and output are the same or do not overlap. Not thread-safe.
class AeadStream {
 public:
  /// A message of `len` bytes in all; for GCM it may be unknown, and the message then ends with a
  /// part that is not of whole blocks or when it is finished. Fails with invalid_argument if a
  /// length is not allowed.
  static Result<std::unique_ptr<AeadStream>> begin(AeadMode mode, Direction direction,
                                                   const Sm4Key& key, Bytes nonce, Bytes aad,
                                                   std::optional<std::uint64_t> len,
                                                   std::size_t tag_len);
  ~AeadStream();

  [[nodiscard]] Direction direction() const noexcept;
  [[nodiscard]] std::size_t tag_len() const noexcept;
  /// Whether the next part may have so many bytes.
  [[nodiscard]] bool takes(std::size_t len) const noexcept;

  /// A part of whole blocks, or the last one. Fails with invalid_argument if it takes() no such
  /// part. What
  /// decryption gives has not been authenticated yet.
  Result<void> update(std::uint8_t* output, Bytes input);

  /// After the last part: the tag of tag_len() bytes; or whether `tag` is right, mac_failed if it
  /// is not. Fail with invalid_argument if parts are missing.
  Result<void> finish_encryption(MutableBytes tag);
  Result<void> finish_decryption(Bytes tag);

 private:
  class Message;
  explicit AeadStream(std::unique_ptr<Message> message);
  std::unique_ptr<Message> m_message;
};

}  // namespace cipherdeck::engine

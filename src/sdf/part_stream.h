// SPDX-License-Identifier: Apache-2.0
// Operations in parts (6.5.7 to 6.5.21). A program's parts have any length, the card's are whole
// blocks: what does not fill one waits here, in the program's process, for the next part. The state
// of a cipher is its IV, which is not secret; that of an authenticated mode stays in the card.
#pragma once

#include "sdf/cipher_operation.h"
#include "sdf/session_key.h"

#include <memory>
#include <mutex>
#include <optional>

namespace cipherdeck::sdf {

/// One operation under way. Not thread-safe. After an error other than that of a length it is of no
/// use any more.
class PartStream {
 public:
  virtual ~PartStream() = default;

  /// How many bytes update() writes for `len` more.
  [[nodiscard]] std::size_t ready_len(std::size_t len) const noexcept;
  Result<void> update(const Session& session, Bytes data, unsigned char* out);

  /// How many bytes finish() writes.
  [[nodiscard]] std::size_t last_len() const noexcept { return m_held_len; }
  /// Fails with invalid_argument if what is left is not what the mode can end with.
  Result<void> finish(const Session& session, unsigned char* out);

 protected:
  /// `keep` is the fewest bytes that have to be there for the end: 16 for XTS, or 0.
  explicit PartStream(std::size_t keep) : m_keep(keep) {}

 private:
  /// Whole blocks, or the rest at the end.
  virtual Result<void> run(const Session& session, Bytes data, unsigned char* out) = 0;
  [[nodiscard]] virtual bool may_end_with(std::size_t len) const noexcept = 0;

  Result<void> run_head(const Session& session, Bytes& data, unsigned char*& out, std::size_t& len);
  void hold(Bytes data) noexcept;

  const std::size_t m_keep;
  std::array<std::uint8_t, 2 * kBlockLen> m_held{};
  std::size_t m_held_len = 0;
};

/// SM4 in a mode without authentication, from an ENCRYPT or DECRYPT.
class CipherStream final : public PartStream {
 public:
  /// `key` is one that was given in the clear and lives as long as the stream.
  CipherStream(const driver::Request& request, const Block& iv,
               std::optional<TemporaryKey> key = std::nullopt);

 private:
  Result<void> run(const Session& session, Bytes data, unsigned char* out) override;
  [[nodiscard]] bool may_end_with(std::size_t len) const noexcept override;

  const driver::Request m_request;
  const std::optional<TemporaryKey> m_key;
  Block m_iv;
};

/// CBC-MAC, which has no output but the MAC.
class MacStream final : public PartStream {
 public:
  MacStream(const driver::Request& request, const Block& iv)
      : PartStream(0), m_request(request), m_mac(iv) {}
  [[nodiscard]] const Block& mac() const noexcept { return m_mac; }

 private:
  Result<void> run(const Session& session, Bytes data, unsigned char* out) override;
  [[nodiscard]] bool may_end_with(std::size_t len) const noexcept override { return len == 0; }

  const driver::Request m_request;
  Block m_mac;
};

/// GCM or CCM, begun at the card.
class MessageStream final : public PartStream {
 public:
  /// `tag` is that of the message to be decrypted, or empty and tag_len() what is wanted.
  MessageStream(Bytes tag, std::size_t tag_len)
      : PartStream(0), m_tag(tag.begin(), tag.end()), m_tag_len(tag_len) {}
  [[nodiscard]] Bytes tag() const noexcept { return m_tag; }
  [[nodiscard]] std::size_t tag_len() const noexcept { return m_tag_len; }

 private:
  Result<void> run(const Session& session, Bytes data, unsigned char* out) override;
  [[nodiscard]] bool may_end_with(std::size_t) const noexcept override { return true; }

  const std::vector<std::uint8_t> m_tag;
  const std::size_t m_tag_len;
};

/// The operations under way in a session: one of each kind, but only one of the last two.
struct Parts {
  std::mutex mutex;  // held for the length of a call
  std::unique_ptr<CipherStream> encryption, decryption;
  std::unique_ptr<MacStream> mac;
  std::unique_ptr<MessageStream> auth_encryption, auth_decryption;
};

}  // namespace cipherdeck::sdf

// SPDX-License-Identifier: Apache-2.0
// Session keys at the card, and the handles that programs have of them.
#pragma once

#include "sdf/library.h"

#include <memory>

namespace cipherdeck::sdf {

constexpr std::size_t kMaxKeyLen = 64;

/// The handle for a key that the card has made.
Result<void> give_handle(void** handle, const void* session_handle, std::uint32_t number);

/// The card's number of a key given in the clear. Fails with invalid_key unless it has 1 to
/// kMaxKeyLen bytes.
[[nodiscard]] Result<std::uint32_t> import_in_clear(const Session& session, Bytes key);

Result<void> destroy_at_card(const Session& session, std::uint32_t number);

/// A key at the card that lives as long as this, or as its session.
class TemporaryKey {
 public:
  static Result<TemporaryKey> import(const std::shared_ptr<const Session>& session, Bytes key);
  TemporaryKey(TemporaryKey&& other) noexcept = default;
  TemporaryKey& operator=(TemporaryKey&&) = delete;
  ~TemporaryKey() {
    if (const auto session = m_session.lock()) (void)destroy_at_card(*session, m_number);
  }

  [[nodiscard]] std::uint32_t number() const noexcept { return m_number; }

 private:
  TemporaryKey(const std::shared_ptr<const Session>& session, std::uint32_t number)
      : m_session(session), m_number(number) {}

  std::weak_ptr<const Session> m_session;
  std::uint32_t m_number;
};

}  // namespace cipherdeck::sdf

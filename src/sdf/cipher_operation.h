// SPDX-License-Identifier: Apache-2.0
// Commands that encrypt, decrypt or authenticate with a session key. Long data goes to the card in
// chunks, and the IV that the card gives back carries one over to the next.
#pragma once

#include "sdf/library.h"
#include "sdf/wire.h"

namespace cipherdeck::sdf {

using Block = std::array<std::uint8_t, kBlockLen>;

/// A key and an algorithm of a session, on their way into a command.
struct CipherOperation {
  std::shared_ptr<const Session> session;
  driver::Request request;
};

/// Of the program's handles and its identifier of the algorithm. Fails with no_session and
/// key_not_found.
[[nodiscard]] Result<CipherOperation> begin_operation(std::uint16_t opcode,
                                                      const void* session_handle, const void* key,
                                                      std::uint32_t algorithm);

/// Of a cipher in modes, not of ZUC.
[[nodiscard]] bool is_mode(std::uint32_t algorithm, std::uint32_t mode) noexcept;
/// Whose messages are done in one command.
[[nodiscard]] bool is_zuc(std::uint32_t algorithm) noexcept;
[[nodiscard]] bool takes_iv(std::uint32_t algorithm) noexcept;

/// Runs `data` through an ENCRYPT or DECRYPT to `out`, which is the same place or does not overlap.
/// `iv` is updated so that the next call goes on; ECB leaves it alone.
Result<void> crypt_chunks(const Session& session, driver::Request request, Bytes data,
                          unsigned char* out, Block& iv);

/// Runs whole blocks through a MAC; `mac` goes in as IV and comes out as the MAC.
Result<void> mac_chunks(const Session& session, driver::Request request, Bytes data, Block& mac);

}  // namespace cipherdeck::sdf

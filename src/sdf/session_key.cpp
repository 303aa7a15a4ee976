// SPDX-License-Identifier: Apache-2.0
#include "sdf/session_key.h"

namespace cipherdeck::sdf {

Result<void> give_handle(void** handle, const void* session_handle, std::uint32_t number) {
  CIPHERDECK_ASSIGN(const Handle given,
                    Library::instance().add_key(session_handle, KeyKind::session_key, number));
  *handle = to_opaque(given);
  return {};
}

Result<std::uint32_t> import_in_clear(const Session& session, Bytes key) {
  if (key.empty() || key.size() > kMaxKeyLen) return Error::invalid_key;
  driver::Request request;
  request.opcode = CIPHERDECK_OP_KEY_IMPORT;
  request.input = key;
  CIPHERDECK_ASSIGN(const driver::Reply reply, session.execute(request));
  return reply.value;
}

Result<void> destroy_at_card(const Session& session, std::uint32_t number) {
  driver::Request request;
  request.opcode = CIPHERDECK_OP_KEY_DESTROY;
  request.key = number;
  return session.perform(request);
}

Result<TemporaryKey> TemporaryKey::import(const std::shared_ptr<const Session>& session,
                                          Bytes key) {
  CIPHERDECK_ASSIGN(const std::uint32_t number, import_in_clear(*session, key));
  return TemporaryKey(session, number);
}

}  // namespace cipherdeck::sdf

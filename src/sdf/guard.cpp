// SPDX-License-Identifier: Apache-2.0
#include "sdf/guard.h"

#include "sdf/log.h"

#include <cstdio>

namespace cipherdeck::sdf {

int sdr_code(Error error) noexcept {
  switch (error) {
    case Error::not_supported:
      return SDR_NOTSUPPORT;
    case Error::invalid_command:
    case Error::invalid_extent:
    case Error::invalid_argument:
    case Error::no_session:
      return SDR_INARGERR;
    case Error::buffer_too_small:
      return SDR_NOBUFFER;
    case Error::no_partition:  // no partition, no keys
    case Error::key_not_found:
      return SDR_KEYNOTEXIST;
    case Error::key_type:
      return SDR_KEYTYPEERR;
    case Error::access_denied:
      return SDR_PARDENY;
    case Error::locked_out:
      return SDR_PRKRERR;
    case Error::algorithm:
      return SDR_ALGNOTSUPPORT;
    case Error::mode:
      return SDR_ALGMODNOTSUPPORT;
    case Error::step:
      return SDR_STEPERR;
    case Error::verify_failed:
      return SDR_VERIFYERR;
    case Error::mac_failed:
      return SDR_MACERR;
    case Error::decrypt_failed:
      return SDR_ENCDATAERR;
    case Error::invalid_key:
      return SDR_KEYERR;
    case Error::sign_failed:
      return SDR_SIGNERR;
    case Error::random_failed:
      return SDR_RANDERR;
    case Error::card_failed:
    case Error::store_failed:
    case Error::not_initialised:
    case Error::card_locked:
    case Error::chip_failed:
      return SDR_HARDFAIL;
    case Error::exists:
      return SDR_FILEEXISTS;
    case Error::not_found:
      return SDR_FILENOEXIST;
    case Error::file_size:
      return SDR_FILESIZEERR;
    case Error::file_offset:
      return SDR_FILEOFSERR;
    case Error::disconnected:
    case Error::timed_out:
    case Error::io:
    case Error::busy:
    case Error::ring_broken:
      return SDR_COMMFAIL;
    case Error::internal:
    case Error::limit:
    case Error::dma_fault:
    case Error::dma_not_shared:
    case Error::no_memory:
    case Error::login_required:  // this and what follows are the management's
    case Error::role_denied:
    case Error::wrong_password:
    case Error::too_soon:
    case Error::trail_full:
      break;
  }
  return SDR_UNKNOWERR;
}

int sdr_code_of_access(Error error) noexcept {
  return error == Error::access_denied ? SDR_PRKRERR : sdr_code(error);
}

int report(const char* function, int code, Error error) noexcept {
  const bool grave = code == SDR_COMMFAIL || code == SDR_HARDFAIL || code == SDR_UNKNOWERR;
  const LogLevel level = grave ? LogLevel::error : LogLevel::info;
  if (!is_logged(level)) return code;
  char line[160];
  const auto text = to_string(error);
  std::snprintf(line, sizeof line, "%s: 0x%08x: %.*s", function, static_cast<unsigned>(code),
                static_cast<int>(text.size()), text.data());
  log(level, line);
  return code;
}

}  // namespace cipherdeck::sdf

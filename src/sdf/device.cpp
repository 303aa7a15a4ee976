// SPDX-License-Identifier: Apache-2.0
// Clause 6.2: devices and sessions; and the vendors' functions that belong with them.
#include "sdf/guard.h"
#include "sdf/library.h"
#include "sdf/log.h"
#include "sdf/wire.h"

#include <algorithm>

namespace cipherdeck::sdf {
namespace {

constexpr std::size_t kMinAccessCodeLen = 8;
constexpr std::size_t kMaxAccessCodeLen = 256;
constexpr std::size_t kChunk = 256U << 10;  // of random bytes asked for at once

Result<void> open_device(void** handle, const std::optional<std::filesystem::path>& config_file) {
  *handle = nullptr;
  std::string why;
  auto opened = Library::instance().open_device(config_file, why);
  if (!opened) {
    log(LogLevel::error, why);
    return opened.error();
  }
  *handle = to_opaque(*opened);
  return {};
}

int code_of_open(Error error) noexcept {
  return error == Error::invalid_argument || error == Error::no_memory ? sdr_code(error)
                                                                       : SDR_OPENDEVICE;
}

Result<void> open_session(void** handle, const void* device) {
  *handle = nullptr;
  CIPHERDECK_ASSIGN(const Handle opened, Library::instance().open_session(to_handle(device)));
  *handle = to_opaque(opened);
  return {};
}

int code_of_open_session(Error error) noexcept {
  const bool refused = error == Error::limit || error == Error::no_partition;
  return refused ? SDR_OPENSESSION : sdr_code(error);
}

Result<void> get_device_info(DEVICEINFO& info, const void* session_handle) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  cipherdeck_identity identity{};
  driver::Request request;
  request.opcode = CIPHERDECK_OP_DEVICE_INFO;
  request.output = {reinterpret_cast<std::uint8_t*>(&identity), sizeof identity};
  CIPHERDECK_TRY(session->execute(request));

  DEVICEINFO told{};
  static_assert(sizeof told.IssuerName == sizeof identity.issuer &&
                sizeof told.DeviceName == sizeof identity.name &&
                sizeof told.DeviceSerial == sizeof identity.serial && sizeof told == 100);
  std::memcpy(told.IssuerName, identity.issuer, sizeof told.IssuerName);
  std::memcpy(told.DeviceName, identity.name, sizeof told.DeviceName);
  std::memcpy(told.DeviceSerial, identity.serial, sizeof told.DeviceSerial);
  told.DeviceVersion = identity.device_version;
  told.StandardVersion = identity.standard_version;
  told.AsymAlgAbility[0] = identity.asym_alg_ability[0];
  told.AsymAlgAbility[1] = identity.asym_alg_ability[1];
  told.SymAlgAbility = identity.sym_alg_ability;
  told.HashAlgAbility = identity.hash_alg_ability;
  told.BufferSize = 0;  // file storage, which this card does not have
  info = told;
  return {};
}

Result<void> generate_random(MutableBytes out, const void* session_handle) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  const std::size_t chunk = std::min(kChunk, session->device->channel.max_data_len());
  while (!out.empty()) {
    driver::Request request;
    request.opcode = CIPHERDECK_OP_RANDOM;
    request.output = out.first(std::min(chunk, out.size()));
    CIPHERDECK_ASSIGN(const driver::Reply reply, session->execute(request));
    if (reply.output_len != request.output.size()) return Error::internal;
    out = out.subspan(request.output.size());
  }
  return {};
}

Result<void> access_right(std::uint16_t opcode, const void* session_handle, std::uint32_t index,
                          Bytes code = {}) {
  CIPHERDECK_ASSIGN(const auto session, Library::instance().session(session_handle));
  driver::Request request;
  request.opcode = opcode;
  request.key = index;
  request.input = code;
  auto reply = session->execute(request);
  return reply ? Result<void>{} : reply.error();
}

Result<void> get_access_right(std::uint16_t opcode, const void* session_handle, std::uint32_t index,
                              const unsigned char* code, unsigned int len) {
  CIPHERDECK_ASSIGN(const Bytes bytes, input(code, len));
  if (len < kMinAccessCodeLen || len > kMaxAccessCodeLen) return Error::invalid_argument;
  return access_right(opcode, session_handle, index, bytes);
}

}  // namespace
}  // namespace cipherdeck::sdf

using namespace cipherdeck;       // NOLINT: what follows is the C interface to the above
using namespace cipherdeck::sdf;  // NOLINT

SDF_EXPORT int SDF_OpenDevice(void** phDeviceHandle) {
  return guard(
      __func__, {phDeviceHandle}, [&] { return open_device(phDeviceHandle, std::nullopt); },
      code_of_open);
}

SDF_EXPORT int SDF_OpenDeviceWithConf(void** phDeviceHandle, const char* pcConfigFile) {
  return guard(
      __func__, {phDeviceHandle},
      [&]() -> Result<void> {
        if (pcConfigFile == nullptr) return Error::invalid_argument;
        return open_device(phDeviceHandle, pcConfigFile);
      },
      code_of_open);
}

SDF_EXPORT int SDF_CloseDevice(void* hDeviceHandle) {
  return guard(__func__, {},
               [&] { return Library::instance().close_device(to_handle(hDeviceHandle)); });
}

SDF_EXPORT int SDF_OpenSession(void* hDeviceHandle, void** phSessionHandle) {
  return guard(
      __func__, {phSessionHandle}, [&] { return open_session(phSessionHandle, hDeviceHandle); },
      code_of_open_session);
}

SDF_EXPORT int SDF_CloseSession(void* hSessionHandle) {
  return guard(__func__, {},
               [&] { return Library::instance().close_session(to_handle(hSessionHandle)); });
}

SDF_EXPORT int SDF_GetDeviceInfo(void* hSessionHandle, DEVICEINFO* pstDeviceInfo) {
  return guard(__func__, {pstDeviceInfo},
               [&] { return get_device_info(*pstDeviceInfo, hSessionHandle); });
}

SDF_EXPORT int SDF_GenerateRandom(void* hSessionHandle, unsigned int uiLength,
                                  unsigned char* pucRandom) {
  return guard(__func__, {pucRandom}, [&] {
    return generate_random({pucRandom, uiLength}, hSessionHandle);
  });
}

SDF_EXPORT int SDF_GetPrivateKeyAccessRight(void* hSessionHandle, unsigned int uiKeyIndex,
                                            unsigned char* pucPassword, unsigned int uiPwdLength) {
  return guard(
      __func__, {},
      [&] {
        return get_access_right(CIPHERDECK_OP_KEY_ACCESS_GET, hSessionHandle, uiKeyIndex,
                                pucPassword, uiPwdLength);
      },
      sdr_code_of_access);
}

SDF_EXPORT int SDF_ReleasePrivateKeyAccessRight(void* hSessionHandle, unsigned int uiKeyIndex) {
  return guard(__func__, {}, [&] {
    return access_right(CIPHERDECK_OP_KEY_ACCESS_RELEASE, hSessionHandle, uiKeyIndex);
  });
}

SDF_EXPORT int SDF_GetKEKAccessRight(void* hSessionHandle, unsigned int uiKeyIndex,
                                     unsigned char* pucPassword, unsigned int uiPwdLength) {
  return guard(
      __func__, {},
      [&] {
        return get_access_right(CIPHERDECK_OP_KEK_ACCESS_GET, hSessionHandle, uiKeyIndex,
                                pucPassword, uiPwdLength);
      },
      sdr_code_of_access);
}

SDF_EXPORT int SDF_ReleaseKEKAccessRight(void* hSessionHandle, unsigned int uiKeyIndex) {
  return guard(__func__, {}, [&] {
    return access_right(CIPHERDECK_OP_KEK_ACCESS_RELEASE, hSessionHandle, uiKeyIndex);
  });
}

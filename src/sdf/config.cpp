// SPDX-License-Identifier: Apache-2.0
#include "sdf/config.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>
#include <unistd.h>

#include <cstdlib>

namespace cipherdeck::sdf {
namespace {

constexpr const char* kDefaultFile = "/etc/cipherdeck/sdf.toml";
constexpr const char* kDefaultDevice = "/dev/cipherdeck0";
constexpr const char* kDefaultSockets = "unix:/run/cipherdeck/vf*.sock";

Result<void> take_cipher_layout(Config& config, const toml::table& table, std::string& why) {
  const auto layout = table["profile"]["ecc_cipher"].value_or<std::string>("standard");
  if (layout == "standard") {
    config.cipher_layout = CipherLayout::standard;
  } else if (layout == "short") {
    config.cipher_layout = CipherLayout::short_;
  } else {
    why = "profile.ecc_cipher is \"" + layout + "\"; write \"standard\" or \"short\"";
    return Error::invalid_argument;
  }
  return {};
}

Result<void> take_sm4_base(Config& config, const toml::table& table, std::string& why) {
  const std::int64_t base = table["profile"]["sm4_base"].value_or<std::int64_t>(0x400);
  if (base != 0x400 && base != 0x2000) {
    why = "profile.sm4_base is neither 0x400 nor 0x2000";
    return Error::invalid_argument;
  }
  config.sm4_base = static_cast<std::uint32_t>(base);
  return {};
}

Result<void> take_rsa_max_bits(Config& config, const toml::table& table, std::string& why) {
  const std::int64_t bits = table["profile"]["rsa_max_bits"].value_or<std::int64_t>(2048);
  if (bits != 2048 && bits != 4096) {
    why = "profile.rsa_max_bits is neither 2048 nor 4096";
    return Error::invalid_argument;
  }
  config.rsa_max_bits = static_cast<std::uint32_t>(bits);
  return {};
}

Result<void> read(Config& config, const std::filesystem::path& file, std::string& why) {
  const toml::parse_result parsed = toml::parse_file(file.native());
  if (!parsed) {
    why = file.native() + ", line " + std::to_string(parsed.error().source().begin.line) + ": " +
          std::string(parsed.error().description());
    return Error::invalid_argument;
  }
  const toml::table& table = parsed.table();
  config.device = table["device"].value_or<std::string>("");
  auto taken = take_sm4_base(config, table, why);
  if (taken) taken = take_cipher_layout(config, table, why);
  if (taken) taken = take_rsa_max_bits(config, table, why);
  if (!taken) why = file.native() + ": " + why;
  return taken;
}

}  // namespace

Result<Config> Config::load(const std::optional<std::filesystem::path>& file, std::string& why) {
  Config config;
  const char* const named = secure_getenv("CIPHERDECK_CONFIG");
  if (file) {
    CIPHERDECK_TRY(read(config, *file, why));
  } else if (named != nullptr) {
    CIPHERDECK_TRY(read(config, named, why));
  } else if (access(kDefaultFile, F_OK) == 0) {
    CIPHERDECK_TRY(read(config, kDefaultFile, why));
  }
  const char* const device = secure_getenv("CIPHERDECK_DEVICE");
  const bool from_environment = device != nullptr && (!file || config.device.empty());
  if (from_environment) config.device = device;
  if (config.device.empty()) {
    config.device = access(kDefaultDevice, F_OK) == 0 ? kDefaultDevice : kDefaultSockets;
  }
  return config;
}

}  // namespace cipherdeck::sdf

// SPDX-License-Identifier: Apache-2.0
#include "card/chip/plugin.h"

#include <cipherdeck/function.h>

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace cipherdeck::card::chip {
namespace {

constexpr std::uint32_t kModes = CIPHERDECK_ALG_ECB | CIPHERDECK_ALG_CBC | CIPHERDECK_ALG_CFB |
                                 CIPHERDECK_ALG_OFB | CIPHERDECK_ALG_MAC | CIPHERDECK_ALG_CTR;
constexpr std::size_t kMaxTextLen = 31;

bool is_vendors(std::uint32_t algorithm) noexcept {
  return (algorithm & CIPHERDECK_ALG_VENDOR) != 0;
}

bool is_standard(std::uint32_t algorithm) noexcept {
  const std::uint32_t cipher = algorithm & ~CIPHERDECK_ALG_MODE_MASK;
  return cipher == CIPHERDECK_ALG_SM1 || cipher == CIPHERDECK_ALG_SSF33;
}

bool has_one_mode(std::uint32_t algorithm) noexcept {
  const std::uint32_t mode = algorithm & CIPHERDECK_ALG_MODE_MASK;
  return (mode & ~kModes) == 0 && std::has_single_bit(mode);
}

bool is_text(const char* text) noexcept {
  if (text == nullptr) return false;
  const std::size_t len = strnlen(text, kMaxTextLen + 1);
  return len >= 1 && len <= kMaxTextLen;
}

std::string algorithm_fault(const cipherdeck_chip& offer) {
  if (offer.algorithms == nullptr || offer.num_algorithms == 0 ||
      offer.num_algorithms > CIPHERDECK_CHIP_MAX_ALGORITHMS) {
    return "it offers no algorithms or too many";
  }
  for (const std::uint32_t algorithm : std::span(offer.algorithms, offer.num_algorithms)) {
    if (!has_one_mode(algorithm) || !(is_vendors(algorithm) || is_standard(algorithm))) {
      return "it offers an algorithm that is not a chip's to offer";
    }
    if ((offer.flags & CIPHERDECK_CHIP_STAND_IN) != 0 && !is_vendors(algorithm)) {
      return "it is a stand-in and offers a standard's algorithm";
    }
  }
  return {};
}

// Owned by root or this user, and nobody else may write: unless to a directory where entries can be
// replaced by their owners only (sticky, as /tmp is).
bool is_safe(const struct stat& status) noexcept {
  const bool owned = status.st_uid == 0 || status.st_uid == geteuid();
  const bool sticky_directory = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
  return owned && ((status.st_mode & (S_IWGRP | S_IWOTH)) == 0 || sticky_directory);
}

std::string dl_fault() {
  const char* const why = dlerror();
  return why == nullptr ? "it cannot be loaded" : why;
}

}  // namespace

std::string path_fault(const std::filesystem::path& path) {
  if (!path.is_absolute()) return "its path is not absolute";
  std::error_code error;
  const std::filesystem::path file = std::filesystem::canonical(path, error);
  if (error) return "it cannot be found: " + error.message();
  struct stat status {};
  if (stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return "it is not a file";
  for (std::filesystem::path at = file;; at = at.parent_path()) {
    if (lstat(at.c_str(), &status) != 0 || !is_safe(status)) {
      return at.string() +
             " can be changed by others: it must belong to root or the card's user, and be "
             "writable "
             "by nobody else";
    }
    if (at == at.root_path()) return {};
  }
}

std::string offer_fault(const cipherdeck_chip* offer) {
  if (offer == nullptr) return "it cannot work with this card";
  if (offer->abi != CIPHERDECK_CHIP_ABI) {
    return "it is of interface version " + std::to_string(offer->abi) + ", and the card of " +
           std::to_string(CIPHERDECK_CHIP_ABI);
  }
  if ((offer->flags & ~CIPHERDECK_CHIP_STAND_IN) != 0 || offer->reserved != 0) {
    return "it sets flags or fields that are not there";
  }
  if (!is_text(offer->vendor) || !is_text(offer->name)) return "it has no vendor or name";
  if (offer->key_len != 16 && offer->key_len != 32) return "its keys have a length not known here";
  if (offer->max_len == 0 || offer->max_len % kBlockLen != 0) {
    return "its longest job is not a multiple of the block";
  }
  const bool complete = offer->open != nullptr && offer->self_test != nullptr &&
                        offer->run != nullptr && offer->close != nullptr;
  if (!complete) return "it lacks a function";
  return algorithm_fault(*offer);
}

std::uint32_t standard_abilities(std::span<const std::uint32_t> algorithms) noexcept {
  std::uint32_t abilities = 0;
  for (const std::uint32_t algorithm : algorithms) {
    if (is_standard(algorithm)) abilities |= algorithm;
  }
  return abilities;
}

std::variant<Plugin, std::string> Plugin::load(const std::filesystem::path& path) {
  if (std::string fault = path_fault(path); !fault.empty()) return fault;
  std::error_code error;
  const std::filesystem::path file = std::filesystem::canonical(path, error);
  if (error) return "it cannot be found: " + error.message();
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return dl_fault();
  const auto entry =
      reinterpret_cast<decltype(&cipherdeck_chip_entry)>(dlsym(library, CIPHERDECK_CHIP_ENTRY));
  if (entry == nullptr) return "it is not a chip's library: it lacks " CIPHERDECK_CHIP_ENTRY;
  const cipherdeck_chip* const offer = entry(CIPHERDECK_CHIP_ABI);
  if (std::string fault = offer_fault(offer); !fault.empty()) return fault;
  return Plugin(*offer);
}

}  // namespace cipherdeck::card::chip

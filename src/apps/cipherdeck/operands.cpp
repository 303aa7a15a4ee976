// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/operands.h"

#include <cipherdeck/function.h>

#include <string>

namespace cipherdeck::cli {

CLI::Validator vf_number() {
  CLI::Validator validator(
      [](std::string& text) {
        if (text.rfind("vf", 0) == 0) text.erase(0, 2);
        const bool digits = !text.empty() && text.size() <= 3 && text[0] != '0' &&
                            text.find_first_not_of("0123456789") == std::string::npos;
        return digits && std::stoul(text) <= CIPHERDECK_TOTAL_VFS
                   ? std::string{}
                   : "a VF is a number from 1 to 256, or such a number after \"vf\"";
      },
      "VF");
  return validator;
}

CLI::Validator partition_selector() {
  return CLI::Validator(
      [](std::string& text) {
        constexpr std::size_t kMaxLen = sizeof(cipherdeck_partition_record::name) - 1;
        const bool plain = !text.empty() && text.size() <= kMaxLen &&
                           text.find_first_not_of(
                               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                               "UVWXYZ0123456789._-") == std::string::npos;
        return plain ? std::string{} : "no partition can have this name or id";
      },
      "PARTITION");
}

}  // namespace cipherdeck::cli

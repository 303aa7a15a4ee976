// SPDX-License-Identifier: Apache-2.0
#include "functions/operation.h"

#include <utility>

namespace cipherdeck::bench {
namespace {

constexpr std::pair<Operation, std::string_view> kNames[] = {
    {Operation::nop, "nop"},
    {Operation::sm4_cbc, "sm4-cbc"},
    {Operation::sm4_ctr, "sm4-ctr"},
    {Operation::sm3, "sm3"},
    {Operation::sm2_sign, "sm2-sign"},
    {Operation::sm1_cbc, "sm1-cbc"},
    {Operation::stand_in_cbc, "stand-in-cbc"},
    {Operation::invalid, "invalid"}};

}  // namespace

std::string_view name_of(Operation operation) noexcept {
  for (const auto& [candidate, name] : kNames) {
    if (candidate == operation) return name;
  }
  return "?";
}

std::optional<Operation> operation_named(std::string_view name) noexcept {
  for (const auto& [operation, candidate] : kNames) {
    if (candidate == name) return operation;
  }
  return std::nullopt;
}

}  // namespace cipherdeck::bench

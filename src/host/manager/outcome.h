// SPDX-License-Identifier: Apache-2.0
// A value, or a problem told to the person who asked: what went wrong and what to do about it.
#pragma once

#include "base/status.h"

#include <string>
#include <utility>
#include <variant>

namespace cipherdeck::manager {

struct Problem {
  int http_status = 500;
  std::string error;   // a sentence fragment: "partition \"blue\": exists already"
  std::string remedy;  // a sentence, or empty
};

/// The problem that `error` is when `what` was tried.
[[nodiscard]] Problem problem_of(Error error, const std::string& what);

/// A request that is wrong in itself.
[[nodiscard]] inline Problem bad_request(std::string error, std::string remedy = {}) {
  return {400, std::move(error), std::move(remedy)};
}

template <typename T>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : m_state(std::in_place_index<0>, std::move(value)) {}            // NOLINT
  Outcome(Problem problem) : m_state(std::in_place_index<1>, std::move(problem)) {}  // NOLINT

  [[nodiscard]] bool ok() const noexcept { return m_state.index() == 0; }
  [[nodiscard]] explicit operator bool() const noexcept { return ok(); }
  /// The Outcome must be ok.
  [[nodiscard]] T& value() noexcept { return *std::get_if<0>(&m_state); }
  [[nodiscard]] const T& value() const noexcept { return *std::get_if<0>(&m_state); }
  [[nodiscard]] T& operator*() noexcept { return value(); }
  [[nodiscard]] const T& operator*() const noexcept { return value(); }
  [[nodiscard]] T* operator->() noexcept { return &value(); }
  [[nodiscard]] const T* operator->() const noexcept { return &value(); }
  /// The Outcome must not be ok.
  [[nodiscard]] const Problem& problem() const noexcept { return *std::get_if<1>(&m_state); }

 private:
  std::variant<T, Problem> m_state;
};

}  // namespace cipherdeck::manager

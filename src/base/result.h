// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value or an Error. No exception crosses a folder; this does.
#pragma once

#include "base/status.h"

#include <cassert>
#include <type_traits>
#include <utility>
#include <variant>

namespace cipherdeck {

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : m_state(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit
  Result(Error error) : m_state(std::in_place_index<1>, error) {}         // NOLINT: implicit

  [[nodiscard]] bool ok() const noexcept { return m_state.index() == 0; }
  [[nodiscard]] explicit operator bool() const noexcept { return ok(); }

  /// The value; the Result must be ok.
  [[nodiscard]] T& value() & noexcept { return *std::get_if<0>(&m_state); }
  [[nodiscard]] const T& value() const& noexcept { return *std::get_if<0>(&m_state); }
  [[nodiscard]] T&& value() && noexcept { return std::move(*std::get_if<0>(&m_state)); }
  [[nodiscard]] T& operator*() & noexcept { return value(); }
  [[nodiscard]] const T& operator*() const& noexcept { return value(); }
  [[nodiscard]] T&& operator*() && noexcept { return std::move(*this).value(); }
  [[nodiscard]] T* operator->() noexcept { return &value(); }
  [[nodiscard]] const T* operator->() const noexcept { return &value(); }

  /// The error; the Result must not be ok.
  [[nodiscard]] Error error() const noexcept {
    assert(!ok());
    return *std::get_if<1>(&m_state);
  }
  [[nodiscard]] std::uint16_t status() const noexcept { return ok() ? 0 : to_status(error()); }

 private:
  std::variant<T, Error> m_state;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : m_status(to_status(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const noexcept { return m_status == 0; }
  [[nodiscard]] explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] Error error() const noexcept { return from_status(m_status); }
  [[nodiscard]] std::uint16_t status() const noexcept { return m_status; }

 private:
  std::uint16_t m_status = 0;
};

}  // namespace cipherdeck

/// Returns from the enclosing function with the error of EXPRESSION, a Result, if it has one.
#define CIPHERDECK_TRY(expression)                                                 \
  do {                                                                             \
    if (auto try_result_ = (expression); !try_result_) return try_result_.error(); \
  } while (false)

#define CIPHERDECK_CONCAT_(a, b) a##b
#define CIPHERDECK_CONCAT(a, b) CIPHERDECK_CONCAT_(a, b)

/// Declares or assigns TARGET from the value of EXPRESSION, or returns from the enclosing function
/// with its error.
#define CIPHERDECK_ASSIGN(target, expression)                      \
  auto CIPHERDECK_CONCAT(assign_result_, __LINE__) = (expression); \
  if (!CIPHERDECK_CONCAT(assign_result_, __LINE__))                \
    return CIPHERDECK_CONCAT(assign_result_, __LINE__).error();    \
  target = std::move(CIPHERDECK_CONCAT(assign_result_, __LINE__)).value()

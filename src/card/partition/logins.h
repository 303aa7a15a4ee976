// SPDX-License-Identifier: Apache-2.0
// Who is logged in to the management, and how fast passwords may be guessed. Times are given by the
// caller, by a clock that nobody can set.
#pragma once

#include "base/random_source.h"
#include "base/secret.h"
#include "card/store/users.h"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace cipherdeck::card {

using LoginTime = std::chrono::steady_clock::time_point;
using LoginToken = Secret<CIPHERDECK_TOKEN_LEN>;

constexpr std::size_t kMaxLogins = 64;
/// A login ends when its token was not used for this long, and after this long in any case.
constexpr std::chrono::minutes kLoginIdle{15};
constexpr std::chrono::hours kLoginMost{8};

/// Not thread-safe. Nothing of it is stored: a restart of the card ends all logins.
class Logins {
 public:
  /// A new login and its token. Fails with limit, random_failed.
  [[nodiscard]] Result<LoginToken> open(const store::User& user, RandomSource& random,
                                        LoginTime now);
  /// Whose token it is, in time that does not depend on the tokens there are; null if nobody's or
  /// the login has ended. Counts as use. Valid until the next call.
  [[nodiscard]] const store::User* find(Bytes token, LoginTime now);
  /// How long that login lasts if its token is not used again.
  [[nodiscard]] std::chrono::seconds left(Bytes token, LoginTime now) const;
  void close(Bytes token);
  /// Ends all logins of a user, of the users of a partition, or of everybody.
  void close_user(const std::string& name);
  void close_partition(PartitionId partition);
  void close_all() { m_logins.clear(); }

 private:
  struct Login {
    store::User user;
    LoginToken token;
    LoginTime idle_end;
    LoginTime end;
  };
  void drop_ended(LoginTime now);

  std::vector<Login> m_logins;
};

/// After kFreeGuesses wrong passwords in a row for a name, each further one doubles the time until
/// the next is looked at. Not thread-safe.
class GuessLimiter {
 public:
  static constexpr unsigned kFreeGuesses = 3;
  static constexpr std::chrono::seconds kLongestPause{300};

  /// Fails with too_soon.
  [[nodiscard]] Result<void> check(const std::string& name, LoginTime now) const;
  void count_wrong(const std::string& name, LoginTime now);
  void forget(const std::string& name) { m_guesses.erase(name); }
  /// Wrong passwords in a row.
  [[nodiscard]] unsigned wrong(const std::string& name) const;

 private:
  struct Guesses {
    unsigned wrong = 0;
    LoginTime next;
  };
  std::map<std::string, Guesses> m_guesses;
};

}  // namespace cipherdeck::card

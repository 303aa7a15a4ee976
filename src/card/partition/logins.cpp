// SPDX-License-Identifier: Apache-2.0
#include "card/partition/logins.h"

#include <algorithm>

namespace cipherdeck::card {

void Logins::drop_ended(LoginTime now) {
  std::erase_if(m_logins,
                [now](const Login& login) { return now >= login.end || now >= login.idle_end; });
}

Result<LoginToken> Logins::open(const store::User& user, RandomSource& random, LoginTime now) {
  drop_ended(now);
  if (m_logins.size() >= kMaxLogins) return Error::limit;
  Login login{user, {}, now + kLoginIdle, now + kLoginMost};
  CIPHERDECK_TRY(random.fill(login.token.span()));
  m_logins.push_back(login);
  return login.token;
}

const store::User* Logins::find(Bytes token, LoginTime now) {
  drop_ended(now);
  Login* found = nullptr;
  for (Login& login : m_logins) {
    if (equal_constant_time(login.token.span(), token)) found = &login;
  }
  if (found == nullptr) return nullptr;
  found->idle_end = now + kLoginIdle;
  return &found->user;
}

std::chrono::seconds Logins::left(Bytes token, LoginTime now) const {
  for (const Login& login : m_logins) {
    if (!equal_constant_time(login.token.span(), token)) continue;
    return std::chrono::duration_cast<std::chrono::seconds>(std::min(login.end, login.idle_end) -
                                                            now);
  }
  return std::chrono::seconds{0};
}

void Logins::close(Bytes token) {
  std::erase_if(m_logins, [token](const Login& login) {
    return equal_constant_time(login.token.span(), token);
  });
}

void Logins::close_user(const std::string& name) {
  std::erase_if(m_logins, [&name](const Login& login) { return login.user.name == name; });
}

void Logins::close_partition(PartitionId partition) {
  std::erase_if(m_logins,
                [partition](const Login& login) { return login.user.partition == partition; });
}

Result<void> GuessLimiter::check(const std::string& name, LoginTime now) const {
  const auto found = m_guesses.find(name);
  if (found == m_guesses.end() || found->second.wrong <= kFreeGuesses) return {};
  if (now >= found->second.next) return {};
  return Error::too_soon;
}

void GuessLimiter::count_wrong(const std::string& name, LoginTime now) {
  Guesses& guesses = m_guesses[name];
  ++guesses.wrong;
  if (guesses.wrong <= kFreeGuesses) return;
  const unsigned doublings = std::min(guesses.wrong - kFreeGuesses - 1, 9U);
  guesses.next = now + std::min(std::chrono::seconds{1U << doublings}, kLongestPause);
}

unsigned GuessLimiter::wrong(const std::string& name) const {
  const auto found = m_guesses.find(name);
  return found == m_guesses.end() ? 0 : found->second.wrong;
}

}  // namespace cipherdeck::card

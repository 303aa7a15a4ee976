// SPDX-License-Identifier: Apache-2.0
#include "host/manager/outcome.h"

#include <iterator>

namespace cipherdeck::manager {
namespace {

struct Advice {
  Error error;
  int http_status;
  const char* remedy;
};

constexpr Advice kAdvice[] = {
    {Error::invalid_argument, 400, "Check the values given."},
    {Error::invalid_command, 400, "Use a manager and a card of the same version."},
    {Error::not_supported, 501, "Use a manager and a card of the same version."},
    {Error::access_denied, 403, "Check the access code, or the permissions of the card's sockets."},
    {Error::no_partition, 409, "Bind the function to a partition with 'cipherdeck vf bind'."},
    {Error::key_not_found, 404, "List the keys with 'cipherdeck key list'."},
    {Error::not_found, 404, "List what there is with 'cipherdeck partition list'."},
    {Error::exists, 409, "Choose another name or index, or remove the old one first."},
    {Error::busy, 409, "Stop the programs or machines that use it, then try again."},
    {Error::limit, 409, "Remove something that is not needed any more."},
    {Error::not_initialised, 409, "Run 'cipherdeck card init'."},
    {Error::card_locked, 409, "Give its passphrase with 'cipherdeck card unlock'."},
    {Error::login_required, 401, "Log in with 'cipherdeck login NAME'."},
    {Error::role_denied, 403,
     "See with 'cipherdeck role list' who may; 'cipherdeck role --help' tells what each role may."},
    {Error::wrong_password, 403, "Check it, and the keyboard's layout, and try again."},
    {Error::too_soon, 429, "Wait: each wrong one doubles the time, up to five minutes."},
    {Error::trail_full, 409,
     "Have an auditor export and clear it: 'cipherdeck audit export', 'cipherdeck audit clear'."},
    {Error::verify_failed, 409, "See 'cipherdeck audit verify'."},
    {Error::decrypt_failed, 400, "Check that the files belong together and are for this card."},
    {Error::card_failed, 503, "Read the log of cipherdeckd; it names the failed self-test."},
    {Error::store_failed, 500, "Check space and permissions of the card's store, and its log."},
    {Error::random_failed, 503, "Restart cipherdeckd; if it comes back, check the noise sources."},
    {Error::disconnected, 503, "Start cipherdeckd, or read its log."},
    {Error::timed_out, 503, "Read the log of cipherdeckd."},
    {Error::io, 500, "Read the log of cipherdeck-manager."},
};

}  // namespace

Problem problem_of(Error error, const std::string& what) {
  Problem problem{500, what + ": " + std::string(to_string(error)), "Read the log of cipherdeckd."};
  for (const Advice& advice : kAdvice) {
    if (advice.error != error) continue;
    problem.http_status = advice.http_status;
    problem.remedy = advice.remedy;
  }
  return problem;
}

}  // namespace cipherdeck::manager

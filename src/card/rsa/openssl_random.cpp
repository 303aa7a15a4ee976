// SPDX-License-Identifier: Apache-2.0
#include "card/rsa/openssl_random.h"

#include <openssl/rand.h>

// A provider would be the newer way, and ten times as long.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace cipherdeck::card::rsa {
namespace {

thread_local RandomSource* t_random = nullptr;

int fill(unsigned char* out, int len) {
  if (t_random == nullptr) return RAND_OpenSSL()->bytes(out, len);
  return t_random->fill({out, static_cast<std::size_t>(len)}) ? 1 : 0;
}

int status() { return t_random == nullptr ? RAND_OpenSSL()->status() : 1; }

const RAND_METHOD kMethod{nullptr, fill, nullptr, nullptr, fill, status};

}  // namespace

OpensslRandom::OpensslRandom(RandomSource& random) noexcept {
  [[maybe_unused]] static const int set = RAND_set_rand_method(&kMethod);
  t_random = &random;
}

OpensslRandom::~OpensslRandom() { t_random = nullptr; }

}  // namespace cipherdeck::card::rsa

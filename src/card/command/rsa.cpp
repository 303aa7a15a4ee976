// SPDX-License-Identifier: Apache-2.0
// RSA: for what exists already. All of it but looking at public keys goes to the coprocessor.
#include "card/rsa/rsa.h"

#include "card/command/away_jobs.h"
#include "card/command/handlers.h"

namespace cipherdeck::card::command {
namespace {

// Private copies that an operation works on.
struct Work {
  explicit Work(Bytes from, std::size_t output_len) : input(from), output(output_len) {}
  [[nodiscard]] std::size_t size() const { return input.size() + output.size(); }

  SecretBytes input;
  SecretBytes output;
  Secret<session::kMaxSecretLen> key;
  std::size_t key_len = 0;
};

using SharedWork = std::shared_ptr<Work>;
using SharedPair = std::shared_ptr<const rsa::KeyPair>;
using Perform = std::function<Result<void>(RandomSource&)>;

SharedPair to_pair(const std::shared_ptr<const OtherKey>& key) {
  return std::static_pointer_cast<const rsa::KeyPair>(key->material);
}

Result<SharedPair> public_pair(const Call& call) {
  CIPHERDECK_ASSIGN(const auto key, other_key(call, CIPHERDECK_KEY_RSA));
  return to_pair(key);
}

Result<SharedPair> private_pair(const Call& call) {
  CIPHERDECK_ASSIGN(const auto key, other_private_key(call, CIPHERDECK_KEY_RSA));
  return to_pair(key);
}

// The key in the command's params, modulus || exponent.
Result<rsa::PublicKey> external_key(const Call& call) {
  if (call.params.size() % 2 != 0) return Error::invalid_key;
  const SecretBytes copy{Bytes(call.params)};
  const std::size_t len = copy.size() / 2;
  CIPHERDECK_ASSIGN(auto key,
                    rsa::PublicKey::from_numbers(copy.bytes().first(len), copy.bytes().last(len)));
  if (key.len() != len) return Error::invalid_key;
  return key;
}

// Where there is room for `needed` bytes: sends them there when `perform` has made them.
HandlerResult send_for_output(Call& call, const SharedWork& work, Perform perform) {
  const std::size_t needed = work->output.size();
  if (call.output.size() < needed) return too_small(needed);
  const MutableBytes output = call.output;
  auto finish = [work, output]() -> HandlerResult {
    std::memcpy(output.data(), work->output.bytes().data(), work->output.size());
    return done(0, work->output.size());
  };
  return send_to_coprocessor(call, work->size(), std::move(perform), std::move(finish));
}

template <typename Key>
HandlerResult send_public_operation(Call& call, Key key) {
  const auto work = std::make_shared<Work>(call.input, key->len());
  if (work->input.size() != key->len()) return Error::invalid_argument;
  return send_for_output(call, work, [work, key](RandomSource&) {
    return key->apply(work->output.bytes(), work->input.bytes());
  });
}

// A fresh session key for `recipient`, and its handle.
HandlerResult send_generation(Call& call, const rsa::PublicKey& recipient) {
  CIPHERDECK_ASSIGN(const std::size_t key_len, wanted_key_len(call));
  if (call.output.size() < recipient.len()) return too_small(recipient.len());
  if (call.client.sessions.keys_full()) return Error::limit;
  const auto work = std::make_shared<Work>(Bytes{}, recipient.len());
  work->key_len = key_len;
  auto perform = [work, recipient](RandomSource& random) -> Result<void> {
    const MutableBytes key = work->key.span().first(work->key_len);
    CIPHERDECK_TRY(random.fill(key));
    return recipient.encrypt(work->output.bytes(), key, random);
  };
  auto finish = [work, origin = call.origin(), output = call.output]() -> HandlerResult {
    CIPHERDECK_ASSIGN(const auto reply,
                      give_key(origin, Bytes(work->key.span()).first(work->key_len)));
    std::memcpy(output.data(), work->output.bytes().data(), work->output.size());
    return done(reply.value, work->output.size());
  };
  return send_to_coprocessor(call, work->size(), std::move(perform), std::move(finish));
}

constexpr std::size_t kNumHalves = 5;  // numbers of a private key that have half its length

std::size_t private_len(std::size_t len) { return 3 * len + kNumHalves * (len / 2); }

// The private key in private memory, as function.h has it.
Result<rsa::PrivateKey> read_private_key(Bytes bytes) {
  const std::size_t len = 2 * bytes.size() / (6 + kNumHalves);
  if (len == 0 || len % 2 != 0 || private_len(len) != bytes.size()) return Error::invalid_key;
  const Bytes halves = bytes.subspan(3 * len);
  const auto half = [&](std::size_t i) { return halves.subspan(i * (len / 2), len / 2); };
  return rsa::PrivateKey::from_numbers({bytes.first(len),
                                        bytes.subspan(len, len),
                                        bytes.subspan(2 * len, len),
                                        {half(0), half(1)},
                                        {half(2), half(3)},
                                        half(4)});
}

Result<void> make_pair(MutableBytes output, RandomSource& random) {
  const std::size_t len = 2 * output.size() / (6 + kNumHalves);
  CIPHERDECK_ASSIGN(const auto key,
                    rsa::PrivateKey::generate(static_cast<std::uint32_t>(8 * len), random));
  CIPHERDECK_ASSIGN(const auto numbers, key.private_numbers());
  std::memcpy(output.data(), key.public_key().modulus().data(), len);
  std::memcpy(output.data() + len, key.public_key().exponent().data(), len);
  std::memcpy(output.data() + 2 * len, numbers.bytes().data(), numbers.size());
  return {};
}

}  // namespace

HandlerResult rsa_public_key_export(Call& call) {
  const std::uint64_t use = call.command.arg[0];
  if (use != CIPHERDECK_USE_SIGN && use != CIPHERDECK_USE_ENCRYPT) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const auto pair, public_pair(call));
  const auto& key = (use == CIPHERDECK_USE_SIGN ? pair->sign : pair->encrypt).public_key();
  if (call.output.size() < 2 * key.len()) return too_small(2 * key.len());
  std::memcpy(call.output.data(), key.modulus().data(), key.len());
  std::memcpy(call.output.data() + key.len(), key.exponent().data(), key.len());
  return done(0, 2 * key.len());
}

HandlerResult rsa_public(Call& call) {
  CIPHERDECK_ASSIGN(const auto pair, public_pair(call));
  return send_public_operation(
      call, std::shared_ptr<const rsa::PublicKey>(pair, &pair->sign.public_key()));
}

HandlerResult rsa_public_external(Call& call) {
  CIPHERDECK_ASSIGN(auto key, external_key(call));
  return send_public_operation(call, std::make_shared<const rsa::PublicKey>(std::move(key)));
}

HandlerResult rsa_private(Call& call) {
  CIPHERDECK_ASSIGN(const auto pair, private_pair(call));
  const std::size_t len = pair->sign.public_key().len();
  const auto work = std::make_shared<Work>(call.input, len);
  if (work->input.size() != len) return Error::invalid_argument;
  return send_for_output(call, work, [work, pair](RandomSource& random) {
    return pair->sign.apply(work->output.bytes(), work->input.bytes(), random);
  });
}

HandlerResult rsa_key_generate_ipk(Call& call) {
  CIPHERDECK_ASSIGN(const auto pair, public_pair(call));
  return send_generation(call, pair->encrypt.public_key());
}

HandlerResult rsa_key_generate_epk(Call& call) {
  CIPHERDECK_ASSIGN(const auto key, external_key(call));
  return send_generation(call, key);
}

HandlerResult rsa_key_import_isk(Call& call) {
  CIPHERDECK_ASSIGN(const auto pair, private_pair(call));
  if (call.client.sessions.keys_full()) return Error::limit;
  const auto work = std::make_shared<Work>(call.input, 0);
  const std::uint64_t wanted_bits = call.command.arg[0];
  auto perform = [work, pair, wanted_bits](RandomSource& random) -> Result<void> {
    CIPHERDECK_ASSIGN(work->key_len,
                      pair->encrypt.decrypt(work->key.span(), work->input.bytes(), random));
    if (wanted_bits != 0 && wanted_bits != 8 * work->key_len) return Error::invalid_argument;
    return {};
  };
  auto finish = [work, origin = call.origin()] {
    return give_key(origin, Bytes(work->key.span()).first(work->key_len));
  };
  return send_to_coprocessor(call, work->size(), std::move(perform), std::move(finish));
}

HandlerResult rsa_envelope_exchange(Call& call) {
  CIPHERDECK_ASSIGN(const auto pair, private_pair(call));
  CIPHERDECK_ASSIGN(const auto recipient, external_key(call));
  const auto work = std::make_shared<Work>(call.input, recipient.len());
  return send_for_output(call, work, [work, pair, recipient](RandomSource& random) -> Result<void> {
    CIPHERDECK_ASSIGN(work->key_len,
                      pair->encrypt.decrypt(work->key.span(), work->input.bytes(), random));
    return recipient.encrypt(work->output.bytes(), Bytes(work->key.span()).first(work->key_len),
                             random);
  });
}

HandlerResult rsa_key_pair_make(Call& call) {
  CIPHERDECK_TRY(check_debugging(call));
  const std::uint64_t bits = call.command.arg[0];
  if (bits > rsa::kMaxBits || !rsa::is_allowed(static_cast<std::uint32_t>(bits))) {
    return Error::invalid_argument;
  }
  const auto work = std::make_shared<Work>(Bytes{}, private_len(bits / 8));
  return send_for_output(
      call, work, [work](RandomSource& random) { return make_pair(work->output.bytes(), random); });
}

HandlerResult rsa_private_external(Call& call) {
  CIPHERDECK_TRY(check_debugging(call));
  const auto work = std::make_shared<Work>(call.input, call.input.size());
  const auto numbers = std::make_shared<SecretBytes>(Bytes(call.params));
  return send_for_output(call, work, [work, numbers](RandomSource& random) -> Result<void> {
    CIPHERDECK_ASSIGN(const auto key, read_private_key(numbers->bytes()));
    return key.apply(work->output.bytes(), work->input.bytes(), random);
  });
}

}  // namespace cipherdeck::card::command

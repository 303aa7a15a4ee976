// SPDX-License-Identifier: Apache-2.0
// SM9. What takes a pairing takes milliseconds, and is done by the coprocessor on private copies.
#include "engine/sm9/sm9.h"
#include "card/command/away_jobs.h"
#include "card/command/handlers.h"

#include <optional>

namespace cipherdeck::card::command {
namespace {

using engine::kSm9CiphertextOverhead;
using engine::kSm9G1Len;
using engine::kSm9G2Len;
using engine::kSm9SignatureLen;
using session::SessionKey;
using session::Sm9Agreement;

constexpr std::size_t kAgreementLen = 2 * kSm9G1Len;  // ephemeral key, master public key

/// A copy of arena memory, or room for a result, which is wiped when it goes.
class PrivateBytes {
 public:
  explicit PrivateBytes(Bytes from) : m_bytes(from.begin(), from.end()) {}
  explicit PrivateBytes(std::size_t len) : m_bytes(len) {}
  PrivateBytes(const PrivateBytes&) = delete;
  PrivateBytes& operator=(const PrivateBytes&) = delete;
  ~PrivateBytes() { wipe(m_bytes); }

  [[nodiscard]] MutableBytes span() noexcept { return m_bytes; }
  [[nodiscard]] std::size_t size() const noexcept { return m_bytes.size(); }

 private:
  std::vector<std::uint8_t> m_bytes;
};

// ---- keys ----

Result<std::shared_ptr<const Sm9Key>> key_at(const Call& call, std::uint32_t kind,
                                             std::uint32_t index) {
  auto key = call.session->partition().sm9_key(kind, index);
  if (key == nullptr) return Error::key_not_found;
  return key;
}

/// The user key at the command's index, to whose use the session has the right.
Result<std::shared_ptr<const Sm9Key>> private_key(const Call& call, std::uint32_t kind) {
  const std::uint32_t index = call.command.key;
  CIPHERDECK_ASSIGN(auto key, key_at(call, kind, index));
  if (!call.session->has_right(kind, index, key)) return Error::access_denied;
  return key;
}

/// A command's master public key: of a master key of the partition, or one given in full, which is
/// checked by the coprocessor.
template <typename MasterKey, typename PublicKey, std::size_t kLen, std::uint32_t kKind>
class MasterPublicKey {
 public:
  /// `index` 0: the bytes are in aux.
  static Result<MasterPublicKey> of(const Call& call, std::uint32_t index) {
    MasterPublicKey master;
    if ((index == 0) != (call.aux.size() == kLen)) return Error::invalid_command;
    if (index == 0) {
      master.m_bytes = copy_once<kLen>(call.aux);
    } else {
      CIPHERDECK_ASSIGN(master.m_key, key_at(call, kKind, index));
    }
    return master;
  }

  /// On the coprocessor. Fails with invalid_key.
  Result<const PublicKey*> resolve() {
    if (m_key != nullptr) return &std::get<MasterKey>(m_key->value).public_key();
    CIPHERDECK_ASSIGN(m_external, PublicKey::from_bytes(m_bytes));
    return &*m_external;
  }

 private:
  std::shared_ptr<const Sm9Key> m_key;
  std::array<std::uint8_t, kLen> m_bytes{};
  std::optional<PublicKey> m_external;
};

using SignMaster = MasterPublicKey<engine::Sm9SignMasterKey, engine::Sm9SignMasterPublicKey,
                                   kSm9G2Len, CIPHERDECK_KEY_SM9_SIGN_MASTER>;
using EncryptMaster =
    MasterPublicKey<engine::Sm9EncryptMasterKey, engine::Sm9EncryptMasterPublicKey, kSm9G1Len,
                    CIPHERDECK_KEY_SM9_ENCRYPT_MASTER>;

const engine::Sm9EncryptMasterPublicKey& public_of(const Sm9Key& master) {
  return std::get<engine::Sm9EncryptMasterKey>(master.value).public_key();
}

// ---- fields of a command ----

// arg[0] where it is the index of a master key, or that above the length of a session key.
Result<std::uint32_t> master_in_arg(const Call& call) {
  if (call.command.arg[0] > kMaxKeyIndex) return Error::invalid_argument;
  return static_cast<std::uint32_t>(call.command.arg[0]);
}

struct KeyAndMaster {
  std::size_t key_len;
  std::uint32_t master;
};

Result<KeyAndMaster> key_and_master(const Call& call) {
  const auto bits = static_cast<std::uint32_t>(call.command.arg[0]);
  if (bits != 128 && bits != 256) return Error::invalid_argument;
  return KeyAndMaster{bits / 8, static_cast<std::uint32_t>(call.command.arg[0] >> 32)};
}

Result<engine::Sm9Cipher> cipher_of(std::uint32_t algorithm) {
  switch (algorithm) {
    case 0:
    case CIPHERDECK_ALG_SM9:
    case CIPHERDECK_ALG_SM9_ENCRYPT:
      return engine::Sm9Cipher::key_stream;
    case CIPHERDECK_ALG_SM4_ECB:
      return engine::Sm9Cipher::ecb;
    case CIPHERDECK_ALG_SM4_CBC:
      return engine::Sm9Cipher::cbc;
    case CIPHERDECK_ALG_SM4_OFB:
      return engine::Sm9Cipher::ofb;
    case CIPHERDECK_ALG_SM4_CFB:
      return engine::Sm9Cipher::cfb;
    default:
      return Error::algorithm;
  }
}

/// The cipher of a command, and its params: an IV where the cipher has one, and an identity.
struct CipherParams {
  engine::Sm9Cipher cipher;
  PrivateBytes bytes;
  std::size_t iv_len;

  [[nodiscard]] engine::Sm9CipherChoice choice() noexcept {
    return {cipher, bytes.span().first(iv_len)};
  }
  [[nodiscard]] Bytes id() noexcept { return bytes.span().subspan(iv_len); }
};

struct CipherShape {
  engine::Sm9Cipher cipher;
  std::size_t iv_len;
};

Result<CipherShape> cipher_shape(const Call& call) {
  CIPHERDECK_ASSIGN(const auto cipher, cipher_of(call.command.algorithm));
  const bool has_iv = cipher != engine::Sm9Cipher::key_stream && cipher != engine::Sm9Cipher::ecb;
  const std::size_t iv_len = has_iv ? engine::kSm4BlockLen : 0;
  const std::size_t len = call.params.size();
  if (len <= iv_len || len > iv_len + CIPHERDECK_SM9_MAX_ID) return Error::invalid_argument;
  return CipherShape{cipher, iv_len};
}

Result<void> check_id(Bytes id) {
  if (id.empty() || id.size() > CIPHERDECK_SM9_MAX_ID) return Error::invalid_argument;
  return {};
}

std::string text_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

// ---- the session's handle for a key that the coprocessor has made ----

HandlerResult give_key(Client& client, session::Session& session, Bytes key,
                       std::size_t output_len) {
  CIPHERDECK_ASSIGN(auto session_key, SessionKey::from_bytes(key));
  CIPHERDECK_ASSIGN(const std::uint32_t handle,
                    client.sessions.add_key(session, std::move(session_key)));
  return done(handle, output_len);
}

// ---- signatures ----

struct SignWork {
  std::shared_ptr<const Sm9Key> user;  // null: `external` has the key
  SignMaster master;
  PrivateBytes message;
  Secret<kSm9G1Len> external;
  engine::Sm9Signature signature{};

  Result<void> perform(RandomSource& random) {
    CIPHERDECK_ASSIGN(const auto* const public_key, master.resolve());
    if (user != nullptr)
      return sign(std::get<engine::Sm9SignUserKey>(user->value), *public_key, random);
    CIPHERDECK_ASSIGN(const auto key, engine::Sm9SignUserKey::from_bytes(external.span()));
    return sign(key, *public_key, random);
  }
  Result<void> sign(const engine::Sm9SignUserKey& key,
                    const engine::Sm9SignMasterPublicKey& public_key, RandomSource& random) {
    CIPHERDECK_ASSIGN(signature, engine::sm9_sign(key, public_key, message.span(), random));
    return {};
  }
};

HandlerResult send_signature(Call& call, const std::shared_ptr<SignWork>& work) {
  if (call.output.size() < kSm9SignatureLen) return too_small(kSm9SignatureLen);
  return send_to_coprocessor(
      call, work->message.size(), [work](RandomSource& random) { return work->perform(random); },
      [work, output = call.output]() -> HandlerResult {
        std::memcpy(output.data(), work->signature.data(), kSm9SignatureLen);
        return done(0, kSm9SignatureLen);
      });
}

struct VerifyWork {
  SignMaster master;
  PrivateBytes message;
  PrivateBytes params;  // signature || id

  Result<void> perform() {
    CIPHERDECK_ASSIGN(const auto* const public_key, master.resolve());
    const Bytes bytes = params.span();
    return engine::sm9_verify(*public_key, bytes.subspan(kSm9SignatureLen), message.span(),
                              bytes.first<kSm9SignatureLen>());
  }
};

// ---- encryption ----

struct EncryptWork {
  EncryptMaster master;
  CipherParams params;
  PrivateBytes plaintext;
  PrivateBytes ciphertext;

  Result<void> perform(RandomSource& random) {
    CIPHERDECK_ASSIGN(const auto* const public_key, master.resolve());
    return engine::sm9_encrypt(ciphertext.span(), params.choice(), *public_key, params.id(),
                               plaintext.span(), random);
  }
};

struct DecryptWork {
  std::shared_ptr<const Sm9Key> user;  // null: `external` has the key
  CipherParams params;
  PrivateBytes ciphertext;
  PrivateBytes plaintext;
  Secret<kSm9G2Len> external;
  std::size_t plaintext_len = 0;

  Result<void> perform() {
    if (user != nullptr) return decrypt(std::get<Sm9EncryptUserKeys>(user->value).encrypt);
    CIPHERDECK_ASSIGN(const auto key, engine::Sm9EncryptUserKey::from_bytes(external.span()));
    return decrypt(key);
  }
  Result<void> decrypt(const engine::Sm9EncryptUserKey& key) {
    CIPHERDECK_ASSIGN(plaintext_len, engine::sm9_decrypt(plaintext.span(), params.choice(), key,
                                                         params.id(), ciphertext.span()));
    return {};
  }
};

// The output has room for all of C2, of which the padding is a part.
HandlerResult send_decryption(Call& call, std::shared_ptr<const Sm9Key> user) {
  CIPHERDECK_ASSIGN(const CipherShape shape, cipher_shape(call));
  const std::size_t len = call.input.size();
  if (len <= kSm9CiphertextOverhead) return Error::decrypt_failed;
  const std::size_t room = len - kSm9CiphertextOverhead;
  if (call.output.size() < room) return too_small(room);
  const std::shared_ptr<DecryptWork> work(
      new DecryptWork{std::move(user),
                      {shape.cipher, PrivateBytes(call.params), shape.iv_len},
                      PrivateBytes(call.input),
                      PrivateBytes(room),
                      {},
                      0});
  if (work->user == nullptr) {
    std::memcpy(work->external.data(), call.aux.data(), work->external.size());
  }
  return send_to_coprocessor(
      call, len + room, [work](RandomSource&) { return work->perform(); },
      [work, output = call.output]() -> HandlerResult {
        std::memcpy(output.data(), work->plaintext.span().data(), work->plaintext_len);
        return done(0, work->plaintext_len);
      });
}

// ---- session keys ----

struct EncapsulateWork {
  EncryptMaster master;
  PrivateBytes id;
  std::size_t key_len;
  Secret<kMaxSessionKeyLen> key;
  engine::Sm9G1Bytes package{};

  [[nodiscard]] MutableBytes key_bytes() noexcept { return key.span().first(key_len); }
  Result<void> perform(RandomSource& random) {
    CIPHERDECK_ASSIGN(const auto* const public_key, master.resolve());
    return engine::sm9_encapsulate(key_bytes(), package, *public_key, id.span(), random);
  }
};

struct DecapsulateWork {
  std::shared_ptr<const Sm9Key> user;
  engine::Sm9G1Bytes package;
  std::size_t key_len;
  Secret<kMaxSessionKeyLen> key;

  [[nodiscard]] MutableBytes key_bytes() noexcept { return key.span().first(key_len); }
  Result<void> perform() {
    return engine::sm9_decapsulate(key_bytes(), std::get<Sm9EncryptUserKeys>(user->value).encrypt,
                                   as_bytes(user->id), package);
  }
};

// ---- key exchange ----

// The own half, from the command's fields; its ephemeral key is still to be made.
Result<std::shared_ptr<Sm9Agreement>> begin_agreement(const Call& call) {
  CIPHERDECK_ASSIGN(const KeyAndMaster fields, key_and_master(call));
  auto agreement = std::make_shared<Sm9Agreement>();
  CIPHERDECK_ASSIGN(agreement->own, private_key(call, CIPHERDECK_KEY_SM9_ENCRYPT_USER));
  CIPHERDECK_ASSIGN(agreement->master,
                    key_at(call, CIPHERDECK_KEY_SM9_ENCRYPT_MASTER, fields.master));
  agreement->own_id = text_of(call.input);
  agreement->peer_id = text_of(call.aux);
  if (agreement->own_id != agreement->own->id) return Error::invalid_argument;
  agreement->key_len = fields.key_len;
  return agreement;
}

Result<void> make_ephemeral(Sm9Agreement& agreement, RandomSource& random) {
  CIPHERDECK_ASSIGN(agreement.ephemeral,
                    engine::sm9_exchange_start(public_of(*agreement.master),
                                               as_bytes(agreement.peer_id), random));
  return {};
}

struct AgreementWork {
  std::shared_ptr<const Sm9Agreement> own;
  engine::Sm9G1Bytes peer;
  bool initiator;
  Secret<kMaxSessionKeyLen> key;

  [[nodiscard]] MutableBytes key_bytes() noexcept { return key.span().first(own->key_len); }
  Result<void> perform() {
    const Bytes own_id = as_bytes(own->own_id), peer_id = as_bytes(own->peer_id);
    return engine::sm9_exchange(key_bytes(),
                                {.initiator = initiator,
                                 .own_key = std::get<Sm9EncryptUserKeys>(own->own->value).exchange,
                                 .master = public_of(*own->master),
                                 .own_ephemeral = own->ephemeral,
                                 .peer_ephemeral = peer,
                                 .initiator_id = initiator ? own_id : peer_id,
                                 .responder_id = initiator ? peer_id : own_id});
  }
};

void write_points(MutableBytes output, const Sm9Agreement& agreement) {
  std::memcpy(output.data(), agreement.ephemeral.point.data(), kSm9G1Len);
  std::memcpy(output.data() + kSm9G1Len, public_of(*agreement.master).bytes().data(), kSm9G1Len);
}

}  // namespace

HandlerResult sm9_id_export(Call& call) {
  const std::uint64_t use = call.command.arg[0];
  if (use != CIPHERDECK_USE_SIGN && use != CIPHERDECK_USE_ENCRYPT) return Error::invalid_argument;
  CIPHERDECK_ASSIGN(const auto key,
                    key_at(call,
                           use == CIPHERDECK_USE_SIGN ? CIPHERDECK_KEY_SM9_SIGN_USER
                                                      : CIPHERDECK_KEY_SM9_ENCRYPT_USER,
                           call.command.key));
  if (call.output.size() < key->id.size()) return too_small(key->id.size());
  std::memcpy(call.output.data(), key->id.data(), key->id.size());
  return done(0, key->id.size());
}

HandlerResult sm9_master_export(Call& call) {
  const std::uint64_t use = call.command.arg[0];
  if (use != CIPHERDECK_USE_SIGN && use != CIPHERDECK_USE_ENCRYPT) return Error::invalid_argument;
  const bool is_sign = use == CIPHERDECK_USE_SIGN;
  const std::uint32_t kind =
      is_sign ? CIPHERDECK_KEY_SM9_SIGN_MASTER : CIPHERDECK_KEY_SM9_ENCRYPT_MASTER;
  CIPHERDECK_ASSIGN(const auto key, key_at(call, kind, call.command.key));
  const Bytes bytes =
      is_sign ? Bytes(std::get<engine::Sm9SignMasterKey>(key->value).public_key().bytes())
              : Bytes(public_of(*key).bytes());
  if (call.output.size() < bytes.size()) return too_small(bytes.size());
  std::memcpy(call.output.data(), bytes.data(), bytes.size());
  return done(0, bytes.size());
}

HandlerResult sm9_sign(Call& call) {
  CIPHERDECK_ASSIGN(auto user, private_key(call, CIPHERDECK_KEY_SM9_SIGN_USER));
  CIPHERDECK_ASSIGN(const std::uint32_t index, master_in_arg(call));
  CIPHERDECK_ASSIGN(auto master, SignMaster::of(call, index));
  const std::shared_ptr<SignWork> work(
      new SignWork{std::move(user), std::move(master), PrivateBytes(call.input), {}});
  return send_signature(call, work);
}

HandlerResult sm9_sign_external(Call& call) {
  CIPHERDECK_ASSIGN(auto master, SignMaster::of(call, 0));
  const std::shared_ptr<SignWork> work(
      new SignWork{nullptr, std::move(master), PrivateBytes(call.input), {}});
  std::memcpy(work->external.data(), call.params.data(), work->external.size());
  return send_signature(call, work);
}

HandlerResult sm9_verify(Call& call) {
  CIPHERDECK_ASSIGN(auto master, SignMaster::of(call, call.command.key));
  const std::shared_ptr<VerifyWork> work(
      new VerifyWork{std::move(master), PrivateBytes(call.input), PrivateBytes(call.params)});
  return send_to_coprocessor(
      call, work->message.size(), [work](RandomSource&) { return work->perform(); },
      []() -> HandlerResult { return done(); });
}

HandlerResult sm9_encrypt(Call& call) {
  CIPHERDECK_ASSIGN(const CipherShape shape, cipher_shape(call));
  CIPHERDECK_ASSIGN(auto master, EncryptMaster::of(call, call.command.key));
  const std::size_t len = call.input.size();
  const std::size_t needed = kSm9CiphertextOverhead + engine::sm9_c2_len(shape.cipher, len);
  if (needed > CIPHERDECK_MAX_DATA_LEN) return Error::invalid_argument;
  if (call.output.size() < needed) return too_small(needed);
  const std::shared_ptr<EncryptWork> work(
      new EncryptWork{std::move(master),
                      {shape.cipher, PrivateBytes(call.params), shape.iv_len},
                      PrivateBytes(call.input),
                      PrivateBytes(needed)});
  return send_to_coprocessor(
      call, len + needed, [work](RandomSource& random) { return work->perform(random); },
      [work, output = call.output]() -> HandlerResult {
        std::memcpy(output.data(), work->ciphertext.span().data(), work->ciphertext.size());
        return done(0, work->ciphertext.size());
      });
}

HandlerResult sm9_decrypt(Call& call) {
  CIPHERDECK_ASSIGN(auto user, private_key(call, CIPHERDECK_KEY_SM9_ENCRYPT_USER));
  return send_decryption(call, std::move(user));
}

HandlerResult sm9_decrypt_external(Call& call) { return send_decryption(call, nullptr); }

HandlerResult sm9_key_generate(Call& call) {
  CIPHERDECK_ASSIGN(const KeyAndMaster fields, key_and_master(call));
  CIPHERDECK_ASSIGN(auto master, EncryptMaster::of(call, fields.master));
  CIPHERDECK_TRY(check_id(call.params));
  if (call.output.size() < kSm9G1Len) return too_small(kSm9G1Len);
  if (call.client.sessions.keys_full()) return Error::limit;
  const std::shared_ptr<EncapsulateWork> work(
      new EncapsulateWork{std::move(master), PrivateBytes(call.params), fields.key_len, {}});
  return send_to_coprocessor(
      call, kMaxSessionKeyLen, [work](RandomSource& random) { return work->perform(random); },
      [work, output = call.output, client = &call.client,
       session = call.session]() -> HandlerResult {
        CIPHERDECK_ASSIGN(const Reply reply,
                          give_key(*client, *session, work->key_bytes(), kSm9G1Len));
        std::memcpy(output.data(), work->package.data(), kSm9G1Len);
        return reply;
      });
}

HandlerResult sm9_key_import(Call& call) {
  CIPHERDECK_ASSIGN(auto user, private_key(call, CIPHERDECK_KEY_SM9_ENCRYPT_USER));
  CIPHERDECK_ASSIGN(const std::size_t key_len, wanted_key_len(call));
  if (call.client.sessions.keys_full()) return Error::limit;
  const std::shared_ptr<DecapsulateWork> work(
      new DecapsulateWork{std::move(user), copy_once<kSm9G1Len>(call.input), key_len, {}});
  return send_to_coprocessor(
      call, kMaxSessionKeyLen, [work](RandomSource&) { return work->perform(); },
      [work, client = &call.client, session = call.session]() -> HandlerResult {
        return give_key(*client, *session, work->key_bytes(), 0);
      });
}

HandlerResult sm9_agreement_start(Call& call) {
  if (call.output.size() < kAgreementLen) return too_small(kAgreementLen);
  if (call.client.sessions.keys_full()) return Error::limit;
  CIPHERDECK_ASSIGN(const auto agreement, begin_agreement(call));
  return send_to_coprocessor(
      call, sizeof(Sm9Agreement),
      [agreement](RandomSource& random) { return make_ephemeral(*agreement, random); },
      [agreement, output = call.output, client = &call.client,
       session = call.session]() -> HandlerResult {
        const std::shared_ptr<const Sm9Agreement> made = agreement;
        CIPHERDECK_ASSIGN(const std::uint32_t handle, client->sessions.add_key(*session, made));
        write_points(output, *agreement);
        return done(handle, kAgreementLen);
      });
}

HandlerResult sm9_agreement_finish(Call& call) {
  const std::uint32_t handle = call.command.key;
  CIPHERDECK_ASSIGN(auto own, call.client.sessions.sm9_agreement(*call.session, handle));
  const std::shared_ptr<AgreementWork> work(
      new AgreementWork{std::move(own), copy_once<kSm9G1Len>(call.params), true, {}});
  return send_to_coprocessor(
      call, sizeof(AgreementWork), [work](RandomSource&) { return work->perform(); },
      [work, handle, client = &call.client, session = call.session]() -> HandlerResult {
        // The ephemeral key has served, once; its handle makes room for the session key's.
        CIPHERDECK_TRY(client->sessions.destroy_key(*session, handle));
        return give_key(*client, *session, work->key_bytes(), 0);
      });
}

HandlerResult sm9_agreement_respond(Call& call) {
  if (call.output.size() < kAgreementLen) return too_small(kAgreementLen);
  if (call.client.sessions.keys_full()) return Error::limit;
  CIPHERDECK_ASSIGN(const auto agreement, begin_agreement(call));
  const std::shared_ptr<AgreementWork> work(
      new AgreementWork{agreement, copy_once<kSm9G1Len>(call.params), false, {}});
  return send_to_coprocessor(
      call, sizeof(AgreementWork),
      [work, agreement](RandomSource& random) -> Result<void> {
        CIPHERDECK_TRY(make_ephemeral(*agreement, random));
        return work->perform();
      },
      [work, output = call.output, client = &call.client,
       session = call.session]() -> HandlerResult {
        CIPHERDECK_ASSIGN(const Reply reply,
                          give_key(*client, *session, work->key_bytes(), kAgreementLen));
        write_points(output, *work->own);
        return reply;
      });
}

}  // namespace cipherdeck::card::command

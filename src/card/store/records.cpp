// SPDX-License-Identifier: Apache-2.0
#include "card/store/records.h"

#include "card/rsa/rsa.h"

namespace cipherdeck::card::store {
namespace {

using AccessBytes = std::span<std::uint8_t, kAccessRecordLen>;
using ConstAccessBytes = std::span<const std::uint8_t, kAccessRecordLen>;

void write_access(AccessBytes out, const AccessVerifier& access) {
  out[0] = access.set ? 1 : 0;
  std::memcpy(out.data() + 1, access.salt.data(), access.salt.size());
  std::memcpy(out.data() + 17, access.mac.data(), access.mac.size());
}

Result<AccessVerifier> read_access(ConstAccessBytes from) {
  if (from[0] > 1) return Error::invalid_key;
  AccessVerifier access;
  access.set = from[0] == 1;
  std::memcpy(access.salt.data(), from.data() + 1, access.salt.size());
  std::memcpy(access.mac.data(), from.data() + 17, access.mac.size());
  return access;
}

// Length of the identity, the identity, zeros.
void write_id(std::uint8_t* out, const std::string& id) {
  out[0] = static_cast<std::uint8_t>(id.size());
  const Bytes bytes = as_bytes(id);
  std::memcpy(out + 1, bytes.data(), bytes.size());
}

Result<std::string> read_id(const std::uint8_t* from) {
  if (from[0] == 0 || from[0] > CIPHERDECK_SM9_MAX_ID) return Error::invalid_key;
  return std::string(from + 1, from + 1 + from[0]);
}

// What of an SM9 key stands between its identity and its access verifier, written and read.

void write_value(std::uint8_t* out, const engine::Sm9SignMasterKey& key) {
  std::memcpy(out, key.bytes().data(), key.bytes().size());
}
void write_value(std::uint8_t* out, const engine::Sm9EncryptMasterKey& key) {
  std::memcpy(out, key.bytes().data(), key.bytes().size());
}
void write_value(std::uint8_t* out, const engine::Sm9SignUserKey& key) {
  std::memcpy(out, key.bytes().data(), key.bytes().size());
}
void write_value(std::uint8_t* out, const Sm9EncryptUserKeys& keys) {
  std::memcpy(out, keys.encrypt.bytes().data(), engine::kSm9G2Len);
  std::memcpy(out + engine::kSm9G2Len, keys.exchange.bytes().data(), engine::kSm9G2Len);
}

Result<Sm9Key::Value> read_value(Bytes from, std::uint32_t kind) {
  using namespace engine;
  if (kind == CIPHERDECK_KEY_SM9_SIGN_MASTER) {
    CIPHERDECK_ASSIGN(auto key, Sm9SignMasterKey::from_bytes(from.first<kSm9ScalarLen>()));
    return Sm9Key::Value(std::move(key));
  }
  if (kind == CIPHERDECK_KEY_SM9_ENCRYPT_MASTER) {
    CIPHERDECK_ASSIGN(auto key, Sm9EncryptMasterKey::from_bytes(from.first<kSm9ScalarLen>()));
    return Sm9Key::Value(std::move(key));
  }
  if (kind == CIPHERDECK_KEY_SM9_SIGN_USER) {
    CIPHERDECK_ASSIGN(auto key, Sm9SignUserKey::from_bytes(from.first<kSm9G1Len>()));
    return Sm9Key::Value(std::move(key));
  }
  CIPHERDECK_ASSIGN(auto encrypt, Sm9EncryptUserKey::from_bytes(from.first<kSm9G2Len>()));
  CIPHERDECK_ASSIGN(auto exchange,
                    Sm9EncryptUserKey::from_bytes(from.subspan<kSm9G2Len, kSm9G2Len>()));
  return Sm9Key::Value(Sm9EncryptUserKeys{encrypt, exchange});
}

}  // namespace

KeyPairRecord to_record(const KeyPair& key_pair) {
  KeyPairRecord record;
  std::memcpy(record.data(), key_pair.sign.bytes().data(), 32);
  std::memcpy(record.data() + 32, key_pair.encrypt.bytes().data(), 32);
  write_access(record.span().subspan<64>(), key_pair.access);
  return record;
}

KekRecord to_record(const Kek& kek) {
  KekRecord record;
  store_be32(record.data(), kek.bits);
  std::memcpy(record.data() + 4, kek.key.data(), kMaxSessionKeyLen);
  write_access(record.span().subspan<4 + kMaxSessionKeyLen>(), kek.access);
  return record;
}

Sm9Record sm9_record_for(std::uint32_t kind) {
  Sm9Record record;
  record.len = kind == CIPHERDECK_KEY_SM9_SIGN_USER      ? kSm9SignUserRecordLen
               : kind == CIPHERDECK_KEY_SM9_ENCRYPT_USER ? kSm9EncryptUserRecordLen
                                                         : kSm9MasterRecordLen;
  return record;
}

Sm9Record to_record(const Sm9Key& key) {
  Sm9Record record = sm9_record_for(key.kind());
  std::uint8_t* at = record.bytes.data();
  if (key.is_user()) {
    write_id(at, key.id);
    at += kSm9IdRecordLen;
    write_access(record.span().last<kAccessRecordLen>(), key.access);
  }
  std::visit([at](const auto& value) { write_value(at, value); }, key.value);
  return record;
}

Result<Sm9Key> to_sm9_key(const Sm9Record& record, std::uint32_t kind, std::uint32_t index,
                          std::uint64_t created) {
  const bool is_user =
      kind == CIPHERDECK_KEY_SM9_SIGN_USER || kind == CIPHERDECK_KEY_SM9_ENCRYPT_USER;
  const Bytes bytes = record.span();
  if (!is_user) {
    CIPHERDECK_ASSIGN(auto value, read_value(bytes, kind));
    return Sm9Key{index, created, std::move(value), {}, {}};
  }
  CIPHERDECK_ASSIGN(auto id, read_id(bytes.data()));
  CIPHERDECK_ASSIGN(auto value, read_value(bytes.subspan(kSm9IdRecordLen), kind));
  CIPHERDECK_ASSIGN(const auto access, read_access(bytes.last<kAccessRecordLen>()));
  return Sm9Key{index, created, std::move(value), std::move(id), access};
}

Result<KeyPair> to_key_pair(const KeyPairRecord& record, std::uint32_t index,
                            std::uint64_t created) {
  CIPHERDECK_ASSIGN(const auto sign,
                    engine::Sm2PrivateKey::from_bytes(record.span().subspan<0, 32>()));
  CIPHERDECK_ASSIGN(const auto encrypt,
                    engine::Sm2PrivateKey::from_bytes(record.span().subspan<32, 32>()));
  CIPHERDECK_ASSIGN(const auto access, read_access(record.span().subspan<64>()));
  return KeyPair{index, created, sign, encrypt, access};
}

Result<Kek> to_kek(const KekRecord& record, std::uint32_t index, std::uint64_t created) {
  const std::uint32_t bits = load_be32(record.data());
  if (bits != 128) return Error::invalid_key;
  CIPHERDECK_ASSIGN(const auto access, read_access(record.span().subspan<4 + kMaxSessionKeyLen>()));
  return Kek{index, created, bits,
             Secret<kMaxSessionKeyLen>(record.span().subspan<4, kMaxSessionKeyLen>()), access};
}

SecretBytes to_record(const OtherKey& key) {
  const SecretBytes material = key.material->record();
  SecretBytes record(kAccessRecordLen + material.size());
  write_access(record.bytes().first<kAccessRecordLen>(), key.access);
  std::memcpy(record.bytes().data() + kAccessRecordLen, material.bytes().data(), material.size());
  return record;
}

Result<OtherKey> to_other_key(Bytes record, std::uint32_t kind, std::uint32_t index,
                              std::uint64_t created) {
  if (record.size() < kAccessRecordLen) return Error::invalid_key;
  CIPHERDECK_ASSIGN(const auto access, read_access(record.first<kAccessRecordLen>()));
  CIPHERDECK_ASSIGN(auto material, read_key_material(kind, record.subspan(kAccessRecordLen)));
  return OtherKey{kind, index, created, access, std::move(material)};
}

Result<std::shared_ptr<const KeyMaterial>> read_key_material(std::uint32_t kind, Bytes record) {
  switch (kind) {
    case CIPHERDECK_KEY_RSA:
      return rsa::KeyPair::from_record(record);
    case CIPHERDECK_KEY_SYMMETRIC:
      if (record.size() != 16 && record.size() != 32) return Error::invalid_key;
      return std::shared_ptr<const KeyMaterial>(
          std::make_shared<const SymmetricKey>(SecretBytes(record)));
    default:
      return Error::key_type;
  }
}

}  // namespace cipherdeck::card::store

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

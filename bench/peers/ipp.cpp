// SPDX-License-Identifier: Apache-2.0
#include <ippcp.h>

#include <algorithm>
#include <array>

#include "peers/peer.h"

namespace {

using namespace cipherdeck::peers;

// The library has its caller provide the memory of every object; this program never frees it.
template <typename T>
T* allocate(int bytes) {
  return static_cast<T*>(std::aligned_alloc(64, (static_cast<std::size_t>(bytes) + 63) / 64 * 64));
}

void check(IppStatus status, const char* what) { require(status == ippStsNoErr, what); }

enum class Mode { ecb, cbc_encryption, cbc_decryption, ctr };

Prepare cipher(Mode mode) {
  return [mode](Batch& batch) -> Run {
    int size = 0;
    check(ippsSMS4GetSize(&size), "ippsSMS4GetSize");
    auto* const context = allocate<IppsSMS4Spec>(size);
    Message& m = batch.messages.front();
    check(ippsSMS4Init(m.key.data(), static_cast<int>(m.key.size()), context, size),
          "ippsSMS4Init");
    return [=, &m] {
      const int len = static_cast<int>(m.in.size());
      switch (mode) {
        case Mode::ecb:
          ippsSMS4EncryptECB(m.in.data(), m.out.data(), len, context);
          return;
        case Mode::cbc_encryption:
          ippsSMS4EncryptCBC(m.in.data(), m.out.data(), len, context, m.iv.data());
          return;
        case Mode::cbc_decryption:
          ippsSMS4DecryptCBC(m.in.data(), m.out.data(), len, context, m.iv.data());
          return;
        case Mode::ctr: {
          std::array<Ipp8u, 16> counter{};  // advanced by the call
          std::ranges::copy(m.iv, counter.begin());
          ippsSMS4EncryptCTR(m.in.data(), m.out.data(), len, context, counter.data(), 128);
          return;
        }
      }
    };
  };
}

Run hash(Batch& batch) {
  Message& m = batch.messages.front();
  return [&m] {
    ippsHashMessage_rmf(m.in.data(), static_cast<int>(m.in.size()), m.out.data(),
                        ippsHashMethod_SM3_TT());
  };
}

// A number from 32 big-endian octets.
IppsBigNumState* number(const Octets& octets = Octets(32)) {
  int size = 0;
  check(ippsBigNumGetSize(8, &size), "ippsBigNumGetSize");
  auto* const made = allocate<IppsBigNumState>(size);
  check(ippsBigNumInit(8, made), "ippsBigNumInit");
  check(ippsSetOctString_BN(octets.data(), static_cast<int>(octets.size()), made),
        "ippsSetOctString_BN");
  return made;
}

Octets octets_of(IppsBigNumState* value) {
  Octets octets(32);
  check(ippsGetOctString_BN(octets.data(), static_cast<int>(octets.size()), value),
        "ippsGetOctString_BN");
  return octets;
}

struct Curve {
  Curve() {
    int size = 0;
    check(ippsGFpGetSize(256, &size), "ippsGFpGetSize");
    auto* const field = allocate<IppsGFpState>(size);
    check(ippsGFpInitFixed(256, ippsGFpMethod_p256sm2(), field), "ippsGFpInitFixed");
    check(ippsGFpECGetSize(field, &size), "ippsGFpECGetSize");
    group = allocate<IppsGFpECState>(size);
    check(ippsGFpECInitStdSM2(field, group), "ippsGFpECInitStdSM2");
    check(ippsGFpECBindGxyTblStdSM2(group), "ippsGFpECBindGxyTblStdSM2");
    check(ippsGFpECScratchBufferSize(6, group, &size), "ippsGFpECScratchBufferSize");
    scratch = allocate<Ipp8u>(size);
  }

  [[nodiscard]] IppsGFpECPoint* point() const {
    int size = 0;
    check(ippsGFpECPointGetSize(group, &size), "ippsGFpECPointGetSize");
    auto* const made = allocate<IppsGFpECPoint>(size);
    check(ippsGFpECPointInit(nullptr, nullptr, made, group), "ippsGFpECPointInit");
    return made;
  }

  IppsGFpECState* group = nullptr;
  Ipp8u* scratch = nullptr;
};

// The nonce is given, the same each time, which costs the library less than making one.
void add_signatures(Peer& peer, const Curve& curve, IppsBigNumState* scalar,
                    IppsGFpECPoint* public_key) {
  const Octets nonce_octets = hex(kSm2Nonce);
  auto* const e = number(hex(kSm2E));
  auto* const nonce = number();
  auto* const r = number();
  auto* const s = number();
  auto* const wrong = number(altered(hex(kSm2S)));
  const auto sign = [&] {  // clears the nonce
    ippsSetOctString_BN(nonce_octets.data(), 32, nonce);
    return ippsGFpECSignSM2(e, scalar, nonce, r, s, curve.group, curve.scratch) == ippStsNoErr;
  };
  const auto verify = [&](IppsBigNumState* second) {
    IppECResult result = ippECInvalidSignature;
    ippsGFpECVerifySM2(e, public_key, r, second, &result, curve.group, curve.scratch);
    return result == ippECValid;
  };
  const auto signs = [&] {
    return sign() && octets_of(r) == hex(kSm2R) && octets_of(s) == hex(kSm2S);
  };
  peer.add_operation("sm2-sign", 1, signs, sign);
  peer.add_operation(
      "sm2-verify", 1, [&] { return signs() && verify(s) && !verify(wrong); }, [&] { verify(s); });
}

// The point of the nonce is part of the encryption.
void add_encryption(Peer& peer, const Curve& curve, IppsBigNumState* scalar,
                    IppsGFpECPoint* public_key) {
  const Octets nonce_octets = hex(kSm2Nonce);
  auto* const nonce = number();
  auto* const nonce_point = curve.point();
  const auto encrypt = [&](const Octets& plaintext) {  // clears the nonce
    ippsSetOctString_BN(nonce_octets.data(), 32, nonce);
    ippsGFpECPublicKey(nonce, nonce_point, curve.group, curve.scratch);
    Octets ciphertext(plaintext.size() + 97);
    int len = 0;
    ippsGFpECEncryptSM2_Ext(ciphertext.data(), static_cast<int>(ciphertext.size()), &len,
                            plaintext.data(), static_cast<int>(plaintext.size()), public_key,
                            nonce_point, nonce, curve.group, curve.scratch);
    ciphertext.resize(static_cast<std::size_t>(len));
    return ciphertext;
  };
  const auto decrypt = [&](const Octets& ciphertext) {
    Octets plaintext(ciphertext.size());
    int len = 0;
    const IppStatus status = ippsGFpECDecryptSM2_Ext(
        plaintext.data(), static_cast<int>(plaintext.size()), &len, ciphertext.data(),
        static_cast<int>(ciphertext.size()), scalar, curve.group, curve.scratch);
    plaintext.resize(status == ippStsNoErr ? static_cast<std::size_t>(len) : 0);
    return plaintext;
  };
  const std::string known = "04" + std::string(kSm2CipherX) + std::string(kSm2CipherY) +
                            std::string(kSm2C3) + std::string(kSm2C2);
  const Octets plaintext = some_octets(32), ciphertext = encrypt(plaintext);
  const auto is_right = [&] {
    return encrypt(ascii(kSm2Plaintext)) == hex(known) &&
           decrypt(hex(known)) == ascii(kSm2Plaintext) && decrypt(ciphertext) == plaintext &&
           encrypt(plaintext) == ciphertext;
  };
  peer.add_operation("sm2-encrypt", 1, is_right, [&] { encrypt(plaintext); });
  peer.add_operation("sm2-decrypt", 1, is_right, [&] { decrypt(ciphertext); });
}

// The scalar is given, too.
void add_key_generation(Peer& peer, const Curve& curve, IppsBigNumState* scalar) {
  auto* const x = number();
  auto* const y = number();
  auto* const point = curve.point();
  const auto generate = [&] { ippsGFpECPublicKey(scalar, point, curve.group, curve.scratch); };
  const auto is_right = [&] {
    generate();
    ippsGFpECGetPointRegular(point, x, y, curve.group);
    return octets_of(x) == hex(kSm2X) && octets_of(y) == hex(kSm2Y);
  };
  peer.add_operation("sm2-keygen", 1, is_right, generate);
}

}  // namespace

int main(int argc, char** argv) {
  ippcpInit();
  Peer peer(argc, argv, "IPP " + std::string(ippcpGetLibVersion()->Version));
  peer.add("sm4-ecb", 1, cipher(Mode::ecb));
  peer.add("sm4-cbc-enc", 1, cipher(Mode::cbc_encryption));
  peer.add("sm4-cbc-dec", 1, cipher(Mode::cbc_decryption));
  peer.add("sm4-ctr", 1, cipher(Mode::ctr));
  peer.add("sm3", 1, hash);
  const Curve curve;
  auto* const scalar = number(hex(kSm2PrivateKey));
  auto* const public_key = curve.point();
  check(ippsGFpECPublicKey(scalar, public_key, curve.group, curve.scratch), "ippsGFpECPublicKey");
  add_signatures(peer, curve, scalar, public_key);
  add_encryption(peer, curve, scalar, public_key);
  add_key_generation(peer, curve, scalar);
  return peer.finish();
}

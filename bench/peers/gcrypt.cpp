// SPDX-License-Identifier: Apache-2.0
#include <gcrypt.h>

#include "peers/peer.h"

namespace {

using namespace cipherdeck::peers;

Prepare cipher(gcry_cipher_modes mode, bool is_encryption) {
  return [mode, is_encryption](Batch& batch) -> Run {
    gcry_cipher_hd_t handle = nullptr;
    require(gcry_cipher_open(&handle, GCRY_CIPHER_SM4, mode, 0) == 0, "gcry_cipher_open");
    Message& m = batch.messages.front();
    Octets key = m.key;
    if (mode == GCRY_CIPHER_MODE_XTS) {
      key.insert(key.end(), m.tweak_key.begin(), m.tweak_key.end());
    }
    require(gcry_cipher_setkey(handle, key.data(), key.size()) == 0, "gcry_cipher_setkey");
    return [=, &m] {
      if (mode == GCRY_CIPHER_MODE_CTR) {
        gcry_cipher_setctr(handle, m.iv.data(), m.iv.size());
      } else if (mode != GCRY_CIPHER_MODE_ECB) {
        gcry_cipher_setiv(handle, m.iv.data(), m.iv.size());
      }
      if (!m.aad.empty()) gcry_cipher_authenticate(handle, m.aad.data(), m.aad.size());
      const auto work = is_encryption ? gcry_cipher_encrypt : gcry_cipher_decrypt;
      work(handle, m.out.data(), m.out.size(), m.in.data(), m.in.size());
      if (mode == GCRY_CIPHER_MODE_GCM) gcry_cipher_gettag(handle, m.tag.data(), m.tag.size());
    };
  };
}

Run hash(Batch& batch) {
  Message& m = batch.messages.front();
  return [&m] { gcry_md_hash_buffer(GCRY_MD_SM3, m.out.data(), m.in.data(), m.in.size()); };
}

// An S-expression, freed with it.
class Expression {
 public:
  Expression() = default;
  template <typename... Arguments>
  explicit Expression(const char* format, Arguments... arguments) {
    require(gcry_sexp_build(&m_value, nullptr, format, arguments...) == 0, format);
  }
  Expression(const Expression&) = delete;
  Expression& operator=(const Expression&) = delete;
  ~Expression() { gcry_sexp_release(m_value); }
  [[nodiscard]] gcry_sexp_t get() const { return m_value; }
  gcry_sexp_t* put() { return &m_value; }

 private:
  gcry_sexp_t m_value = nullptr;
};

struct Keys {
  Expression public_key, private_key;
};

const char* data(const Octets& octets) { return reinterpret_cast<const char*>(octets.data()); }
int len(const Octets& octets) { return static_cast<int>(octets.size()); }

Octets point(std::string_view x, std::string_view y) {
  return hex("04" + std::string(x) + std::string(y));
}

void add_signatures(Peer& peer, gcry_sexp_t public_key, gcry_sexp_t private_key) {
  const Octets e = hex(kSm2E), r = hex(kSm2R), s = hex(kSm2S), wrong = altered(s);
  const Expression digest("(data (flags sm2) (hash sm3 %b))", len(e), data(e));
  const Expression known("(sig-val (sm2 (r %b)(s %b)))", len(r), data(r), len(s), data(s));
  const Expression bad("(sig-val (sm2 (r %b)(s %b)))", len(r), data(r), len(wrong), data(wrong));
  const auto verify = [&](const Expression& signature) {
    return gcry_pk_verify(signature.get(), digest.get(), public_key) == 0;
  };
  const auto sign = [&](Expression& signature) {
    return gcry_pk_sign(signature.put(), digest.get(), private_key) == 0;
  };
  const auto verifies = [&] { return verify(known) && !verify(bad); };
  const auto signs = [&] {
    Expression signature;
    return verifies() && sign(signature) && verify(signature);
  };
  peer.add_operation("sm2-sign", 1, signs, [&] {
    Expression signature;
    sign(signature);
  });
  peer.add_operation("sm2-verify", 1, verifies, [&] { verify(known); });
}

void add_encryption(Peer& peer, gcry_sexp_t public_key, gcry_sexp_t private_key) {
  const Octets c1 = point(kSm2CipherX, kSm2CipherY), c3 = hex(kSm2C3), c2 = hex(kSm2C2);
  const Expression known("(enc-val (flags sm2) (sm2 (a %b)(b %b)(c %b)))", len(c1), data(c1),
                         len(c3), data(c3), len(c2), data(c2));
  const Octets plaintext = some_octets(32);
  const Expression value("(data (flags sm2) (hash-algo sm3) (value %b))", len(plaintext),
                         data(plaintext));
  const auto decrypt = [&](const Expression& ciphertext) -> Octets {
    Expression decrypted;
    if (gcry_pk_decrypt(decrypted.put(), ciphertext.get(), private_key) != 0) return {};
    gcry_sexp_t found = gcry_sexp_find_token(decrypted.get(), "value", 0);
    std::size_t found_len = 0;
    const char* const octets = gcry_sexp_nth_data(found != nullptr ? found : decrypted.get(),
                                                  found != nullptr ? 1 : 0, &found_len);
    Octets result(octets, octets + found_len);
    gcry_sexp_release(found);
    return result;
  };
  Expression own;
  require(gcry_pk_encrypt(own.put(), value.get(), public_key) == 0, "gcry_pk_encrypt");
  const auto is_right = [&] {
    Expression ciphertext;
    return decrypt(known) == ascii(kSm2Plaintext) &&
           gcry_pk_encrypt(ciphertext.put(), value.get(), public_key) == 0 &&
           decrypt(ciphertext) == plaintext;
  };
  peer.add_operation("sm2-encrypt", 1, is_right, [&] {
    Expression ciphertext;
    gcry_pk_encrypt(ciphertext.put(), value.get(), public_key);
  });
  peer.add_operation("sm2-decrypt", 1, is_right, [&] {
    Expression decrypted;
    gcry_pk_decrypt(decrypted.put(), own.get(), private_key);
  });
}

void add_key_generation(Peer& peer) {
  const Expression parameters("(genkey (ecc (curve sm2p256v1)))");
  const auto generate = [&](Expression& pair) {
    return gcry_pk_genkey(pair.put(), parameters.get()) == 0;
  };
  const auto is_right = [&] {
    Expression pair, private_key;
    if (!generate(pair)) return false;
    *private_key.put() = gcry_sexp_find_token(pair.get(), "private-key", 0);
    return gcry_pk_testkey(private_key.get()) == 0;
  };
  peer.add_operation("sm2-keygen", 1, is_right, [&] {
    Expression another;
    generate(another);
  });
}

}  // namespace

int main(int argc, char** argv) {
  Peer peer(argc, argv, "libgcrypt " + std::string(gcry_check_version(nullptr)));
  gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
  gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
  peer.add("sm4-ecb", 1, cipher(GCRY_CIPHER_MODE_ECB, true));
  peer.add("sm4-cbc-enc", 1, cipher(GCRY_CIPHER_MODE_CBC, true));
  peer.add("sm4-cbc-dec", 1, cipher(GCRY_CIPHER_MODE_CBC, false));
  peer.add("sm4-ctr", 1, cipher(GCRY_CIPHER_MODE_CTR, true));
  peer.add("sm4-gcm", 1, cipher(GCRY_CIPHER_MODE_GCM, true));
  peer.add("sm4-xts", 1, cipher(GCRY_CIPHER_MODE_XTS, true));
  peer.add("sm3", 1, hash);
  const Octets q = point(kSm2X, kSm2Y), d = hex(kSm2PrivateKey);
  const Expression public_key("(public-key (ecc (curve sm2p256v1)(q %b)))", len(q), data(q));
  const Expression private_key("(private-key (ecc (curve sm2p256v1)(q %b)(d %b)))", len(q), data(q),
                               len(d), data(d));
  add_signatures(peer, public_key.get(), private_key.get());
  add_encryption(peer, public_key.get(), private_key.get());
  add_key_generation(peer);
  return peer.finish();
}

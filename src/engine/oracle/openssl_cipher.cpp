// SPDX-License-Identifier: Apache-2.0
#include "engine/oracle/openssl_oracle.h"

#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/modes.h>

#include <algorithm>
#include <stdexcept>

namespace cipherdeck::engine::oracle {
namespace {

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string("OpenSSL: ") + what);
}

struct CipherFree {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, CipherFree>;

const EVP_CIPHER* cipher_of(CipherMode mode) {
  switch (mode) {
    case CipherMode::ecb:
      return EVP_sm4_ecb();
    case CipherMode::cbc:
      return EVP_sm4_cbc();
    case CipherMode::cfb:
      return EVP_sm4_cfb128();
    case CipherMode::ofb:
      return EVP_sm4_ofb();
    case CipherMode::ctr:
      return EVP_sm4_ctr();
    default:
      throw std::runtime_error("no such mode");
  }
}

CipherContext make_context(CipherMode mode, Direction direction, Bytes key,
                           const std::uint8_t* iv) {
  CipherContext context(EVP_CIPHER_CTX_new());
  require(EVP_CipherInit_ex(context.get(), cipher_of(mode), nullptr, key.data(), iv,
                            direction == Direction::encrypt) == 1,
          "EVP_CipherInit_ex");
  EVP_CIPHER_CTX_set_padding(context.get(), 0);
  return context;
}

// The block functions that OpenSSL's generic modes call: `key` is a context in ECB.
void block(const unsigned char in[16], unsigned char out[16], const void* key) {
  int len = 16;
  EVP_CipherUpdate(static_cast<EVP_CIPHER_CTX*>(const_cast<void*>(key)), out, &len, in, 16);
}

}  // namespace

Result<void> TestRandom::fill(MutableBytes out) {
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(m_generator() >> 32);
  return {};
}

Buffer TestRandom::bytes(std::size_t len) {
  Buffer out(len);
  (void)fill(out);
  return out;
}

std::size_t TestRandom::below(std::size_t bound) { return m_generator() % bound; }

Result<void> ScriptedRandom::fill(MutableBytes out) {
  if (m_num_used == m_script.size() || m_script[m_num_used].size() != out.size()) {
    std::ranges::fill(out, std::uint8_t{0});
    return Error::random_failed;
  }
  std::ranges::copy(m_script[m_num_used++], out.begin());
  return {};
}

Buffer sm3(Bytes data) {
  Buffer digest(32);
  require(EVP_Digest(data.data(), data.size(), digest.data(), nullptr, EVP_sm3(), nullptr) == 1,
          "EVP_Digest");
  return digest;
}

Buffer hmac_sm3(Bytes key, Bytes data) {
  Buffer mac(32);
  unsigned int len = 0;
  static const std::uint8_t kEmpty = 0;
  require(HMAC(EVP_sm3(), key.empty() ? &kEmpty : key.data(), static_cast<int>(key.size()),
               data.data(), data.size(), mac.data(), &len) != nullptr,
          "HMAC");
  return mac;
}

Buffer sm4(CipherMode mode, Direction direction, Bytes key, Buffer& iv, Bytes data) {
  const CipherContext context = make_context(mode, direction, key, iv.data());
  Buffer out(data.size() + 16);
  int len = 0;
  require(EVP_CipherUpdate(context.get(), out.data(), &len, data.data(),
                           static_cast<int>(data.size())) == 1,
          "EVP_CipherUpdate");
  require(static_cast<std::size_t>(len) == data.size(), "short output");
  out.resize(data.size());
  if (mode != CipherMode::ecb && data.size() % 16 == 0) {
    require(EVP_CIPHER_CTX_get_updated_iv(context.get(), iv.data(), iv.size()) == 1, "updated iv");
  }
  return out;
}

namespace {

// The tweak times x, byte by byte.
Buffer advance(modes::XtsOrder order, Buffer tweak) {
  const bool is_gb = order == modes::XtsOrder::gbt17964;
  int carry = 0;
  for (std::uint8_t& byte : tweak) {
    const int old = byte;
    byte = static_cast<std::uint8_t>(is_gb ? (old >> 1) | (carry << 7) : (old << 1) | carry);
    carry = is_gb ? old & 1 : old >> 7;
  }
  if (carry != 0) tweak[0] ^= is_gb ? 0xe1 : 0x87;
  return tweak;
}

}  // namespace

Buffer sm4_xts(modes::XtsOrder order, Direction direction, Bytes key, Bytes tweak_key, Bytes tweak,
               Bytes data) {
  const CipherContext data_cipher = make_context(CipherMode::ecb, direction, key, nullptr);
  const CipherContext tweak_cipher =
      make_context(CipherMode::ecb, Direction::encrypt, tweak_key, nullptr);
  Buffer t(16), out(data.begin(), data.end());
  block(tweak.data(), t.data(), tweak_cipher.get());
  const auto crypt = [&](std::size_t at, const Buffer& mask) {
    Buffer in(16), result(16);
    for (std::size_t i = 0; i < 16; ++i) in[i] = out[at + i] ^ mask[i];
    block(in.data(), result.data(), data_cipher.get());
    for (std::size_t i = 0; i < 16; ++i) out[at + i] = result[i] ^ mask[i];
  };
  const std::size_t tail = data.size() % 16;
  const std::size_t full = data.size() - tail - (tail != 0 ? 16 : 0);
  for (std::size_t i = 0; i < full; i += 16, t = advance(order, t)) crypt(i, t);
  if (tail == 0) return out;
  const Buffer next = advance(order, t);
  crypt(full, direction == Direction::encrypt ? t : next);
  std::swap_ranges(out.begin() + full, out.begin() + full + tail, out.begin() + full + 16);
  crypt(full, direction == Direction::encrypt ? next : t);
  return out;
}

namespace {

Buffer gcm_encrypt(const CipherContext& cipher, Bytes nonce, Bytes aad, Bytes data,
                   std::size_t tag_len) {
  GCM128_CONTEXT* gcm = CRYPTO_gcm128_new(cipher.get(), block);
  Buffer out(data.size() + tag_len);
  CRYPTO_gcm128_setiv(gcm, nonce.data(), nonce.size());
  bool is_good = CRYPTO_gcm128_aad(gcm, aad.data(), aad.size()) == 0;
  is_good &= CRYPTO_gcm128_encrypt(gcm, data.data(), out.data(), data.size()) == 0;
  CRYPTO_gcm128_tag(gcm, out.data() + data.size(), tag_len);
  CRYPTO_gcm128_release(gcm);
  require(is_good, "gcm128");
  return out;
}

struct CcmFree {
  void operator()(CCM128_CONTEXT* context) const { ::operator delete(context); }
};

Buffer ccm_encrypt(const CipherContext& cipher, Bytes nonce, Bytes aad, Bytes data,
                   std::size_t tag_len) {
  // The context is opaque, and there is no function that allocates one; it is well below 1 KiB.
  std::unique_ptr<CCM128_CONTEXT, CcmFree> ccm(static_cast<CCM128_CONTEXT*>(::operator new(1024)));
  CRYPTO_ccm128_init(ccm.get(), static_cast<unsigned>(tag_len),
                     static_cast<unsigned>(15 - nonce.size()), cipher.get(), block);
  Buffer out(data.size() + tag_len);
  bool is_good = CRYPTO_ccm128_setiv(ccm.get(), nonce.data(), nonce.size(), data.size()) == 0;
  if (!aad.empty()) CRYPTO_ccm128_aad(ccm.get(), aad.data(), aad.size());
  is_good &= CRYPTO_ccm128_encrypt(ccm.get(), data.data(), out.data(), data.size()) == 0;
  is_good &= CRYPTO_ccm128_tag(ccm.get(), out.data() + data.size(), tag_len) == tag_len;
  require(is_good, "ccm128");
  return out;
}

}  // namespace

Buffer sm4_aead_encrypt(AeadMode mode, Bytes key, Bytes nonce, Bytes aad, Bytes data,
                        std::size_t tag_len) {
  const CipherContext cipher = make_context(CipherMode::ecb, Direction::encrypt, key, nullptr);
  return (mode == AeadMode::gcm ? gcm_encrypt : ccm_encrypt)(cipher, nonce, aad, data, tag_len);
}

}  // namespace cipherdeck::engine::oracle

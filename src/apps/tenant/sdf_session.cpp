// SPDX-License-Identifier: Apache-2.0
#include "apps/tenant/sdf_session.h"

#include <algorithm>
#include <cstdio>

namespace cipherdeck::tenant {
namespace {

constexpr std::size_t kScalarLen = 32;

void check(const char* call, int code) {
  if (code != SDR_OK) throw SdfError(call, code);
}

/// The API takes input by pointers that are not const; it does not write there.
unsigned char* in(View view) { return const_cast<unsigned char*>(view.data()); }

unsigned len(View view) { return static_cast<unsigned>(view.size()); }

/// The last 32 bytes of a field of 64.
template <std::size_t N>
std::span<const std::uint8_t> low_part(const unsigned char (&field)[N]) {
  return std::span<const std::uint8_t>(field).last(kScalarLen);
}

ECCSignature to_sdf(View signature) {
  ECCSignature sdf{};
  if (signature.size() != 2 * kScalarLen) throw std::invalid_argument("signature of wrong length");
  std::copy_n(signature.begin(), kScalarLen, sdf.r + sizeof sdf.r - kScalarLen);
  std::copy_n(signature.begin() + kScalarLen, kScalarLen, sdf.s + sizeof sdf.s - kScalarLen);
  return sdf;
}

ECCrefPublicKey to_sdf(const PublicKey& key) {
  ECCrefPublicKey sdf{};
  sdf.bits = 256;
  std::copy_n(key.xy.begin(), kScalarLen, sdf.x + sizeof sdf.x - kScalarLen);
  std::copy_n(key.xy.begin() + kScalarLen, kScalarLen, sdf.y + sizeof sdf.y - kScalarLen);
  return sdf;
}

}  // namespace

std::string code_name(int code) {
  constexpr const char* kNames[] = {
      "SDR_OK",          "SDR_UNKNOWERR",     "SDR_NOTSUPPORT",       "SDR_COMMFAIL",
      "SDR_HARDFAIL",    "SDR_OPENDEVICE",    "SDR_OPENSESSION",      "SDR_PARDENY",
      "SDR_KEYNOTEXIST", "SDR_ALGNOTSUPPORT", "SDR_ALGMODNOTSUPPORT", "SDR_PKOPERR",
      "SDR_SKOPERR",     "SDR_SIGNERR",       "SDR_VERIFYERR",        "SDR_SYMOPERR",
      "SDR_STEPERR",     "SDR_FILESIZEERR",   "SDR_FILENOEXIST",      "SDR_FILEOFSERR",
      "SDR_KEYTYPEERR",  "SDR_KEYERR",        "SDR_ENCDATAERR",       "SDR_RANDERR",
      "SDR_PRKRERR",     "SDR_MACERR",        "SDR_FILEEXISTS",       "SDR_FILEWERR",
      "SDR_NOBUFFER",    "SDR_INARGERR",      "SDR_OUTARGERR",        "SDR_USERIDERR"};
  char number[16];
  std::snprintf(number, sizeof number, "0x%08x", static_cast<unsigned>(code));
  const int offset = code == SDR_OK ? 0 : code - SDR_BASE;
  const bool known = offset >= 0 && offset < static_cast<int>(std::size(kNames));
  return std::string(known ? kNames[offset] : "an unknown code") + " (" + number + ")";
}

SdfSession::SdfSession() {
  check("SDF_OpenDevice", SDF_OpenDevice(&m_device));
  if (const int code = SDF_OpenSession(m_device, &m_session); code != SDR_OK) {
    SDF_CloseDevice(m_device);
    throw SdfError("SDF_OpenSession", code);
  }
}

SdfSession::~SdfSession() {
  SDF_CloseSession(m_session);
  SDF_CloseDevice(m_device);
}

DEVICEINFO SdfSession::device_info() {
  DEVICEINFO info{};
  check("SDF_GetDeviceInfo", SDF_GetDeviceInfo(m_session, &info));
  return info;
}

void SdfSession::random(std::span<std::uint8_t> out) {
  check("SDF_GenerateRandom", SDF_GenerateRandom(m_session, len(out), out.data()));
}

void SdfSession::get_access_right(unsigned index, const std::string& access_code) {
  std::string copy = access_code;
  const int code =
      SDF_GetPrivateKeyAccessRight(m_session, index, reinterpret_cast<unsigned char*>(copy.data()),
                                   static_cast<unsigned>(copy.size()));
  std::fill(copy.begin(), copy.end(), '\0');
  check("SDF_GetPrivateKeyAccessRight", code);
}

PublicKey SdfSession::sign_public_key(unsigned index) {
  ECCrefPublicKey sdf{};
  check("SDF_ExportSignPublicKey_ECC", SDF_ExportSignPublicKey_ECC(m_session, index, &sdf));
  PublicKey key;
  const auto y = std::copy_n(low_part(sdf.x).begin(), kScalarLen, key.xy.begin());
  std::copy_n(low_part(sdf.y).begin(), kScalarLen, y);
  return key;
}

Buffer SdfSession::sign(unsigned index, View e) {
  ECCSignature sdf{};
  check("SDF_InternalSign_ECC", SDF_InternalSign_ECC(m_session, index, in(e), len(e), &sdf));
  Buffer signature(low_part(sdf.r).begin(), low_part(sdf.r).end());
  signature.insert(signature.end(), low_part(sdf.s).begin(), low_part(sdf.s).end());
  return signature;
}

void SdfSession::verify(unsigned index, View e, View signature) {
  ECCSignature sdf = to_sdf(signature);
  check("SDF_InternalVerify_ECC", SDF_InternalVerify_ECC(m_session, index, in(e), len(e), &sdf));
}

void SdfSession::hash_init(const PublicKey* public_key, const std::string& id) {
  ECCrefPublicKey sdf{};
  if (public_key != nullptr) sdf = to_sdf(*public_key);
  std::string copy = id;
  check("SDF_HashInit",
        SDF_HashInit(m_session, SGD_SM3, public_key == nullptr ? nullptr : &sdf,
                     copy.empty() ? nullptr : reinterpret_cast<unsigned char*>(copy.data()),
                     static_cast<unsigned>(copy.size())));
}

void SdfSession::hash_update(View data) {
  check("SDF_HashUpdate", SDF_HashUpdate(m_session, in(data), len(data)));
}

Buffer SdfSession::hash_final() {
  Buffer digest(32);
  auto digest_len = static_cast<unsigned>(digest.size());
  check("SDF_HashFinal", SDF_HashFinal(m_session, digest.data(), &digest_len));
  digest.resize(digest_len);
  return digest;
}

void* SdfSession::import_key(View key) {
  void* handle = nullptr;
  check("SDF_ImportKey", SDF_ImportKey(m_session, in(key), len(key), &handle));
  return handle;
}

Buffer SdfSession::cbc_encrypt(void* key, std::span<std::uint8_t, 16> iv, View data) {
  Buffer output(data.size());
  unsigned output_len = len(output);
  check("SDF_Encrypt", SDF_Encrypt(m_session, key, SGD_SM4_CBC, iv.data(), in(data), len(data),
                                   output.data(), &output_len));
  output.resize(output_len);
  return output;
}

Buffer SdfSession::cbc_decrypt(void* key, std::span<std::uint8_t, 16> iv, View data) {
  Buffer output(data.size());
  unsigned output_len = len(output);
  check("SDF_Decrypt", SDF_Decrypt(m_session, key, SGD_SM4_CBC, iv.data(), in(data), len(data),
                                   output.data(), &output_len));
  output.resize(output_len);
  return output;
}

Sealed SdfSession::gcm_encrypt(void* key, View nonce, View aad, View data) {
  Sealed sealed;
  sealed.ciphertext.resize(data.size());
  unsigned ciphertext_len = len(sealed.ciphertext);
  auto tag_len = static_cast<unsigned>(sealed.tag.size());
  check("SDF_AuthEnc", SDF_AuthEnc(m_session, key, SGD_SM4_GCM, in(nonce), len(nonce), in(aad),
                                   len(aad), in(data), len(data), sealed.ciphertext.data(),
                                   &ciphertext_len, sealed.tag.data(), &tag_len));
  if (ciphertext_len != data.size() || tag_len != sealed.tag.size()) {
    throw std::runtime_error("SDF_AuthEnc returned lengths that cannot be");
  }
  return sealed;
}

Buffer SdfSession::gcm_decrypt(void* key, View nonce, View aad, const Sealed& sealed) {
  Buffer output(sealed.ciphertext.size());
  unsigned output_len = len(output);
  check("SDF_AuthDec", SDF_AuthDec(m_session, key, SGD_SM4_GCM, in(nonce), len(nonce), in(aad),
                                   len(aad), in(sealed.tag), len(sealed.tag), in(sealed.ciphertext),
                                   len(sealed.ciphertext), output.data(), &output_len));
  output.resize(output_len);
  return output;
}

}  // namespace cipherdeck::tenant

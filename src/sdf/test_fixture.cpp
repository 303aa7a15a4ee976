// SPDX-License-Identifier: Apache-2.0
#include "sdf/test_fixture.h"

#include <temporary_directory.h>
#include <cstring>

namespace cipherdeck::sdf::testing {
namespace {

std::unique_ptr<test::TemporaryDirectory> g_directory;
std::unique_ptr<ServerProcess> g_server;

}  // namespace

const std::filesystem::path& server_directory() {
  if (!g_directory) g_directory = std::make_unique<test::TemporaryDirectory>();
  return g_directory->path();
}

ServerProcess& server() {
  if (!g_server) {
    g_server = std::make_unique<ServerProcess>(server_directory());
    setenv("CIPHERDECK_DEVICE", ("unix:" + server_directory().string() + "/vf*.sock").c_str(), 1);
  }
  return *g_server;
}

void stop_server() {
  g_server.reset();
  g_directory.reset();
}

Buffer pattern(std::size_t len, unsigned start) {
  Buffer bytes(len);
  for (std::size_t i = 0; i < len; ++i) bytes[i] = static_cast<std::uint8_t>((i + start) % 251);
  return bytes;
}

Buffer to_bytes(const ECCrefPublicKey& key) {
  EXPECT_EQ(key.bits, 256u);
  EXPECT_EQ(Buffer(key.x, key.x + 32), Buffer(32));
  EXPECT_EQ(Buffer(key.y, key.y + 32), Buffer(32));
  Buffer bytes(key.x + 32, key.x + 64);
  bytes.insert(bytes.end(), key.y + 32, key.y + 64);
  return bytes;
}

Buffer to_bytes(const ECCSignature& signature) {
  EXPECT_EQ(Buffer(signature.r, signature.r + 32), Buffer(32));
  EXPECT_EQ(Buffer(signature.s, signature.s + 32), Buffer(32));
  Buffer bytes(signature.r + 32, signature.r + 64);
  bytes.insert(bytes.end(), signature.s + 32, signature.s + 64);
  return bytes;
}

ECCrefPublicKey to_public_key(Bytes bytes) {
  ECCrefPublicKey key{};
  key.bits = 256;
  std::memcpy(key.x + 32, bytes.data(), 32);
  std::memcpy(key.y + 32, bytes.data() + 32, 32);
  return key;
}

ECCSignature to_signature_struct(Bytes bytes) {
  ECCSignature signature{};
  std::memcpy(signature.r + 32, bytes.data(), 32);
  std::memcpy(signature.s + 32, bytes.data() + 32, 32);
  return signature;
}

CipherBuffer::CipherBuffer(const Buffer& wire) : CipherBuffer(wire.size() - 96) {
  std::memset(m_bytes.data(), 0, 128);
  std::memcpy(get()->x + 32, wire.data(), 32);
  std::memcpy(get()->y + 32, wire.data() + 32, 32);
  std::memcpy(get()->M, wire.data() + 64, 32);
  get()->L = static_cast<unsigned int>(wire.size() - 96);
  std::memcpy(m_bytes.data() + 164, wire.data() + 96, wire.size() - 96);
}

Buffer CipherBuffer::wire() {
  EXPECT_EQ(get()->L, m_len);
  EXPECT_EQ(Buffer(m_bytes.end() - kGuard, m_bytes.end()), Buffer(kGuard, 0xa5));
  EXPECT_EQ(Buffer(get()->x, get()->x + 32), Buffer(32));
  Buffer wire(get()->x + 32, get()->x + 64);
  wire.insert(wire.end(), get()->y + 32, get()->y + 64);
  wire.insert(wire.end(), get()->M, get()->M + 32);
  wire.insert(wire.end(), m_bytes.begin() + 164,
              m_bytes.begin() + 164 + static_cast<std::ptrdiff_t>(m_len));
  return wire;
}

Peer::Peer() {
  static engine::oracle::TestRandom random(20);
  private_key = random.bytes(32);
  private_key[0] &= 0x7f;
  public_key = engine::oracle::sm2_multiply(engine::oracle::number(private_key).get(), nullptr);
  sm2 = std::make_unique<engine::oracle::Sm2Peer>(private_key, public_key);
}

engine::oracle::Sm2Peer public_only(const ECCrefPublicKey& key) {
  Buffer one(32);
  one[31] = 1;
  return {one, to_bytes(key)};
}

void SdfTest::SetUp() {
  server();
  ASSERT_EQ(SDF_OpenDevice(&m_device), SDR_OK);
  ASSERT_EQ(SDF_OpenSession(m_device, &m_session), SDR_OK);
}

void SdfTest::TearDown() {
  if (m_session != nullptr) {
    EXPECT_EQ(SDF_CloseSession(m_session), SDR_OK);
  }
  if (m_device != nullptr) {
    EXPECT_EQ(SDF_CloseDevice(m_device), SDR_OK);
  }
}

void SdfTest::get_right(unsigned int index, void* session) {
  const std::string_view text = access_code(index);
  Buffer code(text.begin(), text.end());
  ASSERT_EQ(SDF_GetPrivateKeyAccessRight(session == nullptr ? m_session : session, index,
                                         code.data(), static_cast<unsigned int>(code.size())),
            SDR_OK);
}

void* SdfTest::import(const Buffer& key) {
  void* handle = nullptr;
  EXPECT_EQ(SDF_ImportKey(m_session, const_cast<unsigned char*>(key.data()),
                          static_cast<unsigned int>(key.size()), &handle),
            SDR_OK);
  return handle;
}

Buffer SdfTest::encrypt(void* key, unsigned int algorithm, Buffer iv, const Buffer& data) {
  Buffer out(data.size());
  auto len = static_cast<unsigned int>(out.size());
  EXPECT_EQ(
      SDF_Encrypt(m_session, key, algorithm, iv.data(), const_cast<unsigned char*>(data.data()),
                  static_cast<unsigned int>(data.size()), out.data(), &len),
      SDR_OK);
  EXPECT_EQ(len, data.size());
  return out;
}

}  // namespace cipherdeck::sdf::testing

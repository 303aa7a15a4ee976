// SPDX-License-Identifier: Apache-2.0
// ZUC through the card, against the standard's vectors and the engine.
#include "sdf/test_fixture.h"

#include <vector_file.h>

#include "engine/zuc/zuc.h"

namespace cipherdeck::sdf::testing {
namespace {

using engine::ZucMessage;

unsigned int len_of(const Buffer& buffer) { return static_cast<unsigned int>(buffer.size()); }

ZucMessage message_of(test::Vector& vector) {
  return {load_be32(vector.bytes("count").data()),
          static_cast<std::uint8_t>(vector.number("bearer")),
          static_cast<std::uint8_t>(vector.number("direction")),
          static_cast<std::uint8_t>(vector.number("unused_bits"))};
}

class SdfZuc : public SdfTest {
 protected:
  int crypt(void* key, engine::ZucIv iv, Buffer& data) {
    unsigned int len = len_of(data);
    return SDF_Encrypt(m_session, key, SGD_ZUC_EEA3, iv.data(), data.data(), len_of(data),
                       data.data(), &len);
  }
  int mac(Buffer& out, void* key, engine::ZucIv iv, Buffer data) {
    out.assign(4, 0);
    unsigned int len = 4;
    return SDF_CalculateMAC(m_session, key, SGD_ZUC_EIA3, iv.data(), data.data(), len_of(data),
                            out.data(), &len);
  }
};

TEST_F(SdfZuc, Eea3Vectors) {
  test::for_each_vector("zuc_eea3.txt", [this](test::Vector& vector) {
    void* const key = import(vector.bytes("key"));
    const auto iv = engine::eea3_iv(message_of(vector));
    const Buffer input = vector.bytes("input"), output = vector.bytes("output");
    Buffer data = input;
    ASSERT_EQ(crypt(key, iv, data), SDR_OK);
    EXPECT_EQ(data, output);
    engine::ZucIv again = iv;
    unsigned int len = 0;
    ASSERT_EQ(SDF_Decrypt(m_session, key, SGD_ZUC_EEA3, again.data(), data.data(), len_of(data),
                          data.data(), &len),
              SDR_OK);
    EXPECT_EQ(data, input);
    EXPECT_EQ(again, iv) << "the IV stays as it is";
  });
}

TEST_F(SdfZuc, Eia3Vectors) {
  test::for_each_vector("zuc_eia3.txt", [this](test::Vector& vector) {
    void* const key = import(vector.bytes("key"));
    Buffer tag;
    const auto iv = engine::eia3_iv(message_of(vector));
    ASSERT_EQ(mac(tag, key, iv, vector.bytes("message")), SDR_OK);
    EXPECT_EQ(tag, vector.bytes("mac"));
  });
}

// The card does them in slices.
TEST_F(SdfZuc, LongMessagesAgreeWithTheEngine) {
  const Buffer key_bytes = pattern(16, 5);
  const auto key = std::span(key_bytes).first<engine::kZucKeyLen>();
  void* const handle = import(key_bytes);
  const ZucMessage message{77, 3, 1, 4};
  const Buffer input = pattern(900001);
  Buffer data = input, expected = input;
  ASSERT_EQ(crypt(handle, engine::eea3_iv(message), data), SDR_OK);
  engine::ZucEea3(key, message).crypt(expected.data(), expected.data(), expected.size(), true);
  EXPECT_TRUE(data == expected);
  Buffer tag;
  ASSERT_EQ(mac(tag, handle, engine::eia3_iv(message), input), SDR_OK);
  engine::ZucEia3 eia3(key, message);
  eia3.update(input);
  const auto expected_tag = eia3.finish();
  EXPECT_EQ(tag, Buffer(expected_tag.begin(), expected_tag.end()));
}

TEST_F(SdfZuc, ArgumentsAreChecked) {
  void* const key = import(pattern(16));
  Buffer data = pattern(20), tag, long_data(3 << 20);
  EXPECT_EQ(crypt(key, engine::ZucIv{1}, data), SDR_INARGERR) << "no parameters make this IV";
  EXPECT_EQ(mac(tag, key, engine::ZucIv{1}, data), SDR_INARGERR);
  EXPECT_EQ(crypt(key, {}, long_data), SDR_INARGERR) << "longer than one command";
  EXPECT_EQ(crypt(import(pattern(32)), {}, data), SDR_KEYTYPEERR);
  unsigned int len = 3;
  engine::ZucIv iv{};
  EXPECT_EQ(
      SDF_CalculateMAC(m_session, key, SGD_ZUC_EIA3, iv.data(), data.data(), 20, tag.data(), &len),
      SDR_NOBUFFER);
  EXPECT_EQ(len, 4u);
  EXPECT_EQ(
      SDF_CalculateMAC(m_session, key, SGD_ZUC_EEA3, iv.data(), data.data(), 20, tag.data(), &len),
      SDR_ALGNOTSUPPORT);
}

TEST_F(SdfZuc, DeviceInfoTells) {
  DEVICEINFO info;
  ASSERT_EQ(SDF_GetDeviceInfo(m_session, &info), SDR_OK);
  EXPECT_NE(info.SymAlgAbility & 0x800u, 0u);
}

}  // namespace
}  // namespace cipherdeck::sdf::testing

// SPDX-License-Identifier: Apache-2.0
// A message in parts is the same message: against the engine's own calls for whole messages, which
// are tested against vectors and OpenSSL.
#include "engine/aead_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace cipherdeck::engine {
namespace {

using Buffer = std::vector<std::uint8_t>;

Buffer pattern(std::size_t len, unsigned start) {
  Buffer bytes(len);
  for (std::size_t i = 0; i < len; ++i) bytes[i] = static_cast<std::uint8_t>((start + 7 * i) % 251);
  return bytes;
}

struct Case {
  AeadMode mode;
  std::size_t nonce_len, aad_len, len, tag_len, part;
};

class AeadStreamTest : public testing::TestWithParam<Case> {
 protected:
  [[nodiscard]] Buffer whole(Buffer& tag) const {
    const Case& c = GetParam();
    Buffer output(c.len);
    AeadJob job{.key = &m_key,
                .mode = c.mode,
                .nonce = m_nonce,
                .aad = m_aad,
                .input = m_data.data(),
                .output = output.data(),
                .len = c.len,
                .tag = tag.data(),
                .tag_len = c.tag_len};
    run(std::span(&job, 1));
    EXPECT_TRUE(job.result);
    return output;
  }

  [[nodiscard]] std::unique_ptr<AeadStream> begin(Direction direction,
                                                  bool knows_len = true) const {
    const Case& c = GetParam();
    const auto len = knows_len ? std::optional<std::uint64_t>(c.len) : std::nullopt;
    auto begun = AeadStream::begin(c.mode, direction, m_key, m_nonce, m_aad, len, c.tag_len);
    EXPECT_TRUE(begun);
    return begun ? std::move(*begun) : nullptr;
  }

  [[nodiscard]] Buffer in_parts(AeadStream& stream, const Buffer& input) const {
    Buffer output(input.size());
    for (std::size_t at = 0; at < input.size(); at += GetParam().part) {
      const std::size_t len = std::min(GetParam().part, input.size() - at);
      EXPECT_TRUE(stream.update(output.data() + at, Bytes(input).subspan(at, len)));
    }
    return output;
  }

  const Sm4Key m_key{std::span<const std::uint8_t, kSm4KeyLen>(pattern(16, 1))};
  const Buffer m_nonce = pattern(GetParam().nonce_len, 2);
  const Buffer m_aad = pattern(GetParam().aad_len, 3);
  const Buffer m_data = pattern(GetParam().len, 4);
};

TEST_P(AeadStreamTest, PartsGiveTheWhole) {
  Buffer expected_tag(GetParam().tag_len), tag(GetParam().tag_len);
  const Buffer expected = whole(expected_tag);
  const auto encryption = begin(Direction::encrypt);
  EXPECT_EQ(in_parts(*encryption, m_data), expected);
  ASSERT_TRUE(encryption->finish_encryption(tag));
  EXPECT_EQ(tag, expected_tag);

  const auto decryption = begin(Direction::decrypt);
  EXPECT_EQ(in_parts(*decryption, expected), m_data);
  EXPECT_TRUE(decryption->finish_decryption(tag));
}

TEST_P(AeadStreamTest, WrongTagIsFound) {
  Buffer tag(GetParam().tag_len);
  const Buffer sealed = whole(tag);
  tag.back() ^= 1;
  const auto decryption = begin(Direction::decrypt);
  EXPECT_EQ(in_parts(*decryption, sealed), m_data);
  EXPECT_EQ(decryption->finish_decryption(tag).error(), Error::mac_failed);
}

TEST_P(AeadStreamTest, LengthNeedNotBeKnownForGcm) {
  Buffer expected_tag(GetParam().tag_len), tag(GetParam().tag_len);
  const Buffer expected = whole(expected_tag);
  if (GetParam().mode == AeadMode::ccm) {
    EXPECT_FALSE(AeadStream::begin(AeadMode::ccm, Direction::encrypt, m_key, m_nonce, m_aad,
                                   std::nullopt, tag.size()));
    return;
  }
  const auto stream = begin(Direction::encrypt, false);
  EXPECT_EQ(in_parts(*stream, m_data), expected);
  ASSERT_TRUE(stream->finish_encryption(tag));
  EXPECT_EQ(tag, expected_tag);
}

TEST_P(AeadStreamTest, MissingAndExcessPartsAreErrors) {
  Buffer tag(GetParam().tag_len), output(GetParam().len + 16);
  const auto stream = begin(Direction::encrypt);
  if (!m_data.empty()) {
    EXPECT_EQ(stream->finish_encryption(tag).error(), Error::invalid_argument);
  }
  EXPECT_EQ(stream->update(output.data(), pattern(GetParam().len + 16, 0)).error(),
            Error::invalid_argument);
  if (GetParam().len > 16) {
    EXPECT_EQ(stream->update(output.data(), Bytes(m_data).first(15)).error(),
              Error::invalid_argument)
        << "not whole, nor the last";
  }
  EXPECT_EQ(stream->finish_decryption(tag).error(), Error::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(Messages, AeadStreamTest,
                         testing::Values(Case{AeadMode::gcm, 12, 0, 0, 16, 16},
                                         Case{AeadMode::gcm, 12, 20, 100, 16, 16},
                                         Case{AeadMode::gcm, 12, 33, 70000, 12, 4096},
                                         Case{AeadMode::gcm, 8, 16, 4096, 16, 1024},
                                         Case{AeadMode::ccm, 12, 0, 0, 16, 16},
                                         Case{AeadMode::ccm, 12, 5, 100, 16, 16},
                                         Case{AeadMode::ccm, 7, 70000, 333, 8, 32},
                                         Case{AeadMode::ccm, 13, 14, 65535, 4, 4096}));

TEST(AeadStream, LengthsAreChecked) {
  const Buffer bytes = pattern(32, 0);
  const Sm4Key key(Bytes(bytes).first<kSm4KeyLen>());
  const auto begin = [&](AeadMode mode, std::size_t nonce_len, std::uint64_t len,
                         std::size_t tag_len) {
    return AeadStream::begin(mode, Direction::encrypt, key, Bytes(bytes).first(nonce_len), {}, len,
                             tag_len)
        .status();
  };
  EXPECT_EQ(begin(AeadMode::gcm, 0, 1, 16), to_status(Error::invalid_argument));
  EXPECT_EQ(begin(AeadMode::gcm, 12, 1, 5), to_status(Error::invalid_argument));
  EXPECT_EQ(begin(AeadMode::ccm, 14, 1, 16), to_status(Error::invalid_argument));
  EXPECT_EQ(begin(AeadMode::ccm, 13, 65536, 16), to_status(Error::invalid_argument));
  EXPECT_EQ(begin(AeadMode::ccm, 13, 65535, 16), 0);
}

}  // namespace
}  // namespace cipherdeck::engine

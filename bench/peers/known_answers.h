// SPDX-License-Identifier: Apache-2.0
// What every peer must compute before it is timed: the answers of tests/vectors, where their
// sources are named.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace cipherdeck::peers {

using Octets = std::vector<std::uint8_t>;

inline Octets hex(std::string_view digits) {
  Octets octets;
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    octets.push_back(static_cast<std::uint8_t>(16 * value(digits[i]) + value(digits[i + 1])));
  }
  return octets;
}

inline Octets ascii(std::string_view text) { return {text.begin(), text.end()}; }

/// An answer of one mode of SM4. Decryption turns `ciphertext` into `plaintext`.
struct Sm4Answer {
  std::string_view algorithm, key, tweak_key, iv, aad, plaintext, ciphertext, tag;
  std::string_view other_ciphertext;  // XTS in the bit order of IEEE 1619
};

inline constexpr std::string_view kSm4Text =
    "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffffaaaaaaaabbbbbbbb";
inline constexpr std::string_view kSm4CbcText =
    "78ebb11cc40b0a48312aaeb2040244cb4cb7016951909226979b0d15dc6a8f6d";

inline constexpr Sm4Answer kSm4Answers[] = {
    {"sm4-ecb", "0123456789abcdeffedcba9876543210", "", "", "", kSm4Text,
     "5ec8143de509cff7b5179f8f474b86192f1d305a7fb17df985f81c8482192304", "", ""},
    {"sm4-cbc-enc", "0123456789abcdeffedcba9876543210", "", "000102030405060708090a0b0c0d0e0f", "",
     kSm4Text, kSm4CbcText, "", ""},
    {"sm4-cbc-dec", "0123456789abcdeffedcba9876543210", "", "000102030405060708090a0b0c0d0e0f", "",
     kSm4Text, kSm4CbcText, "", ""},
    {"sm4-ctr", "0123456789abcdeffedcba9876543210", "", "000102030405060708090a0b0c0d0e0f", "",
     "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
     "eeeeeeeeeeeeeeeeffffffffffffffffaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb",
     "ac3236cb970cc20791364c395a1342d1a3cbc1878c6f30cd074cce385cdd70c7"
     "f234bc0e24c11980fd1286310ce37b926e02fcd0faa0baf38b2933851d824514",
     "", ""},
    {"sm4-gcm", "0123456789abcdeffedcba9876543210", "", "00001234567800000000abcd",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
     "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
     "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
     "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
     "83de3541e4c2b58177e065a9bf7b62ec", ""},
    {"sm4-xts", "2b7e151628aed2a6abf7158809cf4f3c", "000102030405060708090a0b0c0d0e0f",
     "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "",
     "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
     "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17",
     "e9538251c71d7b80bbe4483fef497bd12c5c581bd6242fc51e08964fb4f60fdb"
     "0ba42f63499279213d318d2c11f6886e903be7f93a1b3479",
     "",
     "e9538251c71d7b80bbe4483fef497bd1b3db1a3e60408c575d63ff7db39f8326"
     "0869f9e2585fec9f0b863bf8fd784b8627d16c0db6d2cfc7"},
};

inline constexpr std::string_view kSm3Text = "abc";
inline constexpr std::string_view kSm3Digest =
    "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";

// GB/T 32918.5: the signature of `kSm2Message` by the key, and the encryption of `kSm2Plaintext`,
// both with the same nonce.
inline constexpr std::string_view kSm2PrivateKey =
    "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
inline constexpr std::string_view kSm2X =
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020";
inline constexpr std::string_view kSm2Y =
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
inline constexpr std::string_view kSm2Id = "1234567812345678";
inline constexpr std::string_view kSm2Message = "message digest";
inline constexpr std::string_view kSm2E =
    "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640";
inline constexpr std::string_view kSm2Nonce =
    "59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21";
inline constexpr std::string_view kSm2R =
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3";
inline constexpr std::string_view kSm2S =
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";
inline constexpr std::string_view kSm2Plaintext = "encryption standard";
inline constexpr std::string_view kSm2CipherX =
    "04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73";
inline constexpr std::string_view kSm2CipherY =
    "e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0";
inline constexpr std::string_view kSm2C3 =
    "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766";
inline constexpr std::string_view kSm2C2 = "21886ca989ca9c7d58087307ca93092d651efa";

}  // namespace cipherdeck::peers

// SPDX-License-Identifier: Apache-2.0
// The examples of the standards that the self-tests compare with.
#pragma once

#include "base/bytes.h"
#include "engine/known_answer.h"

namespace cipherdeck::engine::answers {

using known_answer::FixedNonce;
using known_answer::hex;

/// Defined in a file of its own, so that the program compares with bytes that lie in its file one
/// after the other: a test of the card's error state changes them there.
[[nodiscard]] bool is_equal(Bytes found, Bytes known) noexcept;

// GB/T 32905, A.1: of "abc".
inline constexpr auto kSm3OfAbc =
    hex("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");

// GB/T 32907, A.1: key and plaintext are the same.
inline constexpr auto kSm4Text = hex("0123456789abcdeffedcba9876543210");
inline constexpr auto kSm4Cipher = hex("681edf34d206965e86b3e94f536e4246");

// RFC 8998, A: nonce, additional data and message of GCM and CCM. The key is kSm4Text.
inline constexpr auto kAeadNonce = hex("00001234567800000000abcd");
inline constexpr auto kAeadAad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
inline constexpr auto kAeadText =
    hex("aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
        "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa");
inline constexpr auto kGcmCipher =
    hex("17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d");
inline constexpr auto kGcmTag = hex("83de3541e4c2b58177e065a9bf7b62ec");
inline constexpr auto kCcmTag = hex("16842d4fa186f56ab33256971fa110f4");

// GB/T 32918.5, A.2: a key pair, e of "message digest", a nonce and the signature.
inline constexpr auto kSm2Private =
    hex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8");
inline constexpr auto kSm2Public =
    hex("09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
        "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13");
inline constexpr auto kSm2E =
    hex("f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640");
inline constexpr auto kSm2Nonce =
    hex("59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21");
inline constexpr auto kSm2Signature =
    hex("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
        "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa");

}  // namespace cipherdeck::engine::answers

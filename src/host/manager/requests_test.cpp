// SPDX-License-Identifier: Apache-2.0
#include "host/manager/requests.h"

#include <gtest/gtest.h>

namespace cipherdeck::manager {
namespace {

TEST(Requests, RandomTestTakesALevelOfThree) {
  EXPECT_EQ(*parse_random_test(R"({"level":"factory"})"), CIPHERDECK_RANDOM_TEST_FACTORY);
  EXPECT_EQ(*parse_random_test(R"({"level":"power-on"})"), CIPHERDECK_RANDOM_TEST_POWER_ON);
  EXPECT_EQ(*parse_random_test(R"({"level":"periodic"})"), CIPHERDECK_RANDOM_TEST_PERIODIC);
  for (const char* const wrong :
       {"", "{}", R"({"level":1})", R"({"level":"all"})", R"({"level":"periodic","more":1})"}) {
    EXPECT_EQ(parse_random_test(wrong).problem().http_status, 400) << wrong;
  }
}

TEST(PartitionName, MayBeWhatPeopleCallThings) {
  for (const char* name : {"blue", "a", "tenant-7", "web_2.prod", "7up", ".x"}) {
    EXPECT_TRUE(is_partition_name(name)) << name;
  }
  EXPECT_TRUE(is_partition_name(std::string(47, 'x')));
}

TEST(PartitionName, MayNotConfuse) {
  for (const char* name : {"", "7", "007", "-x", "a b", "a/b", "a\nb", "a\"b", "a%b", "\x01",
                           "\x7f", "\xc3\xa4", "\xff"}) {
    EXPECT_FALSE(is_partition_name(name)) << name;
  }
  EXPECT_FALSE(is_partition_name(std::string(48, 'x')));
  EXPECT_FALSE(is_partition_name(std::string_view("a\0b", 3)));
}

TEST(ParseInit, LabelMayBeAbsent) {
  EXPECT_EQ(parse_init("")->label, "");
  EXPECT_EQ(parse_init("{}")->label, "");
  EXPECT_EQ(parse_init(R"({"label":"rack 7"})")->label, "rack 7");
  EXPECT_FALSE(parse_init(R"({"label":7})"));
  EXPECT_FALSE(parse_init(R"({"label":"a\u0007"})"));
  EXPECT_FALSE(parse_init("{\"label\":\"\xc3\xa4\"}"));
  EXPECT_TRUE(parse_init(R"({"label":")" + std::string(31, 'x') + R"("})"));
  EXPECT_FALSE(parse_init(R"({"label":")" + std::string(32, 'x') + R"("})"));
  EXPECT_FALSE(parse_init(R"({"lable":"x"})"));
}

TEST(ParseVfCount, TakesNumbersOnly) {
  EXPECT_EQ(parse_vf_count(R"({"count":4})")->count, 4U);
  EXPECT_FALSE(parse_vf_count(R"({"count":4})")->force);
  EXPECT_TRUE(parse_vf_count(R"({"count":0,"force":true})")->force);
  for (const char* body : {"", "[]", "4", R"({"count":-1})", R"({"count":257})", R"({"count":4.0})",
                           R"({"count":"4"})", R"({"count":true})", R"({"count":4,"force":1})",
                           R"({"count":99999999999999999999})"}) {
    EXPECT_FALSE(parse_vf_count(body)) << body;
  }
}

TEST(ParseBind, TakesNameOrId) {
  EXPECT_EQ(parse_bind(R"({"partition":"blue"})")->partition, "blue");
  EXPECT_EQ(parse_bind(R"({"partition":3})")->partition, "3");
  EXPECT_FALSE(parse_bind(R"({"partition":""})"));
  EXPECT_FALSE(parse_bind(R"({"partition":-3})"));
  EXPECT_FALSE(parse_bind("{}"));
}

TEST(ParseKey, ReadsAPair) {
  const auto request = parse_key(R"({"kind":"pair","index":1,"access_code":"12345678"})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->kind, KeyKind::pair);
  EXPECT_EQ(request->index, 1U);
  EXPECT_EQ(request->access_code, "12345678");
}

TEST(ParseKey, ReadsAKek) {
  const auto request = parse_key(R"({"kind":"kek","index":9,"bits":128,"access_code":"12345678"})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->kind, KeyKind::kek);
  EXPECT_EQ(request->bits, 128U);
  EXPECT_EQ(parse_key(R"({"kind":"kek","index":9,"bits":128})")->access_code, "");
  EXPECT_FALSE(parse_key(R"({"kind":"kek","index":9,"bits":128,"access_code":""})"));
}

TEST(ParseKey, ReadsSm9Keys) {
  const auto master = parse_key(R"({"kind":"sm9-encrypt-master","index":2})");
  ASSERT_TRUE(master);
  EXPECT_EQ(master->kind, KeyKind::sm9_encrypt_master);
  const auto user = parse_key(
      R"({"kind":"sm9-sign-user","index":3,"master":2,"id":"Alice","access_code":"12345678"})");
  ASSERT_TRUE(user);
  EXPECT_EQ(user->kind, KeyKind::sm9_sign_user);
  EXPECT_EQ(user->user.kind, KeyKind::sm9_sign_user);
  EXPECT_EQ(user->user.master, 2U);
  EXPECT_EQ(user->user.id, "Alice");
  EXPECT_EQ(user->access_code, "12345678");
  for (const char* body :
       {R"({"kind":"sm9-sign-master","index":1,"access_code":"12345678"})",
        R"({"kind":"sm9-sign-master","index":1,"id":"Alice"})",
        R"({"kind":"sm9-sign-user","index":1,"master":1,"id":"Alice"})",
        R"({"kind":"sm9-sign-user","index":1,"master":0,"id":"Alice","access_code":"12345678"})",
        R"({"kind":"sm9-sign-user","index":1,"master":1,"id":"","access_code":"12345678"})",
        R"({"kind":"pair","index":1,"master":1,"access_code":"12345678"})"}) {
    EXPECT_FALSE(parse_key(body)) << body;
  }
}

TEST(ParseKey, RefusesWhatIsOutOfBounds) {
  for (const char* body :
       {R"({"kind":"pair","index":0,"access_code":"12345678"})",
        R"({"kind":"pair","index":4097,"access_code":"12345678"})",
        R"({"kind":"pair","index":1,"access_code":"1234567"})", R"({"kind":"pair","index":1})",
        R"({"kind":"pair","access_code":"12345678"})",
        R"({"kind":"rsa","index":1,"access_code":"12345678"})",
        R"({"kind":"pair","index":1,"bits":128,"access_code":"12345678"})",
        R"({"kind":"kek","index":1,"access_code":"12345678"})", R"({"kind":"kek","index":1})",
        R"({"kind":"kek","index":1,"bits":64,"access_code":"12345678"})",
        R"({"kind":"kek","index":1,"bits":256})", R"({"index":1,"access_code":"12345678"})"}) {
    EXPECT_FALSE(parse_key(body)) << body;
  }
  const std::string head = R"({"kind":"pair","index":1,"access_code":")";
  EXPECT_TRUE(parse_key(head + std::string(256, 'x') + "\"}"));
  EXPECT_FALSE(parse_key(head + std::string(257, 'x') + "\"}"));
}

TEST(ParseKey, DoesNotRepeatTheCodeInItsProblem) {
  const auto request = parse_access_code(R"({"access_code":"secret!"})");
  ASSERT_FALSE(request);
  EXPECT_EQ(request.problem().error.find("secret!"), std::string::npos);
  EXPECT_EQ(request.problem().http_status, 400);
}

TEST(ParseObject, BoundsDepthAndLength) {
  EXPECT_FALSE(parse_init(std::string(kMaxBodyLen + 1, ' ')));
  EXPECT_FALSE(parse_init(std::string(kMaxBodyLen, '[')));
}

TEST(ParseNumber, TakesDecimalsOnly) {
  EXPECT_EQ(*parse_number("x", "17", 1, 256), 17U);
  for (const char* text : {"", "0", "257", "-1", "+1", " 1", "1 ", "0x1", "99999999999"}) {
    EXPECT_FALSE(parse_number("x", text, 1, 256)) << text;
  }
}

TEST(ParseShare, TakesPercent) {
  const auto request = parse_share(R"({"weight":7,"committed_percent":12.5,"peak_percent":50})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->weight, 7U);
  EXPECT_EQ(request->committed, 125'000U);
  EXPECT_EQ(request->peak, 500'000U);
  const auto peak = parse_share(R"({"peak_percent":null})");
  ASSERT_TRUE(peak);
  EXPECT_FALSE(peak->weight || peak->committed);
  EXPECT_EQ(peak->peak, CIPHERDECK_RATE_UNLIMITED);
}

TEST(ParseShare, RefusesWhatIsNoShare) {
  for (const char* body :
       {R"({"weight":0})", R"({"weight":1001})", R"({"weight":"1"})", R"({"peak_percent":0})",
        R"({"peak_percent":-1})", R"({"peak_percent":"5"})", R"({"committed_percent":-1})",
        R"({"committed_percent":null})", R"({"committed_percent":1e99})", R"({"rate":1})"}) {
    EXPECT_FALSE(parse_share(body)) << body;
  }
}

}  // namespace
}  // namespace cipherdeck::manager

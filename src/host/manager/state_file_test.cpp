// SPDX-License-Identifier: Apache-2.0
#include "host/manager/state_file.h"

#include <gtest/gtest.h>
#include <temporary_directory.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace cipherdeck::manager {
namespace {

class StateFile : public testing::Test {
 protected:
  test::TemporaryDirectory m_directory;
};

TEST_F(StateFile, OfANewCardIsNotThere) {
  EXPECT_EQ(load_state(m_directory.path() / "manager.json").value().num_vfs, 0U);
}

TEST_F(StateFile, RemembersTheNumberOfVfs) {
  const auto path = m_directory.path() / "manager.json";
  ASSERT_TRUE(save_state(path, State{17}));
  EXPECT_EQ(load_state(path).value().num_vfs, 17U);
  ASSERT_TRUE(save_state(path, State{256}));
  EXPECT_EQ(load_state(path).value().num_vfs, 256U);
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".new"));
}

TEST_F(StateFile, IsKeptWhenItCannotBeReplaced) {
  const auto path = m_directory.path() / "manager.json";
  ASSERT_TRUE(save_state(path, State{3}));
  std::filesystem::create_directory(path.string() + ".new");  // in the way of the new one
  EXPECT_EQ(save_state(path, State{4}).error(), Error::io);
  EXPECT_EQ(load_state(path).value().num_vfs, 3U);
}

TEST_F(StateFile, DoesNotFollowALinkInTheWay) {
  const auto path = m_directory.path() / "manager.json";
  std::ofstream(m_directory.path() / "victim") << "untouched";
  std::filesystem::create_symlink(m_directory.path() / "victim", path.string() + ".new");
  EXPECT_EQ(save_state(path, State{4}).error(), Error::io);
  std::string text;
  std::ifstream(m_directory.path() / "victim") >> text;
  EXPECT_EQ(text, "untouched");
}

TEST(ParseState, RefusesWhatIsNoState) {
  for (const char* text :
       {"", "{", "[]", "null", "{}", R"({"version":2,"num_vfs":1})", R"({"version":1})",
        R"({"version":1,"num_vfs":-1})", R"({"version":1,"num_vfs":257})",
        R"({"version":1,"num_vfs":"4"})", R"({"version":1,"num_vfs":1.5})",
        R"({"version":1,"num_vfs":18446744073709551616})"}) {
    EXPECT_EQ(parse_state(text).error(), Error::invalid_argument) << text;
  }
}

TEST(ParseState, RefusesSharesThatAreNone) {
  for (const char* shares : {"1", "{\"0\":{}}", "{\"257\":{}}", "{\"x\":{}}", "{\"1\":2}",
                             "{\"1\":{\"weight\":-1}}", "{\"1\":{\"peak\":4294967296}}"}) {
    const std::string text = R"({"version":1,"num_vfs":1,"shares":)" + std::string(shares) + "}";
    EXPECT_EQ(parse_state(text).error(), Error::invalid_argument) << text;
  }
}

TEST(ParseState, TakesTheSharesThatFormatStateWrites) {
  State state{4, {}};
  state.shares[2] = {.weight = 7, .committed = 8, .peak = 9};
  state.shares[3] = {.weight = 1, .committed = 0, .peak = CIPHERDECK_RATE_UNLIMITED};
  const auto parsed = parse_state(format_state(state)).value();
  ASSERT_EQ(parsed.shares.size(), 2U);
  EXPECT_EQ(parsed.shares.at(2).weight, 7U);
  EXPECT_EQ(parsed.shares.at(2).committed, 8U);
  EXPECT_EQ(parsed.shares.at(2).peak, 9U);
  EXPECT_EQ(parsed.shares.at(3).peak, CIPHERDECK_RATE_UNLIMITED);
}

TEST(ParseState, TakesWhatFormatStateWrites) {
  EXPECT_EQ(parse_state(format_state(State{9})).value().num_vfs, 9U);
}

}  // namespace
}  // namespace cipherdeck::manager

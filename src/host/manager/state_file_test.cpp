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

TEST(ParseState, TakesWhatFormatStateWrites) {
  EXPECT_EQ(parse_state(format_state(State{9})).value().num_vfs, 9U);
}

}  // namespace
}  // namespace cipherdeck::manager

// SPDX-License-Identifier: Apache-2.0
// What the shared library exports: the names of symbols.txt, no more and no less.
#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

namespace {

std::set<std::string> wanted_names() {
  std::ifstream file(SDF_SYMBOLS_FILE);
  return {std::istream_iterator<std::string>(file), std::istream_iterator<std::string>()};
}

template <typename T>
T at(const std::vector<char>& file, std::size_t offset) {
  T object;
  EXPECT_LE(offset + sizeof object, file.size());
  std::memcpy(&object, file.data() + offset, sizeof object);
  return object;
}

// The functions and objects that the dynamic symbol table defines.
std::set<std::string> exported_names() {
  std::ifstream stream(SDF_LIBRARY_FILE, std::ios::binary);
  const std::vector<char> file{std::istreambuf_iterator<char>(stream), {}};
  const auto header = at<Elf64_Ehdr>(file, 0);
  std::set<std::string> names;
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    const auto section = at<Elf64_Shdr>(file, header.e_shoff + i * sizeof(Elf64_Shdr));
    if (section.sh_type != SHT_DYNSYM) continue;
    const auto strings =
        at<Elf64_Shdr>(file, header.e_shoff + section.sh_link * sizeof(Elf64_Shdr));
    for (std::size_t offset = 0; offset < section.sh_size; offset += sizeof(Elf64_Sym)) {
      const auto symbol = at<Elf64_Sym>(file, section.sh_offset + offset);
      const bool defined = symbol.st_shndx != SHN_UNDEF && symbol.st_shndx != SHN_ABS;
      if (defined) names.insert(file.data() + strings.sh_offset + symbol.st_name);
    }
  }
  return names;
}

TEST(SdfSymbolsTest, EveryNameResolves) {
  void* const library = dlopen(SDF_LIBRARY_FILE, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto names = wanted_names();
  EXPECT_EQ(names.size(), 103u);
  for (const std::string& name : names) {
    EXPECT_NE(dlsym(library, name.c_str()), nullptr) << name;
  }
  EXPECT_EQ(dlclose(library), 0);
}

TEST(SdfSymbolsTest, NothingElseIsExported) { EXPECT_EQ(exported_names(), wanted_names()); }

}  // namespace

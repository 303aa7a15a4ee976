// SPDX-License-Identifier: Apache-2.0
// cipherdeck-verify: checks with OpenSSL what cipherdeck-tenant had a card compute.
#include "apps/verify/openssl_check.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace cipherdeck::verify {
namespace {

using Json = nlohmann::json;

Buffer read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return Buffer(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

Buffer from_hex(const std::string& text) {
  Buffer bytes;
  if (text.size() % 2 != 0 || text.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw std::runtime_error("result.json: not hexadecimal: " + text);
  }
  for (std::size_t i = 0; i < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

template <std::size_t N>
void store_be(std::span<std::uint8_t, N> out, std::uint64_t value) {
  for (std::size_t i = 0; i < N; ++i) {
    out[i] = static_cast<std::uint8_t>(value >> (8 * (N - 1 - i)));
  }
}

class Checks {
 public:
  Checks(const std::filesystem::path& file, const std::filesystem::path& results)
      : m_results(results), m_data(read_file(file)) {
    std::ifstream json(results / "result.json");
    if (!json) throw std::runtime_error("cannot read " + (results / "result.json").string());
    m_json = Json::parse(json);
    m_key = read_file(results / "session.key");
  }

  bool all() {
    report("SM3 digest", sm3(m_data) == read_file(m_results / "digest.bin"));
    const auto cbc = sm4_cbc_encrypt(m_key, from_hex(m_json.at("cbc").at("iv")), m_data);
    report("SM4-CBC ciphertext", cbc == read_file(m_results / "cbc.bin"));
    gcm();
    const auto id = m_json.at("id").get<std::string>();
    report("SM2 signature",
           sm2_verify(read_file(m_results / "public_key.bin"),
                      {reinterpret_cast<const std::uint8_t*>(id.data()), id.size()}, m_data,
                      read_file(m_results / "signature.bin")));
    return m_ok;
  }

 private:
  void report(const std::string& what, bool ok) {
    std::cout << (ok ? "ok        " : "MISMATCH  ") << what << '\n';
    m_ok = m_ok && ok;
  }

  void gcm() {
    const Json& parameters = m_json.at("gcm");
    const auto chunk_len = parameters.at("chunk_len").get<std::size_t>();
    if (chunk_len == 0) throw std::runtime_error("result.json: chunk_len is 0");
    std::array<std::uint8_t, 12> nonce{};
    const Buffer prefix = from_hex(parameters.at("nonce_prefix"));
    if (prefix.size() != 8) throw std::runtime_error("result.json: nonce_prefix is not 8 bytes");
    std::copy(prefix.begin(), prefix.end(), nonce.begin());
    std::array<std::uint8_t, 8> aad{};
    store_be(std::span(aad), m_data.size());
    Buffer ciphertext;
    Buffer tags;
    std::uint32_t number = 0;
    std::size_t offset = 0;
    do {
      const View chunk = View(m_data).subspan(offset, std::min(chunk_len, m_data.size() - offset));
      store_be(std::span(nonce).last<4>(), number++);
      const auto sealed = sm4_gcm_encrypt(m_key, nonce, aad, chunk);
      if (!sealed) throw std::runtime_error("OpenSSL cannot do GCM");
      ciphertext.insert(ciphertext.end(), sealed->ciphertext.begin(), sealed->ciphertext.end());
      tags.insert(tags.end(), sealed->tag.begin(), sealed->tag.end());
      offset += chunk.size();
    } while (offset < m_data.size());
    report("SM4-GCM ciphertext", ciphertext == read_file(m_results / "gcm.bin"));
    report("SM4-GCM tags", tags == read_file(m_results / "gcm.tags"));
  }

  const std::filesystem::path m_results;
  const Buffer m_data;
  Json m_json;
  Buffer m_key;
  bool m_ok = true;
};

constexpr const char* kFooter = R"(
Example:
  cipherdeck-verify --file letter.pdf --results results

Exit codes: 0 all results are right, 1 one is wrong or cannot be read, 2 usage.)";

}  // namespace
}  // namespace cipherdeck::verify

int main(int argc, char** argv) {
  using cipherdeck::verify::Checks;
  std::filesystem::path file;
  std::filesystem::path results;
  CLI::App app{"Checks with OpenSSL what cipherdeck-tenant had a card compute.",
               "cipherdeck-verify"};
  app.footer(cipherdeck::verify::kFooter);
  app.set_version_flag("--version", "cipherdeck-verify " CIPHERDECK_PROGRAM_VERSION);
  app.add_option("--file", file, "The file the tenant worked on")->required();
  app.add_option("--results", results, "The tenant's directory of results")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    return Checks(file, results).all() ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "cipherdeck-verify: " << error.what() << '\n';
    return 1;
  }
}

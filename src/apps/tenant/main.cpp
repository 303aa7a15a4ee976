// SPDX-License-Identifier: Apache-2.0
// cipherdeck-tenant: a program such as tenants of the card write, on the device API alone. Has the
// card hash, encrypt, authenticate and sign a file, and leaves all results as files, so that
// cipherdeck-verify can check them without the card.
#include "apps/tenant/sdf_session.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace cipherdeck::tenant {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kChunkLen = std::size_t{512} << 10;  // the card takes up to 1 MiB at once
constexpr std::size_t kBlockLen = 16;
constexpr const char* kDefaultId = "1234567812345678";  // GB/T 35276: where nobody says otherwise

struct Options {
  std::filesystem::path file;
  std::filesystem::path out;
  std::filesystem::path access_code_file;
  unsigned key_index = 1;
  int try_key_index = -1;
  bool json = false;
};

std::string hex(View bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

/// Reads a file in chunks; every chunk but the last is full. An empty file has one empty chunk.
void for_each_chunk(const std::filesystem::path& path,
                    const std::function<void(View chunk, bool last)>& use) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  Buffer chunk(kChunkLen);
  bool last = false;
  while (!last) {
    file.read(reinterpret_cast<char*>(chunk.data()), static_cast<std::streamsize>(chunk.size()));
    const auto len = static_cast<std::size_t>(file.gcount());
    last = len < chunk.size() || file.peek() == std::ifstream::traits_type::eof();
    use(View(chunk).first(len), last);
  }
  if (file.bad()) throw std::runtime_error("cannot read " + path.string());
}

/// Makes a file, readable by its owner only.
class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path)
      : m_path(path), m_file(path, std::ios::binary | std::ios::trunc) {
    std::filesystem::permissions(
        path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  void write(View bytes) {
    m_file.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    if (!m_file) throw std::runtime_error("cannot write " + m_path.string());
  }
  void close() {
    m_file.close();
    if (!m_file) throw std::runtime_error("cannot write " + m_path.string());
  }

 private:
  std::filesystem::path m_path;
  std::ofstream m_file;
};

void write_file(const std::filesystem::path& path, View bytes) {
  OutputFile file(path);
  file.write(bytes);
  file.close();
}

std::string read_access_code(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::string code;
  std::getline(file, code);
  if (!code.empty() && code.back() == '\r') code.pop_back();
  return code;
}

template <std::size_t N>
std::string text_of(const unsigned char (&field)[N]) {
  const auto* const text = reinterpret_cast<const char*>(field);
  return {text, std::find(text, text + N, '\0')};
}

/// The steps, each with its time and its part of result.json.
class Run {
 public:
  explicit Run(const Options& options) : m_options(options) {}

  Json all() {
    std::filesystem::create_directories(m_options.out);
    step("device info", [this] { device_info(); });
    step("random", [this] { random(); });
    step("SM3", [this] { hash(); });
    step("SM2 sign", [this] { sign(); });
    step("session key", [this] { session_key(); });
    step("SM4-CBC", [this] { cbc(); });
    step("SM4-GCM", [this] { gcm(); });
    m_result["file_len"] = m_file_len;
    m_result["ms"] = m_times;
    return m_result;
  }

 private:
  void step(const std::string& name, const std::function<void()>& work) {
    const auto start = Clock::now();
    work();
    const std::chrono::duration<double, std::milli> time = Clock::now() - start;
    m_times[name] = time.count();
  }

  void device_info() {
    const DEVICEINFO info = m_session.device_info();
    m_result["device"] = Json{{"issuer", text_of(info.IssuerName)},
                              {"name", text_of(info.DeviceName)},
                              {"serial", text_of(info.DeviceSerial)},
                              {"standard_version", info.StandardVersion}};
  }

  void random() {
    std::array<std::uint8_t, 32> bytes{};
    m_session.random(bytes);
    write_file(m_options.out / "random.bin", bytes);
  }

  void hash() {
    m_session.hash_init();
    for_each_chunk(m_options.file, [this](View chunk, bool) {
      m_session.hash_update(chunk);
      m_file_len += chunk.size();
    });
    const Buffer digest = m_session.hash_final();
    write_file(m_options.out / "digest.bin", digest);
    m_result["sm3"] = hex(digest);
  }

  /// Signs as GB/T 32918.2 has it: e = SM3(Z || file).
  void sign() {
    const unsigned index = m_options.key_index;
    const PublicKey public_key = m_session.sign_public_key(index);
    m_session.hash_init(&public_key, kDefaultId);
    for_each_chunk(m_options.file, [this](View chunk, bool) { m_session.hash_update(chunk); });
    const Buffer e = m_session.hash_final();
    m_session.get_access_right(index, read_access_code(m_options.access_code_file));
    const Buffer signature = m_session.sign(index, e);
    m_session.verify(index, e, signature);
    write_file(m_options.out / "public_key.bin", public_key.xy);
    write_file(m_options.out / "signature.bin", signature);
    m_result["key_index"] = index;
    m_result["id"] = kDefaultId;
    m_result["public_key"] = hex(public_key.xy);
    m_result["signature"] = hex(signature);
  }

  /// A key of a real tenant would be made in the card and never be seen outside. This one is made
  /// here and written to a file on purpose: with it the host can check the card's ciphertexts.
  void session_key() {
    std::array<std::uint8_t, 16> key{};
    m_session.random(key);
    write_file(m_options.out / "session.key", key);
    m_key = m_session.import_key(key);
  }

  /// The whole file as one CBC message with PKCS #7 padding, encrypted, decrypted and compared.
  void cbc() {
    std::array<std::uint8_t, kBlockLen> iv{};
    m_session.random(iv);
    m_result["cbc"] = Json{{"iv", hex(iv)}};
    auto encrypt_iv = iv;
    auto decrypt_iv = iv;
    OutputFile output(m_options.out / "cbc.bin");
    for_each_chunk(m_options.file, [&](View chunk, bool last) {
      Buffer data(chunk.begin(), chunk.end());
      const std::size_t padding = last ? kBlockLen - data.size() % kBlockLen : 0;
      data.insert(data.end(), padding, static_cast<std::uint8_t>(padding));
      const Buffer ciphertext = m_session.cbc_encrypt(m_key, encrypt_iv, data);
      if (m_session.cbc_decrypt(m_key, decrypt_iv, ciphertext) != data) {
        throw std::runtime_error("SM4-CBC: decryption does not give the file back");
      }
      output.write(ciphertext);
    });
    output.close();
  }

  /// One GCM message for each chunk. Nonce: 8 random bytes, then the chunk's number, big-endian, so
  /// that chunks cannot change places. Additional data: the file's length, 8 bytes big-endian, so
  /// that none can be left out.
  void gcm() {
    std::array<std::uint8_t, 12> nonce{};
    m_session.random(std::span(nonce).first(8));
    std::array<std::uint8_t, 8> aad{};
    for (std::size_t i = 0; i < aad.size(); ++i) {
      aad[i] = static_cast<std::uint8_t>(m_file_len >> (56 - 8 * i));
    }
    OutputFile output(m_options.out / "gcm.bin");
    OutputFile tags(m_options.out / "gcm.tags");
    std::uint32_t number = 0;
    for_each_chunk(m_options.file, [&](View chunk, bool) {
      for (std::size_t i = 0; i < 4; ++i) {
        nonce[8 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
      }
      const Sealed sealed = m_session.gcm_encrypt(m_key, nonce, aad, chunk);
      const Buffer opened = m_session.gcm_decrypt(m_key, nonce, aad, sealed);
      if (!std::equal(opened.begin(), opened.end(), chunk.begin(), chunk.end())) {
        throw std::runtime_error("SM4-GCM: decryption does not give the file back");
      }
      if (number == 0) expect_forgery_refused(nonce, aad, sealed);
      output.write(sealed.ciphertext);
      tags.write(sealed.tag);
      ++number;
    });
    output.close();
    tags.close();
    m_result["gcm"] = Json{{"nonce_prefix", hex(View(nonce).first(8))},
                           {"chunk_len", kChunkLen},
                           {"num_chunks", number}};
  }

  void expect_forgery_refused(View nonce, View aad, Sealed sealed) {
    sealed.tag[0] ^= 1;
    try {
      static_cast<void>(m_session.gcm_decrypt(m_key, nonce, aad, sealed));
    } catch (const SdfError& error) {
      if (error.code() == SDR_MACERR) return;
      throw;
    }
    throw std::runtime_error("SM4-GCM: a forged tag was accepted");
  }

  const Options& m_options;
  SdfSession m_session;
  Json m_result = Json::object();
  Json m_times = Json::object();
  void* m_key = nullptr;
  std::uint64_t m_file_len = 0;
};

/// Tries to use a key that is another tenant's. True if the card refused.
bool try_foreign_key(const Options& options, Json& result) {
  SdfSession session;
  const auto index = static_cast<unsigned>(options.try_key_index);
  const std::string code = options.access_code_file.empty()
                               ? std::string("not the right code")
                               : read_access_code(options.access_code_file);
  const std::array<std::uint8_t, 32> e{1};
  const auto attempt = [](const std::function<void()>& action) -> std::string {
    try {
      action();
    } catch (const SdfError& error) {
      return code_name(error.code());
    }
    return "SDR_OK";
  };
  const std::string right = attempt([&] { session.get_access_right(index, code); });
  const std::string signing = attempt([&] { static_cast<void>(session.sign(index, e)); });
  const bool refused = right != "SDR_OK" && signing != "SDR_OK";
  result["try_key"] =
      Json{{"index", index}, {"access_right", right}, {"sign", signing}, {"refused", refused}};
  return refused;
}

void print(const Options& options, const Json& result, bool ok) {
  if (options.json) {
    std::cout << result.dump(2) << '\n';
    return;
  }
  if (result.contains("device")) {
    std::cout << "Card       " << result["device"].value("name", "") << ", serial "
              << result["device"].value("serial", "") << '\n'
              << "SM3        " << result.value("sm3", "") << '\n'
              << "Signature  " << result.value("signature", "") << '\n';
    for (const auto& item : result["ms"].items()) {
      std::printf("%-12s %10.3f ms\n", item.key().c_str(), item.value().get<double>());
    }
  }
  if (result.contains("try_key")) {
    const Json& tried = result["try_key"];
    std::cout << "Key " << tried["index"] << " of another tenant: access right "
              << tried.value("access_right", "") << ", signing " << tried.value("sign", "") << ": "
              << (ok ? "refused, as it must be" : "NOT REFUSED") << '\n';
  }
}

constexpr const char* kFooter = R"(
Which card: the environment variable CIPHERDECK_DEVICE, such as /dev/cipherdeck0 in a virtual
machine or unix:/run/cipherdeck/vf1.sock on the host.

Examples:
  cipherdeck-tenant --file letter.pdf --key-index 1 --access-code-file blue.code --out results
  cipherdeck-tenant --try-key-index 2 --access-code-file blue.code
  cipherdeck-verify --file letter.pdf --results results

Files in the directory of results: random.bin, digest.bin (SM3), public_key.bin (x || y),
signature.bin (r || s, SM2 with SM3), session.key (a demonstration's key, in the clear), cbc.bin,
gcm.bin, gcm.tags, result.json.

Exit codes: 0 done, 1 the card refused or a result was wrong (or a foreign key was NOT refused),
2 usage.)";

bool parse(Options& options, int argc, char** argv, int& exit_code) {
  CLI::App app{"Uses a card as its tenants do: through the device API of GM/T 0018.",
               "cipherdeck-tenant"};
  app.footer(kFooter);
  app.set_version_flag("--version", "cipherdeck-tenant " CIPHERDECK_PROGRAM_VERSION);
  auto* const file =
      app.add_option("--file", options.file, "File to work on")->check(CLI::ExistingFile);
  auto* const out = app.add_option("--out", options.out, "Directory for the results");
  auto* const code = app.add_option("--access-code-file", options.access_code_file,
                                    "File whose first line is the access code of the key")
                         ->check(CLI::ExistingFile);
  app.add_option("--key-index", options.key_index, "Index of the key to sign with")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  auto* const foreign = app.add_option("--try-key-index", options.try_key_index,
                                       "Index of a key that must not be usable here")
                            ->check(CLI::Range(1, 4096));
  app.add_flag("--json", options.json, "Print result.json");
  file->needs(out)->needs(code);
  try {
    app.parse(argc, argv);
    if (!*file && !*foreign) throw CLI::RequiredError("--file or --try-key-index");
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return false;
  }
  return true;
}

int run(const Options& options) {
  try {
    Json result = Json::object();
    if (!options.file.empty()) result = Run(options).all();
    bool ok = true;
    if (options.try_key_index > 0) ok = try_foreign_key(options, result);
    if (!options.out.empty()) {
      std::filesystem::create_directories(options.out);
      const std::string text = result.dump(2) + "\n";
      write_file(options.out / "result.json",
                 {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    }
    print(options, result, ok);
    return ok ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "cipherdeck-tenant: " << error.what() << '\n';
    return 1;
  }
}

}  // namespace
}  // namespace cipherdeck::tenant

int main(int argc, char** argv) {
  cipherdeck::tenant::Options options;
  int exit_code = 0;
  if (!cipherdeck::tenant::parse(options, argc, argv, exit_code)) return exit_code;
  return cipherdeck::tenant::run(options);
}

// SPDX-License-Identifier: Apache-2.0
#include "host/manager/state_file.h"

#include "base/file_descriptor.h"
#include "host/manager/requests.h"

#include <cipherdeck/function.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace cipherdeck::manager {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxStateLen = 65536;
constexpr int kStateVersion = 1;

Result<void> write_all(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t len = write(fd, text.data() + done, text.size() - done);
    if (len < 0 && errno == EINTR) continue;
    if (len <= 0) return Error::io;
    done += static_cast<std::size_t>(len);
  }
  return fsync(fd) == 0 ? Result<void>{} : Error::io;
}

Result<void> sync_directory(const std::filesystem::path& path) {
  const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
  const FileDescriptor fd{open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return fd && fsync(fd.get()) == 0 ? Result<void>{} : Error::io;
}

Result<std::uint32_t> number_or(const Json& json, const char* name, std::uint32_t otherwise) {
  const auto found = json.find(name);
  if (found == json.end()) return otherwise;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() > UINT32_MAX) {
    return Error::invalid_argument;
  }
  return found->get<std::uint32_t>();
}

Result<std::map<std::uint32_t, cipherdeck_function_share>> parse_shares(const Json& json) {
  if (!json.is_object()) return Error::invalid_argument;
  std::map<std::uint32_t, cipherdeck_function_share> shares;
  for (const auto& [name, item] : json.items()) {
    const auto vf = parse_number("the VF", name, 1, CIPHERDECK_TOTAL_VFS);
    if (!vf || !item.is_object()) return Error::invalid_argument;
    cipherdeck_function_share& share = shares[*vf];
    CIPHERDECK_ASSIGN(share.weight, number_or(item, "weight", CIPHERDECK_WEIGHT_DEFAULT));
    CIPHERDECK_ASSIGN(share.committed, number_or(item, "committed", 0));
    CIPHERDECK_ASSIGN(share.peak, number_or(item, "peak", CIPHERDECK_RATE_UNLIMITED));
  }
  return shares;
}

}  // namespace

Result<State> parse_state(const std::string& text) {
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Error::invalid_argument;
  const auto version = json.find("version");
  if (version == json.end() || *version != kStateVersion) return Error::invalid_argument;
  const auto num_vfs = json.find("num_vfs");
  if (num_vfs == json.end() || !num_vfs->is_number_unsigned() ||
      num_vfs->get<std::uint64_t>() > CIPHERDECK_TOTAL_VFS) {
    return Error::invalid_argument;
  }
  State state{num_vfs->get<std::uint32_t>(), {}};
  if (const auto shares = json.find("shares"); shares != json.end()) {
    CIPHERDECK_ASSIGN(state.shares, parse_shares(*shares));
  }
  return state;
}

std::string format_state(const State& state) {
  Json shares = Json::object();
  for (const auto& [vf, share] : state.shares) {
    Json& json = shares[std::to_string(vf)];
    json = Json{{"weight", share.weight}, {"committed", share.committed}};
    if (share.peak != CIPHERDECK_RATE_UNLIMITED) json["peak"] = share.peak;
  }
  const Json json{{"version", kStateVersion}, {"num_vfs", state.num_vfs}, {"shares", shares}};
  return json.dump(2) + "\n";
}

Result<State> load_state(const std::filesystem::path& path) {
  const FileDescriptor fd{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return errno == ENOENT ? Result<State>(State{}) : Error::io;
  std::string text(kMaxStateLen, '\0');
  const ssize_t len = read(fd.get(), text.data(), text.size());
  if (len < 0) return Error::io;
  text.resize(static_cast<std::size_t>(len));
  return parse_state(text);
}

Result<void> save_state(const std::filesystem::path& path, const State& state) {
  const std::filesystem::path temporary = path.string() + ".new";
  {
    const FileDescriptor fd{
        open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640)};
    if (!fd) return Error::io;
    CIPHERDECK_TRY(write_all(fd.get(), format_state(state)));
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return Error::io;
  return sync_directory(path);
}

}  // namespace cipherdeck::manager

// SPDX-License-Identifier: Apache-2.0
#include "driver/user/queue_pair.h"

#include "driver/user/host_function.h"
#include "driver/user/kernel_queue_pair.h"

#include <glob.h>

#include <chrono>
#include <string_view>
#include <thread>
#include <vector>

namespace cipherdeck::driver {
namespace {

constexpr std::string_view kSocketPrefix = "unix:";
constexpr std::string_view kDevicePrefix = "/dev/";
constexpr int kRounds = 4;  // over the sockets, while all are busy
constexpr std::chrono::milliseconds kPause{25};

std::vector<std::string> split_list(std::string_view list) {
  std::vector<std::string> items;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return items;
}

std::vector<std::string> sockets_matching(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return paths;
}

std::string explain_device(const std::string& device, Error error) {
  const std::string start = "cannot open " + device + ": ";
  switch (error) {
    case Error::not_found:
      return start + "there is no such device; load the module cipherdeck and check with lspci " +
             "that the machine has a card function";
    case Error::access_denied:
      return start + "permission denied; join the group that owns the device file";
    case Error::limit:
      return start + "all queue pairs of the function are taken; end another program or use " +
             "another function";
    case Error::not_supported:
      return start + "it is not a CipherDeck device of function interface version 1; update the " +
             "module or this library";
    default:
      return start + std::string(to_string(error)) + "; the kernel log says more";
  }
}

std::string explain_socket(const std::string& path, Error error) {
  const std::string start = "cannot open unix:" + path + ": ";
  switch (error) {
    case Error::not_found:
      return start + "nobody listens there; start cipherdeckd and give it a virtual function of " +
             "that name";
    case Error::access_denied:
      return start + "permission denied; the manager must give this user access to the socket";
    case Error::busy:
      return start + "another machine or process has this function, or the card does not serve " +
             "this user; use a free one or have the manager make more virtual functions";
    case Error::not_supported:
      return start + "the card has another version of the function interface; update the card or " +
             "this library";
    case Error::disconnected:
      return start + "the card closed the connection; its log says why";
    default:
      return start + std::string(to_string(error));
  }
}

Result<std::unique_ptr<QueuePair>> open_socket(const std::string& path,
                                               const QueuePairOptions& options) {
  CIPHERDECK_ASSIGN(const auto function, HostFunction::open(path));
  return function->create_queue_pair(options);
}

Result<std::unique_ptr<QueuePair>> open_first_socket(const std::string& pattern,
                                                     const QueuePairOptions& options,
                                                     std::string& why) {
  const auto paths = sockets_matching(pattern);
  if (paths.empty()) why = explain_socket(pattern, Error::not_found);
  Error error = Error::not_found;
  for (int round = 0; round < kRounds; ++round) {
    // The card may not have seen yet that a function's last user has gone.
    if (round != 0) std::this_thread::sleep_for(kPause);
    for (const std::string& path : paths) {
      auto opened = open_socket(path, options);
      if (opened) return opened;
      error = opened.error();
      why = explain_socket(path, error);
    }
    if (error != Error::busy) break;
  }
  return error;
}

Result<std::unique_ptr<QueuePair>> open_one(const std::string& address,
                                            const QueuePairOptions& options, std::string& why) {
  if (address.starts_with(kSocketPrefix)) {
    return open_first_socket(address.substr(kSocketPrefix.size()), options, why);
  }
  if (!address.starts_with(kDevicePrefix)) {
    why = "\"" + address + "\" is no address of a card; write /dev/cipherdeck0 or unix:SOCKET";
    return Error::invalid_argument;
  }
  auto opened = open_kernel_queue_pair(address, options);
  if (!opened) why = explain_device(address, opened.error());
  return opened;
}

}  // namespace

Result<std::unique_ptr<QueuePair>> open_queue_pair(const std::string& address,
                                                   const QueuePairOptions& options,
                                                   std::string& why) {
  Error error = Error::invalid_argument;
  why = "no address of a card is given; write /dev/cipherdeck0 or unix:SOCKET";
  std::string reasons;
  for (const std::string& one : split_list(address)) {
    auto opened = open_one(one, options, why);
    if (opened) {
      why.clear();
      return opened;
    }
    error = opened.error();
    reasons += (reasons.empty() ? "" : "; ") + why;
  }
  if (!reasons.empty()) why = reasons;
  return error;
}

}  // namespace cipherdeck::driver

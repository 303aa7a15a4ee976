// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/context.h"

#include "apps/cipherdeck/token_file.h"
#include "base/file_descriptor.h"

#include <httplib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>

namespace cipherdeck::cli {
namespace {

/// Why nobody answers at `socket`, or 0 if somebody does: httplib keeps the reason to itself.
int connect_error(const std::string& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::memcpy(address.sun_path, socket.data(), socket.size());
  const FileDescriptor fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd) return errno;
  const auto* const name = reinterpret_cast<const sockaddr*>(&address);
  return connect(fd.get(), name, sizeof address) == 0 ? 0 : errno;
}

std::string text_member(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

int unreachable(const Context& context, const std::string& socket, int error) {
  const char* const remedy =
      error == EACCES ? "Become a member of the socket's group, or use sudo."
                      : "Start cipherdeck-manager, or name its directory with --run-dir.";
  return fail(context, kUnreachable,
              "cannot reach the manager at " + socket + ": " + std::strerror(error), remedy);
}

}  // namespace

int fail(const Context& context, ExitCode code, const std::string& error,
         const std::string& remedy) {
  if (context.json) {
    std::cerr << Json{{"error", error}, {"remedy", remedy}}.dump() << '\n';
  } else {
    std::cerr << "cipherdeck: " << error << '.' << (remedy.empty() ? "" : " ") << remedy << '\n';
  }
  return code;
}

std::optional<Json> ask(Context& context, const std::string& method, const std::string& path,
                        const Json& body) {
  const std::string socket = (context.run_dir / "manager.sock").string();
  if (const int error = connect_error(socket); error != 0) {
    context.exit_code = unreachable(context, socket, error);
    return std::nullopt;
  }
  httplib::Client client(socket, 80);
  client.set_address_family(AF_UNIX);
  client.set_url_encode(false);
  client.set_read_timeout(std::chrono::seconds(60));
  httplib::Request request;
  request.method = method;
  request.path = path;
  request.headers.emplace("Host", "localhost");
  if (std::string token = read_token(context); !token.empty()) {
    request.headers.emplace("Authorization", "Bearer " + token);
  }
  if (!body.is_null()) {
    request.body = body.dump();
    request.headers.emplace("Content-Type", "application/json");
  }
  const auto result = client.send(request);
  if (!result) {
    context.exit_code = unreachable(context, socket, ECONNRESET);
    return std::nullopt;
  }
  Json answer = Json::parse(result->body, nullptr, false);
  if (result->status == 200 && !answer.is_discarded()) return answer;
  const std::string error = answer.is_object() ? text_member(answer, "error") : std::string{};
  context.exit_code = fail(
      context, result->status == 503 ? kUnreachable : kFailed,
      error.empty() ? "the manager answered with status " + std::to_string(result->status) : error,
      answer.is_object() ? text_member(answer, "remedy") : std::string{});
  return std::nullopt;
}

std::string path_part(const std::string& text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' || byte == '-';
    if (plain) {
      encoded += character;
    } else {
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return encoded;
}

void print(const Json& json) {
  std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace cipherdeck::cli

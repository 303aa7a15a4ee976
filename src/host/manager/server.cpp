// SPDX-License-Identifier: Apache-2.0
#include "host/manager/server.h"

#include <httplib.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <functional>
#include <string_view>
#include <thread>

namespace cipherdeck::manager {
namespace {

constexpr std::size_t kNumThreads = 4;

void answer(httplib::Response& response, int status, const Json& json) {
  response.status = status;
  response.set_content(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n",
                       "application/json");
}

void answer(httplib::Response& response, const Problem& problem) {
  answer(response, problem.http_status, Json{{"error", problem.error}, {"remedy", problem.remedy}});
}

using Action = std::function<Outcome<Json>(Api&, const httplib::Request&)>;

// "Authorization: Bearer HEX"; what is none is an empty token, which the card knows what to do
// with.
LoginToken token_of(const httplib::Request& request) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string value = request.get_header_value("Authorization");
  if (value.size() != kScheme.size() + std::size_t{2} * CIPHERDECK_TOKEN_LEN ||
      !value.starts_with(kScheme)) {
    return {};
  }
  LoginToken token(CIPHERDECK_TOKEN_LEN);
  for (std::size_t i = 0; i < token.size(); ++i) {
    const char* const digits = value.data() + kScheme.size() + 2 * i;
    if (std::from_chars(digits, digits + 2, token[i], 16).ptr != digits + 2) return {};
  }
  return token;
}

httplib::Server::Handler handler(Api& api, Action action) {
  return [&api, action = std::move(action)](const httplib::Request& request,
                                            httplib::Response& response) {
    Api asked = api.with(token_of(request));
    const auto outcome = action(asked, request);
    if (!outcome) {
      // Never the body: it may hold an access code.
      spdlog::info("{} {}: {}", request.method, request.path, outcome.problem().error);
      return answer(response, outcome.problem());
    }
    if (request.method != "GET") spdlog::info("{} {}: done", request.method, request.path);
    answer(response, 200, outcome.value());
  };
}

/// Part `n` of the path, as the route's pattern took it.
std::string part(const httplib::Request& request, std::size_t n) {
  return n < request.matches.size() ? request.matches[n].str() : std::string{};
}

void add_card_routes(httplib::Server& http, Api& api) {
  http.Get("/v1/card", handler(api, [](Api& asked, const auto&) { return asked.card(); }));
  http.Post("/v1/card/init", handler(api, [](Api& asked, const auto& request) {
              return asked.initialise(request.body);
            }));
  http.Post("/v1/card/unlock", handler(api, [](Api& asked, const auto& request) {
              return asked.unlock(request.body);
            }));
  http.Put("/v1/card/protection", handler(api, [](Api& asked, const auto& request) {
             return asked.protect(request.body);
           }));
  http.Post("/v1/card/self-test",
            handler(api, [](Api& asked, const auto&) { return asked.self_test(); }));
  http.Post("/v1/card/random-test", handler(api, [](Api& asked, const auto& request) {
              return asked.test_random(request.body);
            }));
  http.Post("/v1/card/zeroize",
            handler(api, [](Api& asked, const auto&) { return asked.zeroize(); }));
}

void add_user_routes(httplib::Server& http, Api& api) {
  http.Post("/v1/login", handler(api, [](Api& asked, const auto& request) {
              return asked.login(request.body);
            }));
  http.Get("/v1/login", handler(api, [](Api& asked, const auto&) { return asked.login_info(); }));
  http.Delete("/v1/login", handler(api, [](Api& asked, const auto&) { return asked.logout(); }));
  http.Get("/v1/users", handler(api, [](Api& asked, const auto&) { return asked.users(); }));
  http.Post("/v1/users", handler(api, [](Api& asked, const auto& request) {
              return asked.add_user(request.body);
            }));
  http.Delete("/v1/users/([A-Za-z0-9._-]+)", handler(api, [](Api& asked, const auto& request) {
                return asked.remove_user(part(request, 1));
              }));
  http.Put("/v1/users/([A-Za-z0-9._-]+)/password",
           handler(api, [](Api& asked, const auto& request) {
             return asked.set_password(part(request, 1), request.body);
           }));
}

void add_audit_routes(httplib::Server& http, Api& api) {
  http.Get("/v1/audit", handler(api, [](Api& asked, const auto& request) {
             return asked.audit(request.get_param_value("from"), request.get_param_value("most"));
           }));
  http.Get("/v1/audit/report",
           handler(api, [](Api& asked, const auto&) { return asked.audit_report(); }));
  http.Post("/v1/audit/clear", handler(api, [](Api& asked, const auto& request) {
              return asked.clear_audit(request.body);
            }));
}

void add_vf_routes(httplib::Server& http, Api& api) {
  http.Get("/v1/vfs", handler(api, [](Api& asked, const auto&) { return asked.vfs(); }));
  http.Put("/v1/vfs", handler(api, [](Api& asked, const auto& request) {
             return asked.set_vfs(request.body);
           }));
  http.Get("/v1/vfs/([0-9]+)", handler(api, [](Api& asked, const auto& request) {
             return asked.vf(part(request, 1));
           }));
  http.Put("/v1/vfs/([0-9]+)/partition", handler(api, [](Api& asked, const auto& request) {
             return asked.bind(part(request, 1), request.body);
           }));
  http.Put("/v1/vfs/([0-9]+)/share", handler(api, [](Api& asked, const auto& request) {
             return asked.set_share(request.matches[1], request.body);
           }));
  http.Delete("/v1/vfs/([0-9]+)/partition", handler(api, [](Api& asked, const auto& request) {
                return asked.unbind(part(request, 1));
              }));
}

void add_partition_routes(httplib::Server& http, Api& api) {
  http.Get("/v1/partitions",
           handler(api, [](Api& asked, const auto&) { return asked.partitions(); }));
  http.Post("/v1/partitions", handler(api, [](Api& asked, const auto& request) {
              return asked.create_partition(request.body);
            }));
  http.Get("/v1/partitions/([^/]+)", handler(api, [](Api& asked, const auto& request) {
             return asked.partition(part(request, 1));
           }));
  http.Delete("/v1/partitions/([^/]+)", handler(api, [](Api& asked, const auto& request) {
                return asked.remove_partition(part(request, 1));
              }));
}

void add_partition_life_routes(httplib::Server& http, Api& api) {
  http.Post("/v1/partitions/([^/]+)/zeroize", handler(api, [](Api& asked, const auto& request) {
              return asked.zeroize_partition(part(request, 1));
            }));
  http.Post("/v1/partitions/([^/]+)/backup", handler(api, [](Api& asked, const auto& request) {
              return asked.backup_partition(part(request, 1), request.body);
            }));
  http.Post("/v1/restore", handler(api, [](Api& asked, const auto& request) {
              return asked.restore_partition(request.body);
            }));
}

void add_key_routes(httplib::Server& http, Api& api) {
  http.Get("/v1/partitions/([^/]+)/keys", handler(api, [](Api& asked, const auto& request) {
             return asked.keys(part(request, 1));
           }));
  http.Post("/v1/partitions/([^/]+)/keys", handler(api, [](Api& asked, const auto& request) {
              return asked.generate_key(part(request, 1), request.body);
            }));
  http.Delete("/v1/partitions/([^/]+)/keys/([a-z0-9-]+)/([0-9]+)",
              handler(api, [](Api& asked, const auto& request) {
                return asked.remove_key(part(request, 1), part(request, 2), part(request, 3));
              }));
  http.Put("/v1/partitions/([^/]+)/keys/([a-z0-9-]+)/([0-9]+)/access-code",
           handler(api, [](Api& asked, const auto& request) {
             return asked.set_access_code(part(request, 1), part(request, 2), part(request, 3),
                                          request.body);
           }));
}

void answer_failures(httplib::Server& http) {
  http.set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (!response.body.empty()) return;  // a problem that was told already
    const int status = response.status;
    answer(response,
           Problem{status, status == 404 ? "the API has no such path" : "the request is refused",
                   "Use a cipherdeck program of the manager's version."});
  });
  http.set_exception_handler(
      [](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
        answer(response, problem_of(Error::internal, "the request failed"));
      });
}

void bound_work(httplib::Server& http) {
  http.new_task_queue = [] { return new httplib::ThreadPool(kNumThreads); };
  http.set_payload_max_length(kMaxRestoreLen);  // others are bounded by their parsers
  http.set_read_timeout(std::chrono::seconds(5));
  http.set_write_timeout(std::chrono::seconds(5));
  http.set_keep_alive_timeout(1);
  http.set_keep_alive_max_count(100);
}

}  // namespace

class Server::Impl {
 public:
  Impl(std::filesystem::path socket, Api& api) : m_socket(std::move(socket)) {
    m_http.set_address_family(AF_UNIX);
    bound_work(m_http);
    add_card_routes(m_http, api);
    add_vf_routes(m_http, api);
    add_partition_routes(m_http, api);
    add_partition_life_routes(m_http, api);
    add_key_routes(m_http, api);
    add_user_routes(m_http, api);
    add_audit_routes(m_http, api);
    answer_failures(m_http);
  }

  ~Impl() {
    m_http.stop();
    if (m_thread.joinable()) m_thread.join();
    unlink(m_socket.c_str());
  }

  Result<void> listen(const ServerOptions& options) {
    unlink(m_socket.c_str());  // the run directory's lock says that nobody listens
    const mode_t before = umask(0177);
    const bool bound = m_http.bind_to_port(m_socket.string(), 80);
    umask(before);
    if (!bound) return Error::io;
    if (options.group && chown(m_socket.c_str(), static_cast<uid_t>(-1), *options.group) != 0) {
      return Error::access_denied;
    }
    if (chmod(m_socket.c_str(), options.mode) != 0) return Error::io;
    m_thread = std::thread([this] { m_http.listen_after_bind(); });
    while (!m_http.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return {};
  }

 private:
  const std::filesystem::path m_socket;
  httplib::Server m_http;
  std::thread m_thread;
};

Server::Server(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Api& api) {
  if (options.socket.string().size() >= sizeof(sockaddr_un::sun_path)) {
    return Error::invalid_argument;
  }
  auto impl = std::make_unique<Impl>(options.socket, api);
  CIPHERDECK_TRY(impl->listen(options));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

}  // namespace cipherdeck::manager

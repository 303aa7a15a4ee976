// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/access_code.h"
#include "apps/cipherdeck/commands.h"
#include "apps/cipherdeck/operands.h"
#include "apps/cipherdeck/table.h"
#include "apps/cipherdeck/token_file.h"

#include <iostream>
#include <memory>
#include <string>

namespace cipherdeck::cli {
namespace {

struct Options {
  std::string name;
  std::string role;
  std::string partition;
  std::string password_file;
};

std::string user_path(const Options& options) { return "/v1/users/" + path_part(options.name); }

void login(Context& context, const Options& options) {
  auto password =
      read_secret(context, {"password", "--password-file", false}, options.password_file);
  if (!password) return;
  auto answer = ask_with_secret(context, "POST", "/v1/login", Json{{"name", options.name}},
                                "password", *password);
  if (!answer) return;
  auto token = answer->value("token", "");
  answer->erase("token");
  const bool kept = write_token(context, token);
  wipe_text(token);
  if (!kept) return;
  if (context.json) return print(*answer);
  std::cout << options.name << " is logged in as " << answer->value("role", "") << " for "
            << answer->value("left_s", 0U) / 60 << " minutes since the last command.\n";
}

void logout(Context& context) {
  const auto answer = ask(context, "DELETE", "/v1/login");
  remove_token(context);  // in any case
  if (!answer) return;
  if (context.json) return print(*answer);
  std::cout << "Logged out.\n";
}

void list(Context& context) {
  const auto answer = ask(context, "GET", "/v1/users");
  if (!answer) return;
  if (context.json) return print(*answer);
  const Json users = answer->value("users", Json::array());
  if (users.empty()) {
    std::cout << "There are no users: whoever may open the manager's socket may do all.\n"
                 "Make the first with 'cipherdeck role add NAME administrator'.\n";
    return;
  }
  Table table({{"NAME"}, {"ROLE"}, {"PARTITION", true}, {"SINCE"}});
  for (const auto& user : users) {
    const Json& partition = user.at("partition");
    table.add({user.value("name", ""), user.value("role", ""),
               partition.is_null() ? "all" : std::to_string(partition.get<std::uint32_t>()),
               format_time(user.value("created", std::uint64_t{0}))});
  }
  table.print(std::cout);
}

void add(Context& context, const Options& options) {
  auto password = read_secret(context, {"password", "--password-file"}, options.password_file);
  if (!password) return;
  Json body{{"name", options.name}, {"role", options.role}};
  if (!options.partition.empty()) body["partition"] = options.partition;
  const auto answer =
      ask_with_secret(context, "POST", "/v1/users", std::move(body), "password", *password);
  if (!answer) return;
  if (context.json) return print(*answer);
  std::cout << options.name << " is " << options.role << " now.\n";
}

void remove(Context& context, const Options& options) {
  const auto answer = ask(context, "DELETE", user_path(options));
  if (!answer) return;
  if (context.json) return print(*answer);
  std::cout << options.name << " has no role any more.\n";
}

void set_password(Context& context, const Options& options) {
  auto password = read_secret(context, {"password", "--password-file"}, options.password_file);
  if (!password) return;
  const auto answer = ask_with_secret(context, "PUT", user_path(options) + "/password",
                                      Json::object(), "password", *password);
  if (!answer) return;
  if (context.json) return print(*answer);
  std::cout << options.name << " has a new password.\n";
}

void add_name(CLI::App& command, Options& options) {
  command.add_option("NAME", options.name, "Up to 31 letters, digits, '.', '_' and '-'")
      ->required();
}

void add_password(CLI::App& command, Options& options) {
  command.add_option("--password-file", options.password_file,
                     "File that holds the password, '-' for standard input [asks]");
}

constexpr const char* kRolesFooter =
    "\nA card without users obeys whoever may open the manager's socket. The first user is an\n"
    "administrator of the whole card; from then on commands that change want a login.\n"
    "  administrator  partitions, VFs, bindings, users, the card's protection, zeroization\n"
    "  operator       keys and access codes\n"
    "  auditor        the audit trail, and other auditors once there is one\n"
    "A role with --partition holds for that partition only.\n"
    "\nExamples:\n"
    "  cipherdeck role add ann administrator\n"
    "  cipherdeck login ann\n"
    "  cipherdeck role add bob operator --partition blue\n"
    "  cipherdeck role add eve auditor";

}  // namespace

void register_role(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();

  auto* const enter = app.add_subcommand("login", "Logs in to the card's management");
  add_name(*enter, *options);
  add_password(*enter, *options);
  enter->footer(
      "\nThe login ends after 15 minutes without a command, after 8 hours, with 'logout', and "
      "with\n"
      "the card. Its token is kept in CIPHERDECK_TOKEN_FILE, XDG_RUNTIME_DIR or the home "
      "directory.");
  enter->callback([&context, options] { login(context, *options); });

  auto* const leave = app.add_subcommand("logout", "Ends the login");
  leave->callback([&context] { logout(context); });

  auto* const group =
      app.add_subcommand("role", "Users of the management and their roles")->require_subcommand(1);
  group->footer(kRolesFooter);

  auto* const show = group->add_subcommand("list", "Lists the users");
  show->callback([&context] { list(context); });

  auto* const make = group->add_subcommand("add", "Gives somebody a role");
  add_name(*make, *options);
  make->add_option("ROLE", options->role, "administrator, operator or auditor")
      ->required()
      ->check(CLI::IsMember({"administrator", "operator", "auditor"}));
  make->add_option("--partition", options->partition, "Only of this partition, name or id")
      ->check(partition_selector());
  add_password(*make, *options);
  make->footer(kRolesFooter);
  make->callback([&context, options] { add(context, *options); });

  auto* const drop = group->add_subcommand("remove", "Takes somebody's role away");
  add_name(*drop, *options);
  drop->callback([&context, options] { remove(context, *options); });

  auto* const change = group->add_subcommand("password", "Sets a new password");
  add_name(*change, *options);
  add_password(*change, *options);
  change->callback([&context, options] { set_password(context, *options); });
}

}  // namespace cipherdeck::cli

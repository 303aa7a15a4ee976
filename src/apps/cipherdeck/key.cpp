// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/access_code.h"
#include "apps/cipherdeck/commands.h"
#include "apps/cipherdeck/operands.h"
#include "apps/cipherdeck/table.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace cipherdeck::cli {
namespace {

struct Options {
  std::string partition;
  std::uint32_t index = 0;
  bool kek = false;
  std::string kind = "pair";
  std::uint32_t bits = 0;    // 0: as usual for the kind
  std::uint32_t master = 1;  // of SM9 user keys, as the identity
  std::string user_id;
  bool yes = false;
  std::string access_code_file;
};

// As in kind of the manager's API.
struct Kind {
  const char* kind;
  const char* name;
  std::uint32_t bits;  // as usual; 0: there is no choice
};
constexpr Kind kKinds[] = {{"pair", "Key pair ", 0},
                           {"kek", "KEK ", 128},
                           {"rsa", "RSA key pair ", 2048},
                           {"symmetric", "Symmetric key ", 128},
                           {"sm9-sign-master", "SM9 signing master key ", 0},
                           {"sm9-encrypt-master", "SM9 encryption master key ", 0},
                           {"sm9-sign-user", "SM9 signing user key ", 0},
                           {"sm9-encrypt-user", "SM9 encryption user key ", 0}};

std::string kind_of(const Options& options) { return options.kek ? "kek" : options.kind; }

bool is_sm9_user(const std::string& kind) {
  return kind == "sm9-sign-user" || kind == "sm9-encrypt-user";
}

bool is_sm9_master(const std::string& kind) {
  return kind == "sm9-sign-master" || kind == "sm9-encrypt-master";
}

std::string keys_path(const Options& options) {
  return "/v1/partitions/" + path_part(options.partition) + "/keys";
}

std::string key_path(const Options& options) {
  return keys_path(options) + "/" + kind_of(options) + "/" + std::to_string(options.index);
}

const Kind& kind_in_table(const Options& options) {
  const std::string kind = kind_of(options);
  return *std::ranges::find(kKinds, kind, &Kind::kind);  // the command line takes no other
}

std::string key_name(const Options& options) {
  return kind_in_table(options).name + std::to_string(options.index) + " of partition " +
         options.partition;
}

/// The key generated, or nothing after the failure was printed.
std::optional<Json> ask_for_key(Context& context, const Options& options) {
  const std::string kind = kind_of(options);
  Json body{{"kind", kind}, {"index", options.index}};
  if (const std::uint32_t usual = kind_in_table(options).bits; usual != 0) {
    body["bits"] = options.bits != 0 ? options.bits : usual;
  }
  if (kind == "kek" || kind == "symmetric") {
    if (options.access_code_file.empty()) return ask(context, "POST", keys_path(options), body);
  }
  if (is_sm9_master(kind)) return ask(context, "POST", keys_path(options), body);
  if (is_sm9_user(kind)) {
    body["master"] = options.master;
    body["id"] = options.user_id;
  }
  auto code = read_access_code(context, options.access_code_file);
  if (!code) return std::nullopt;
  return ask_with_secret(context, "POST", keys_path(options), std::move(body), "access_code",
                         *code);
}

void generate(Context& context, const Options& options) {
  const auto answer = ask_for_key(context, options);
  if (!answer) return;
  if (context.json) return print(*answer);
  std::cout << key_name(options) << " is made.\n";
  if (is_sm9_master(kind_of(options))) {
    std::cout << "Public key  " << answer->value("public_key", "") << '\n';
  }
  if (kind_of(options) == "pair") {
    std::cout << "Signing public key     " << answer->value("sign_public_key", "") << '\n'
              << "Encryption public key  " << answer->value("encrypt_public_key", "") << '\n';
  }
}

void list(Context& context, const Options& options) {
  const auto answer = ask(context, "GET", keys_path(options));
  if (!answer) return;
  if (context.json) return print(*answer);
  const Json keys = answer->value("keys", Json::array());
  if (keys.empty()) {
    std::cout << "The partition has no keys. Make one with 'cipherdeck key generate'.\n";
    return;
  }
  Table table(
      {{"KIND"}, {"INDEX", true}, {"BITS", true}, {"CREATED"}, {"ACCESS"}, {"PUBLIC KEY OR ID"}});
  for (const auto& key : keys) {
    const std::string public_key = key.value("sign_public_key", key.value("public_key", ""));
    const std::string id = key.value("id", "");
    // Every partition has the pair of index 0 from its start: the device key pair of GM/T 0018.
    const bool device = key.value("kind", "") == "pair" && key.value("index", 0U) == 0;
    table.add({device ? "device" : key.value("kind", ""), std::to_string(key.value("index", 0U)),
               std::to_string(key.value("bits", 0U)),
               format_time(key.value("created", std::uint64_t{0})),
               device                       ? "-"
               : key.value("locked", false) ? "locked"
                                            : "open",
               !id.empty()          ? id
               : public_key.empty() ? "-"
                                    : public_key.substr(0, 16) + "..."});
  }
  table.print(std::cout);
}

void remove(Context& context, const Options& options) {
  if (!options.yes) {
    context.exit_code = fail(context, kUsage, "removing a key destroys it",
                             "Repeat with --yes if that is what you want.");
    return;
  }
  const auto answer = ask(context, "DELETE", key_path(options));
  if (!answer) return;
  if (context.json) return print(*answer);
  std::cout << key_name(options) << " is gone.\n";
}

void set_access_code(Context& context, const Options& options) {
  auto code = read_access_code(context, options.access_code_file);
  if (!code) return;
  const auto answer = ask_with_secret(context, "PUT", key_path(options) + "/access-code",
                                      Json::object(), "access_code", *code);
  if (!answer) return;
  if (context.json) return print(*answer);
  std::cout << key_name(options) << " has a new access code.\n";
}

void add_partition(CLI::App& command, Options& options) {
  command.add_option("--partition", options.partition, "Name or id of the partition")
      ->required()
      ->check(partition_selector());
}

void add_key(CLI::App& command, Options& options) {
  add_partition(command, options);
  std::vector<std::string> kinds;
  for (const Kind& each : kKinds) kinds.emplace_back(each.kind);
  command.add_option("--index", options.index, "Index of the key")
      ->required()
      ->check(CLI::Range(1, 4096));
  command.add_flag("--kek", options.kek, "The same as --kind kek");
  command
      .add_option(
          "--kind", options.kind,
          "pair (SM2) [default], kek, rsa, symmetric, sm9-sign-master, "
          "sm9-encrypt-master,\nsm9-sign-user or sm9-encrypt-user; each has indexes of its own")
      ->excludes("--kek")
      ->check(CLI::IsMember(kinds));
}

void add_access_code(CLI::App& command, Options& options) {
  command.add_option("--access-code-file", options.access_code_file,
                     "File that holds the access code, '-' for standard input [asks]");
}

constexpr const char* kGenerateFooter =
    "\nA key pair is two SM2 key pairs, for signatures and for encryption. Programs use it by its\n"
    "index after SDF_GetPrivateKeyAccessRight with the access code: 8 to 256 bytes of text, never\n"
    "given on the command line. A KEK has an access code only if --access-code-file gives one;\n"
    "without it every program of the partition may use it. RSA keys take some seconds to make.\n"
    "\nA key of an SM9 user is made from the master key (--master) for an identity (--user-id), "
    "and\n"
    "has an access code as a key pair has. Master keys have none: only the card uses them.\n"
    "\nExamples:\n"
    "  cipherdeck key generate --partition blue --kind sm9-sign-master --index 1\n"
    "  cipherdeck key generate --partition blue --kind sm9-sign-user --index 1 --user-id Alice\n"
    "  cipherdeck key generate --partition blue --index 1\n"
    "  cipherdeck key generate --partition blue --index 1 --access-code-file blue.code\n"
    "  pass blue | cipherdeck key generate --partition blue --index 2 --access-code-file -\n"
    "  cipherdeck key generate --partition blue --index 1 --kek\n"
    "  cipherdeck key generate --partition blue --index 1 --kind rsa --bits 3072";

}  // namespace

void register_key(CLI::App& app, Context& context) {
  auto* const group = app.add_subcommand("key", "Keys of a partition")->require_subcommand(1);
  const auto options = std::make_shared<Options>();

  auto* const make = group->add_subcommand("generate", "Makes a key pair, or a KEK, in the card");
  add_key(*make, *options);
  make->add_option("--bits", options->bits,
                   "RSA: a multiple of 256 from 1024 to 4096 [2048]; symmetric: 128 or 256 [128]")
      ->check(CLI::Range(128, 4096));
  add_access_code(*make, *options);
  make->add_option("--master", options->master, "Index of the SM9 master key [1]")
      ->check(CLI::Range(1, 4096));
  make->add_option("--user-id", options->user_id, "Identity of the SM9 user, 1 to 128 bytes");
  make->footer(kGenerateFooter);
  make->callback([&context, options] { generate(context, *options); });

  auto* const show = group->add_subcommand("list", "Lists the keys of a partition");
  add_partition(*show, *options);
  show->footer("\n--json has the public keys in full.");
  show->callback([&context, options] { list(context, *options); });

  auto* const drop = group->add_subcommand("remove", "Destroys a key");
  add_key(*drop, *options);
  drop->add_flag("--yes", options->yes, "Yes, destroy the key");
  drop->callback([&context, options] { remove(context, *options); });

  auto* const code =
      group->add_subcommand("access-code", "Sets a new access code and lifts a lock-out");
  add_key(*code, *options);
  add_access_code(*code, *options);
  code->footer("\nExample:\n  cipherdeck key access-code --partition blue --index 1");
  code->callback([&context, options] { set_access_code(context, *options); });
}

}  // namespace cipherdeck::cli

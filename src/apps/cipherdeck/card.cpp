// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/access_code.h"
#include "apps/cipherdeck/commands.h"
#include "apps/cipherdeck/table.h"

#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

namespace cipherdeck::cli {
namespace {

void print_row(const std::string& name, const std::string& value) {
  std::cout << name << std::string(14 - name.size(), ' ') << value << '\n';
}

std::string joined(const Json& texts) {
  std::string line;
  for (const auto& text : texts) line += (line.empty() ? "" : " ") + text.get<std::string>();
  return line;
}

void print_chip(const Json& chip) {
  const std::string name = chip.value("name", "");
  const std::string vendor = chip.value("vendor", "");
  std::string line = name.empty() ? chip.value("path", "") : name + " of " + vendor;
  print_row("Chip", line + ": " + chip.value("state", ""));
  if (chip.value("state", "") == "working") {
    print_row("", joined(chip.value("algorithms", Json::array())) + ", " +
                      std::to_string(chip.value("jobs", std::uint64_t{0})) + " jobs");
  } else {
    print_row("", chip.value("reason", ""));
  }
}

// What failed, if anything did.
void print_health(const Json& health) {
  if (const std::string fault = health.value("fault", ""); !fault.empty()) {
    print_row("Fault", fault);
  }
  if (const auto alarms = health.value("alarms", 0U); alarms != 0) {
    print_row("Alarms", std::to_string(alarms) + ", the last: " + health.value("last_alarm", ""));
  }
}

void print_status(const Json& card) {
  std::string state = card.value("state", "");
  if (card.contains("reason")) state += " (" + card.value("reason", "") + ")";
  print_row("State", state);
  print_health(card.value("health", Json::object()));
  print_row("Label", card.value("label", ""));
  print_row("Serial", card.value("serial", ""));
  print_row("Version", card.value("version", ""));
  print_row("Engines", card.value("engines", ""));
  print_row("Random", card.value("random", ""));
  print_row("Features", joined(card.value("features", Json::array())));
  for (const auto& chip : card.value("chips", Json::array())) print_chip(chip);
  print_row("Partitions", std::to_string(card.value("partitions", 0U)));
  print_row("VFs", std::to_string(card.value("vfs", 0U)) + " of " +
                       std::to_string(card.value("max_vfs", 0U)));
  print_row("Queue pairs", std::to_string(card.value("queue_pairs", 0U)));
  print_row("Sessions", std::to_string(card.value("sessions", 0U)));
  print_row("Commands", std::to_string(card.value("commands", std::uint64_t{0})));
  print_row("Up", format_duration(card.value("uptime_s", std::uint64_t{0})));
  if (card.value("state", "") == "uninitialised") {
    std::cout << "\nThe card has no management key yet: run 'cipherdeck card init'.\n";
  }
  if (card.value("state", "") == "locked") {
    std::cout << "\nThe card waits for its passphrase: run 'cipherdeck card unlock'.\n";
  }
}

void status(Context& context) {
  const auto card = ask(context, "GET", "/v1/card");
  if (!card) return;
  context.json ? print(*card) : print_status(*card);
}

struct Protection {
  std::string kind = "key-file";
  std::string passphrase_file;
};

/// Sends `body` and what shall protect the card; nothing after a failure was printed.
std::optional<Json> ask_protection(Context& context, const std::string& method,
                                   const std::string& path, Json body,
                                   const Protection& protection) {
  body["protection"] = protection.kind;
  if (protection.kind != "passphrase") return ask(context, method, path, body);
  auto passphrase =
      read_secret(context, {"passphrase", "--passphrase-file"}, protection.passphrase_file);
  if (!passphrase) return std::nullopt;
  return ask_with_secret(context, method, path, std::move(body), "passphrase", *passphrase);
}

void print_advice(const Protection& protection) {
  if (protection.kind == "passphrase") {
    std::cout << "After each start of cipherdeckd it waits for 'cipherdeck card unlock'.\n"
              << "Without the passphrase the store is lost.\n";
  } else if (protection.kind == "credential") {
    std::cout << "Back up the credential that the service was given: without it the store is "
                 "lost.\n";
  } else {
    std::cout << "Back up the key file (cipherdeckd --key-file): without it the store is lost.\n";
  }
}

void init(Context& context, const std::string& label, const Protection& protection) {
  Json body = Json::object();
  if (!label.empty()) body["label"] = label;
  const auto card = ask_protection(context, "POST", "/v1/card/init", std::move(body), protection);
  if (!card) return;
  if (context.json) return print(*card);
  std::cout << "Card initialised, serial " << card->value("serial", "") << ".\n";
  print_advice(protection);
}

std::string three_digits(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", number);
  return text;
}

// Prints what a test found; one that failed is the command's failure.
void show_tests(Context& context, const Json& report, const Table& table) {
  context.json ? print(report) : table.print(std::cout);
  if (!report.value("passed", false)) context.exit_code = kFailed;
}

void self_test(Context& context) {
  const auto report = ask(context, "POST", "/v1/card/self-test", Json::object());
  if (!report) return;
  Table table({{"TEST"}, {"RESULT"}, {"TIME ms", true}});
  for (const auto& test : (*report)["tests"]) {
    table.add({test.value("name", ""), test.value("passed", false) ? "passed" : "FAILED",
               three_digits(test.value("time_ms", 0.0))});
  }
  show_tests(context, *report, table);
}

void test_random(Context& context, const std::string& level) {
  const auto report = ask(context, "POST", "/v1/card/random-test", Json{{"level", level}});
  if (!report) return;
  Table table({{"TEST"}, {"RESULT"}, {"BELOW 0.01", true}, {"ALLOWED", true}, {"UNIFORM", true}});
  for (const auto& test : (*report)["tests"]) {
    table.add({test.value("name", ""), test.value("passed", false) ? "passed" : "FAILED",
               std::to_string(test.value("failures", 0U)) + " of " +
                   std::to_string(test.value("samples", 0U)),
               std::to_string(test.value("allowed", 0U)),
               three_digits(test.value("uniformity", 0.0))});
  }
  show_tests(context, *report, table);
}

void protect(Context& context, const Protection& protection) {
  const auto card =
      ask_protection(context, "PUT", "/v1/card/protection", Json::object(), protection);
  if (!card) return;
  if (context.json) return print(*card);
  std::cout << "The card is protected by its " << protection.kind << " from now on.\n";
  print_advice(protection);
}

void unlock(Context& context, const std::string& file) {
  auto passphrase = read_secret(context, {"passphrase", "--passphrase-file", false}, file);
  if (!passphrase) return;
  const auto card = ask_with_secret(context, "POST", "/v1/card/unlock", Json::object(),
                                    "passphrase", *passphrase);
  if (!card) return;
  if (context.json) return print(*card);
  std::cout << "The card is " << card->value("state", "") << ".\n";
}

void zeroize(Context& context, bool yes) {
  if (!yes) {
    context.exit_code = fail(context, kUsage, "zeroizing the card destroys all keys of all tenants",
                             "Repeat with --yes if that is what you want.");
    return;
  }
  const auto card = ask(context, "POST", "/v1/card/zeroize");
  if (!card) return;
  if (context.json) return print(*card);
  std::cout << "All keys of the card are gone. It is " << card->value("state", "") << ".\n";
}

void add_protection(CLI::App& command, Protection& protection) {
  command.add_option("--protect", protection.kind, "What protects the management key")
      ->check(CLI::IsMember({"key-file", "passphrase", "credential"}))
      ->capture_default_str();
  command.add_option("--passphrase-file", protection.passphrase_file,
                     "File that holds the passphrase, '-' for standard input [asks]");
}

constexpr const char* kProtectionFooter =
    "\nWhat protects the management key, and with it all keys:\n"
    "  key-file    a file of the card's own (cipherdeckd --key-file); the card starts by itself\n"
    "  passphrase  a person gives it after each start of the card (card unlock)\n"
    "  credential  32 bytes that systemd hands to the service as cipherdeck.key, which it can\n"
    "              keep encrypted to this machine or its TPM (systemd-creds)\n";

}  // namespace

void register_card(CLI::App& app, Context& context) {
  auto* const group = app.add_subcommand("card", "The card itself")->require_subcommand(1);

  auto* const show = group->add_subcommand("status", "Shows the card's state");
  show->footer("\nExample:\n  cipherdeck card status --json | jq .state");
  show->callback([&context] { status(context); });

  struct Options {
    std::string label;
    std::string passphrase_file;
    Protection protection;
    bool yes = false;
  };
  const auto options = std::make_shared<Options>();

  auto* const make = group->add_subcommand(
      "init", "Makes the management key and the key store; once in the card's life");
  make->add_option("--label", options->label, "What people call this card, up to 31 bytes");
  add_protection(*make, options->protection);
  make->footer(std::string(kProtectionFooter) +
               "\nExamples:\n  cipherdeck card init --label \"rack 7\"\n"
               "  cipherdeck card init --protect passphrase");
  make->callback([&context, options] { init(context, options->label, options->protection); });

  auto* const open = group->add_subcommand("unlock", "Gives the card its passphrase");
  open->add_option("--passphrase-file", options->passphrase_file,
                   "File that holds the passphrase, '-' for standard input [asks]");
  open->footer("\nAfter some wrong passphrases each further one has to wait, up to five minutes.");
  open->callback([&context, options] { unlock(context, options->passphrase_file); });

  auto* const change = group->add_subcommand("protect", "Changes what protects the management key");
  add_protection(*change, options->protection);
  change->footer(std::string(kProtectionFooter) +
                 "\nOld copies of the store still open with what protected them.");
  change->callback([&context, options] { protect(context, options->protection); });

  auto* const wipe = group->add_subcommand("zeroize", "Destroys all keys; the card is then as new");
  wipe->add_flag("--yes", options->yes, "Yes, destroy the keys of all tenants");
  wipe->callback([&context, options] { zeroize(context, options->yes); });

  auto* const test = group->add_subcommand(
      "self-test", "Tests the program and all algorithms now; a failure stops the card");
  test->footer("\nExample:\n  cipherdeck card self-test --json | jq .passed");
  test->callback([&context] { self_test(context); });

  auto* const random = group->add_subcommand(
      "test-random", "Tests the random source now; failing twice stops the card");
  const auto level = std::make_shared<std::string>("periodic");
  random->add_option("--level", *level, "factory, power-on or periodic (GM/T 0062, class E)")
      ->check(CLI::IsMember({"factory", "power-on", "periodic"}))
      ->capture_default_str();
  random->footer("\nExample:\n  cipherdeck card test-random --level factory");
  random->callback([&context, level] { test_random(context, *level); });
}

}  // namespace cipherdeck::cli

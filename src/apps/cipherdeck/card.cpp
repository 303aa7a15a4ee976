// SPDX-License-Identifier: Apache-2.0
#include "apps/cipherdeck/commands.h"
#include "apps/cipherdeck/table.h"

#include <iostream>
#include <memory>
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

void print_status(const Json& card) {
  std::string state = card.value("state", "");
  if (card.contains("reason")) state += " (" + card.value("reason", "") + ")";
  print_row("State", state);
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
}

void status(Context& context) {
  const auto card = ask(context, "GET", "/v1/card");
  if (!card) return;
  context.json ? print(*card) : print_status(*card);
}

void init(Context& context, const std::string& label) {
  Json body = Json::object();
  if (!label.empty()) body["label"] = label;
  const auto card = ask(context, "POST", "/v1/card/init", body);
  if (!card) return;
  if (context.json) return print(*card);
  std::cout << "Card initialised, serial " << card->value("serial", "") << ".\n"
            << "Back up the key file (cipherdeckd --key-file): without it the store is lost.\n";
}

}  // namespace

void register_card(CLI::App& app, Context& context) {
  auto* const group = app.add_subcommand("card", "The card itself")->require_subcommand(1);

  auto* const show = group->add_subcommand("status", "Shows the card's state");
  show->footer("\nExample:\n  cipherdeck card status --json | jq .state");
  show->callback([&context] { status(context); });

  auto* const make = group->add_subcommand(
      "init", "Makes the management key and the key store; once in the card's life");
  const auto label = std::make_shared<std::string>();
  make->add_option("--label", *label, "What people call this card, up to 31 bytes");
  make->footer("\nExample:\n  cipherdeck card init --label \"rack 7\"");
  make->callback([&context, label] { init(context, *label); });
}

}  // namespace cipherdeck::cli

// SPDX-License-Identifier: Apache-2.0
// Partitions to files and back: a backup, and shares of its key for as many custodians.
#include "apps/cipherdeck/access_code.h"
#include "apps/cipherdeck/commands.h"
#include "apps/cipherdeck/operands.h"
#include "base/file_descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cipherdeck::cli {
namespace {

struct Options {
  std::string name;
  std::string file;
  std::uint32_t num_shares = 3;
  std::uint32_t threshold = 2;
  std::vector<std::string> shares;
};

/// A new file of mode 0600; false after the failure was printed.
bool write_new(Context& context, const std::string& path, const std::string& text) {
  const FileDescriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  const bool written =
      file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      fsync(file.get()) == 0;
  if (written) return true;
  context.exit_code = fail(context, kFailed, "cannot write " + path + ": " + std::strerror(errno),
                           "Name a file that is not there yet, in a directory that you may write.");
  return false;
}

std::optional<std::string> read_digits(Context& context, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const bool digits =
      !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (file && digits) return text;
  context.exit_code = fail(context, kFailed, "cannot read " + path + " as a backup or share",
                           "Name files that 'cipherdeck partition backup' made.");
  return std::nullopt;
}

std::string share_path(const Options& options, std::size_t number) {
  return options.file + ".share" + std::to_string(number);
}

void backup(Context& context, const Options& options) {
  auto answer = ask(context, "POST", "/v1/partitions/" + path_part(options.name) + "/backup",
                    Json{{"threshold", options.threshold}, {"shares", options.num_shares}});
  if (!answer) return;
  if (!write_new(context, options.file, answer->value("backup", "") + "\n")) return;
  Json files = Json::array();
  for (auto& share : (*answer)["shares"]) {
    files.push_back(share_path(options, files.size() + 1));
    auto& text = share.get_ref<std::string&>();
    const bool written = write_new(context, files.back().get<std::string>(), text + "\n");
    wipe_text(text);
    if (!written) return;
  }
  if (context.json) return print(Json{{"backup", options.file}, {"shares", std::move(files)}});
  std::cout << "Partition " << options.name << " is in " << options.file << ".\n"
            << "Give each of " << share_path(options, 1) << " to "
            << share_path(options, options.num_shares)
            << " to another person, and remove it here: " << options.threshold
            << " of them restore the keys.\n";
}

void restore(Context& context, const Options& options) {
  const auto text = read_digits(context, options.file);
  if (!text) return;
  Json body{{"name", options.name}, {"backup", *text}, {"shares", Json::array()}};
  for (const std::string& path : options.shares) {
    const auto share = read_digits(context, path);
    if (!share) return;
    body["shares"].push_back(*share);
  }
  const auto answer = ask(context, "POST", "/v1/restore", body);
  for (auto& share : body["shares"]) wipe_text(share.get_ref<std::string&>());
  if (!answer) return;
  if (context.json) return print(*answer);
  std::cout << "Partition " << answer->value("name", "") << " has id " << answer->value("id", 0U)
            << " and " << answer->value("key_pairs", 0U) << " key pairs.\n";
}

}  // namespace

void register_backup(CLI::App& partition, Context& context) {
  const auto options = std::make_shared<Options>();

  auto* const save = partition.add_subcommand(
      "backup", "Writes a partition's keys to a file, and shares of what opens it to others");
  save->add_option("NAME", options->name, "Name or id")->required()->check(partition_selector());
  save->add_option("--to", options->file, "New file; shares are FILE.share1 and so on")->required();
  save->add_option("--shares", options->num_shares, "How many shares")
      ->check(CLI::Range(2, 16))
      ->capture_default_str();
  save->add_option("--threshold", options->threshold, "How many of them restore the keys")
      ->check(CLI::Range(2, 16))
      ->capture_default_str();
  save->footer(
      "\nWho has the file and enough shares has the partition's keys and access codes.\n"
      "\nExample:\n  cipherdeck partition backup blue --to blue.backup --shares 5 --threshold 3");
  save->callback([&context, options] { backup(context, *options); });

  auto* const load = partition.add_subcommand(
      "restore", "Makes a partition from a backup, on this card or another");
  load->add_option("NAME", options->name, "Name of the new partition")->required();
  load->add_option("--from", options->file, "File of the backup")->required();
  load->add_option("--share", options->shares, "File of a share; repeat it for each")
      ->required()
      ->expected(1, 16);
  load->footer(
      "\nExample:\n  cipherdeck partition restore blue --from blue.backup \\\n"
      "    --share blue.backup.share1 --share blue.backup.share3");
  load->callback([&context, options] { restore(context, *options); });
}

}  // namespace cipherdeck::cli

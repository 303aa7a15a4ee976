// SPDX-License-Identifier: Apache-2.0
#include "sdf/test_server.h"

#include "card/card.h"
#include "device/device.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>

namespace cipherdeck::sdf::testing {
namespace {

std::uint32_t manage(card::Card& card, std::uint16_t opcode, std::uint64_t arg0, std::uint64_t arg1,
                     std::uint32_t key, std::string_view input) {
  cipherdeck_command command{};
  command.opcode = opcode;
  command.key = key;
  command.arg[0] = arg0;
  command.arg[1] = arg1;
  const auto reply = card.manage(command, as_bytes(input));
  if (reply.status != CIPHERDECK_STATUS_OK) {
    throw std::runtime_error("management command " + std::to_string(opcode) + ": " +
                             std::string(to_string(from_status(reply.status))));
  }
  return reply.value;
}

// Master keys at index 1, and keys of kSm9Users for signatures and for encryption.
void furnish_sm9(card::Card& card, std::uint32_t partition) {
  for (const std::uint64_t kind :
       {CIPHERDECK_KEY_SM9_SIGN_MASTER, CIPHERDECK_KEY_SM9_ENCRYPT_MASTER}) {
    manage(card, CIPHERDECK_OP_SM9_MASTER_GENERATE, partition, kind, 1, "");
  }
  std::uint32_t index = 0;
  for (const std::string_view id : kSm9Users) {
    const std::string_view code = access_code(++index);
    const cipherdeck_sm9_user user{1, static_cast<std::uint32_t>(code.size())};
    std::string input(reinterpret_cast<const char*>(&user), sizeof user);
    input.append(code).append(id);
    for (const std::uint64_t kind :
         {CIPHERDECK_KEY_SM9_SIGN_USER, CIPHERDECK_KEY_SM9_ENCRYPT_USER}) {
      manage(card, CIPHERDECK_OP_SM9_USER_KEY_GENERATE, partition, kind, index, input);
    }
  }
}

void furnish(card::Card& card) {
  if (card.state() != CIPHERDECK_CARD_UNINITIALISED) return;  // started again on the same store
  manage(card, CIPHERDECK_OP_CARD_INIT, 0, 0, 0, "test card");
  const auto partition = manage(card, CIPHERDECK_OP_PARTITION_CREATE, 0, 0, 0, "tenant");
  for (std::uint32_t index = 1; index <= kNumKeyPairs; ++index) {
    manage(card, CIPHERDECK_OP_KEY_PAIR_GENERATE, partition, 0, index, access_code(index));
  }
  for (std::uint32_t index = 1; index <= 2; ++index) {
    manage(card, CIPHERDECK_OP_KEK_GENERATE, partition, 128, index, "");
  }
  manage(card, CIPHERDECK_OP_KEK_GENERATE, partition, 128, 3, kKekAccessCode);
  manage(card, CIPHERDECK_OP_RSA_KEY_PAIR_GENERATE, partition, kRsaBits, 1, access_code(1));
  manage(card, CIPHERDECK_OP_SYMMETRIC_KEY_GENERATE, partition, 128, 1, "");
  manage(card, CIPHERDECK_OP_SYMMETRIC_KEY_GENERATE, partition, 256, 2, access_code(2));
  furnish_sm9(card, partition);
  for (std::uint32_t function = 1; function <= kNumVfs; ++function) {
    manage(card, CIPHERDECK_OP_FUNCTION_BIND, function, partition, 0, "");
  }
}

}  // namespace

int serve(const std::filesystem::path& directory) {
  auto card = card::Card::open({.store = directory / "store", .key_file = directory / "key"});
  if (!card) {
    std::fprintf(stderr, "card: %s\n", std::string(to_string(card.error())).c_str());
    return 1;
  }
  furnish(**card);
  device::DeviceOptions options;
  options.run_directory = directory;
  options.num_vfs = kNumVfs;
  auto device = device::Device::start(options, **card);
  if (!device) {
    std::fprintf(stderr, "device: %s\n", std::string(to_string(device.error())).c_str());
    return 1;
  }
  char byte = 1;
  if (write(STDOUT_FILENO, &byte, 1) != 1) return 1;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}

pid_t start_self(const char* argument, const char* value, int input, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (input >= 0) posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  if (output >= 0) posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const char* const arguments[] = {self.c_str(), argument, value, nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, self.c_str(), &actions, nullptr,
                                const_cast<char* const*>(arguments), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("posix_spawn failed");
  return pid;
}

ServerProcess::ServerProcess(const std::filesystem::path& directory) {
  int to_server[2], from_server[2];
  if (pipe2(to_server, O_CLOEXEC) != 0 || pipe2(from_server, O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe2 failed");
  }
  m_pid = start_self("--serve", directory.c_str(), to_server[0], from_server[1]);
  m_input = to_server[1];
  close(to_server[0]);
  close(from_server[1]);
  char byte;
  const ssize_t got = read(from_server[0], &byte, 1);
  close(from_server[0]);
  if (got != 1) throw std::runtime_error("the card's process does not listen");
}

void ServerProcess::stop(int signal) {
  if (m_pid < 0) return;
  kill(m_pid, signal);
  close(m_input);
  waitpid(m_pid, nullptr, 0);
  m_pid = -1;
}

}  // namespace cipherdeck::sdf::testing

// SPDX-License-Identifier: Apache-2.0
// cipherdeck-load: a tenant of `cipherdeck bench schemes` in a virtual machine. It is told over the
// console what to do and says there what came of it (bench/functions/load_protocol.h).
#include "functions/load_protocol.h"

#include <CLI/CLI.hpp>

#include <iostream>
#include <string>

namespace cipherdeck::load_program {
namespace {

using bench::Load;
using bench::LoadAnswer;
using Kind = LoadAnswer::Kind;

constexpr const char* kFooter = R"(
Reads a load from standard input, one line: operation (nop, sm4-cbc, sm4-ctr, sm3, sm2-sign), bytes of
one command, commands in flight, milliseconds, and which results are checked (every, last). Opens its
queue pair and sessions, says "load: ready", waits for a line "go", works, and says
"load: done operations=N seconds=S p50_us=T p99_us=T checked=N", or "load: failed WHY". Then it takes
the next load, until the input ends. SM2 signs 32 bytes with key 1 of the partition, whose access code is
"benchmark".

Example:
  printf 'sm3 16384 16 1000 every\ngo\n' | cipherdeck-load --device /dev/cipherdeck0

Exit codes: 0 the input ended, 1 a load failed, 2 usage.)";

void say(const LoadAnswer& answer) { std::cout << to_line(answer) << std::endl; }

// Says why, and gives the exit code.
int fail(std::string why) {
  say({.kind = Kind::failed, .why = std::move(why)});
  return 1;
}

int run(const std::string& device, const Load& load) {
  std::string why;
  auto tenant = bench::open_tenant(device, load, bench::Waiting::sleep, why);
  if (!tenant) return fail(device + ": " + why);
  if (const auto prepared = tenant->prepare(load); !prepared) {
    return fail("cannot prepare: " + std::string(to_string(prepared.error())));
  }
  say({.kind = Kind::ready});
  std::string line;
  if (!std::getline(std::cin, line) || line != "go") return fail("no 'go'");
  const auto sample = tenant->work();
  if (!sample) return fail(std::string(bench::reason_of(sample.error())));
  say({.kind = Kind::done, .sample = *sample});
  return 0;
}

int serve(const std::string& device) {
  say({.kind = Kind::up});
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto load = bench::parse_load_request(line);
    if (!load) return fail("not a load: " + line);
    if (const int failed = run(device, *load); failed != 0) return failed;
  }
  return 0;
}

}  // namespace
}  // namespace cipherdeck::load_program

int main(int argc, char** argv) {
  std::string device = "/dev/cipherdeck0";
  CLI::App app{"Keeps a card's function busy and measures what it gives.", "cipherdeck-load"};
  app.footer(cipherdeck::load_program::kFooter);
  app.set_version_flag("--version", "cipherdeck-load " CIPHERDECK_PROGRAM_VERSION);
  app.add_option("--device", device, "The function, as in CIPHERDECK_DEVICE")
      ->envname("CIPHERDECK_DEVICE")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return cipherdeck::load_program::serve(device);
}

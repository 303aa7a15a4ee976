// SPDX-License-Identifier: Apache-2.0
// `cipherdeck bench schemes`: the experiment. The speed that many tenants together get of one card
// under each way of sharing it, against the bare card, all in one run on a card of the benchmark's
// own: its worker on one processor, the tenants on another.
#pragma once

#include "schemes/machines.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace cipherdeck::bench {

/// The bare card is one process that has the PF to itself and polls. Passthrough is one tenant with
/// the PF; emulated are tenants of cipherdeck-emulator, which has one VF; direct are tenants with
/// a VF each.
enum class Scheme : std::uint8_t { card, passthrough, emulated, direct };

[[nodiscard]] std::string_view name_of(Scheme scheme) noexcept;

/// What the tenants are; the bare card's is a process in any case.
enum class TenantsAs : std::uint8_t { process, vm };

[[nodiscard]] std::string_view name_of(TenantsAs tenants) noexcept;

struct SchemesOptions {
  std::filesystem::path card_program;      // cipherdeckd
  std::filesystem::path emulator_program;  // cipherdeck-emulator
  int card_cpu = 0;
  int tenant_cpu = 1;  // of tenants and emulator
  std::string chip;    // as cipherdeckd's --chip; its cipher is measured, too; "": none
  TenantsAs tenants_as = TenantsAs::process;
  MachineCommand machine;  // of tenants that are machines
  std::vector<Scheme> schemes = {Scheme::passthrough, Scheme::emulated, Scheme::direct};
  std::vector<Operation> operations = {Operation::sm4_cbc, Operation::sm4_ctr, Operation::sm3,
                                       Operation::sm2_sign};
  std::vector<std::uint32_t> tenants = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 64, 256};
  std::uint32_t bytes = 16384;  // of one command; SM2 signs 32
  std::uint32_t depth = 16;     // commands that a tenant keeps in flight
  unsigned repeats = 3;         // of each measurement; the median counts
  unsigned duration_ms = 300;   // of one measurement
};

struct SchemesRow {
  Scheme scheme = Scheme::card;
  Operation operation = Operation::sm4_ctr;
  std::uint32_t tenants = 0;
  std::uint32_t bytes = 0;
  double ops_per_s = 0;  // of all tenants together
  double ratio_to_card = 0;
  double jain = 1;    // Jain's index of fairness over the tenants' rates
  double p50_us = 0;  // medians over the tenants
  double p99_us = 0;
  std::uint64_t results_checked = 0;

  [[nodiscard]] double mb_per_s() const noexcept { return ops_per_s * bytes / 1e6; }
};

/// Runs everything, and fails at the first wrong result; `progress` is told what runs now and how
/// much of all is done, 0 to 1. SIGINT, SIGTERM and SIGHUP make it end everything and fail. On
/// failure `why` says what and why.
[[nodiscard]] Result<std::vector<SchemesRow>> run_schemes(
    const SchemesOptions& options, const std::function<void(const std::string&, double)>& progress,
    std::string& why);

/// Under which a report's figures came to be, as text.
struct Circumstances {
  std::string command, machine, date;
};

/// One page of HTML with everything in it: a plot for each operation, the published figures beside
/// ours, and all rows in a table.
[[nodiscard]] std::string schemes_report(const SchemesOptions& options,
                                         const std::vector<SchemesRow>& rows,
                                         const Circumstances& circumstances);

}  // namespace cipherdeck::bench

// SPDX-License-Identifier: Apache-2.0
#include "card/chip/chip_set.h"

#include <pthread.h>

#include <algorithm>
#include <cstring>

namespace cipherdeck::card::chip {
namespace {

template <std::size_t N>
void put_text(cipherdeck_u8 (&to)[N], std::string_view text) noexcept {
  std::memcpy(to, text.data(), std::min(text.size(), N - 1));
}

std::uint32_t cipher_of(std::uint32_t algorithm) noexcept {
  return algorithm & ~CIPHERDECK_ALG_MODE_MASK;
}

}  // namespace

ChipSet::ChipSet(std::span<const ChipSpec> specs, const Limits& limits, const Log& log)
    : m_limits(limits) {
  for (const ChipSpec& spec : specs.first(std::min(specs.size(), kMaxChips))) {
    m_places.push_back(fill(spec, limits, log));
  }
  if (m_places.empty()) return;
  m_watch = std::thread([this] { watch(); });
  pthread_setname_np(m_watch.native_handle(), "card-chip-watch");
}

ChipSet::Place ChipSet::fill(const ChipSpec& spec, const Limits& limits, const Log& log) {
  Place place{.spec = spec};
  const auto loaded = Plugin::load(spec.path);
  if (const auto* const plugin = std::get_if<Plugin>(&loaded)) {
    place.chip = Chip::start(*plugin, spec.argument, limits, log);
    return place;
  }
  place.refusal = std::get<std::string>(loaded) + ". Correct it, then restart cipherdeckd.";
  if (log) log("chip " + spec.path.string() + " is refused: " + place.refusal);
  return place;
}

ChipSet::~ChipSet() {
  if (m_watch.joinable()) {
    {
      const std::lock_guard lock(m_mutex);
      m_stopping = true;
    }
    m_called.notify_one();
    m_watch.join();
  }
  for (const Place& place : m_places) {
    if (place.chip != nullptr) place.chip->stop();
  }
}

Result<Chip*> ChipSet::find(std::uint32_t algorithm) const noexcept {
  Error error = Error::algorithm;
  Chip* best = nullptr;
  for (const Place& place : m_places) {
    if (place.chip == nullptr) continue;
    if (!place.chip->offers(algorithm)) {
      const auto all = place.chip->plugin().algorithms();
      const bool same_cipher = std::ranges::any_of(
          all, [&](std::uint32_t each) { return cipher_of(each) == cipher_of(algorithm); });
      if (same_cipher && error == Error::algorithm) error = Error::mode;
    } else if (!place.chip->is_working()) {
      error = Error::chip_failed;
    } else if (best == nullptr || place.chip->load() < best->load()) {
      best = place.chip.get();
    }
  }
  if (best == nullptr) return error;
  return best;
}

void ChipSet::submit(Chip& chip, std::shared_ptr<Job> job) {
  chip.submit(std::move(job));
  if (!m_idle.exchange(false)) return;
  const std::lock_guard lock(m_mutex);
  m_called.notify_one();
}

std::uint32_t ChipSet::abilities() const noexcept {
  std::uint32_t abilities = 0;
  for (const Place& place : m_places) {
    const bool counts =
        place.chip != nullptr && place.chip->is_working() && !place.chip->plugin().is_stand_in();
    if (counts) abilities |= standard_abilities(place.chip->plugin().algorithms());
  }
  return abilities;
}

std::vector<cipherdeck_chip_record> ChipSet::records() const {
  std::vector<cipherdeck_chip_record> records;
  for (const Place& place : m_places) {
    cipherdeck_chip_record record{};
    put_text(record.path, place.spec.path.native());
    if (place.chip == nullptr) {
      record.state = CIPHERDECK_CHIP_STATE_REFUSED;
      put_text(record.fault, place.refusal);
      records.push_back(record);
      continue;
    }
    const Plugin& plugin = place.chip->plugin();
    const Chip::Numbers numbers = place.chip->numbers();
    record.state =
        place.chip->is_working() ? CIPHERDECK_CHIP_STATE_WORKING : CIPHERDECK_CHIP_STATE_FENCED;
    record.stand_in = plugin.is_stand_in() ? 1 : 0;
    put_text(record.vendor, plugin.vendor());
    put_text(record.name, plugin.name());
    put_text(record.fault, place.chip->fault());
    std::ranges::copy(plugin.algorithms(), record.algorithms);
    record.jobs = numbers.jobs;
    record.bytes = numbers.bytes;
    record.failed = numbers.failed;
    records.push_back(record);
  }
  return records;
}

// ---- the watching thread ------------------------------------------------------------------------

bool ChipSet::is_busy() const noexcept {
  return std::ranges::any_of(m_places, [](const Place& place) {
    return place.chip != nullptr && place.chip->is_working() && place.chip->load() != 0;
  });
}

// While a chip has jobs, looks at it a few times in the time of a job; otherwise sleeps. Whoever
// submits first counts the job and then looks at m_idle, here it is the other way round: so no job
// goes unwatched.
void ChipSet::watch() {
  std::unique_lock lock(m_mutex);
  while (!m_stopping) {
    m_idle.store(true);
    if (is_busy()) {
      m_idle.store(false);
      m_called.wait_for(lock, m_limits.job / 4, [this] { return m_stopping; });
    } else {
      m_called.wait(lock, [this] { return m_stopping || !m_idle.load(); });
    }
    lock.unlock();
    for (const Place& place : m_places) {
      if (place.chip != nullptr) place.chip->supervise(Clock::now());
    }
    lock.lock();
  }
}

}  // namespace cipherdeck::card::chip

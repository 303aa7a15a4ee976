// SPDX-License-Identifier: Apache-2.0
// The frame of a program that times one library: options, known answers, the clock, and rows in the
// form of `cipherdeck bench engines --json`.
#pragma once

#include "measure/measure.h"
#include "peers/known_answers.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace cipherdeck::peers {

using Run = std::function<void()>;

/// One of the messages that a library works on at once.
struct Message {
  Octets key, tweak_key, iv, aad, in, out;
  Octets tag = Octets(16);
};

struct Batch {
  std::vector<Message> messages;
  bool is_check;  // the output is looked at: a peer that works in place copies it only then
};

/// Makes ready for a batch: keys are set up here, nonces in the function that it gives, which works
/// on all messages once each time it is called.
using Prepare = std::function<Run(Batch&)>;

class Peer {
 public:
  Peer(int argc, char** argv, std::string name);

  /// A mode of SM4, or SM3, on `streams` messages at once. It is timed if its known answer is
  /// right.
  void add(const std::string& algorithm, unsigned streams, const Prepare& prepare);

  /// An operation of SM2. `is_right` tries it, before it is timed and once more after that.
  void add_operation(const std::string& algorithm, unsigned streams,
                     const std::function<bool()>& is_right, const Run& run);

  /// The processor lacks what the library needs.
  void set_unavailable(std::string why) { m_unavailable = std::move(why); }

  /// Prints the rows; the program's exit status.
  [[nodiscard]] int finish() const;

 private:
  [[nodiscard]] bool is_wanted(const std::string& algorithm) const;
  void reject(const std::string& algorithm);
  void row(const std::string& algorithm, std::size_t bytes, unsigned streams, bool counts_bytes,
           const Run& run);

  std::string m_name, m_unavailable;
  double m_seconds = 0.1;
  std::vector<std::string> m_algorithms;  // empty: all
  std::vector<std::size_t> m_bytes;
  std::vector<std::string> m_rows;
  bool m_is_wrong = false;
};

/// Octets that differ from one call to the next.
inline Octets some_octets(std::size_t len) {
  static std::uint32_t state = 1;
  Octets octets(len);
  for (auto& octet : octets) {
    state = state * 1664525 + 1013904223;
    octet = static_cast<std::uint8_t>(state >> 24);
  }
  return octets;
}

/// `value` with one bit changed.
inline Octets altered(Octets value) {
  value.back() ^= 1;
  return value;
}

/// Ends the program if a library fails where it may not.
inline void require(bool is_good, const char* what) {
  if (is_good) return;
  (void)std::fprintf(stderr, "%s failed\n", what);
  std::exit(1);
}

inline Message message_of(const Sm4Answer& answer) {
  const bool is_decryption = answer.algorithm == "sm4-cbc-dec";
  const Octets in = hex(is_decryption ? answer.ciphertext : answer.plaintext);
  return {.key = hex(answer.key),
          .tweak_key = hex(answer.tweak_key),
          .iv = hex(answer.iv),
          .aad = hex(answer.aad),
          .in = in,
          .out = Octets(in.size())};
}

inline bool is_right(const Message& message, const Sm4Answer& answer) {
  if (!answer.tag.empty() && message.tag != hex(answer.tag)) return false;
  if (answer.algorithm == "sm4-cbc-dec") return message.out == hex(answer.plaintext);
  return message.out == hex(answer.ciphertext) ||
         (!answer.other_ciphertext.empty() && message.out == hex(answer.other_ciphertext));
}

inline bool passes_check(const std::string& algorithm, unsigned streams, const Prepare& prepare) {
  Batch batch{{}, true};
  if (algorithm == "sm3") {
    batch.messages.assign(streams, {.in = ascii(kSm3Text), .out = Octets(32)});
    prepare(batch)();
    return std::ranges::all_of(batch.messages,
                               [](const Message& m) { return m.out == hex(kSm3Digest); });
  }
  const auto* const answer = std::ranges::find(kSm4Answers, algorithm, &Sm4Answer::algorithm);
  batch.messages.assign(streams, message_of(*answer));
  const Run run = prepare(batch);
  run();
  run();  // the second call starts from the same nonce
  return std::ranges::all_of(batch.messages,
                             [&](const Message& m) { return is_right(m, *answer); });
}

inline Batch random_batch(const std::string& algorithm, unsigned streams, std::size_t bytes) {
  Batch batch{{}, false};
  for (unsigned i = 0; i < streams; ++i) {
    batch.messages.push_back({.key = some_octets(16),
                              .tweak_key = some_octets(16),
                              .iv = some_octets(algorithm == "sm4-gcm" ? 12 : 16),
                              .in = some_octets(bytes),
                              .out = Octets(algorithm == "sm3" ? 32 : bytes)});
  }
  return batch;
}

inline Peer::Peer(int argc, char** argv, std::string name) : m_name(std::move(name)) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    if (option == "--seconds") m_seconds = std::atof(argv[i + 1]);
    if (option == "--algorithm") m_algorithms.emplace_back(argv[i + 1]);
    if (option == "--bytes") m_bytes.push_back(std::strtoul(argv[i + 1], nullptr, 10));
  }
}

inline bool Peer::is_wanted(const std::string& algorithm) const {
  return m_unavailable.empty() &&
         (m_algorithms.empty() || std::ranges::count(m_algorithms, algorithm) != 0);
}

inline void Peer::row(const std::string& algorithm, std::size_t bytes, unsigned streams,
                      bool counts_bytes, const Run& run) {
  const bench::Timing timing = bench::measure(run, bench::Seconds(m_seconds));
  const double units = static_cast<double>(streams) * (counts_bytes ? bytes : 1);
  const double rate = units / timing.ns * 1e9;
  char text[512];
  (void)std::snprintf(text, sizeof text,
                      R"({"algorithm": "%s", "bytes": %zu, "streams": %u, "variant": "%s", )"
                      R"("%s": %.6g, "%s": %.6g})",
                      algorithm.c_str(), bytes, streams, m_name.c_str(),
                      counts_bytes ? "mb_per_s" : "ops_per_s", counts_bytes ? rate / 1e6 : rate,
                      counts_bytes ? "cycles_per_byte" : "cycles_per_op", timing.cycles / units);
  m_rows.emplace_back(text);
}

inline void Peer::reject(const std::string& algorithm) {
  (void)std::fprintf(stderr, "%s: %s gives a wrong answer\n", m_name.c_str(), algorithm.c_str());
  m_is_wrong = true;
}

inline void Peer::add(const std::string& algorithm, unsigned streams, const Prepare& prepare) {
  if (!is_wanted(algorithm)) return;
  if (!passes_check(algorithm, streams, prepare)) return reject(algorithm);
  for (const std::size_t bytes : m_bytes) {
    Batch batch = random_batch(algorithm, streams, bytes);
    row(algorithm, bytes, streams, true, prepare(batch));
  }
}

inline void Peer::add_operation(const std::string& algorithm, unsigned streams,
                                const std::function<bool()>& is_right, const Run& run) {
  if (!is_wanted(algorithm)) return;
  if (!is_right()) return reject(algorithm);
  row(algorithm, 32, streams, false, run);
  if (!is_right()) reject(algorithm);
}

inline int Peer::finish() const {
  std::printf(R"({"peer": "%s", )", m_name.c_str());
  if (!m_unavailable.empty()) std::printf(R"("unavailable": "%s", )", m_unavailable.c_str());
  std::printf(R"("rows": [)");
  for (std::size_t i = 0; i < m_rows.size(); ++i) {
    std::printf("%s%s", i == 0 ? "" : ",\n", m_rows[i].c_str());
  }
  std::printf("]}\n");
  return m_is_wrong ? 1 : 0;
}

}  // namespace cipherdeck::peers

// SPDX-License-Identifier: Apache-2.0
#include "schemes/schemes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <sstream>

namespace cipherdeck::bench {
namespace {

// A plot, in pixels.
constexpr double kWidth = 560, kHeight = 340, kLeft = 66, kBottom = 52, kTop = 14, kRight = 18;
constexpr double kTickDistance = 22;

// What the published experiment leaves of the bare card's speed with ten virtual machines.
constexpr double kPublishedTenants = 10;
struct Published {
  const char* label;
  const char* style;  // class in kHead
  double ratio;
};
constexpr Published kPublished[] = {{"published: emulated", "old-emulated", 0.2},
                                    {"published: SR-IOV by a chip", "old-chip", 0.5}};
constexpr std::array kSchemes = {Scheme::passthrough, Scheme::emulated, Scheme::direct};

std::string text(double value, int digits) {
  char buffer[48];
  (void)std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return buffer;
}

std::string escaped(const std::string& raw) {
  std::string out;
  for (const char c : raw) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

// Breaks lines between words only.
std::string code(const std::string& command) {
  std::string out = "<code><span>";
  for (const char c : escaped(command)) out += c == ' ' ? "</span> <span>" : std::string(1, c);
  return out + "</span></code>";
}

std::string speed(const SchemesRow& row) {
  return row.operation == Operation::sm2_sign ? text(row.ops_per_s, 0) + " operations/s"
                                              : text(row.mb_per_s(), 1) + " MB/s";
}

// 1, 2 or 5 times a power of ten, of which at most eight make `top`.
double step_of(double top) {
  double step = 1e-6;
  while (true) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (top / (step * factor) <= 8) return step * factor;
    }
    step *= 10;
  }
}

// The rows of one operation: the number of tenants, to scale by its logarithm, and their speed as
// parts of the bare card's.
class Plot {
 public:
  explicit Plot(std::vector<SchemesRow> rows) : m_rows(std::move(rows)) {
    double most = 0;
    for (const SchemesRow& row : m_rows) {
      m_most = std::max<double>(m_most, row.tenants);
      if (row.scheme != Scheme::card) most = std::max(most, row.ratio_to_card);
    }
    // Slow tenants would lie on the axis if the whole card were shown.
    m_shows_card = most > kLeastShownBesideCard || most == 0;
    const double top = m_shows_card ? std::max(1.0, most) : most;
    m_step = step_of(top);
    m_top = std::ceil(top / m_step - 1e-9) * m_step;
  }

  void draw(std::ostream& out) const {
    const SchemesRow& first = m_rows.front();
    out << "<figure><figcaption>" << name_of(first.operation) << ", " << first.bytes << " bytes";
    const auto card = std::ranges::find(m_rows, Scheme::card, &SchemesRow::scheme);
    if (card != m_rows.end()) out << " <small>bare card: " << speed(*card) << "</small>";
    out << "</figcaption><svg viewBox='0 0 " << kWidth << " " << kHeight << "' role='img' "
        << "aria-label='speed over number of tenants'>";
    draw_axes(out);
    if (m_shows_card) draw_references(out);
    for (const Scheme scheme : kSchemes) draw_scheme(out, scheme);
    out << "</svg></figure>\n";
  }

 private:
  static constexpr double kLeastShownBesideCard = 0.3;

  [[nodiscard]] double x(double tenants) const {
    return kLeft + (kWidth - kLeft - kRight) * std::log(tenants) / std::log(m_most);
  }
  [[nodiscard]] double y(double ratio) const {
    return kHeight - kBottom - (kHeight - kBottom - kTop) * ratio / m_top;
  }

  void draw_axes(std::ostream& out) const {
    const int digits = m_step < 0.01 ? (m_step < 0.001 ? 2 : 1) : 0;
    for (int i = 0; i * m_step <= m_top * 1.0001; ++i) {
      const double at = y(i * m_step);
      out << "<line class='grid' x1='" << kLeft << "' x2='" << kWidth - kRight << "' y1='" << at
          << "' y2='" << at << "'/><text text-anchor='end' x='" << kLeft - 8 << "' y='" << at + 4
          << "'>" << text(100 * i * m_step, digits) << "</text>";
    }
    const double bottom = kHeight - kBottom;
    double last = -kTickDistance;
    for (const double tenants : {1, 2, 3, 4, 6, 10, 16, 32, 64, 128, 256}) {
      if (tenants > m_most || x(tenants) - last < kTickDistance) continue;
      last = x(tenants);
      out << "<line class='axis' x1='" << last << "' x2='" << last << "' y1='" << bottom << "' y2='"
          << bottom + 4 << "'/><text text-anchor='middle' x='" << last << "' y='" << bottom + 18
          << "'>" << tenants << "</text>";
    }
    out << "<line class='axis' x1='" << kLeft << "' x2='" << kWidth - kRight << "' y1='" << bottom
        << "' y2='" << bottom << "'/><text text-anchor='middle' x='"
        << (kLeft + kWidth - kRight) / 2 << "' y='" << kHeight - 10
        << "'>number of tenants</text><text text-anchor='middle' transform='translate(16 "
        << (bottom + kTop) / 2 << ") rotate(-90)'>speed of all, % of the bare card</text>";
  }

  void draw_references(std::ostream& out) const {
    out << "<line class='card' x1='" << kLeft << "' x2='" << kWidth - kRight << "' y1='" << y(1)
        << "' y2='" << y(1) << "'/>";
    if (m_most < kPublishedTenants) return;
    for (const Published& published : kPublished) {
      out << "<line class='" << published.style << "' x1='" << x(1) << "' y1='" << y(1) << "' x2='"
          << x(kPublishedTenants) << "' y2='" << y(published.ratio) << "'/>";
    }
  }

  void draw_scheme(std::ostream& out, Scheme scheme) const {
    std::ostringstream line, points;
    for (const SchemesRow& row : m_rows) {
      if (row.scheme != scheme) continue;
      const double at = x(row.tenants), height = y(row.ratio_to_card);
      line << at << "," << height << " ";
      points << "<use href='#" << name_of(scheme) << "' x='" << at << "' y='" << height
             << "'><title>" << name_of(scheme) << ", " << row.tenants << " tenants: " << speed(row)
             << ", " << text(100 * row.ratio_to_card, 1) << " % of the bare card</title></use>";
    }
    out << "<g class='" << name_of(scheme) << "'><polyline points='" << line.str() << "'/>"
        << points.str() << "</g>";
  }

  std::vector<SchemesRow> m_rows;
  double m_most = 2, m_top = 1, m_step = 0.2;
  bool m_shows_card = true;
};

void draw(std::ostream& out, Operation operation, const std::vector<SchemesRow>& all) {
  std::vector<SchemesRow> rows;
  std::ranges::copy_if(all, std::back_inserter(rows),
                       [&](const SchemesRow& row) { return row.operation == operation; });
  if (rows.empty()) return;
  std::ranges::stable_sort(rows, {}, &SchemesRow::tenants);
  Plot(std::move(rows)).draw(out);
}

void legend(std::ostream& out) {
  const auto entry = [&](std::string_view style, std::string_view mark, std::string_view label) {
    out << "<li><svg viewBox='0 0 36 12' class='key'><g class='" << style << "'><line class='"
        << style << "' x1='0' x2='36' y1='6' y2='6'/>";
    if (!mark.empty()) out << "<use href='#" << mark << "' x='18' y='6'/>";
    out << "</g></svg> " << label << "</li>";
  };
  out << "<ul class='legend'>";
  for (const Scheme scheme : kSchemes) entry(name_of(scheme), name_of(scheme), name_of(scheme));
  entry("card", "", "the bare card");
  for (const Published& published : kPublished) entry(published.style, "", published.label);
  out << "</ul>\n";
}

void table(std::ostream& out, const std::vector<SchemesRow>& rows) {
  out << "<table><thead><tr><th>operation<th>scheme<th>tenants<th>bytes<th>MB/s<th>operations/s"
         "<th>of the card<th>Jain's index<th>p50, &micro;s<th>p99, &micro;s"
         "<th>results checked</tr></thead><tbody>\n";
  for (const SchemesRow& row : rows) {
    const bool is_signing = row.operation == Operation::sm2_sign;
    const char* const start = row.scheme == Scheme::card ? "<tr class='first'>" : "<tr>";
    out << start << "<td>" << name_of(row.operation) << "<td>" << name_of(row.scheme) << "<td>"
        << row.tenants << "<td>" << row.bytes << "<td>"
        << (is_signing ? "" : text(row.mb_per_s(), 1)) << "<td>" << text(row.ops_per_s, 0) << "<td>"
        << text(100 * row.ratio_to_card, 1) << " %<td>" << text(row.jain, 4) << "<td>"
        << text(row.p50_us, 1) << "<td>" << text(row.p99_us, 1) << "<td>" << row.results_checked
        << "</tr>\n";
  }
  out << "</tbody></table>";
}

// What the figures are of, and what they cannot show.
void explain(std::ostream& out, const SchemesOptions& options) {
  const bool in_machines = options.tenants_as == TenantsAs::vm;
  out << "<p>The speed of all tenants together as a part of the bare card's, which is one process "
         "that has the card to itself. The tenants are "
      << (in_machines ? "virtual machines" : "processes")
      << " on one processor, the card's worker has another; each tenant keeps " << options.depth
      << " commands in flight. Runs of " << options.duration_ms << " ms, medians of "
      << options.repeats
      << ". Above 100 %, the card fills its lanes with the work of many. Of the published "
         "experiment, what is left with 10 machines is known; its lines join that with the bare "
         "card.</p>";
  if (!in_machines) return;
  out << "<p><strong>Virtual machines whose processors are emulated (QEMU without KVM) are slow, "
         "and what these figures show is that: all is done, every result was right, and which "
         "scheme is ahead. They do not show how fast a card is.</strong> Where the tenants are too "
         "slow for the bare card to be in the plot, the published lines are left out, too.</p>";
}

constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width"><title>CipherDeck: schemes</title><style>
:root{--back:#fff;--text:#1d1d1f;--soft:#5c5c63;--grid:#e3e3e6;--direct:#0063b1;--emulated:#c8450b;
--passthrough:#00795a;--chip:#8a5fb0}
@media(prefers-color-scheme:dark){:root{--back:#17181b;--text:#ececef;--soft:#a9a9b2;--grid:#35363b;
--direct:#5db2f5;--emulated:#ff8a50;--passthrough:#3fc69b;--chip:#c3a0e6}}
body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;
color:var(--text);background:var(--back)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1rem}dt{color:var(--soft)}dd{margin:0}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(30rem,100%),1fr));gap:1.5rem}
figure{margin:0}figcaption{font-weight:600;margin-left:4rem}
small{font-weight:400;color:var(--soft);margin-left:.6rem}
svg{width:100%;overflow:visible}svg text{font-size:13px;fill:var(--soft)}.grid{stroke:var(--grid)}
code{white-space:pre-wrap}code span{white-space:nowrap}.axis{stroke:var(--soft)}.card{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:1.5 4}
.direct{stroke:var(--direct);fill:var(--direct)}.emulated{stroke:var(--emulated);fill:var(--emulated)}
.passthrough{stroke:var(--passthrough);fill:var(--passthrough)}
polyline,.key line{fill:none;stroke-width:2}
.old-emulated{stroke:var(--emulated)}.old-chip{stroke:var(--chip)}
.old-emulated,.old-chip{stroke-width:2;stroke-dasharray:7 5}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.6rem;padding:0;list-style:none}
.key{width:36px;height:12px;vertical-align:middle}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.15rem .8rem;text-align:right;border-bottom:1px solid var(--grid)}
th:nth-child(-n+2),td:nth-child(-n+2){text-align:left}.first td{border-top:2px solid var(--soft)}
</style></head><body><h1>One card, many tenants</h1>
<svg style="position:absolute;width:0;height:0"><defs><circle id="direct" r="4"/>
<rect id="emulated" x="-4" y="-4" width="8" height="8"/>
<path id="passthrough" d="M0-5.5 5.5 0 0 5.5-5.5 0z"/></defs></svg>
)";

}  // namespace

std::string schemes_report(const SchemesOptions& options, const std::vector<SchemesRow>& rows,
                           const Circumstances& circumstances) {
  std::ostringstream out;
  out << kHead << "<dl><dt>command<dd>" << code(circumstances.command) << "<dt>machine<dd>"
      << escaped(circumstances.machine) << "<dt>date<dd>" << escaped(circumstances.date)
      << "</dl>\n";
  explain(out, options);
  legend(out);
  out << "<div class='plots'>";
  std::optional<Operation> drawn;
  for (const SchemesRow& row : rows) {
    if (row.operation != drawn) draw(out, row.operation, rows);
    drawn = row.operation;
  }
  out << "</div><h2>All figures</h2><div class='scroll'>";
  table(out, rows);
  out << "</div></body></html>\n";
  return out.str();
}

}  // namespace cipherdeck::bench

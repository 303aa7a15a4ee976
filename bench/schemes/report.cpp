// SPDX-License-Identifier: Apache-2.0
#include "schemes/schemes.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

namespace cipherdeck::bench {
namespace {

constexpr double kWidth = 520, kHeight = 300, kLeft = 48, kBottom = 36, kTop = 16, kRight = 12;

// What the published experiment leaves of the bare card's speed with ten virtual machines.
struct Published {
  const char* label;
  double ratio;
  const char* colour;
};
constexpr Published kPublished[] = {{"published, emulated", 0.2, "#e0a0a0"},
                                    {"published, SR-IOV by a chip", 0.5, "#a0b8e0"}};

const char* colour_of(Scheme scheme) {
  switch (scheme) {
    case Scheme::emulated:
      return "#c03030";
    case Scheme::direct:
      return "#2060c0";
    default:
      return "#308040";
  }
}

std::string text(double value, int digits) {
  char buffer[48];
  (void)std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return buffer;
}

// The number of tenants, to scale by its logarithm; ratios from 0 to `top`.
class Plot {
 public:
  Plot(double most_tenants, double top) : m_most(std::max(2.0, most_tenants)), m_top(top) {}

  [[nodiscard]] double x(double tenants) const {
    return kLeft + (kWidth - kLeft - kRight) * std::log(tenants) / std::log(m_most);
  }
  [[nodiscard]] double y(double ratio) const {
    return kHeight - kBottom - (kHeight - kBottom - kTop) * ratio / m_top;
  }

  void axes(std::ostream& out) const {
    for (double ratio = 0; ratio <= m_top + 1e-9; ratio += m_top > 2 ? 0.5 : 0.2) {
      out << "<line class='grid' x1='" << kLeft << "' x2='" << kWidth - kRight << "' y1='"
          << y(ratio) << "' y2='" << y(ratio) << "'/><text text-anchor='end' x='" << kLeft - 6
          << "' y='" << y(ratio) + 4 << "'>" << text(100 * ratio, 0) << " %</text>";
    }
    for (const double tenants : {1.0, 2.0, 4.0, 10.0, 16.0, 64.0, 255.0}) {
      if (tenants > m_most) break;
      out << "<text text-anchor='middle' x='" << x(tenants) << "' y='" << kHeight - kBottom + 16
          << "'>" << tenants << "</text>";
    }
    out << "<text text-anchor='middle' x='" << (kLeft + kWidth) / 2 << "' y='" << kHeight - 4
        << "'>tenants</text>";
  }

 private:
  double m_most, m_top;
};

void draw_scheme(std::ostream& out, const Plot& plot, Scheme scheme,
                 const std::vector<SchemesRow>& rows) {
  std::ostringstream line;
  for (const SchemesRow& row : rows) {
    if (row.scheme != scheme) continue;
    const double x = plot.x(row.tenants), y = plot.y(row.ratio_to_card);
    line << x << "," << y << " ";
    out << "<circle cx='" << x << "' cy='" << y << "' r='3' fill='" << colour_of(scheme)
        << "'><title>" << name_of(scheme) << ", " << row.tenants
        << " tenants: " << text(100 * row.ratio_to_card, 1)
        << " % of the bare card</title></circle>";
  }
  out << "<polyline fill='none' stroke-width='2' stroke='" << colour_of(scheme) << "' points='"
      << line.str() << "'/>";
}

void draw_published(std::ostream& out, const Plot& plot, double most_tenants) {
  if (most_tenants < 10) return;
  for (const Published& published : kPublished) {
    out << "<line stroke-dasharray='5 4' stroke-width='2' stroke='" << published.colour << "' x1='"
        << plot.x(1) << "' y1='" << plot.y(1) << "' x2='" << plot.x(10) << "' y2='"
        << plot.y(published.ratio) << "'/>";
  }
}

void draw(std::ostream& out, Operation operation, const std::vector<SchemesRow>& all) {
  std::vector<SchemesRow> rows;
  std::ranges::copy_if(all, std::back_inserter(rows),
                       [&](const SchemesRow& row) { return row.operation == operation; });
  if (rows.empty()) return;
  double most_tenants = 1, most_ratio = 1;
  for (const SchemesRow& row : rows) {
    most_tenants = std::max<double>(most_tenants, row.tenants);
    most_ratio = std::max(most_ratio, row.ratio_to_card);
  }
  const Plot plot(most_tenants, std::ceil(most_ratio * 5) / 5);
  out << "<figure><figcaption>" << name_of(operation) << ", " << rows.front().bytes
      << " bytes</figcaption><svg viewBox='0 0 " << kWidth << " " << kHeight << "' role='img'>";
  plot.axes(out);
  draw_published(out, plot, most_tenants);
  for (const Scheme scheme : {Scheme::passthrough, Scheme::emulated, Scheme::direct}) {
    draw_scheme(out, plot, scheme, rows);
  }
  out << "</svg></figure>";
}

void legend(std::ostream& out) {
  out << "<p class='legend'>";
  for (const Scheme scheme : {Scheme::passthrough, Scheme::emulated, Scheme::direct}) {
    out << "<span style='color:" << colour_of(scheme) << "'>&#9644;</span> " << name_of(scheme)
        << " ";
  }
  for (const Published& published : kPublished) {
    out << "<span style='color:" << published.colour << "'>&#9476;</span> " << published.label
        << " (known at 1 and 10 machines) ";
  }
  out << "</p>";
}

void table(std::ostream& out, const std::vector<SchemesRow>& rows) {
  out << "<table><tr><th>operation<th>scheme<th>tenants<th>bytes<th>MB/s<th>ops/s<th>of the bare "
         "card<th>Jain's index<th>p50 &micro;s<th>p99 &micro;s</tr>";
  for (const SchemesRow& row : rows) {
    const bool is_signing = row.operation == Operation::sm2_sign;
    out << "<tr><td>" << name_of(row.operation) << "<td>" << name_of(row.scheme) << "<td>"
        << row.tenants << "<td>" << row.bytes << "<td>"
        << (is_signing ? "" : text(row.mb_per_s(), 1)) << "<td>" << text(row.ops_per_s, 0) << "<td>"
        << text(100 * row.ratio_to_card, 1) << " %<td>" << text(row.jain, 4) << "<td>"
        << text(row.p50_us, 1) << "<td>" << text(row.p99_us, 1) << "</tr>";
  }
  out << "</table>";
}

constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>CipherDeck: schemes</title><style>
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(24rem,1fr));gap:1rem}
figure{margin:0}figcaption{font-weight:600}svg{width:100%}svg text{font-size:12px;fill:#555}
.grid{stroke:#ddd}.legend{color:#555}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #eee}
th:nth-child(-n+2),td:nth-child(-n+2){text-align:left}
</style></head><body><h1>One card, many tenants</h1>
)";

}  // namespace

std::string schemes_report(const SchemesOptions& options, const std::vector<SchemesRow>& rows) {
  std::ostringstream out;
  out << kHead << "<p>The speed of all tenants together as a part of the bare card's, which is one "
      << "process that has the card to itself. The tenants are processes on one processor, the "
      << "card's worker has another; each tenant keeps " << options.depth
      << " commands in flight. Medians of " << options.repeats << " runs of " << options.duration_ms
      << " ms. Above 100 %: the card fills its lanes with the work of many.</p>";
  legend(out);
  out << "<div class='plots'>";
  for (const Operation operation : options.operations) draw(out, operation, rows);
  out << "</div><h2>All figures</h2>";
  table(out, rows);
  out << "</body></html>\n";
  return out.str();
}

}  // namespace cipherdeck::bench

// SPDX-License-Identifier: Apache-2.0
#include "play.hpp"

#include <fmt/format.h>

namespace medlar::tools {
namespace {

void append(std::vector<chip::PlayReport::Item>& to, const std::vector<chip::PlayReport::Item>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

void add_report(chip::PlayReport& total, const chip::PlayReport& more) {
  append(total.passed, more.passed);
  append(total.failed, more.failed);
  append(total.skipped, more.skipped);
}

Status print_report(const chip::PlayReport& report, bool verbose) {
  if (verbose) {
    for (const auto& item : report.passed) {
      fmt::print("passed  {}\n", item.name);
    }
  }
  for (const auto& item : report.skipped) {
    fmt::print("skipped {}: {}\n", item.name, item.message);
  }
  for (const auto& item : report.failed) {
    fmt::print("FAILED  {}: {}\n", item.name, item.message);
  }
  fmt::print("{}\n", report.summary());
  if (!report.all_passed()) {
    return fail(Code::kFault, "{} of {} differ", report.failed.size(), report.failed.size() + report.passed.size());
  }
  if (report.passed.empty()) {
    return fail(Code::kNotFound, "nothing was played");
  }
  return {};
}

}  // namespace medlar::tools

// SPDX-License-Identifier: Apache-2.0
// What a player found.
#include "chip/play/play_report.hpp"

#include <fmt/format.h>

namespace medlar::chip {

std::string PlayReport::summary() const {
  std::string text = fmt::format("{} passed, {} failed", passed.size(), failed.size());
  if (!skipped.empty()) {
    text += fmt::format(", {} skipped", skipped.size());
  }
  return text;
}

}  // namespace medlar::chip

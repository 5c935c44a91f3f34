// SPDX-License-Identifier: Apache-2.0
// What `chip run` and `trace play` share: their report, which ends with "N passed, N failed".
#pragma once

#include "base/status.hpp"
#include "chip/play/play_report.hpp"

namespace medlar::tools {

/// Appends `more` to `total`.
void add_report(chip::PlayReport& total, const chip::PlayReport& more);

/// Prints failures and skips with their reasons (and with `verbose` what passed), then the summary. An error when
/// something failed or nothing was played.
Status print_report(const chip::PlayReport& report, bool verbose);

}  // namespace medlar::tools

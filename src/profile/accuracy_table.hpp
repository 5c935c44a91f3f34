// SPDX-License-Identifier: Apache-2.0
// Modelled figures beside their references: what `medlar accuracy timing` prints and docs/accuracy.md holds.
#pragma once

#include "base/status.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace medlar::profile {

struct AccuracyRow {
  std::string name;
  std::string setting;
  double reference = 0;
  double modelled = 0;
  double low = 0;  ///< A band that the reference gives instead of a figure; 0, 0: none.
  double high = 0;

  bool has_band() const { return high > 0; }
  bool in_band() const { return modelled >= low && modelled <= high; }
  double error() const { return reference == 0 ? 0 : modelled / reference - 1; }
};

struct AccuracyTable {
  std::string id = {};
  std::string title = {};
  std::string unit = {};
  std::string source = {};  ///< Of the reference.
  std::string note = {};    ///< How the figure is modelled, and what is known to be wrong.
  int digits = 0;
  std::vector<AccuracyRow> rows = {};

  double median_error() const;  ///< Of the absolute relative errors.
  double worst_error() const;
  size_t out_of_band() const;
};

std::string to_text(const AccuracyTable& table);
std::string to_markdown(const AccuracyTable& table);
std::string to_json(const std::vector<AccuracyTable>& tables);

/// The whole page docs/accuracy.md.
Result<std::string> accuracy_page();

}  // namespace medlar::profile

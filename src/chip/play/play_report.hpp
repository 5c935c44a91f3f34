// SPDX-License-Identifier: Apache-2.0
// What a player found.
#pragma once

#include <string>
#include <vector>

namespace medlar::chip {

struct PlayReport {
  struct Item {
    std::string name;
    std::string message;  ///< Passed: empty. Failed: the first difference. Skipped: why it cannot be played.
  };
  std::vector<Item> passed;
  std::vector<Item> failed;
  std::vector<Item> skipped;

  bool all_passed() const { return failed.empty(); }
  /// "12 passed, 0 failed", with ", 3 skipped" when there are any.
  std::string summary() const;
};

}  // namespace medlar::chip

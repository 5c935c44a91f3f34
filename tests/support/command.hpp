// SPDX-License-Identifier: Apache-2.0
// Runs a command line as a user would.
#pragma once

#include <cstdint>
#include <string>

namespace medlar::test {

struct Outcome {
  int exit_code = -1;  ///< -1 when the command was ended by a signal.
  std::string text;    ///< What it printed.
};

enum class Errors : uint8_t {
  kWithOutput,  ///< Standard error is part of the text.
  kDropped,
};

Outcome run_command(const std::string& command, Errors errors = Errors::kWithOutput);

}  // namespace medlar::test

// SPDX-License-Identifier: Apache-2.0
#include "support/command.hpp"

#include <array>
#include <cstdio>

#include <sys/wait.h>

namespace medlar::test {

Outcome run_command(const std::string& command, Errors errors) {
  Outcome outcome;
  FILE* pipe = ::popen((command + (errors == Errors::kWithOutput ? " 2>&1" : " 2>/dev/null")).c_str(), "r");
  if (pipe == nullptr) {
    return outcome;
  }
  std::array<char, 4096> block;
  for (size_t got = 0; (got = std::fread(block.data(), 1, block.size(), pipe)) > 0;) {
    outcome.text.append(block.data(), got);
  }
  const int status = ::pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

}  // namespace medlar::test

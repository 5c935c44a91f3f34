// SPDX-License-Identifier: Apache-2.0
// Flags of the commands that boot a module: to look at it, or to run something on it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/module.hpp"

namespace CLI {
class App;
}

namespace medlar::tools {

struct ModuleFlags {
  std::string device, mode;
  uint64_t cma_bytes = 0;
  std::vector<uint32_t> disabled_cores;

  /// A kernel without cores is something to look at.
  api::ModuleOptions options() const;
};

void add_module_flags(CLI::App& command, ModuleFlags& flags);

/// --provider: who runs the GPU segments on this computer.
void add_provider_option(CLI::App& command, host::Provider& provider);

}  // namespace medlar::tools

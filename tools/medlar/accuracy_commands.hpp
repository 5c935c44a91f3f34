// SPDX-License-Identifier: Apache-2.0
// The subcommands of `medlar accuracy`: each adds itself below it and says what to run.
#pragma once

#include "commands.hpp"

namespace medlar::tools {

Action add_accuracy_timing(CLI::App& accuracy);
Action add_accuracy_engines(CLI::App& accuracy);

}  // namespace medlar::tools

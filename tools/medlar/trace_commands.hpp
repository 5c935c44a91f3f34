// SPDX-License-Identifier: Apache-2.0
// The subcommands of `medlar trace`: each adds itself below it and says what to run.
#pragma once

#include "commands.hpp"

namespace medlar::tools {

Action add_trace_play(CLI::App& trace);
Action add_trace_record(CLI::App& trace);
Action add_trace_time(CLI::App& trace);

}  // namespace medlar::tools

// SPDX-License-Identifier: Apache-2.0
// One function a subcommand: adds itself to the command line and says what to run.
#pragma once

#include <functional>

#include "base/status.hpp"

namespace CLI {
class App;
}

namespace medlar::tools {

/// Exit codes: 0 done, 1 failed, 2 the command line is wrong.
using Action = std::function<Status()>;

Action add_build(CLI::App& app);
Action add_check(CLI::App& app);
Action add_run(CLI::App& app);
Action add_inspect(CLI::App& app);
Action add_devices(CLI::App& app);
Action add_accuracy(CLI::App& app);
Action add_debug(CLI::App& app);
Action add_log(CLI::App& app);
Action add_sysfs(CLI::App& app);
Action add_doctor(CLI::App& app);
Action add_ops(CLI::App& app);
Action add_chip(CLI::App& app);
Action add_trace(CLI::App& app);
Action add_report(CLI::App& app);
Action add_profile(CLI::App& app);
Action add_simulate(CLI::App& app);
Action add_stats(CLI::App& app);

}  // namespace medlar::tools

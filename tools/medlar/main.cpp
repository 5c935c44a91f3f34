// SPDX-License-Identifier: Apache-2.0
// medlar: a deep learning accelerator on the desk. One file per subcommand.
#include <cstdio>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "commands.hpp"

int main(int argc, char** argv) {
  using medlar::tools::Action;
  CLI::App app{"Medlar: compile ONNX models for a DLA and run them on its bit-exact model.", "medlar"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "medlar 0.1.0");
  app.footer("Exit codes: 0 done, 1 failed (the reason is on standard error), 2 wrong command line.");

  const std::vector<Action (*)(CLI::App&)> commands{
      medlar::tools::add_build,
      medlar::tools::add_check,
      medlar::tools::add_run,
      medlar::tools::add_inspect,
      medlar::tools::add_devices,
      medlar::tools::add_accuracy,
      medlar::tools::add_debug,
      medlar::tools::add_log,
      medlar::tools::add_sysfs,
      medlar::tools::add_doctor,
      medlar::tools::add_ops,
      medlar::tools::add_chip,
      medlar::tools::add_trace,
      medlar::tools::add_report,
      medlar::tools::add_profile,
      medlar::tools::add_simulate,
      medlar::tools::add_stats,
  };
  std::vector<std::pair<CLI::App*, Action>> actions;
  for (const auto& add : commands) {
    const Action action = add(app);
    actions.emplace_back(app.get_subcommands([](CLI::App*) { return true; }).back(), action);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  for (const auto& [command, action] : actions) {
    if (command->parsed()) {
      if (const medlar::Status status = action(); !status) {
        fmt::print(stderr, "medlar {}: {}\n", command->get_name(), status.error().to_string());
        return 1;
      }
    }
  }
  return 0;
}

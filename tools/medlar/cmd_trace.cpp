// SPDX-License-Identifier: Apache-2.0
// `medlar trace`: register traces. One file a subcommand.
#include "trace_commands.hpp"

#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

namespace medlar::tools {

Action add_trace(CLI::App& app) {
  CLI::App* command = app.add_subcommand("trace", "Register traces");
  command->require_subcommand(1);
  std::vector<std::pair<CLI::App*, Action>> actions;
  for (const auto& add : {add_trace_play, add_trace_record, add_trace_time}) {
    Action action = add(*command);
    actions.emplace_back(command->get_subcommands([](CLI::App*) { return true; }).back(), std::move(action));
  }
  return [actions]() -> Status {
    for (const auto& [subcommand, action] : actions) {
      if (subcommand->parsed()) {
        MEDLAR_TRY(action());
      }
    }
    return {};
  };
}

}  // namespace medlar::tools

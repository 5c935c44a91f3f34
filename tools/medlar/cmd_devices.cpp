// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "api/inspect.hpp"
#include "commands.hpp"

namespace medlar::tools {

Action add_devices(CLI::App& app) {
  CLI::App* command = app.add_subcommand("devices", "List the device profiles: what they are and whether they are bit-exact");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print JSON");
  return [json]() -> Status {
    fmt::print("{}", *json ? api::devices_to_json() : api::devices_to_text());
    return {};
  };
}

}  // namespace medlar::tools

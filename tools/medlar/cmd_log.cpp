// SPDX-License-Identifier: Apache-2.0
// `medlar log`: dmesg of the simulated kernel.
#include "api/system.hpp"
#include "commands.hpp"
#include "module_flags.hpp"

#include <chrono>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace medlar::tools {
namespace {

struct Options {
  ModuleFlags module;
  uint32_t idle_ms = 1000;
  std::string file;
};

Status print_log(const Options& options) {
  MEDLAR_ASSIGN(const api::System system,
                api::bring_up({options.module.device, options.module.options(), options.file,
                               std::chrono::milliseconds(options.idle_ms)}));
  fmt::print("# kernel log of {}; stamps: modelled device time since boot, in seconds\n{}", system.module->device().name,
             api::log_text(system));
  return system.run;
}

}  // namespace

Action add_log(CLI::App& app) {
  CLI::App* command = app.add_subcommand("log", "Boot a module, run a file if one is given, print the kernel's log (dmesg)");
  const auto options = std::make_shared<Options>();
  command->add_option("file", options->file, "X.engine or X.nvdla to run once, on zeros");
  command
      ->add_option("--idle", options->idle_ms,
                   "Modelled milliseconds from the end of the run to the look: idle cores lose "
                   "their clock at once, their power after the autosuspend delay")
      ->capture_default_str();
  add_module_flags(*command, options->module);
  return [options] { return print_log(*options); };
}

}  // namespace medlar::tools

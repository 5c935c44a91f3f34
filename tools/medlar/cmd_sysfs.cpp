// SPDX-License-Identifier: Apache-2.0
// `medlar sysfs`: files of /dev, /proc and /sys of the simulated kernel.
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
  std::string path, file;
};

Status print_sysfs(const Options& options) {
  MEDLAR_ASSIGN(const api::System system,
                api::bring_up({options.module.device, options.module.options(), options.file,
                               std::chrono::milliseconds(options.idle_ms)}));
  MEDLAR_ASSIGN(const std::string text, api::sysfs_text(system, options.path));
  fmt::print("{}", text);
  return system.run;
}

}  // namespace

Action add_sysfs(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("sysfs", "Boot a module and print a file of its kernel: clocks, power, CMA, SMMU, device nodes");
  const auto options = std::make_shared<Options>();
  command->add_option("path", options->path, "A file, a folder to list, or a pattern such as "
                                             "'/sys/kernel/debug/bpmp/debug/regulator/*/name'; without it, all paths");
  command->add_option("--run", options->file, "X.engine or X.nvdla to run once, on zeros, before looking");
  command
      ->add_option("--idle", options->idle_ms,
                   "Modelled milliseconds from the end of the run to the look: idle cores lose "
                   "their clock at once, their power after the autosuspend delay")
      ->capture_default_str();
  add_module_flags(*command, options->module);
  return [options] { return print_sysfs(*options); };
}

}  // namespace medlar::tools

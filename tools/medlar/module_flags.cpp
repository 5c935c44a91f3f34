// SPDX-License-Identifier: Apache-2.0
#include "module_flags.hpp"

#include <map>

#include <CLI/CLI.hpp>

namespace medlar::tools {

api::ModuleOptions ModuleFlags::options() const {
  api::ModuleOptions options;
  options.mode = mode;
  options.cma_bytes = cma_bytes;
  options.disabled_cores = disabled_cores;
  options.without_cores = true;
  return options;
}

void add_module_flags(CLI::App& command, ModuleFlags& flags) {
  command.add_option("--device", flags.device, "Device profile (default: the file's, else orin-nano-8gb)");
  command.add_option("--power-mode", flags.mode, "Power mode of the module (default: the profile's)");
  command.add_option("--cma-bytes", flags.cma_bytes, "Size of the CMA region, as the kernel parameter cma= sets it")
      ->transform(CLI::AsSizeValue(false));
  command.add_option("--disable-core", flags.disabled_cores, "Boot as if this core's device-tree node were disabled");
}

void add_provider_option(CLI::App& command, host::Provider& provider) {
  static const std::map<std::string, host::Provider> kNames = {
      {"auto", host::Provider::kAuto}, {"cuda", host::Provider::kCuda}, {"cpu", host::Provider::kCpu}};
  command.add_option_function<std::string>(
             "--provider", [&provider](const std::string& name) { provider = kNames.at(name); },
             "What runs GPU segments on this computer")
      ->check(CLI::IsMember(kNames));
}

}  // namespace medlar::tools

// SPDX-License-Identifier: Apache-2.0
// `medlar chip run`: vector cases on the bare chip.
#include <memory>

#include <CLI/CLI.hpp>

#include "chip/play/vector_player.hpp"
#include "commands.hpp"
#include "play.hpp"

namespace medlar::tools {
namespace {

struct Options {
  std::vector<std::string> paths;
  std::string only;
  bool elements = false, verbose = false;
};

Status run_vectors(const Options& options) {
  chip::PlayReport total;
  for (const std::string& path : options.paths) {
    MEDLAR_ASSIGN(const chip::PlayReport report,
                  chip::play_vectors(path, {.strict = !options.elements, .registers = true, .only = options.only}));
    add_report(total, report);
  }
  return print_report(total, options.verbose);
}

}  // namespace

Action add_chip(CLI::App& app) {
  CLI::App* command = app.add_subcommand("chip", "Drive the bare chip model");
  CLI::App* run = command->add_subcommand("run", "Play vector cases and compare memory and registers with what they expect");
  command->require_subcommand(1);
  const auto options = std::make_shared<Options>();
  run->add_option("paths", options->paths, "Case directories, folders of them, or .tar.xz archives")->required();
  run->add_option("--only", options->only, "Play the cases whose name contains this");
  run->add_flag("--elements", options->elements, "Compare the elements of the cubes only, not padding lanes and gaps");
  run->add_flag("-v,--verbose", options->verbose, "Name the passed cases too");
  return [options] { return run_vectors(*options); };
}

}  // namespace medlar::tools

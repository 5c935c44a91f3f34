// SPDX-License-Identifier: Apache-2.0
// `medlar trace play`: NVIDIA's register traces on the bare chip.
#include <memory>

#include <CLI/CLI.hpp>

#include "chip/play/trace_player.hpp"
#include "commands.hpp"
#include "play.hpp"

namespace medlar::tools {
namespace {

struct Options {
  std::vector<std::string> paths;
  std::string config;
  bool verbose = false;
};

Status run_traces(const Options& options) {
  chip::PlayReport total;
  for (const std::string& path : options.paths) {
    MEDLAR_ASSIGN(const chip::PlayReport report, chip::play_trace(path, options.config));
    add_report(total, report);
  }
  return print_report(total, options.verbose);
}

}  // namespace

Action add_trace(CLI::App& app) {
  CLI::App* command = app.add_subcommand("trace", "Register traces");
  CLI::App* play = command->add_subcommand("play", "Play NVIDIA's traces (input.txn, .cfg) and compare with their goldens");
  command->require_subcommand(1);
  const auto options = std::make_shared<Options>();
  play->add_option("paths", options->paths, "Trace files, folders of traces, or archives")->required();
  play->add_option("--config", options->config, "Hardware configuration of .cfg traces whose path does not name it");
  play->add_flag("-v,--verbose", options->verbose, "Name the passed traces too");
  return [options] { return run_traces(*options); };
}

}  // namespace medlar::tools

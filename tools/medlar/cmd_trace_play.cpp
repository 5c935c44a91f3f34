// SPDX-License-Identifier: Apache-2.0
// `medlar trace play`: NVIDIA's register traces, and recorded ones, on the bare chip.
#include "chip/play/trace_player.hpp"
#include "play.hpp"
#include "trace_commands.hpp"

#include <memory>

#include <CLI/CLI.hpp>

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

Action add_trace_play(CLI::App& trace) {
  CLI::App* play =
      trace.add_subcommand("play", "Play NVIDIA's traces (input.txn, .cfg) and compare with their goldens");
  const auto options = std::make_shared<Options>();
  play->add_option("paths", options->paths, "Trace files, folders of traces, or archives")->required();
  play->add_option("--config", options->config,
                   "Hardware configuration of .cfg traces whose path does not name it");
  play->add_flag("-v,--verbose", options->verbose, "Name the passed traces too");
  return [options] { return run_traces(*options); };
}

}  // namespace medlar::tools

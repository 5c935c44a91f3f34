// SPDX-License-Identifier: Apache-2.0
// `medlar simulate`: a scenario on virtual time.
#include "api/scenario.hpp"
#include "base/files.hpp"
#include "commands.hpp"
#include "profile/timeline.hpp"
#include "sched/report.hpp"
#include "terminal.hpp"

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace medlar::tools {
namespace {

struct Options {
  std::string file, timeline;
  uint64_t frames = 0, seed = 0;
  bool json = false, execute = false, verbose = false;
};

constexpr size_t kTimelineSpans = 200'000;

void print_executed(const std::vector<api::Executed>& executed) {
  for (const api::Executed& lane : executed) {
    fmt::print("executed {}/{} on {}: {} inferences in {:.3f} s of host time, outputs {:016x}\n", lane.stream,
               lane.step, lane.engine, lane.inferences, lane.host_seconds, lane.checksum);
  }
}

Status run_simulate(const Options& options, bool seeded) {
  MEDLAR_ASSIGN(api::ScenarioFile file, api::ScenarioFile::load(options.file, terminal_log(options.verbose)));
  if (seeded) {
    file.scenario().seed = options.seed;
  }
  MEDLAR_ASSIGN(const api::ScenarioOutcome result,
                file.run({.execute = options.execute,
                          .max_frames = options.frames,
                          .timeline_spans = options.timeline.empty() ? 0 : kTimelineSpans,
                          .search = {}}));
  const sched::Scenario& scenario = result.search != nullptr ? result.search->scenario : file.scenario();
  if (!options.timeline.empty()) {
    const std::string text = profile::scenario_timeline(scenario, result.outcome);
    MEDLAR_TRY(
        write_file(options.timeline, ByteView(reinterpret_cast<const uint8_t*>(text.data()), text.size())));
  }
  if (options.json) {
    fmt::print("{}", sched::metrics_to_json(scenario, result.outcome.metrics, result.search.get()));
    return {};
  }
  if (result.search != nullptr) {
    fmt::print("{}", sched::search_to_text(*result.search));
  }
  fmt::print("{}", sched::metrics_to_text(scenario, result.outcome.metrics));
  print_executed(result.executed);
  return {};
}

}  // namespace

Action add_simulate(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("simulate", "Simulate a scenario: cameras, models, engines, on modelled time");
  const auto options = std::make_shared<Options>();
  command->add_option("scenario", options->file, "Scenario file (YAML; see examples/scenarios)")->required();
  command->add_flag("--json", options->json, "Print JSON (the simulation alone)");
  command->add_flag("--execute", options->execute, "Also run every frame of the models that are files");
  command->add_option("--frames", options->frames, "At most this many frames of each stream");
  auto* seed = command->add_option("--seed", options->seed, "Another seed than the file's");
  command->add_option("--timeline", options->timeline,
                      "Write a timeline that Perfetto opens (Chrome trace-event JSON)");
  command->add_flag("-v,--verbose", options->verbose, "Say more on standard error");
  return [options, seed] { return run_simulate(*options, seed->count() > 0); };
}

}  // namespace medlar::tools

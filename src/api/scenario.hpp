// SPDX-License-Identifier: Apache-2.0
// Scenario files with real models: their cost on each engine from a profile, and their execution beside the
// simulation.
#pragma once

#include "base/log.hpp"
#include "engine/engine.hpp"
#include "profile/engine_profile.hpp"
#include "sched/optimiser.hpp"
#include "sched/yaml_scenario.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace medlar::api {

/// What the functional execution of one model of a scenario came to. Host times.
struct Executed {
  std::string stream, step, engine;  ///< Engine: "dla0", "gpu", ...
  uint64_t inferences = 0;
  double host_seconds = 0;
  uint64_t checksum = 0;  ///< Over all outputs in the order of the frames: the same in every run.
};

struct ScenarioOutcome {
  sched::Outcome outcome;
  std::unique_ptr<sched::SearchResult> search;  ///< Null unless a step's policy searches.
  std::vector<Executed> executed;
};

struct ScenarioOptions {
  bool execute = false;
  uint64_t max_frames = 0;  ///< Of each stream; 0: what the file says.
  size_t timeline_spans = 0;
  sched::SearchOptions search = {};
};

/// A scenario file, its models compiled and profiled.
class ScenarioFile {
 public:
  static Result<ScenarioFile> load(const std::filesystem::path& path, const LogSink& log = null_log_sink());

  sched::Scenario& scenario() { return loaded_.scenario; }
  const sched::Scenario& scenario() const { return loaded_.scenario; }
  /// Compiled models by name.
  const std::map<std::string, engine::Engine>& engines() const { return *engines_; }

  /// Simulates; with options.execute, also runs every frame of every model that is a file.
  Result<ScenarioOutcome> run(const ScenarioOptions& options = {}) const;

 private:
  ScenarioFile() = default;

  sched::LoadedScenario loaded_;
  std::shared_ptr<std::map<std::string, engine::Engine>> engines_;
};

/// The same of a profile that is there already.
std::vector<sched::LayerGroup> layer_groups(const engine::Engine& engine, const profile::EngineProfile& profile,
                                            const sched::Scenario& scenario);

/// A profiled engine: its layer groups, one a segment, with their cost on each engine of the module, and its memory.
Result<sched::ModelSpec> model_spec(const engine::Engine& engine, std::string_view name,
                                    const sched::Scenario& scenario);

}  // namespace medlar::api

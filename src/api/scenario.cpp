// SPDX-License-Identifier: Apache-2.0
#include "api/scenario.hpp"

#include "api/build.hpp"
#include "api/profile.hpp"
#include "api/scenario_execution.hpp"
#include "base/files.hpp"
#include "import/onnx_import.hpp"

#include <algorithm>

namespace medlar::api {
namespace {

using sched::EngineKind;

const sched::EngineSpec* engine_of(const sched::Scenario& scenario, EngineKind kind) {
  const auto at = std::find_if(scenario.engines.begin(), scenario.engines.end(),
                               [&](const sched::EngineSpec& engine) { return engine.kind == kind; });
  return at == scenario.engines.end() ? nullptr : &*at;
}

/// Joules of a segment become those above the engine's idle power, which the simulation counts by itself.
sched::Cost cost_of(double ms, double joules, uint64_t dram_bytes, const sched::EngineSpec& engine) {
  const double seconds = ms / 1e3;
  return {seconds, static_cast<double>(dram_bytes), std::max(0.0, joules - engine.idle_watts * seconds)};
}

Result<engine::Engine> open_model(const sched::ModelFile& file, const sched::Scenario& scenario,
                                  const LogSink& log) {
  if (file.path.extension() != ".onnx") {
    return engine::load(file.path);
  }
  const bool int8 = file.precision == "int8";
  BuildRequest request{.model = file.path,
                       .device = std::string(scenario.device->name),
                       .precision = int8 ? hw::Precision::kInt8 : hw::Precision::kFp16,
                       .calibration = file.calibration,
                       .shapes = {}};
  request.log = log;
  MEDLAR_ASSIGN(request.shapes, import::parse_shapes(file.shapes));
  return build(request);
}

}  // namespace

std::vector<sched::LayerGroup> layer_groups(const engine::Engine& engine, const profile::EngineProfile& profile,
                                            const sched::Scenario& scenario) {
  std::vector<sched::LayerGroup> groups;
  for (size_t i = 0; i < profile.segments.size(); ++i) {
    const profile::SegmentProfile& segment = profile.segments[i];
    sched::LayerGroup group{.name = segment.name, .cost = {}, .out_bytes = 0};
    for (const EngineKind kind : {EngineKind::kDla, EngineKind::kGpu, EngineKind::kCpu}) {
      const auto on = kind == EngineKind::kDla   ? compiler::Engine::kDla
                      : kind == EngineKind::kGpu ? compiler::Engine::kGpu
                                                 : compiler::Engine::kCpu;
      const sched::EngineSpec* spec = engine_of(scenario, kind);
      const auto estimate =
          profile::segment_on(engine, *scenario.device, *scenario.mode, on, static_cast<int>(i));
      auto& cost = group.cost[static_cast<size_t>(kind)];
      if (spec != nullptr && segment.engine == on) {
        cost = cost_of(segment.submit_ms + segment.ms, segment.joules, segment.dram_bytes, *spec);
      } else if (spec != nullptr && estimate) {
        cost = cost_of(estimate->ms, estimate->joules, estimate->dram_bytes, *spec);
      }
    }
    for (const std::string& output : engine.plan.segments[i].outputs) {
      for (const compiler::BoundaryTensor& tensor : engine.plan.tensors) {
        group.out_bytes += tensor.name == output
                               ? static_cast<double>(graph::storage_bytes(tensor.type, tensor.shape).value_or(0))
                               : 0;
      }
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

Result<sched::ModelSpec> model_spec(const engine::Engine& engine, std::string_view name,
                                    const sched::Scenario& scenario) {
  MEDLAR_TRY(engine::check_device(engine, *scenario.device, name));
  MEDLAR_ASSIGN(const Profiled profiled,
                profile_engine(engine, name, {.mode = std::string(scenario.mode->name), .engine = {}, .inputs = {}}));
  return sched::ModelSpec{.name = engine.model,
                          .layers = layer_groups(engine, profiled.profile, scenario),
                          .memory_bytes = static_cast<double>(profiled.device_bytes)};
}

Result<ScenarioFile> ScenarioFile::load(const std::filesystem::path& path, const LogSink& log) {
  MEDLAR_ASSIGN(const std::string yaml, read_text_file(path));
  ScenarioFile file;
  file.engines_ = std::make_shared<std::map<std::string, engine::Engine>>();
  const auto resolve = [&](const sched::ModelFile& model,
                           const sched::Scenario& scenario) -> Result<sched::ModelSpec> {
    MEDLAR_ASSIGN(engine::Engine engine, open_model(model, scenario, log));
    MEDLAR_ASSIGN(sched::ModelSpec spec, model_spec(engine, model.path.string(), scenario));
    file.engines_->emplace(model.name, std::move(engine));
    return spec;
  };
  MEDLAR_ASSIGN(file.loaded_, sched::parse_scenario(yaml, path, resolve));
  return file;
}

Result<ScenarioOutcome> ScenarioFile::run(const ScenarioOptions& options) const {
  ScenarioOutcome result;
  const sched::Scenario* scenario = &loaded_.scenario;
  const bool searches =
      std::any_of(scenario->streams.begin(), scenario->streams.end(), [](const sched::StreamSpec& stream) {
        return std::any_of(stream.pipeline.begin(), stream.pipeline.end(),
                           [](const sched::Step& step) { return step.policy == sched::Policy::kOptimise; });
      });
  if (searches) {
    MEDLAR_ASSIGN(sched::SearchResult found, sched::optimise(*scenario, options.search));
    result.search = std::make_unique<sched::SearchResult>(std::move(found));
    scenario = &result.search->scenario;
  }
  sched::SimulateOptions simulate{
      .timeline_spans = options.timeline_spans, .max_frames = options.max_frames, .on_step = {}};
  std::unique_ptr<ScenarioExecution> execution;
  if (options.execute) {
    MEDLAR_ASSIGN(execution, ScenarioExecution::create(*scenario, *engines_));
    simulate.on_step = [&](size_t stream, uint64_t frame, size_t step, const sched::Mapping& mapping) {
      execution->step_done(stream, frame, step, mapping);
    };
  }
  MEDLAR_ASSIGN(result.outcome, sched::simulate(*scenario, simulate));
  if (execution != nullptr) {
    MEDLAR_ASSIGN(result.executed, execution->finish());
  }
  return result;
}

}  // namespace medlar::api

// SPDX-License-Identifier: Apache-2.0
#include "medlar/analysis.hpp"

#include "api/accuracy.hpp"
#include "api/inspect.hpp"
#include "api/profile.hpp"
#include "api/public/errors.hpp"
#include "api/public/log.hpp"
#include "api/public/types.hpp"
#include "api/scenario.hpp"
#include "sched/report.hpp"

namespace medlar {
std::string profileEngine(Span<const std::byte> engine, std::string_view name,
                          const ProfileRequest& request) {
  if (request.core < 0) {
    door::raise(ErrorCode::kOutOfRange, "DLA core {}", request.core);
  }
  const ByteView bytes(reinterpret_cast<const uint8_t*>(engine.data()), engine.size());
  const engine::Engine loaded = door::take(engine::deserialize(bytes, std::string(name)));
  api::ProfileOptions options{.mode = request.mode,
                              .engine = {.core = static_cast<uint32_t>(request.core)},
                              .dram_bytes_per_second = request.dramBytesPerSecond};
  for (const auto& [input, view] : request.inputs) {
    options.inputs[input] = door::tensor_of(input, view);
  }
  return profile::profile_to_json(door::take(api::profile_engine(loaded, name, options)).profile);
}

std::string accuracyCounts(const AccuracyRequest& request, Logger& logger) {
  const auto task = api::find_accuracy_task(request.task);
  if (!task) {
    door::raise(ErrorCode::kInvalidArgument, "task '{}': there are classify, detect, segment and tensor",
                request.task);
  }
  return api::accuracy_counts_to_json(
      door::take(api::measure_accuracy({.engine = request.engine,
                                        .model = request.model,
                                        .images = request.images,
                                        .task = *task,
                                        .limit = request.limit,
                                        .slice = {request.slice, request.slices},
                                        .confidence = static_cast<float>(request.confidence),
                                        .log = door::sink_to(logger)})));
}

std::string describeDevices() {
  return api::devices_to_json();
}

std::string simulateScenario(const std::string& file, Logger& logger, uint64_t frames) {
  const api::ScenarioFile scenario = door::take(api::ScenarioFile::load(file, door::sink_to(logger)));
  const api::ScenarioOutcome result =
      door::take(scenario.run({.execute = false, .max_frames = frames, .timeline_spans = 0, .search = {}}));
  const sched::Scenario& ran = result.search != nullptr ? result.search->scenario : scenario.scenario();
  return sched::metrics_to_json(ran, result.outcome.metrics, result.search.get());
}

}  // namespace medlar

// SPDX-License-Identifier: Apache-2.0
#include "api/scenario_execution.hpp"

#include "api/profile.hpp"
#include "api/source_model.hpp"
#include "base/hash.hpp"

#include <algorithm>
#include <chrono>

namespace medlar::api {
namespace {

/// The same picture for the same frame in every run: values of 0 to 1.
void fill(graph::Tensor& tensor, uint64_t frame) {
  uint64_t state = frame * 0x9e3779b97f4a7c15ull + 1;
  if (tensor.type != graph::DataType::kFloat32) {
    return;  // indices and the like stay zero
  }
  for (size_t at = 0; at + sizeof(float) <= tensor.bytes.size(); at += sizeof(float)) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    store_le(tensor.bytes.data() + at, static_cast<float>(state >> 40) * 0x1p-24f);
  }
}

uint64_t mix(uint64_t checksum, ByteView bytes) {
  return (checksum * 0x100000001b3ull) ^ hash64(bytes);
}

}  // namespace

Result<std::unique_ptr<ScenarioExecution>> ScenarioExecution::create(
    const sched::Scenario& scenario, const std::map<std::string, engine::Engine>& engines) {
  std::unique_ptr<ScenarioExecution> execution(new ScenarioExecution(scenario, engines));
  MEDLAR_ASSIGN(execution->module_, Module::boot(*scenario.device, {.mode = std::string(scenario.mode->name),
                                                                    .log = null_log_sink()}));
  return execution;
}

Result<std::unique_ptr<ScenarioExecution::Lane>> ScenarioExecution::make_lane(const Key& key,
                                                                              const engine::Engine& engine) {
  const auto [stream, step, target] = key;
  auto lane = std::make_unique<Lane>();
  const sched::EngineSpec& spec = scenario_.engines[target];
  lane->result = {.stream = scenario_.streams[stream].name,
                  .step = scenario_.streams[stream].pipeline[step].name,
                  .engine = spec.name,
                  .inferences = 0,
                  .host_seconds = 0,
                  .checksum = 0};
  MEDLAR_ASSIGN(lane->inputs, complete_inputs(engine, {}));
  if (spec.kind == sched::EngineKind::kDla) {
    MEDLAR_ASSIGN(const auto loaded,
                  module_->load(engine, engine.model, {.core = static_cast<uint32_t>(target)}));
    MEDLAR_ASSIGN(lane->context, runtime::ExecutionContext::create(loaded));
  } else {
    MEDLAR_ASSIGN(const SourceModel model, find_source_model(engine, engine.source));
    const host::Provider provider =
        spec.kind == sched::EngineKind::kGpu ? host::Provider::kAuto : host::Provider::kCpu;
    MEDLAR_ASSIGN(host::Session session, host::Session::create(model.bytes, engine.model, {.provider = provider}));
    lane->session = std::make_shared<host::Session>(std::move(session));
  }
  MEDLAR_ASSIGN(lane->stream, runtime::Stream::create(
                                  {.name = lane->result.stream + "/" + lane->result.step, .depth = 16}));
  return lane;
}

Result<ScenarioExecution::Lane*> ScenarioExecution::lane_of(const Key& key, const engine::Engine& engine) {
  auto& lane = lanes_[key];
  if (lane == nullptr) {
    MEDLAR_ASSIGN(lane, make_lane(key, engine));
  }
  return lane.get();
}

Status ScenarioExecution::run_frame(Lane& lane, uint64_t frame) const {
  const auto start = std::chrono::steady_clock::now();
  for (auto& [name, tensor] : lane.inputs) {
    fill(tensor, frame);
  }
  if (lane.context != nullptr) {
    MEDLAR_ASSIGN(const runtime::TensorMap outputs, lane.context->run(lane.inputs));
    for (const auto& [name, tensor] : outputs) {
      lane.result.checksum = mix(lane.result.checksum, tensor.bytes);
    }
  } else {
    std::map<std::string, const graph::Tensor*> feeds;
    for (const auto& [name, tensor] : lane.inputs) {
      feeds[name] = &tensor;
    }
    MEDLAR_ASSIGN(const std::vector<graph::Tensor> outputs, lane.session->run(feeds));
    for (const graph::Tensor& tensor : outputs) {
      lane.result.checksum = mix(lane.result.checksum, tensor.bytes);
    }
  }
  ++lane.result.inferences;
  lane.result.host_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {};
}

void ScenarioExecution::step_done(size_t stream, uint64_t frame, size_t step, const sched::Mapping& mapping) {
  const sched::Step& spec = scenario_.streams[stream].pipeline[step];
  const auto engine = engines_.find(scenario_.models[spec.model].name);
  if (engine == engines_.end() || error_) {
    return;
  }
  auto lane = lane_of({stream, step, mapping.segments.front().engine}, engine->second);
  if (!lane) {
    error_ = std::move(lane).error();
    return;
  }
  const auto queued = (*lane)->stream->enqueue_host(
      [this, lane = *lane, frame](const runtime::Cancellation&) { return run_frame(*lane, frame); });
  if (!queued) {
    error_ = queued.error();
  }
}

Result<std::vector<Executed>> ScenarioExecution::finish() {
  std::vector<Executed> all;
  for (auto& [key, lane] : lanes_) {
    if (lane == nullptr) {
      continue;
    }
    if (Status status = lane->stream->synchronize(); !status && !error_) {
      error_ = status.error();
    }
    all.push_back(lane->result);
  }
  if (error_) {
    return tl::unexpected<Error>(*error_);
  }
  return all;
}

}  // namespace medlar::api

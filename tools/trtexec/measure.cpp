// SPDX-License-Identifier: Apache-2.0
#include "measure.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "api/scenario.hpp"
#include "runtime/stream.hpp"
#include "sample/source.hpp"
#include "sched/simulator.hpp"
#include "timing/host_model.hpp"

namespace medlar::trtexec {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr uint64_t kMostQueries = 200'000;
constexpr double kHostSeconds = 2;     // real queries stop after so much host time
constexpr uint64_t kHostQueries = 10;  // and after so many a stream

double since_ms(Clock::time_point start) {
  return Milliseconds(Clock::now() - start).count();
}

Result<std::map<std::string, graph::Tensor>> load_inputs(const Options& options, const engine::Engine& engine) {
  std::map<std::string, graph::Tensor> inputs;
  std::optional<sample::Preprocess> preprocess;
  if (!engine.preprocess.empty()) {
    MEDLAR_ASSIGN(preprocess, sample::parse_preprocess(engine.preprocess, engine.model));
  }
  for (const auto& [name, file] : options.load_inputs) {
    const auto tensor = std::find_if(engine.plan.tensors.begin(), engine.plan.tensors.end(), [&](const auto& t) { return t.name == name; });
    if (std::find(engine.plan.inputs.begin(), engine.plan.inputs.end(), name) == engine.plan.inputs.end() ||
        tensor == engine.plan.tensors.end()) {
      return fail(Code::kInvalidArgument, "--loadInputs: the model has no input '{}': it has [{}]", name, fmt::join(engine.plan.inputs, ", "));
    }
    MEDLAR_ASSIGN(inputs[name], sample::load_tensor(file, {tensor->name, tensor->type, tensor->shape}, preprocess));
  }
  return api::complete_inputs(engine, std::move(inputs));
}

/// Modelled time to move bytes between the application's memory and the module's buffers.
double transfer_ms(const hw::DeviceProfile& device, const hw::PowerMode& mode, double bytes) {
  return 1e3 * timing::host_seconds(device, mode, timing::HostEngine::kCpu,
                                    {.macs = 0, .elements = 0, .bytes_read = bytes, .bytes_written = bytes, .launches = 0,
                                     .precision = timing::HostPrecision::kFp32});
}

double bytes_of(const engine::Engine& engine, const std::vector<std::string>& names) {
  double bytes = 0;
  for (const compiler::BoundaryTensor& tensor : engine.plan.tensors) {
    const bool meant = std::find(names.begin(), names.end(), tensor.name) != names.end();
    bytes += meant ? static_cast<double>(graph::storage_bytes(tensor.type, tensor.shape).value_or(0)) : 0;
  }
  return bytes;
}

/// The engine's segments as the plan placed them, on the chosen core.
Result<sched::Mapping> mapping_of(const sched::Scenario& scenario, const sched::ModelSpec& model, const engine::Engine& engine, size_t core) {
  std::vector<size_t> engines;
  for (const compiler::Segment& segment : engine.plan.segments) {
    const auto kind = segment.engine == compiler::Engine::kDla   ? sched::EngineKind::kDla
                      : segment.engine == compiler::Engine::kGpu ? sched::EngineKind::kGpu
                                                                 : sched::EngineKind::kCpu;
    size_t at = kind == sched::EngineKind::kDla ? core : 0;
    while (at < scenario.engines.size() && scenario.engines[at].kind != kind) {
      ++at;
    }
    if (at == scenario.engines.size()) {
      return fail(Code::kUnsupported, "{} has no {}", scenario.device->name, sched::kind_name(kind));
    }
    engines.push_back(at);
  }
  return sched::map_groups(scenario, model, engines);
}

Status run_modelled(const Options& options, const engine::Engine& engine, const hw::DeviceProfile& device, const hw::PowerMode& mode, Measurement& m) {
  sched::Scenario scenario = sched::scenario_for(device, mode);
  scenario.models.push_back({.name = engine.model, .layers = api::layer_groups(engine, m.profiled.profile, scenario)});
  const auto core = static_cast<size_t>(std::max(0, options.dla_core));
  MEDLAR_ASSIGN(const sched::Mapping mapping, mapping_of(scenario, scenario.models[0], engine, core));
  const double latency = std::max(1e-6, m.profiled.profile.total_ms);
  const auto frames = [&](double ms) { return static_cast<uint64_t>(std::ceil(ms / latency)); };
  const uint64_t measured = std::min(kMostQueries, std::max(options.iterations, frames(1e3 * options.duration_s) * options.streams));
  const uint64_t warm = std::min(kMostQueries, frames(options.warm_up_ms));
  for (uint64_t i = 0; i < options.streams; ++i) {
    sched::StreamSpec stream;
    stream.name = fmt::format("stream {}", i);
    stream.arrivals = {.kind = sched::Arrivals::Kind::kConcurrent, .concurrent = 1};
    stream.frames = warm + (measured + options.streams - 1) / options.streams;
    stream.pipeline = {{.name = "query", .after = {}, .model = 0, .engines = {core}, .policy = sched::Policy::kFixed, .mappings = {mapping}}};
    scenario.streams.push_back(std::move(stream));
  }
  MEDLAR_ASSIGN(const sched::Outcome outcome, sched::simulate(scenario));
  m.warm_up = warm * options.streams;
  m.seconds = outcome.metrics.seconds;
  for (const sched::StreamMetrics& stream : outcome.metrics.streams) {
    m.throughput += stream.throughput;
    m.compute_ms.insert(m.compute_ms.end(), stream.latencies_ms.begin() + static_cast<int64_t>(warm), stream.latencies_ms.end());
  }
  if (core < device.dla_cores) {
    m.dla_utilisation = outcome.metrics.engines[core].utilisation;
  }
  return {};
}

/// One real stream: its context and where its inputs and outputs lie.
struct Lane {
  std::unique_ptr<runtime::Stream> stream;
  std::shared_ptr<runtime::ExecutionContext> context;
  runtime::Bindings bindings;
  std::map<std::string, graph::Tensor> outputs;
};

Status bind_lane(const Options& options, api::Module& module, const Measurement& m, Lane& lane) {
  for (const runtime::LoadedEngine::Io& io : lane.context->engine().io()) {
    if (options.no_data_transfers && (io.device || io.bytes)) {
      MEDLAR_ASSIGN(auto memory, module.allocate(io.device ? io.device->size : *io.bytes));
      lane.bindings[io.name] = runtime::Binding::device(std::move(memory), io.device ? runtime::Layout::kDevice : runtime::Layout::kRows);
    } else if (io.input) {
      lane.bindings[io.name] = runtime::Binding::input(m.inputs.at(io.name));
    } else {
      lane.bindings.try_emplace(io.name, runtime::Binding::output(lane.outputs[io.name]));
    }
  }
  return {};
}

Status run_real(const Options& options, const engine::Engine& engine, api::Module& module, Measurement& m) {
  api::EngineOptions on{.core = static_cast<uint32_t>(std::max(0, options.dla_core))};
  on.provider = options.provider;
  MEDLAR_ASSIGN(const auto loaded, module.load(engine, engine.model, on));
  m.device_bytes = loaded->device_bytes();
  std::vector<Lane> lanes(options.streams);
  for (Lane& lane : lanes) {
    MEDLAR_ASSIGN(lane.context, runtime::ExecutionContext::create(loaded));
    MEDLAR_ASSIGN(lane.stream, runtime::Stream::create({.name = "query", .depth = 4}));
    MEDLAR_TRY(bind_lane(options, module, m, lane));
    m.device_bytes += lane.context->device_bytes();
  }
  const auto start = Clock::now();
  for (uint64_t i = 0; i < std::min(options.iterations, kHostQueries) && since_ms(start) < 1e3 * kHostSeconds; ++i) {
    const auto query = Clock::now();
    std::this_thread::sleep_for(Milliseconds(options.sleep_ms));
    for (Lane& lane : lanes) {
      const auto enqueue = Clock::now();
      MEDLAR_TRY(lane.stream->enqueue(lane.context, lane.bindings));
      m.enqueue_ms.push_back(since_ms(enqueue));
    }
    for (Lane& lane : lanes) {
      MEDLAR_TRY(lane.stream->synchronize());
      m.host_ms.push_back(since_ms(query));
    }
    std::this_thread::sleep_for(Milliseconds(options.idle_ms));
  }
  m.host_seconds = since_ms(start) / 1e3;
  return {};
}

}  // namespace

Result<Measurement> measure(const Options& options, const engine::Engine& engine) {
  Measurement m;
  MEDLAR_ASSIGN(m.inputs, load_inputs(options, engine));
  api::ProfileOptions profile{.mode = options.power_mode, .engine = {}, .inputs = m.inputs};
  profile.engine.core = static_cast<uint32_t>(std::max(0, options.dla_core));
  profile.engine.provider = options.provider;
  MEDLAR_ASSIGN(m.profiled, api::profile_engine(engine, engine.model, profile));
  MEDLAR_ASSIGN(const auto module, api::Module::boot(engine.device, {.mode = options.power_mode, .log = null_log_sink()}));
  if (!options.no_data_transfers) {
    m.h2d_ms = transfer_ms(module->device(), module->mode(), bytes_of(engine, engine.plan.inputs));
    m.d2h_ms = transfer_ms(module->device(), module->mode(), bytes_of(engine, engine.plan.outputs));
  }
  MEDLAR_TRY(run_modelled(options, engine, module->device(), module->mode(), m));
  MEDLAR_TRY(run_real(options, engine, *module, m));
  return m;
}

}  // namespace medlar::trtexec

// SPDX-License-Identifier: Apache-2.0
#include "medlar/runtime.hpp"

#include "api/inspect.hpp"
#include "api/public/errors.hpp"
#include "api/public/log.hpp"
#include "api/public/runtime_state.hpp"
#include "api/public/types.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include <fmt/ranges.h>

namespace medlar {
namespace {

std::vector<TensorInfo> tensor_infos(const compiler::Plan& plan) {
  std::vector<TensorInfo> infos;
  for (const auto* names : {&plan.inputs, &plan.outputs}) {
    for (const std::string& name : *names) {
      const auto at = std::find_if(plan.tensors.begin(), plan.tensors.end(),
                                   [&](const auto& t) { return t.name == name; });
      if (at == plan.tensors.end()) {
        door::raise(ErrorCode::kCorrupt, "the engine does not describe its tensor '{}'", name);
      }
      const auto bytes = graph::storage_bytes(at->type, at->shape);
      infos.push_back({.name = name,
                       .input = names == &plan.inputs,
                       .type = door::public_type(at->type),
                       .dims = at->shape,
                       .bytes = bytes.value_or(0)});
    }
  }
  return infos;
}

/// A context is one thread's at a time; a second one hears so instead of waiting.
class Turn {
 public:
  explicit Turn(ContextState& context) : context_(context) {
    if (context_.busy.exchange(true)) {
      door::raise(ErrorCode::kBusy,
                  "another thread is using this execution context: give each thread its own");
    }
  }
  ~Turn() { context_.busy = false; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  ContextState& context_;
};

}  // namespace

// --- EngineState

std::shared_ptr<const runtime::LoadedEngine> EngineState::on_core(int core) {
  if (core < 0 || core >= static_cast<int>(module->module->cores())) {
    door::raise(ErrorCode::kOutOfRange, "DLA core {}: {} has {}, numbered from 0", core, module->name,
                module->module->cores());
  }
  const std::lock_guard lock(mutex);
  auto& slot = loaded[core];
  if (!slot) {
    // The payloads are read back from the file: nobody needs them in between.
    const ByteView bytes{reinterpret_cast<const uint8_t*>(file.data()), file.size()};
    const engine::Engine whole = door::take(engine::deserialize(bytes, name));
    slot = door::take(module->module->load(whole, name, {.core = static_cast<uint32_t>(core)}));
  }
  return slot;
}

const TensorInfo& EngineState::find(std::string_view tensor) const {
  std::vector<std::string_view> names;
  for (const TensorInfo& info : tensors) {
    if (info.name == tensor) {
      return info;
    }
    names.push_back(info.name);
  }
  door::raise(ErrorCode::kNotFound, "the engine has no tensor '{}': it has [{}]", tensor,
              fmt::join(names, ", "));
}

// --- Runtime

Runtime::Runtime(Logger& logger) : Runtime(logger, Device::current()) {}
Runtime::Runtime(Logger& logger, Device device) : logger_(&logger), device_(std::move(device)) {}
Runtime::~Runtime() = default;

void Runtime::setDLACore(int core) {
  if (core < 0 || core >= numDLACores()) {
    door::raise(ErrorCode::kOutOfRange, "DLA core {}: {} has {}, numbered from 0", core, device_.name(),
                numDLACores());
  }
  core_ = core;
}

Engine Runtime::deserialize(Span<const std::byte> bytes, std::string_view name) const {
  if (bytes.data() == nullptr) {
    door::raise(ErrorCode::kInvalidArgument, "{}: a null pointer to {} bytes", name, bytes.size());
  }
  auto state = std::make_shared<EngineState>();
  state->module = device_.state();
  state->name = name;
  state->engine =
      door::take(engine::deserialize({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, name));
  door::take(engine::check_device(state->engine, state->module->module->device(), name));
  state->file.assign(bytes.begin(), bytes.end());
  state->tensors = tensor_infos(state->engine.plan);
  state->on_core(core_);
  for (compiler::Segment& segment : state->engine.plan.segments) {
    segment.payload = {};
  }
  door::log(*logger_, LogLevel::kVerbose,
            fmt::format("{}: loaded on {}, core {}", name, device_.name(), core_));
  return Engine(std::move(state));
}

// --- Engine

namespace {

EngineState& checked(const std::shared_ptr<EngineState>& state) {
  if (!state) {
    door::raise(ErrorCode::kInvalidArgument, "an empty engine");
  }
  return *state;
}

}  // namespace

const std::string& Engine::modelName() const {
  return checked(state_).engine.model;
}

const std::string& Engine::deviceName() const {
  return checked(state_).engine.device;
}

std::string Engine::precision() const {
  return checked(state_).engine.precision;
}

const std::vector<TensorInfo>& Engine::tensors() const {
  return checked(state_).tensors;
}

const TensorInfo& Engine::tensor(std::string_view name) const {
  return checked(state_).find(name);
}

int Engine::numLayers() const {
  return static_cast<int>(door::layer_names(checked(state_)).size());
}

size_t Engine::deviceMemoryBytes() const {
  EngineState& state = checked(state_);
  const std::lock_guard lock(state.mutex);
  return state.loaded.empty() ? 0 : state.loaded.begin()->second->device_bytes();
}

Span<const std::byte> Engine::serialize() const {
  return checked(state_).file;
}

std::string Engine::inspect() const {
  return door::inspect_json(checked(state_));
}

std::string Engine::inspectLayer(int index) const {
  return door::inspect_layer_json(checked(state_), index < 0 ? SIZE_MAX : static_cast<size_t>(index));
}

std::vector<std::string> Engine::layerNames() const {
  return door::layer_names(checked(state_));
}

std::string Engine::placementText() const {
  return api::placement_summary(checked(state_).engine);
}

std::unique_ptr<ExecutionContext> Engine::createExecutionContext(int core) const {
  EngineState& engine = checked(state_);
  auto context = std::make_shared<ContextState>();
  context->engine = state_;
  context->context = door::take(runtime::ExecutionContext::create(engine.on_core(core)));
  for (const TensorInfo& tensor : engine.tensors) {
    if (!tensor.input && tensor.bytes == 0 && std::count(tensor.dims.begin(), tensor.dims.end(), 0) == 0) {
      context->bindings[tensor.name] = runtime::Binding::output(context->open_outputs[tensor.name]);
    }
  }
  return std::make_unique<ExecutionContext>(std::move(context));
}

Device Engine::device() const {
  return Device(checked(state_).module);
}

// --- ExecutionContext

ExecutionContext::ExecutionContext(std::shared_ptr<ContextState> state) : state_(std::move(state)) {}
ExecutionContext::~ExecutionContext() = default;

double ContextState::account(const runtime::RunReport& report, double host_ms) {
  std::vector<LayerTime> timed =
      door::layer_times(report, engine->engine.plan, engine->module->module->recorder());
  RunTimes total{.modelledDlaMs = 0, .hostMs = host_ms};
  for (const LayerTime& layer : timed) {
    total.modelledDlaMs += layer.modelledMs;
  }
  Profiler* listener = profiler;
  if (listener != nullptr) {
    for (const LayerTime& layer : timed) {
      door::guarded("the profiler", [&] { listener->report(layer); });
    }
  }
  const std::lock_guard lock(results_mutex);
  times = total;
  layers = std::move(timed);
  return total.modelledDlaMs;
}

void ExecutionContext::setTensorAddress(std::string_view name, void* address) {
  const TensorInfo& tensor = state_->engine->find(name);
  if (address == nullptr) {
    door::raise(ErrorCode::kInvalidArgument, "tensor '{}': a null address", name);
  }
  const auto place = state_->engine->module->find(address);
  if (!place) {
    door::raise(ErrorCode::kOutOfRange,
                "tensor '{}': address {} is no device memory of {} (never allocated, or freed)", name,
                address, state_->engine->module->name);
  }
  if (place->room < tensor.bytes) {
    door::raise(ErrorCode::kOutOfRange, "tensor '{}' has {} bytes; from address {} the buffer has {}", name,
                tensor.bytes, address, place->room);
  }
  const Turn turn(*state_);
  state_->addresses[std::string(name)] = address;
  if (!state_->open_outputs.contains(name)) {
    state_->bindings[tensor.name] =
        runtime::Binding::device(place->memory, runtime::Layout::kRows, place->offset);
  }
}

void* ExecutionContext::tensorAddress(std::string_view name) const {
  state_->engine->find(name);
  const auto at = state_->addresses.find(name);
  return at == state_->addresses.end() ? nullptr : at->second;
}

void ExecutionContext::setInputShape(std::string_view name, const Dims& dims) {
  const TensorInfo& tensor = state_->engine->find(name);
  if (!tensor.input || dims != tensor.dims) {
    door::raise(ErrorCode::kInvalidArgument, "{} '{}' is [{}] in the engine and cannot become [{}]",
                tensor.input ? "input" : "output", name, fmt::join(tensor.dims, ","), fmt::join(dims, ","));
  }
}

namespace {

double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// Memory may have been freed since it was bound.
void check_alive(const ContextState& context) {
  for (const auto& [name, address] : context.addresses) {
    if (!context.engine->module->find(address)) {
      door::raise(ErrorCode::kOutOfRange, "tensor '{}': its memory at {} has been freed", name, address);
    }
  }
}

}  // namespace

void ExecutionContext::execute() {
  const Turn turn(*state_);
  check_alive(*state_);
  const auto start = std::chrono::steady_clock::now();
  runtime::RunReport report;
  door::take(state_->context->run(state_->bindings, &report));
  state_->account(report, ms_since(start));
}

void ExecutionContext::enqueue(const Stream& stream) {
  const Turn turn(*state_);
  if (!stream) {
    door::raise(ErrorCode::kInvalidArgument, "an empty stream");
  }
  check_alive(*state_);
  door::take(state_->context->check(state_->bindings));
  StreamState& queue = *stream.state();
  // The context may be destroyed before the stream gets here: what the run needs is shared.
  queue.push([state = state_, &queue,
              bindings = state_->bindings](const runtime::Cancellation& cancellation) -> Status {
    const auto start = std::chrono::steady_clock::now();
    runtime::RunReport report;
    MEDLAR_TRY(state->context->run(bindings, &report, &cancellation));
    queue.modelled_ms = queue.modelled_ms + state->account(report, ms_since(start));
    return {};
  });
}

void ExecutionContext::run(const std::map<std::string, Span<const std::byte>>& inputs,
                           const std::map<std::string, Span<std::byte>>& outputs) {
  const Turn turn(*state_);
  runtime::Bindings bindings;
  for (const TensorInfo& tensor : state_->engine->tensors) {
    if (state_->open_outputs.contains(tensor.name)) {
      bindings[tensor.name] = runtime::Binding::output(state_->open_outputs[tensor.name]);
    }
  }
  for (const auto& [name, bytes] : inputs) {
    const TensorInfo& tensor = state_->engine->find(name);
    if (!tensor.input || bytes.data() == nullptr) {
      door::raise(ErrorCode::kInvalidArgument, "'{}' is {}", name,
                  tensor.input ? "given as a null pointer" : "an output, not an input");
    }
    bindings[name] =
        runtime::Binding::input(ByteView{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  }
  for (const auto& [name, bytes] : outputs) {
    const TensorInfo& tensor = state_->engine->find(name);
    if (tensor.input || bytes.data() == nullptr) {
      door::raise(ErrorCode::kInvalidArgument, "'{}' is {}", name,
                  tensor.input ? "an input, not an output" : "given as a null pointer");
    }
    bindings[name] =
        runtime::Binding::host(MutableBytes{reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  }
  const auto start = std::chrono::steady_clock::now();
  runtime::RunReport report;
  door::take(state_->context->run(bindings, &report));
  state_->account(report, ms_since(start));
}

Dims ExecutionContext::outputDims(std::string_view name) const {
  const TensorInfo& tensor = state_->engine->find(name);
  const auto open = state_->open_outputs.find(name);
  return open == state_->open_outputs.end() ? tensor.dims : open->second.shape;
}

OwnedWeights ExecutionContext::openOutput(std::string_view name) const {
  const TensorInfo& tensor = state_->engine->find(name);
  const auto open = state_->open_outputs.find(name);
  if (open == state_->open_outputs.end()) {
    door::raise(ErrorCode::kInvalidArgument,
                "output '{}' has the fixed shape [{}]: it lies where it was bound", name,
                fmt::join(tensor.dims, ","));
  }
  OwnedWeights out{.type = tensor.type,
                   .dims = open->second.shape,
                   .bytes = std::vector<std::byte>(open->second.bytes.size())};
  if (!out.bytes.empty()) {
    std::memcpy(out.bytes.data(), open->second.bytes.data(), out.bytes.size());
  }
  return out;
}

void ExecutionContext::setProfiler(Profiler* profiler) noexcept {
  state_->profiler = profiler;
}

RunTimes ExecutionContext::lastTimes() const {
  const std::lock_guard lock(state_->results_mutex);
  return state_->times;
}

std::vector<LayerTime> ExecutionContext::lastLayers() const {
  const std::lock_guard lock(state_->results_mutex);
  return state_->layers;
}

}  // namespace medlar

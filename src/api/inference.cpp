// SPDX-License-Identifier: Apache-2.0
#include "api/inference.hpp"

#include "profile/recorder.hpp"
#include "runtime/execution_context.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace medlar::api {
/// Members are destroyed from the last to the first: the context before the engine and its module.
struct Inference::State {
  engine::Engine engine;
  std::shared_ptr<Module> module;
  std::shared_ptr<const runtime::LoadedEngine> loaded;
  std::shared_ptr<runtime::ExecutionContext> context;

  Status open(std::string_view engine_name, const EngineOptions& options) {
    MEDLAR_ASSIGN(loaded, module->load(engine, engine_name, options));
    MEDLAR_ASSIGN(context, runtime::ExecutionContext::create(loaded));
    for (compiler::Segment& segment : engine.plan.segments) {
      segment.payload = {};  // loaded: the copy is not needed any more
    }
    return {};
  }
};

Inference::Inference(std::unique_ptr<State> state) : state_(std::move(state)) {}
Inference::Inference(Inference&&) noexcept = default;
Inference& Inference::operator=(Inference&&) noexcept = default;
Inference::~Inference() = default;

Result<Inference> Inference::create(engine::Engine engine, std::string_view device,
                                    std::string_view engine_name, const EngineOptions& options) {
  MEDLAR_ASSIGN(const hw::DeviceProfile* profile,
                hw::find_device(device.empty() ? std::string_view(engine.device) : device));
  MEDLAR_TRY(engine::check_device(engine, *profile, engine_name));
  MEDLAR_ASSIGN(const auto module, Module::boot(*profile));
  return create(module, std::move(engine), engine_name, options);
}

Result<Inference> Inference::create(const std::shared_ptr<Module>& module, engine::Engine engine,
                                    std::string_view engine_name, const EngineOptions& options) {
  auto state = std::make_unique<State>();
  state->engine = std::move(engine);
  state->module = module;
  MEDLAR_TRY(state->open(engine_name, options));
  return Inference(std::move(state));
}

const std::shared_ptr<Module>& Inference::module() const {
  return state_->module;
}
const std::shared_ptr<const runtime::LoadedEngine>& Inference::loaded() const {
  return state_->loaded;
}

const engine::Engine& Inference::engine() const {
  return state_->engine;
}

std::vector<sample::InputSpec> Inference::inputs() const {
  std::vector<sample::InputSpec> specs;
  for (const std::string& name : state_->engine.plan.inputs) {
    for (const compiler::BoundaryTensor& tensor : state_->engine.plan.tensors) {
      if (tensor.name == name) {
        specs.push_back({tensor.name, tensor.type, tensor.shape});
      }
    }
  }
  return specs;
}

void Inference::set_tracer(chip::Tracer* tracer) {
  state_->module->set_tracer(state_->loaded->core(), tracer);
}

Result<InferenceResult> Inference::run(const std::map<std::string, graph::Tensor>& inputs) {
  const auto start = std::chrono::steady_clock::now();
  InferenceResult result;
  MEDLAR_ASSIGN(result.outputs, state_->context->run(inputs, &result.report));
  result.host_ms = 1e3 * std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.layers = layer_times(result.report, state_->engine.plan, state_->module->recorder());
  for (const LayerTime& layer : result.layers) {
    result.modelled_dla_ms += layer.modelled_ms;
  }
  return result;
}

}  // namespace medlar::api

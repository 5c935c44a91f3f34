// SPDX-License-Identifier: Apache-2.0
#include "api/inference.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

#include "api/module.hpp"
#include "profile/op_timer.hpp"
#include "runtime/executor.hpp"

namespace medlar::api {
namespace {

/// One executed operation as the driver reported it, with its modelled time.
struct TimedOp {
  uint64_t serial = 0;
  uint32_t op_index = 0;
  uint64_t cycles = 0;
};

/// Collects what the driver's observer tells. The observer runs on the core's thread.
class OpRecorder {
 public:
  explicit OpRecorder(const hw::DeviceProfile& device) : config_(*device.config), machine_(timing::machine_of(device)) {}

  void record(const driver::CompletedOp& op) {
    const auto time = profile::time_of(*op.executed, config_, machine_);
    const std::lock_guard lock(mutex_);
    ops_.push_back({op.serial, op.op_index, time ? time->cycles : 0});
  }

  std::vector<TimedOp> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(ops_, {});
  }

  double milliseconds(uint64_t cycles) const { return 1e3 * static_cast<double>(cycles) / static_cast<double>(machine_.hz); }

 private:
  const hw::HwConfig& config_;
  timing::Machine machine_;
  std::mutex mutex_;
  std::vector<TimedOp> ops_;
};

/// Ties an executed operation to the layer that the compiler made it from.
LayerTime layer_of(const TimedOp& op, int segment, const compiler::Plan& plan, double milliseconds) {
  LayerTime layer{.engine = compiler::Engine::kDla, .segment = segment, .name = fmt::format("op {}", op.op_index), .origins = {},
                  .modelled_ms = milliseconds, .host_ms = 0};
  for (const compiler::HwOpInfo& info : plan.hw_ops) {
    if (info.segment == segment && info.task_op == static_cast<int>(op.op_index)) {
      layer.name = info.name;
      layer.origins = info.origins;
    }
  }
  return layer;
}

}  // namespace

/// Members are destroyed from the last to the first: the executor before the module that serves it.
struct Inference::State {
  engine::Engine engine;
  std::unique_ptr<OpRecorder> recorder;
  Module module;
  std::optional<runtime::Executor> executor;

  Status open(const hw::DeviceProfile& device) {
    recorder = std::make_unique<OpRecorder>(device);
    MEDLAR_ASSIGN(module, boot(device, [recorder = recorder.get()](const driver::CompletedOp& op) { recorder->record(op); }));
    MEDLAR_ASSIGN(executor, runtime::Executor::create(engine, module.context));
    for (compiler::Segment& segment : engine.plan.segments) {
      segment.payload = {};  // loaded: the copy is not needed any more
    }
    return {};
  }

  void add_layers(const runtime::RunReport& report, InferenceResult& result) const {
    const std::vector<TimedOp> ops = recorder->take();
    for (const runtime::SegmentRun& run : report.segments) {
      if (run.segment >= 0 && run.engine != compiler::Engine::kDla) {
        result.layers.push_back(host_layer(run));
      }
      for (const TimedOp& op : ops) {
        if (std::find(run.serials.begin(), run.serials.end(), op.serial) != run.serials.end()) {
          result.layers.push_back(layer_of(op, run.segment, engine.plan, recorder->milliseconds(op.cycles)));
          result.modelled_dla_ms += result.layers.back().modelled_ms;
        }
      }
    }
  }

  LayerTime host_layer(const runtime::SegmentRun& run) const {
    LayerTime layer{.engine = run.engine, .segment = run.segment,
                    .name = engine.plan.segments[static_cast<size_t>(run.segment)].name, .origins = {}, .modelled_ms = 0,
                    .host_ms = 1e3 * run.host_seconds};
    for (const compiler::Placement& placement : engine.plan.placements) {
      if (placement.segment == run.segment) {
        layer.origins.push_back(placement.node);
      }
    }
    return layer;
  }
};

Inference::Inference(std::unique_ptr<State> state) : state_(std::move(state)) {}
Inference::Inference(Inference&&) noexcept = default;
Inference& Inference::operator=(Inference&&) noexcept = default;
Inference::~Inference() = default;

Result<Inference> Inference::create(engine::Engine engine, std::string_view device, std::string_view engine_name) {
  MEDLAR_ASSIGN(const hw::DeviceProfile* profile, hw::find_device(device.empty() ? std::string_view(engine.device) : device));
  MEDLAR_TRY(engine::check_device(engine, *profile, engine_name));
  auto state = std::make_unique<State>();
  state->engine = std::move(engine);
  MEDLAR_TRY(state->open(*profile));
  return Inference(std::move(state));
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

Result<InferenceResult> Inference::run(const std::map<std::string, graph::Tensor>& inputs) {
  const auto start = std::chrono::steady_clock::now();
  runtime::RunReport report;
  InferenceResult result;
  MEDLAR_ASSIGN(result.outputs, state_->executor->run(inputs, &report));
  result.host_ms = 1e3 * std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  state_->add_layers(report, result);
  return result;
}

}  // namespace medlar::api

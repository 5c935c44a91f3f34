// SPDX-License-Identifier: Apache-2.0
#include "profile/engine_profile.hpp"

#include "timing/energy.hpp"
#include "timing/host_model.hpp"
#include "timing/inference.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace medlar::profile {
namespace {

using compiler::Engine;

timing::HostEngine host_engine(Engine engine) {
  return engine == Engine::kGpu ? timing::HostEngine::kGpu : timing::HostEngine::kCpu;
}
timing::Engine timing_engine(Engine engine) {
  return engine == Engine::kDla   ? timing::Engine::kDla
         : engine == Engine::kGpu ? timing::Engine::kGpu
                                  : timing::Engine::kCpu;
}

timing::HostPrecision host_precision(std::string_view precision) {
  return precision == "int8"   ? timing::HostPrecision::kInt8
         : precision == "fp16" ? timing::HostPrecision::kFp16
                               : timing::HostPrecision::kFp32;
}

const hw::EnergyCosts& costs_of(const hw::DeviceProfile& device, timing::HostEngine engine) {
  return engine == timing::HostEngine::kGpu ? device.gpu.energy : device.cpu.energy;
}

class Builder {
 public:
  Builder(const engine::Engine& engine, const hw::DeviceProfile& device, const hw::PowerMode& mode)
      : engine_(engine), device_(device), mode_(mode), machine_(timing::machine_of(device, mode)) {
    profile_.model = engine.model;
    profile_.device = device.name;
    profile_.label = hw::label_name(device.label);
    profile_.mode = mode.name;
    profile_.precision = engine.precision;
    precision_ = engine.precision == "int8" ? hw::Precision::kInt8 : hw::Precision::kFp16;
  }

  EngineProfile build(const std::vector<SegmentRecord>& records) {
    for (size_t i = 0; i < engine_.plan.segments.size(); ++i) {
      const auto record = std::find_if(records.begin(), records.end(), [&](const SegmentRecord& candidate) {
        return candidate.segment == static_cast<int>(i);
      });
      add_segment(i, record == records.end() ? SegmentRecord{} : *record);
    }
    finish();
    return std::move(profile_);
  }

 private:
  void add_segment(size_t index, const SegmentRecord& record) {
    const compiler::Segment& segment = engine_.plan.segments[index];
    SegmentProfile row{.engine = segment.engine,
                       .name = segment.name,
                       .transition_ms = transition_ms(index),
                       .submit_ms = submit_ms(segment, record),
                       .start_ms = 0,
                       .ms = 0,
                       .dram_bytes = 0,
                       .joules = 0,
                       .host_ms = 1e3 * record.host_seconds};
    now_ += row.transition_ms;
    profile_.transition_ms += row.transition_ms;
    profile_.transitions += row.transition_ms > 0 ? 1 : 0;
    now_ += row.submit_ms;
    profile_.submit_ms += row.submit_ms;
    row.joules = device_.dla_energy.static_watts * row.submit_ms / 1e3;
    profile_.joules += row.joules;
    row.start_ms = now_;
    const size_t first = profile_.layers.size();
    if (segment.engine == Engine::kDla) {
      for (const RecordedOp& op : record.ops) {
        add(dla_layer(op, static_cast<int>(index)));
      }
    } else {
      for (const compiler::Placement& placement : engine_.plan.placements) {
        if (placement.segment == static_cast<int>(index)) {
          add(host_layer(placement));
        }
      }
    }
    row.ms = now_ - row.start_ms;
    for (size_t i = first; i < profile_.layers.size(); ++i) {
      row.dram_bytes += profile_.layers[i].dram_bytes;
      row.joules += profile_.layers[i].joules;
    }
    profile_.host_ms += row.host_ms;
    (segment.engine == Engine::kDla   ? profile_.dla_ms
     : segment.engine == Engine::kGpu ? profile_.gpu_ms
                                      : profile_.cpu_ms) += row.ms;
    profile_.segments.push_back(std::move(row));
  }

  void add(LayerProfile layer) {
    layer.start_ms = now_;
    now_ += layer.ms;
    profile_.layers.push_back(std::move(layer));
  }

  double transition_ms(size_t index) const {
    if (index == 0 || engine_.plan.segments[index - 1].engine == engine_.plan.segments[index].engine) {
      return 0;
    }
    const compiler::Segment& segment = engine_.plan.segments[index];
    uint64_t bytes = 0;
    for (const std::string& input : segment.inputs) {
      for (const compiler::BoundaryTensor& tensor : engine_.plan.tensors) {
        bytes += tensor.name == input ? graph::storage_bytes(tensor.type, tensor.shape).value_or(0) : 0;
      }
    }
    return 1e3 * timing::transition_seconds(device_, timing_engine(engine_.plan.segments[index - 1].engine),
                                            timing_engine(segment.engine), bytes);
  }

  /// Of a DLA task that ran: submission, wake-up, interrupt, and the firmware's time that no operation hides.
  double submit_ms(const compiler::Segment& segment, const SegmentRecord& record) const {
    if (segment.engine != Engine::kDla || record.ops.empty()) {
      return 0;
    }
    std::vector<double> operations;
    for (const RecordedOp& op : record.ops) {
      operations.push_back(op.time.seconds(machine_));
    }
    return 1e3 * timing::submission_seconds(device_, operations);
  }

  LayerProfile dla_layer(const RecordedOp& op, int segment) const {
    LayerProfile layer;
    layer.segment = segment;
    layer.name = fmt::format("op {}", op.op_index);
    layer.unit = op.unit;
    for (const compiler::HwOpInfo& info : engine_.plan.hw_ops) {
      if (info.segment == segment && info.task_op == static_cast<int>(op.op_index)) {
        layer.name = info.name;
        layer.origins = info.origins;
      }
    }
    const double per_ms = static_cast<double>(machine_.hz) / 1e3;
    layer.ms = static_cast<double>(op.time.cycles) / per_ms;
    layer.load_ms = static_cast<double>(op.time.load_cycles) / per_ms;
    layer.macs = op.time.macs;
    layer.utilisation = timing::mac_utilisation(op.time, device_, precision_);
    layer.dram_bytes = op.time.dram_bytes();
    layer.sram_bytes = op.time.sram_bytes();
    layer.bound = op.timed ? std::string(timing::bound_name(op.time.bound)) : "unknown";
    layer.joules = timing::op_energy(op.time, device_, mode_, precision_).engine(device_.dla_energy);
    return layer;
  }

  LayerProfile host_layer(const compiler::Placement& placement) const {
    LayerProfile layer;
    layer.engine = placement.engine;
    layer.segment = placement.segment;
    layer.name = placement.node;
    layer.unit = placement.op_type;
    layer.origins = {placement.node};
    layer.macs = placement.macs;
    layer.dram_bytes = placement.bytes;
    const timing::HostEngine host = host_engine(placement.engine);
    timing::HostWork work{.macs = static_cast<double>(placement.macs),
                          .elements = 0,
                          .bytes_read = static_cast<double>(placement.bytes),
                          .bytes_written = 0,
                          .launches = 1,
                          .precision = host_precision(placement.precision)};
    const double modelled = timing::host_seconds(device_, mode_, host, work);
    const double seconds = placement.seconds > 0 ? placement.seconds : std::isfinite(modelled) ? modelled : 0;
    layer.joules = timing::host_energy(device_, mode_, host, work, seconds).engine(costs_of(device_, host));
    work.macs = 0;
    layer.bound = timing::host_seconds(device_, mode_, host, work) >= 0.99 * modelled ? "memory" : "compute";
    layer.ms = 1e3 * seconds;
    return layer;
  }

  void finish() {
    profile_.total_ms = now_;
    double busy_macs = 0;
    for (const LayerProfile& layer : profile_.layers) {
      profile_.dram_bytes += layer.dram_bytes;
      profile_.sram_bytes += layer.sram_bytes;
      profile_.macs += layer.macs;
      profile_.joules += layer.joules;
      busy_macs += layer.engine == Engine::kDla ? layer.utilisation * layer.ms : 0;
    }
    profile_.utilisation = profile_.dla_ms == 0 ? 0 : busy_macs / profile_.dla_ms;
    profile_.dram_joules = static_cast<double>(profile_.dram_bytes) * timing::dram_joules_per_byte(device_);
    profile_.joules += profile_.dram_joules;
    for (const compiler::Placement& placement : engine_.plan.placements) {
      profile_.nodes += placement.segment >= 0 ? 1 : 0;
      profile_.dla_nodes += placement.segment >= 0 && placement.engine == Engine::kDla ? 1 : 0;
    }
  }

  const engine::Engine& engine_;
  const hw::DeviceProfile& device_;
  const hw::PowerMode& mode_;
  timing::Machine machine_;
  hw::Precision precision_ = hw::Precision::kFp16;
  EngineProfile profile_;
  double now_ = 0;
};

/// Operators that a GPU engine runs behind the one before them.
bool runs_behind(std::string_view op) {
  constexpr std::array kFused{
      "Relu",      "LeakyRelu", "PRelu",   "Clip",        "Sigmoid",   "Tanh",     "Add",
      "Sub",       "Mul",       "Div",     "HardSigmoid", "Elu",       "Pow",      "BatchNormalization",
      "HardSwish", "Reshape",   "Flatten", "Squeeze",     "Unsqueeze", "Identity", "Cast",
      "Dropout"};
  return std::find(kFused.begin(), kFused.end(), op) != kFused.end();
}

}  // namespace

EngineProfile make_profile(const engine::Engine& engine, const hw::DeviceProfile& device,
                           const hw::PowerMode& mode, const std::vector<SegmentRecord>& records) {
  return Builder(engine, device, mode).build(records);
}

namespace {

constexpr int kAllSegments = -1;

std::optional<HostEstimate> estimate_on(const engine::Engine& engine, const hw::DeviceProfile& device,
                                        const hw::PowerMode& mode, Engine host, int segment) {
  const timing::HostEngine target = host_engine(host);
  if (host == Engine::kDla || !timing::has_engine(device, mode, target)) {
    return std::nullopt;
  }
  double seconds = 0;
  HostEstimate estimate;
  bool first = true;
  for (const compiler::Placement& placement : engine.plan.placements) {
    const bool meant = segment == kAllSegments ? placement.segment >= 0 : placement.segment == segment;
    if (!meant || (!first && runs_behind(placement.op_type))) {
      continue;
    }
    first = false;
    const bool narrow = placement.precision == "int8" || placement.precision == "fp16";
    estimate.dram_bytes += placement.bytes;
    const timing::HostWork work{.macs = static_cast<double>(placement.macs),
                                .elements = 0,
                                .bytes_read = static_cast<double>(placement.bytes),
                                .bytes_written = 0,
                                .launches = 1,
                                .precision = host_precision(narrow ? placement.precision : engine.precision)};
    const double took = timing::host_seconds(device, mode, target, work);
    seconds += took;
    estimate.joules += timing::host_energy(device, mode, target, work, took).engine(costs_of(device, target));
  }
  estimate.ms = 1e3 * seconds;
  return estimate;
}

}  // namespace

std::optional<HostEstimate> whole_model_on(const engine::Engine& engine, const hw::DeviceProfile& device,
                                           const hw::PowerMode& mode, Engine host) {
  return estimate_on(engine, device, mode, host, kAllSegments);
}

std::optional<HostEstimate> segment_on(const engine::Engine& engine, const hw::DeviceProfile& device,
                                       const hw::PowerMode& mode, Engine host, int segment) {
  return estimate_on(engine, device, mode, host, segment);
}

}  // namespace medlar::profile

// SPDX-License-Identifier: Apache-2.0
#include "api/public/placement.hpp"
#include "api/public/runtime_state.hpp"
#include "profile/recorder.hpp"

namespace medlar::door {
namespace {

LayerTime dla_layer(const profile::RecordedOp& op, int segment, const compiler::Plan& plan, double milliseconds) {
  LayerTime layer{.name = fmt::format("op {}", op.op_index), .placed = Placed::kDla, .onnxNodes = {}, .modelledMs = milliseconds,
                  .hostMs = 0};
  for (const compiler::HwOpInfo& info : plan.hw_ops) {
    if (info.segment == segment && info.task_op == static_cast<int>(op.op_index)) {
      layer.name = info.name;
      layer.onnxNodes = info.origins;
    }
  }
  return layer;
}

LayerTime host_layer(const runtime::SegmentRun& run, const compiler::Plan& plan) {
  constexpr double kMilli = 1e3;
  LayerTime layer{.name = plan.segments[static_cast<size_t>(run.segment)].name, .placed = placed_on(run.engine), .onnxNodes = {},
                  .modelledMs = 0, .hostMs = kMilli * run.host_seconds};
  for (const compiler::Placement& placement : plan.placements) {
    if (placement.segment == run.segment) {
      layer.onnxNodes.push_back(placement.node);
    }
  }
  return layer;
}

}  // namespace

std::vector<LayerTime> layer_times(const runtime::RunReport& report, const compiler::Plan& plan, profile::Recorder& recorder) {
  std::vector<LayerTime> layers;
  for (const runtime::SegmentRun& run : report.segments) {
    if (run.segment >= 0 && run.engine != compiler::Engine::kDla) {
      layers.push_back(host_layer(run, plan));
    }
    for (const uint64_t serial : run.serials) {
      for (const profile::RecordedOp& op : recorder.take(run.core, serial)) {
        layers.push_back(dla_layer(op, run.segment, plan, recorder.milliseconds(op.time.cycles)));
      }
    }
  }
  return layers;
}

}  // namespace medlar::door

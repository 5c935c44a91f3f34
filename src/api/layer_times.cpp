// SPDX-License-Identifier: Apache-2.0
#include "api/layer_times.hpp"

#include <fmt/format.h>

namespace medlar::api {
namespace {

/// Ties an executed operation to the layer that the compiler made it from.
LayerTime dla_layer(const profile::RecordedOp& op, int segment, const compiler::Plan& plan, double milliseconds) {
  LayerTime layer{.engine = compiler::Engine::kDla,
                  .segment = segment,
                  .name = fmt::format("op {}", op.op_index),
                  .origins = {},
                  .modelled_ms = milliseconds,
                  .host_ms = 0,
                  .unit = op.unit};
  for (const compiler::HwOpInfo& info : plan.hw_ops) {
    if (info.segment == segment && info.task_op == static_cast<int>(op.op_index)) {
      layer.name = info.name;
      layer.origins = info.origins;
    }
  }
  return layer;
}

LayerTime host_layer(const runtime::SegmentRun& run, const compiler::Plan& plan) {
  LayerTime layer{.engine = run.engine,
                  .segment = run.segment,
                  .name = plan.segments[static_cast<size_t>(run.segment)].name,
                  .origins = {},
                  .modelled_ms = 0,
                  .host_ms = 1e3 * run.host_seconds,
                  .unit = {}};
  for (const compiler::Placement& placement : plan.placements) {
    if (placement.segment == run.segment) {
      layer.origins.push_back(placement.node);
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

}  // namespace medlar::api

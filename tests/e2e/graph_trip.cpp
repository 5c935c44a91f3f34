// SPDX-License-Identifier: Apache-2.0
#include "e2e/graph_trip.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "compiler/compile.hpp"
#include "compiler/simplify/simplify.hpp"
#include "graph/fold.hpp"
#include "host/evaluator.hpp"
#include "host/session.hpp"
#include "hw/device.hpp"
#include "import/onnx_export.hpp"

namespace medlar::test {
namespace {

Result<ByteBuffer> export_all(const graph::Graph& graph, const std::vector<graph::ValueId>& outputs) {
  std::vector<graph::NodeId> nodes(graph.nodes.size());
  std::iota(nodes.begin(), nodes.end(), 0);
  return import::export_onnx(graph, nodes, graph.inputs, outputs);
}

/// Ranges of all activations for these inputs, observed node by node.
Result<compiler::CalibrationTable> observe_ranges(const graph::Graph& graph, const TensorMap& inputs) {
  compiler::CalibrationTable table;
  std::vector<graph::ValueId> activations;
  for (const graph::Node& node : graph.nodes) {
    for (const graph::ValueId id : node.outputs) {
      if (id != graph::kNoValue && graph.value(id).type == graph::DataType::kFloat32) {
        activations.push_back(id);
      }
    }
  }
  std::map<std::string, const graph::Tensor*> feeds;
  for (const auto& [name, tensor] : inputs) {
    feeds[name] = &tensor;
    if (tensor.type == graph::DataType::kFloat32) {
      MEDLAR_TRY(compiler::observe(table.ranges[name], tensor.as<float>()));
    }
  }
  if (activations.empty()) {
    return table;
  }
  MEDLAR_ASSIGN(const ByteBuffer model, export_all(graph, activations));
  MEDLAR_ASSIGN(const host::Session session, host::Session::create(model, graph.name, {.optimise = false}));
  MEDLAR_ASSIGN(const std::vector<graph::Tensor> values, session.run(feeds));
  for (size_t i = 0; i < values.size(); ++i) {
    MEDLAR_TRY(compiler::observe(table.ranges[graph.value(activations[i]).name], values[i].as<float>()));
  }
  return table;
}

}  // namespace

Result<engine::Engine> build_run(GraphRun& run, const TripOptions& options) {
  MEDLAR_ASSIGN(const hw::DeviceProfile* device, hw::find_device(options.device));
  host::OnnxEvaluator evaluator;
  MEDLAR_TRY(graph::fold_constants(run.graph, &evaluator));
  compiler::CalibrationTable table;
  if (options.precision == hw::Precision::kInt8) {
    graph::Graph prepared = run.graph;
    MEDLAR_TRY(compiler::simplify(prepared, hw::Precision::kInt8, &evaluator));
    MEDLAR_ASSIGN(table, observe_ranges(prepared, run.inputs));
  }
  engine::Engine engine;
  engine.model = run.graph.name;
  engine.device = device->name;
  engine.fingerprint = engine::device_fingerprint(*device);
  engine.precision = hw::precision_name(options.precision);
  MEDLAR_ASSIGN(engine.plan, compiler::compile(run.graph, {.config = device->config, .precision = options.precision,
                                                              .evaluator = &evaluator}, &table));
  return engine;
}

Result<ByteBuffer> model_of(const GraphRun& run) {
  return export_all(run.graph, run.graph.outputs);
}

Result<TensorMap> reference_run(const GraphRun& run) {
  MEDLAR_ASSIGN(const ByteBuffer model, model_of(run));
  MEDLAR_ASSIGN(const host::Session session, host::Session::create(model, run.graph.name, {.optimise = false}));
  std::map<std::string, const graph::Tensor*> feeds;
  for (const auto& [name, tensor] : run.inputs) {
    feeds[name] = &tensor;
  }
  MEDLAR_ASSIGN(std::vector<graph::Tensor> values, session.run(feeds));
  TensorMap outputs;
  for (size_t i = 0; i < values.size(); ++i) {
    outputs[session.outputs()[i].name] = std::move(values[i]);
  }
  return outputs;
}

double relative_error(const graph::Tensor& ours, const graph::Tensor& wanted) {
  const auto a = graph::to_doubles(ours);
  const auto b = graph::to_doubles(wanted);
  if (!a || !b || a->size() != b->size()) {
    return INFINITY;
  }
  double squares = 0.0;
  double norm = 0.0;
  for (size_t i = 0; i < a->size(); ++i) {
    squares += ((*a)[i] - (*b)[i]) * ((*a)[i] - (*b)[i]);
    norm += (*b)[i] * (*b)[i];
  }
  const double error = std::sqrt(squares) / std::max(std::sqrt(norm), 1e-20);
  return std::isnan(error) ? INFINITY : error;
}

}  // namespace medlar::test

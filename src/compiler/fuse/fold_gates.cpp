// SPDX-License-Identifier: Apache-2.0
// Gated activations.
#include "compiler/fuse/fold_gates.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "compiler/fuse/readers.hpp"

namespace medlar::compiler {
namespace {

/// The SDP layer that makes `tensor` for nobody but one reader.
const Layer* private_maker(const LayerGraph& graph, TensorId tensor) {
  const auto maker = maker_of(graph, tensor);
  if (!maker || !only_reader(graph, tensor) || !std::holds_alternative<SdpLayer>(graph.layers[*maker].body)) {
    return nullptr;
  }
  return &graph.layers[*maker];
}

bool is_table(const Layer* layer, Function function) {
  return layer != nullptr && layer->steps.size() == 1 && layer->steps[0].kind == StepKind::kTable &&
         layer->steps[0].function == function;
}

bool near(const std::vector<float>& values, double wanted) {
  return values.size() == 1 && std::fabs(static_cast<double>(values[0]) - wanted) < 1e-5;
}

bool is_hard_sigmoid(const Layer* layer) {
  return layer != nullptr && layer->steps.size() == 3 && layer->steps[0].kind == StepKind::kAffine &&
         near(layer->steps[0].mul, 1.0 / 6.0) && near(layer->steps[0].add, 0.5) &&
         layer->steps[1].kind == StepKind::kRelu && layer->steps[2].kind == StepKind::kMin &&
         near(layer->steps[2].add, 1.0);
}

std::optional<Function> gate_of(const LayerGraph& graph, TensorId gate, TensorId x) {
  const Layer* maker = private_maker(graph, gate);
  if (is_table(maker, Function::kSigmoid) && maker->src == x) {
    return Function::kSilu;
  }
  if (is_hard_sigmoid(maker) && maker->src == x) {
    return Function::kHardSwish;
  }
  if (is_table(maker, Function::kTanh)) {
    const Layer* inner = private_maker(graph, maker->src);
    if (is_table(inner, Function::kSoftplus) && inner->src == x) {
      return Function::kMish;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Function> gate_function(const LayerGraph& graph, size_t product) {
  const Layer& layer = graph.layers[product];
  if (!std::holds_alternative<SdpLayer>(layer.body) || layer.steps.size() != 1 ||
      layer.steps[0].kind != StepKind::kMulTensor) {
    return std::nullopt;
  }
  const auto direct = gate_of(graph, layer.steps[0].operand, layer.src);
  return direct ? direct : gate_of(graph, layer.src, layer.steps[0].operand);
}

void fold_gate(LayerGraph& graph, size_t product, Function function) {
  const bool direct = gate_of(graph, graph.layers[product].steps[0].operand, graph.layers[product].src).has_value();
  TensorId gate = direct ? graph.layers[product].steps[0].operand : graph.layers[product].src;
  const TensorId x = direct ? graph.layers[product].src : graph.layers[product].steps[0].operand;
  Layer merged = graph.layers[product];
  std::set<TensorId> gone;
  while (gate != x) {
    const Layer& maker = graph.layers[*maker_of(graph, gate)];
    merged.origins.insert(merged.origins.begin(), maker.origins.begin(), maker.origins.end());
    gone.insert(gate);
    gate = maker.src;
  }
  merged.src = x;
  merged.steps = {{.kind = StepKind::kTable, .function = function, .value = graph.layers[product].steps[0].value}};
  graph.layers[product] = std::move(merged);
  std::erase_if(graph.layers, [&](const Layer& layer) { return gone.contains(layer.dst); });
}

void fold_gates(LayerGraph& graph) {
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    if (const auto function = gate_function(graph, i)) {
      const size_t before = graph.layers.size();
      fold_gate(graph, i, *function);
      i -= before - graph.layers.size();
    }
  }
}

}  // namespace medlar::compiler

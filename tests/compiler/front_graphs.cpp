// SPDX-License-Identifier: Apache-2.0
// Graph building and the comparison of a quantised segment with real numbers.
#include "front_graphs.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "compiler/fuse/fuse.hpp"
#include "compiler/legalise/legalise.hpp"
#include "compiler/quantise/quantise.hpp"
#include "hw_interpreter.hpp"
#include "layer_interpreter.hpp"

namespace medlar::compiler::test {

ValueId GraphBuilder::input(const std::string& name, Shape shape) {
  const ValueId id = graph::add_value(graph_, {name, graph::DataType::kFloat32, std::move(shape), nullptr});
  graph_.inputs.push_back(id);
  return id;
}

ValueId GraphBuilder::constant(Shape shape, const std::vector<float>& values) {
  auto tensor = std::make_shared<graph::Tensor>(graph::make_tensor(graph::DataType::kFloat32, shape, values));
  const std::string name = "const" + std::to_string(graph_.values.size());
  return graph::add_value(graph_, {name, graph::DataType::kFloat32, std::move(shape), std::move(tensor)});
}

ValueId GraphBuilder::ints(const std::vector<int64_t>& values) {
  const Shape shape = {static_cast<int64_t>(values.size())};
  auto tensor = std::make_shared<graph::Tensor>(graph::make_tensor(graph::DataType::kInt64, shape, values));
  return graph::add_value(graph_, {"ints" + std::to_string(graph_.values.size()), graph::DataType::kInt64, shape,
                                   std::move(tensor)});
}

std::vector<double> GraphBuilder::noise(size_t count, double low, double high) {
  std::vector<double> values(count);
  for (double& value : values) {
    value = static_cast<float>(low + (high - low) * (random_() / 4294967296.0));
  }
  return values;
}

ValueId GraphBuilder::random(Shape shape, double low, double high) {
  const auto count = static_cast<size_t>(std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>()));
  const std::vector<double> values = noise(count, low, high);
  return constant(std::move(shape), {values.begin(), values.end()});
}

ValueId GraphBuilder::node(const std::string& op, const std::string& name, const std::vector<ValueId>& inputs,
                           Shape shape, std::map<std::string, Attribute> attributes) {
  const ValueId out = graph::add_value(graph_, {name, graph::DataType::kFloat32, std::move(shape), nullptr});
  graph_.nodes.push_back({.name = name, .op_type = op, .domain = "", .inputs = inputs, .outputs = {out},
                          .attributes = std::move(attributes), .origins = {name}});
  return out;
}

Outcome run_segment(GraphBuilder& builder, const Target& target,
                    const std::map<std::string, std::vector<double>>& inputs) {
  Outcome outcome;
  const graph::Graph& graph = builder.graph();
  const Question question{.graph = graph, .config = *target.config, .precision = target.precision};
  std::vector<graph::NodeId> nodes(graph.nodes.size());
  std::iota(nodes.begin(), nodes.end(), 0);
  for (const graph::Node& node : graph.nodes) {
    const Verdict verdict = check_node(question, node);
    EXPECT_FALSE(verdict) << node.name << ": " << verdict->message();
    if (verdict) {
      return outcome;
    }
  }
  const auto layers = lower_segment(question, nodes, graph.outputs);
  EXPECT_TRUE(layers) << layers.error().to_string();
  outcome.layers = *layers;
  const auto reference = evaluate(outcome.layers, inputs);
  CalibrationTable table;
  for (const LayerTensor& tensor : outcome.layers.tensors) {
    if (tensor.view_of == kNoTensor && tensor.role != TensorRole::kConstant) {
      const std::vector<double>& values = reference.at(tensor.name);
      const std::vector<float> floats(values.begin(), values.end());
      EXPECT_TRUE(accumulate(table.ranges[tensor.range], floats, static_cast<size_t>(tensor.c)));
    }
  }
  outcome.fused = outcome.layers;
  fuse(outcome.fused, {.config = *target.config, .precision = target.precision});
  const auto hardware =
      quantise(outcome.fused, {.config = *target.config, .precision = target.precision, .table = &table,
                               .fp16_nodes = &target.fp16_nodes});
  EXPECT_TRUE(hardware) << hardware.error().to_string();
  if (!hardware) {
    return outcome;
  }
  outcome.hardware = *hardware;
  for (const auto& [name, values] : interpret(outcome.hardware, inputs)) {
    const std::vector<double>& wanted = reference.at(name);
    const auto tensor = std::find_if(outcome.hardware.tensors.begin(), outcome.hardware.tensors.end(),
                                     [&](const HwTensor& t) { return t.name == name; });
    double error = 0.0;
    double norm = 0.0;
    for (size_t i = 0; i < values.size(); ++i) {
      outcome.max_steps = std::max(outcome.max_steps, std::fabs(values[i] - wanted[i]) / tensor->scale);
      error += (values[i] - wanted[i]) * (values[i] - wanted[i]);
      norm += wanted[i] * wanted[i];
    }
    outcome.relative_norm = std::max(outcome.relative_norm, std::sqrt(error / std::max(norm, 1e-30)));
  }
  return outcome;
}

}  // namespace medlar::compiler::test

// SPDX-License-Identifier: Apache-2.0
#include "host/downstream.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "graph/captures.hpp"
#include "import/onnx_export.hpp"

namespace medlar::host {
namespace {

/// Nodes that depend on a value, what they read from elsewhere, and the graph's outputs among their results.
struct Part {
  std::vector<graph::NodeId> nodes;
  std::vector<graph::ValueId> inputs, outputs;
};

Part part_behind(const graph::Graph& graph, graph::ValueId value) {
  const graph::CaptureIndex captures(graph);
  std::set<graph::ValueId> reached{value};
  std::set<graph::ValueId> outside;
  Part part;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const graph::Node& node = graph.nodes[i];
    std::vector<graph::ValueId> reads = node.inputs;
    const std::vector<graph::ValueId> captured = captures.of(node);
    reads.insert(reads.end(), captured.begin(), captured.end());
    std::erase(reads, graph::kNoValue);
    if (std::none_of(reads.begin(), reads.end(), [&](graph::ValueId id) { return reached.contains(id); })) {
      continue;
    }
    part.nodes.push_back(static_cast<graph::NodeId>(i));
    reached.insert(node.outputs.begin(), node.outputs.end());
    for (const graph::ValueId id : reads) {
      if (!reached.contains(id) && !graph.value(id).is_constant()) {
        outside.insert(id);
      }
    }
  }
  part.inputs = {value};
  part.inputs.insert(part.inputs.end(), outside.begin(), outside.end());
  for (const graph::ValueId id : graph.outputs) {
    if (reached.contains(id) && id != value) {
      part.outputs.push_back(id);
    }
  }
  return part;
}

}  // namespace

OutputError relative_error(const graph::Tensor& ours, const graph::Tensor& reference) {
  const auto a = graph::to_doubles(ours);
  const auto b = graph::to_doubles(reference);
  if (!a || !b || a->size() != b->size()) {
    return {};
  }
  OutputError difference;
  OutputError norm;
  for (size_t i = 0; i < a->size(); ++i) {
    const double error = ((*a)[i] - (*b)[i]) * ((*a)[i] - (*b)[i]);
    const double square = (*b)[i] * (*b)[i];
    difference.two += error;
    difference.four += error * error;
    norm.two += square;
    norm.four += square * square;
  }
  constexpr double kLeast = 1e-60;
  return {difference.two == 0.0 ? 0.0 : std::sqrt(difference.two / std::max(norm.two, kLeast)),
          difference.four == 0.0 ? 0.0 : std::pow(difference.four / std::max(norm.four, kLeast), 0.25)};
}

Result<Downstream> Downstream::create(const graph::Graph& graph, const std::string& value) {
  const auto id = graph::find_value(graph, value);
  if (!id) {
    return fail(Code::kInternal, "the graph lacks tensor '{}'", value);
  }
  const Part part = part_behind(graph, *id);
  if (part.outputs.empty()) {
    return fail(Code::kUnsupported, "no output depends on tensor '{}'", value);
  }
  MEDLAR_ASSIGN(const ByteBuffer model, import::export_onnx(graph, part.nodes, part.inputs, part.outputs));
  MEDLAR_ASSIGN(Session session, Session::create(model, graph.name, {.provider = Provider::kCpu, .threads = kReferenceThreads, .optimise = true}));
  return Downstream(std::move(session), value);
}

Result<std::vector<OutputError>> Downstream::errors(const Values& values, const graph::Tensor& changed) const {
  std::map<std::string, const graph::Tensor*> feeds;
  for (const TensorInfo& input : session_.inputs()) {
    const auto found = values.find(input.name);
    if (input.name != value_ && found == values.end()) {
      return fail(Code::kInternal, "tensor '{}' was not kept", input.name);
    }
    feeds[input.name] = input.name == value_ ? &changed : &found->second;
  }
  MEDLAR_ASSIGN(const std::vector<graph::Tensor> outputs, session_.run(feeds));
  std::vector<OutputError> errors;
  for (size_t i = 0; i < outputs.size(); ++i) {
    errors.push_back(relative_error(outputs[i], values.at(session_.outputs()[i].name)));
  }
  return errors;
}

std::vector<float> floats_of(const graph::Tensor& tensor) {
  if (tensor.type == graph::DataType::kFloat32) {
    const auto values = tensor.as<float>();
    return {values.begin(), values.end()};
  }
  const auto values = tensor.type == graph::DataType::kFloat16 ? graph::to_doubles(tensor) : std::nullopt;
  return values ? std::vector<float>(values->begin(), values->end()) : std::vector<float>();
}

std::vector<std::string> computed_values(const graph::Graph& graph) {
  std::vector<std::string> names;
  for (const graph::Node& node : graph.nodes) {
    for (const graph::ValueId id : node.outputs) {
      if (id != graph::kNoValue) {
        names.push_back(graph.value(id).name);
      }
    }
  }
  return names;
}

}  // namespace medlar::host

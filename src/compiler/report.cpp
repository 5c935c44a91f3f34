// SPDX-License-Identifier: Apache-2.0
// Placement table.
#include "compiler/report.hpp"

#include <map>

namespace medlar::compiler {
namespace {

uint64_t elements(const graph::Value& value) {
  const auto count = value.shape ? graph::element_count(*value.shape) : std::nullopt;
  return count && *count > 0 ? static_cast<uint64_t>(*count) : 0;
}

const graph::Value* value_at(const graph::Graph& graph, const std::vector<graph::ValueId>& ids, size_t index) {
  return index < ids.size() && ids[index] != graph::kNoValue ? &graph.value(ids[index]) : nullptr;
}

/// Node of the simplified graph that stands for each node of the user's.
std::map<std::string, size_t> stand_ins(const graph::Graph& simplified) {
  std::map<std::string, size_t> found;
  for (size_t i = 0; i < simplified.nodes.size(); ++i) {
    const graph::Node& node = simplified.nodes[i];
    found.try_emplace(node.name, i);
    for (const std::string& origin : node.origins) {
      found.try_emplace(origin, i);
    }
  }
  return found;
}

}  // namespace

uint64_t node_macs(const graph::Graph& graph, const graph::Node& node) {
  const graph::Value* in = value_at(graph, node.inputs, 0);
  const graph::Value* weights = value_at(graph, node.inputs, 1);
  const graph::Value* out = value_at(graph, node.outputs, 0);
  if (in == nullptr || weights == nullptr || out == nullptr || !weights->shape || weights->shape->empty() ||
      !in->shape || in->shape->empty()) {
    return 0;
  }
  const int64_t first = (*weights->shape)[0];
  if (node.op_type == "Conv" && first > 0) {
    return elements(*out) * (elements(*weights) / static_cast<uint64_t>(first));
  }
  if (node.op_type == "ConvTranspose" && first > 0) {
    return elements(*in) * (elements(*weights) / static_cast<uint64_t>(first));
  }
  if (node.op_type == "Gemm" || node.op_type == "MatMul") {
    const bool transposed = node.op_type == "Gemm" && graph::int_attribute(node, "transA", 0).value_or(0) != 0;
    const int64_t inner = transposed ? in->shape->front() : in->shape->back();
    return inner > 0 ? elements(*out) * static_cast<uint64_t>(inner) : 0;
  }
  return 0;
}

std::vector<Placement> make_placements(const ReportInput& input) {
  std::vector<int> home(input.simplified.nodes.size(), -1);
  for (size_t s = 0; s < input.segments.size(); ++s) {
    for (const graph::NodeId id : input.segments[s].nodes) {
      home[static_cast<size_t>(id)] = static_cast<int>(s);
    }
  }
  const auto found = stand_ins(input.simplified);
  std::vector<Placement> placements;
  for (const graph::Node& node : input.user.nodes) {
    Placement row{.node = node.name, .op_type = node.op_type, .engine = Engine::kCpu, .segment = -1, .precision = "",
                  .reason_code = "", .reason = "", .macs = node_macs(input.user, node)};
    const auto stand_in = found.find(node.name);
    if (stand_in == found.end()) {
      row.macs = 0;  // a constant, or dead
      placements.push_back(std::move(row));
      continue;
    }
    const size_t i = stand_in->second;
    if (const graph::Node& node_now = input.simplified.nodes[i]; row.macs == 0 && node_now.op_type == node.op_type) {
      row.macs = node_macs(input.simplified, node_now);  // the user's file need not have shapes
    }
    row.engine = input.assignment.engine[i];
    row.segment = home[i];
    row.precision = row.engine == Engine::kDla ? hw::precision_name(input.precision) : "fp32";
    if (input.assignment.refusal[i]) {
      row.reason_code = reason_text(input.assignment.refusal[i]->reason).code;
      row.reason = input.assignment.refusal[i]->message();
    }
    placements.push_back(std::move(row));
  }
  return placements;
}

std::string refusal_list(const graph::Graph& graph, const Assignment& assignment) {
  std::string list;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!assignment.refusal[i]) {
      continue;
    }
    const Refusal& refusal = *assignment.refusal[i];
    list += fmt::format("\n  {} ({}): {} {}", graph.nodes[i].name, graph.nodes[i].op_type,
                        reason_text(refusal.reason).code, refusal.message());
  }
  return list;
}

}  // namespace medlar::compiler

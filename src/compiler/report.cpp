// SPDX-License-Identifier: Apache-2.0
// Placement table.
#include "compiler/report.hpp"

#include <map>
#include <set>

#include "compiler/partition/riders.hpp"

namespace medlar::compiler {
namespace {

uint64_t elements(const graph::Value& value) {
  const auto count = value.shape ? graph::element_count(*value.shape) : std::nullopt;
  return count && *count > 0 ? static_cast<uint64_t>(*count) : 0;
}

const graph::Value* value_at(const graph::Graph& graph, const std::vector<graph::ValueId>& ids, size_t index) {
  return index < ids.size() && ids[index] != graph::kNoValue ? &graph.value(ids[index]) : nullptr;
}

struct StandIn {
  size_t node = 0;
  uint64_t macs = 0;      ///< Of the node.
  uint64_t all_macs = 0;  ///< Of all nodes that were made of the user's.
};

/// Node of the simplified graph that stands for each node of the user's: of several parts the one with most work.
std::map<std::string, StandIn> stand_ins(const graph::Graph& simplified) {
  std::map<std::string, StandIn> found;
  for (size_t i = 0; i < simplified.nodes.size(); ++i) {
    const graph::Node& node = simplified.nodes[i];
    const uint64_t macs = node_macs(simplified, node);
    std::set<std::string> names(node.origins.begin(), node.origins.end());
    names.insert(node.name);
    for (const std::string& name : names) {
      StandIn& best = found.try_emplace(name, StandIn{.node = i}).first->second;
      best.all_macs += macs;
      if (macs > best.macs) {
        best.node = i;
        best.macs = macs;
      }
    }
  }
  return found;
}

/// What became of a node that the simplified graph does not have.
class Fate {
 public:
  Fate(const graph::Graph& user, const graph::Graph& simplified) : user_(user) {
    for (const graph::Value& value : simplified.values) {
      constants_.emplace(value.name, value.is_constant());
    }
  }

  std::string of(const graph::Node& node) const {
    if (node.op_type == "Identity" || node.op_type == "Dropout") {
      return "removed: no effect at inference";
    }
    for (const graph::ValueId id : node.outputs) {
      const auto kept = id == graph::kNoValue ? constants_.end() : constants_.find(user_.value(id).name);
      if (kept != constants_.end()) {
        return kept->second ? "folded: computed at build time" : "merged into its neighbours";
      }
    }
    return "removed: only what was folded or removed needs it";
  }

 private:
  const graph::Graph& user_;
  std::map<std::string_view, bool> constants_;
};

/// Element bytes of a value where a node runs: floats have the node's precision on the DLA.
uint64_t value_bytes(const graph::Value& value, Engine engine, hw::Precision precision) {
  const auto width = engine == Engine::kDla && graph::is_floating(value.type) ? hw::bytes_per_element(precision)
                                                                              : static_cast<uint32_t>(graph::element_bytes(value.type));
  return elements(value) * width;
}

uint64_t node_bytes(const graph::Graph& graph, const graph::Node& node, Engine engine, hw::Precision precision) {
  uint64_t bytes = 0;
  for (const auto& ids : {node.inputs, node.outputs}) {
    for (const graph::ValueId id : ids) {
      bytes += id == graph::kNoValue ? 0 : value_bytes(graph.value(id), engine, precision);
    }
  }
  return bytes;
}

/// "fp16" for a node whose results are half precision, "fp32" for other floats, else the type's name.
std::string host_precision(const graph::Graph& graph, const graph::Node& node) {
  const graph::Value* out = value_at(graph, node.outputs, 0);
  if (out == nullptr || out->type == graph::DataType::kFloat32 || out->type == graph::DataType::kUndefined) {
    return "fp32";
  }
  return out->type == graph::DataType::kFloat16 ? "fp16" : std::string(graph::data_type_name(out->type));
}

/// A product, on floats or on the integers of a quantised model.
bool multiplies(const graph::Node& node) {
  return graph::is_product(node) || node.op_type == "QLinearConv" || node.op_type == "QLinearMatMul" || node.op_type == "QGemm";
}

/// What the simplified node `i` says of the user's `node`. Several nodes of the user's may share one: `first` takes its bytes
/// and time; one that rides with a convolution has no time of its own.
void fill_row(const ReportInput& input, const graph::Node& node, const StandIn& stand_in, bool first, bool rides, Placement& row) {
  const size_t i = stand_in.node;
  const graph::Node& now = input.simplified.nodes[i];
  if (row.macs == 0 && multiplies(node)) {
    row.macs = stand_in.all_macs;  // the user's file need not have shapes
  }
  row.engine = input.assignment.engine[i];
  row.precision = row.engine == Engine::kDla ? std::string(hw::precision_name(input.precision)) : host_precision(input.simplified, now);
  if (first) {
    row.bytes = node_bytes(input.simplified, now, row.engine, input.precision);
    row.seconds = input.costs.seconds && !rides ? input.costs.seconds(input.simplified, now, row.engine) : 0.0;
  }
  if (input.assignment.refusal[i]) {
    row.reason_code = reason_text(input.assignment.refusal[i]->reason).code;
    row.reason = input.assignment.refusal[i]->message();
  }
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
  const std::vector<graph::NodeId> leaders = rides_with(input.simplified);
  const auto on_dla = [&](graph::NodeId id) {
    return id != graph::kNoValue && input.assignment.engine[static_cast<size_t>(id)] == Engine::kDla;
  };
  const Fate fate(input.user, input.simplified);
  std::set<size_t> told;
  std::vector<Placement> placements;
  for (const graph::Node& node : input.user.nodes) {
    Placement row;
    row.node = node.name;
    row.op_type = node.op_type;
    row.macs = node_macs(input.user, node);
    const auto stand_in = found.find(node.name);
    if (stand_in == found.end()) {
      row.macs = 0;
      row.reason = fate.of(node);
    } else {
      const size_t i = stand_in->second.node;
      const bool rides = on_dla(static_cast<graph::NodeId>(i)) && on_dla(leaders[i]);
      fill_row(input, node, stand_in->second, told.insert(i).second, rides, row);
      row.segment = home[i];
    }
    placements.push_back(std::move(row));
  }
  for (const std::string& name : input.user.constant_nodes) {
    Placement row;
    row.node = name;
    row.op_type = "Constant";
    row.reason = "constant";
    placements.push_back(std::move(row));
  }
  return placements;
}

std::string refusal_list(const graph::Graph& graph, const Assignment& assignment) {
  std::string list;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!assignment.refusal[i] || assignment.refusal[i]->reason == Reason::kOnRequest) {
      continue;
    }
    const Refusal& refusal = *assignment.refusal[i];
    list += fmt::format("\n  {} ({}): {} {}", graph.nodes[i].name, graph.nodes[i].op_type,
                        reason_text(refusal.reason).code, refusal.message());
  }
  return list;
}

}  // namespace medlar::compiler

// SPDX-License-Identifier: Apache-2.0
// Probes, and the page.
#include "compiler/operators.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "compiler/functions.hpp"
#include "compiler/legalise/legalise.hpp"
#include "compiler/operator_notes.hpp"
#include "compiler/simplify/simplify.hpp"

namespace medlar::compiler {
namespace {

using graph::Shape;
using graph::ValueId;

/// A graph of one node on a 1x8x8x8 tensor.
class ProbeGraph {
 public:
  ProbeGraph(const OperatorNote& note) {
    graph_.name = "probe";
    graph_.opsets[""] = 18;
    node_ = {.name = "probe", .op_type = std::string(note.op_type), .domain = "", .inputs = {input("x")}, .outputs = {},
             .attributes = {}, .origins = {"probe"}};
    shape(note);
    node_.outputs = {graph::add_value(graph_, {.name = "y", .type = graph::DataType::kFloat32, .shape = out_, .data = nullptr})};
    for (const Shape& extra : more_outputs_) {
      node_.outputs.push_back(graph::add_value(graph_, {.name = fmt::format("y{}", node_.outputs.size()),
                                                        .type = graph::DataType::kFloat32, .shape = extra, .data = nullptr}));
    }
    graph_.outputs = node_.outputs;
    graph_.nodes = {node_};
  }

  graph::Graph take() { return std::move(graph_); }

 private:
  ValueId input(const std::string& name) {
    const ValueId id = graph::add_value(graph_, {.name = name, .type = graph::DataType::kFloat32, .shape = in_, .data = nullptr});
    graph_.inputs.push_back(id);
    return id;
  }

  void constant(const Shape& shape, float value) {
    const auto count = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
    add(graph::make_tensor(graph::DataType::kFloat32, shape, std::vector<float>(static_cast<size_t>(count), value)));
  }
  void ints(const std::vector<int64_t>& values) {
    add(graph::make_tensor(graph::DataType::kInt64, {static_cast<int64_t>(values.size())}, values));
  }
  void add(graph::Tensor tensor) {
    graph::Value value{.name = fmt::format("c{}", node_.inputs.size()), .type = tensor.type, .shape = tensor.shape, .data = nullptr};
    value.data = std::make_shared<const graph::Tensor>(std::move(tensor));
    node_.inputs.push_back(graph::add_value(graph_, std::move(value)));
  }
  void omit() { node_.inputs.push_back(graph::kNoValue); }
  void set(const std::string& name, graph::Attribute value) { node_.attributes[name] = std::move(value); }

  void flat_input() {
    in_ = {1, 8};
    graph_.value(node_.inputs[0]).shape = in_;
  }

  void shape(const OperatorNote& note) {
    switch (note.probe) {
      case Probe::kUnary: break;
      case Probe::kBinary:
      case Probe::kVariadic: node_.inputs.push_back(input("z")); break;
      case Probe::kPower: constant({1}, 2.0f); break;
      case Probe::kPrelu: constant({8, 1, 1}, 0.5f); break;
      case Probe::kBatchNorm:
        for (int i = 0; i < 4; ++i) {
          constant({8}, 1.0f);
        }
        break;
      case Probe::kNormalise: shape_normalise(note); break;
      case Probe::kGlobal: out_ = {1, 8, 1, 1}; break;
      case Probe::kLrn: set("size", int64_t{5}); break;
      default: shape_windows(note); break;
    }
  }

  void shape_normalise(const OperatorNote& note) {
    if (note.op_type == "LayerNormalization") {
      flat_input();
      out_ = in_;
    }
    constant({8}, 1.0f);
    constant({8}, 1.0f);
    set("num_groups", int64_t{2});
  }

  void shape_windows(const OperatorNote& note) {
    switch (note.probe) {
      case Probe::kConv:
        constant({8, 8, 3, 3}, 1.0f);
        out_ = {1, 8, 6, 6};
        break;
      case Probe::kConvTranspose:
        constant({8, 8, 2, 2}, 1.0f);
        set("strides", std::vector<int64_t>{2, 2});
        out_ = {1, 8, 16, 16};
        break;
      case Probe::kGemm:
      case Probe::kMatMul:
        flat_input();
        constant({8, 4}, 1.0f);
        out_ = {1, 4};
        break;
      case Probe::kPool:
        set("kernel_shape", std::vector<int64_t>{2, 2});
        set("strides", std::vector<int64_t>{2, 2});
        out_ = {1, 8, 4, 4};
        break;
      case Probe::kReduce:
        ints({2, 3});
        out_ = {1, 8, 1, 1};
        break;
      default: shape_layout(note); break;
    }
  }

  void shape_layout(const OperatorNote& note) {
    const bool to_space = note.op_type == "DepthToSpace";
    switch (note.probe) {
      case Probe::kConcat:
        node_.inputs.push_back(input("z"));
        set("axis", int64_t{1});
        out_ = {1, 16, 8, 8};
        break;
      case Probe::kSlice:
        ints({2});
        ints({6});
        ints({2});
        out_ = {1, 8, 4, 8};
        break;
      case Probe::kSplit:
        ints({4, 4});
        set("axis", int64_t{1});
        out_ = {1, 4, 8, 8};
        more_outputs_ = {out_};
        break;
      case Probe::kPad:
        ints({0, 0, 1, 1, 0, 0, 1, 1});
        out_ = {1, 8, 10, 10};
        break;
      case Probe::kResize:
        if (note.op_type == "Resize") {
          omit();
        }
        add(graph::make_tensor(graph::DataType::kFloat32, {4}, std::vector<float>{1, 1, 2, 2}));
        out_ = {1, 8, 16, 16};
        break;
      case Probe::kBlocks:
        set("blocksize", int64_t{2});
        out_ = to_space ? Shape{1, 2, 16, 16} : Shape{1, 32, 4, 4};
        break;
      case Probe::kReshape: shape_reshape(note); break;
      case Probe::kGather:
        ints({3, 1});
        set("axis", int64_t{1});
        out_ = {1, 2, 8, 8};
        break;
      case Probe::kTranspose:
        in_ = {1, 8, 1, 8};
        graph_.value(node_.inputs[0]).shape = in_;
        set("perm", std::vector<int64_t>{0, 1, 3, 2});
        out_ = {1, 8, 8, 1};
        break;
      default: break;
    }
  }

  void shape_reshape(const OperatorNote& note) {
    in_ = note.op_type == "Unsqueeze" ? Shape{1, 8, 8} : Shape{1, 8, 1, 8};
    out_ = note.op_type == "Unsqueeze" ? Shape{1, 8, 1, 8} : Shape{1, 8, 8};
    if (note.op_type == "Flatten") {
      in_ = {1, 8, 1, 1};
      out_ = {1, 8};
    } else if (note.op_type == "Reshape") {
      ints(out_);
    } else {
      ints({2});
    }
    graph_.value(node_.inputs[0]).shape = in_;
  }

  graph::Graph graph_;
  graph::Node node_;
  Shape in_ = {1, 8, 8, 8}, out_ = {1, 8, 8, 8};
  std::vector<Shape> more_outputs_;
};

/// The first refusal of any node that is left after the rewrites.
Verdict verdict_on(graph::Graph graph, const hw::HwConfig& config, hw::Precision precision, size_t& nodes) {
  if (const Status status = simplify(graph, precision, nullptr); !status) {
    return Refusal{Reason::kAttribute, status.error().message, ""};
  }
  nodes = graph.nodes.size();
  const Question question{.graph = graph, .config = config, .precision = precision};
  for (const graph::Node& node : graph.nodes) {
    if (Verdict verdict = check_node(question, node)) {
      return verdict;
    }
  }
  return std::nullopt;
}

/// Bound of the table behind an operator.
std::string stated_error(const graph::Graph& graph, const hw::HwConfig& config) {
  const graph::Node& node = graph.nodes[0];
  const Question question{.graph = graph, .config = config, .precision = hw::Precision::kInt8};
  if (!config.sdp_lut || find_operator(node) == nullptr || check_node(question, node)) {
    return "";
  }
  const std::vector<graph::NodeId> nodes = {0};
  const auto layers = lower_segment(question, nodes, graph.outputs);
  if (!layers || layers->layers.empty() || layers->layers[0].steps.empty()) {
    return "";
  }
  const Step& step = layers->layers[0].steps[0];
  if (step.kind != StepKind::kTable) {
    return "";
  }
  const FunctionSpec& spec = function_spec(step.function);
  return fmt::format("{}{:.2g} for x in {:.5g} to {:.5g}", is_relative(spec) ? "relative " : "", table_error(step), spec.from, spec.to);
}

OperatorInfo info_of(const OperatorNote& note, const hw::HwConfig& config) {
  const graph::Graph probe = ProbeGraph(note).take();
  OperatorInfo info;
  info.op_type = note.op_type;
  info.notes = note.notes;
  Verdict refused;
  size_t nodes = 1;
  for (const hw::Precision precision : {hw::Precision::kInt8, hw::Precision::kFp16}) {
    if (!config.supports(precision)) {
      continue;
    }
    if (Verdict verdict = verdict_on(probe, config, precision, nodes)) {
      refused = std::move(verdict);
    } else {
      info.precisions.push_back(precision);
    }
  }
  if (info.precisions.empty() && refused) {
    info.reason_code = reason_text(refused->reason).code;
    info.reason = refused->message();
    return info;
  }
  info.grade = note.composed || nodes > 1 ? Grade::kComposed : Grade::kNative;
  info.error = stated_error(probe, config);
  return info;
}

std::string precisions_text(const OperatorInfo& info) {
  std::vector<std::string> names;
  for (const hw::Precision precision : info.precisions) {
    names.push_back(precision == hw::Precision::kInt8 ? "INT8" : "FP16");
  }
  return names.empty() ? fmt::format("host ({})", info.reason_code)
                       : fmt::format("{} {}", grade_name(info.grade), fmt::join(names, "+"));
}

}  // namespace

std::string_view grade_name(Grade grade) {
  switch (grade) {
    case Grade::kNative: return "native";
    case Grade::kComposed: return "composed";
    case Grade::kHost: return "host";
  }
  return "?";
}

std::vector<OperatorInfo> operator_matrix(const hw::HwConfig& config) {
  std::vector<OperatorInfo> matrix;
  for (const OperatorNote& note : operator_notes()) {
    matrix.push_back(info_of(note, config));
  }
  return matrix;
}

std::string operators_page(std::span<const hw::HwConfig* const> configs) {
  std::vector<std::vector<OperatorInfo>> matrices;
  std::string head = "| operator |";
  std::string rule = "|---|";
  for (const hw::HwConfig* config : configs) {
    matrices.push_back(operator_matrix(*config));
    head += fmt::format(" {} |", config->name);
    rule += "---|";
  }
  std::string page = head + " limits and conditions | error of the table |\n" + rule + "---|---|\n";
  for (size_t i = 0; i < matrices[0].size(); ++i) {
    page += fmt::format("| {} |", matrices[0][i].op_type);
    for (const auto& matrix : matrices) {
      page += fmt::format(" {} |", precisions_text(matrix[i]));
    }
    page += fmt::format(" {} | {} |\n", matrices[0][i].notes, matrices[0][i].error);
  }
  return page;
}

}  // namespace medlar::compiler

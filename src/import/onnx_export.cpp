// SPDX-License-Identifier: Apache-2.0
#include "import/onnx_export.hpp"

#include <algorithm>
#include <numeric>

#include "graph/captures.hpp"
#include "import/onnx_import.hpp"
#include "import/onnx_proto.hpp"

namespace medlar::import {
namespace {

using graph::NodeId;
using graph::ValueId;

constexpr int64_t kOldestIr = 8;      ///< Initializers need not be inputs (4), every opset up to 18.
constexpr int64_t kIrOfOpset19 = 9;
constexpr int64_t kIrOfOpset21 = 10;

void write_tensor(const graph::Tensor& tensor, onnx::TensorProto& out) {
  out.set_data_type(static_cast<int32_t>(tensor.type));
  for (const int64_t dim : tensor.shape) {
    out.add_dims(dim);
  }
  if (tensor.type == graph::DataType::kString) {
    for (const std::string& text : tensor.strings) {
      out.add_string_data(text);
    }
  } else {
    out.set_raw_data(tensor.bytes.data(), tensor.bytes.size());
  }
}

/// `open`: the rank is said, the dimensions are not.
void write_type(const graph::Value& value, bool open, onnx::ValueInfoProto& out) {
  out.set_name(value.name);
  if (value.type == graph::DataType::kUndefined) {
    return;
  }
  auto* tensor = out.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(static_cast<int32_t>(value.type));
  if (!value.shape) {
    return;
  }
  auto* shape = tensor->mutable_shape();
  for (const int64_t dim : *value.shape) {
    auto* proto = shape->add_dim();
    if (dim != graph::kUnknownDim && !open) {
      proto->set_dim_value(dim);
    }
  }
}

struct AttributeWriter {
  onnx::AttributeProto& out;

  Status operator()(int64_t value) const {
    out.set_type(onnx::AttributeProto::INT);
    out.set_i(value);
    return {};
  }
  Status operator()(float value) const {
    out.set_type(onnx::AttributeProto::FLOAT);
    out.set_f(value);
    return {};
  }
  Status operator()(const std::string& value) const {
    out.set_type(onnx::AttributeProto::STRING);
    out.set_s(value);
    return {};
  }
  Status operator()(const std::vector<int64_t>& values) const {
    out.set_type(onnx::AttributeProto::INTS);
    out.mutable_ints()->Add(values.begin(), values.end());
    return {};
  }
  Status operator()(const std::vector<float>& values) const {
    out.set_type(onnx::AttributeProto::FLOATS);
    out.mutable_floats()->Add(values.begin(), values.end());
    return {};
  }
  Status operator()(const std::vector<std::string>& values) const {
    out.set_type(onnx::AttributeProto::STRINGS);
    for (const std::string& value : values) {
      out.add_strings(value);
    }
    return {};
  }
  Status operator()(const graph::Tensor& value) const {
    out.set_type(onnx::AttributeProto::TENSOR);
    write_tensor(value, *out.mutable_t());
    return {};
  }
  Status operator()(const graph::Subgraph& value) const {
    out.set_type(onnx::AttributeProto::GRAPH);
    if (!out.mutable_g()->ParseFromArray(value.onnx.data(), static_cast<int>(value.onnx.size()))) {
      return fail(Code::kCorrupt, "attribute {}: its nested graph is not a GraphProto", out.name());
    }
    return {};
  }
  Status operator()(const graph::OpaqueAttribute& value) const {
    const std::string name = out.name();
    if (!out.ParseFromArray(value.onnx.data(), static_cast<int>(value.onnx.size()))) {
      return fail(Code::kCorrupt, "attribute {}: its bytes are not an AttributeProto", name);
    }
    out.set_name(name);
    return {};
  }
};

struct Selection {
  std::vector<NodeId> nodes;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
};

class Exporter {
 public:
  Exporter(const graph::Graph& graph, const Selection& selection, const ExportOptions& options)
      : graph_(graph), selection_(selection), options_(options), captures_(graph), state_(graph.values.size()) {}

  Result<ByteBuffer> run() {
    MEDLAR_TRY(check_ids());
    write_header();
    onnx::GraphProto& out = *model_.mutable_graph();
    out.set_name(graph_.name.empty() ? "graph" : graph_.name);
    const bool open = has_branches();
    for (const ValueId id : selection_.inputs) {
      state(id) = State::kDefined;
      write_type(graph_.value(id), open, *out.add_input());
    }
    for (const NodeId id : selection_.nodes) {
      MEDLAR_TRY(write_node(graph_.nodes[static_cast<size_t>(id)], *out.add_node()));
    }
    for (const ValueId id : selection_.outputs) {
      MEDLAR_TRY(require(id, "the list of outputs"));
      write_type(graph_.value(id), open, *out.add_output());
    }
    return serialise();
  }

 private:
  enum class State : uint8_t { kAbsent, kDefined };

  State& state(ValueId id) { return state_[static_cast<size_t>(id)]; }

  /// With nested graphs, fixed dimensions are wrong: they hold for the branch that is taken, and a runtime that infers the
  /// other branch's shapes from them refuses the model.
  bool has_branches() const {
    return std::any_of(selection_.nodes.begin(), selection_.nodes.end(), [&](NodeId id) {
      const auto& attributes = graph_.nodes[static_cast<size_t>(id)].attributes;
      return std::any_of(attributes.begin(), attributes.end(), [](const auto& attribute) {
        return std::holds_alternative<graph::Subgraph>(attribute.second);
      });
    });
  }

  Status check_ids() const {
    const auto bad_node = [&](NodeId id) { return id < 0 || static_cast<size_t>(id) >= graph_.nodes.size(); };
    const auto bad_value = [&](ValueId id) { return id < 0 || static_cast<size_t>(id) >= graph_.values.size(); };
    if (std::any_of(selection_.nodes.begin(), selection_.nodes.end(), bad_node) ||
        std::any_of(selection_.inputs.begin(), selection_.inputs.end(), bad_value) ||
        std::any_of(selection_.outputs.begin(), selection_.outputs.end(), bad_value)) {
      return fail(Code::kOutOfRange, "export of {}: a node or value id lies outside of the graph", graph_.name);
    }
    return {};
  }

  void write_header() {
    const auto found = graph_.opsets.find("");
    const int64_t opset = found == graph_.opsets.end() ? 0 : std::min<int64_t>(found->second, kModelOpset);
    model_.set_ir_version(opset >= 21 ? kIrOfOpset21 : opset >= 19 ? kIrOfOpset19 : kOldestIr);
    model_.set_producer_name("medlar");
    for (const auto& [domain, version] : graph_.opsets) {
      auto* out = model_.add_opset_import();
      out->set_domain(domain);
      out->set_version(domain.empty() ? opset : version);
    }
  }

  /// Makes sure that `id` exists at this point of the model; constants come in on first use.
  Status require(ValueId id, const std::string& reader) {
    if (state(id) == State::kDefined) {
      return {};
    }
    const graph::Value& value = graph_.value(id);
    if (!value.is_constant()) {
      return fail(Code::kInvalidArgument, "export of {}: {} reads {}, which is neither produced nor an input",
                  graph_.name, reader, value.name);
    }
    state(id) = State::kDefined;
    const auto [known, is_new] = constants_.emplace(value.name, value.data.get());
    if (!is_new) {
      if (*known->second == *value.data) {
        return {};  // One constant under two ids, as graphs of a single node have it.
      }
      return fail(Code::kInvalidArgument, "export of {}: two constants are named {}", graph_.name, value.name);
    }
    auto* tensor = model_.mutable_graph()->add_initializer();
    tensor->set_name(value.name);
    write_tensor(*value.data, *tensor);
    return {};
  }

  Status write_node(const graph::Node& node, onnx::NodeProto& out) {
    out.set_name(node.name);
    out.set_op_type(node.op_type);
    out.set_domain(node.domain);
    if (const auto note = options_.node_notes.find(node.name); note != options_.node_notes.end()) {
      out.set_doc_string(note->second);
    }
    for (const ValueId id : node.inputs) {
      out.add_input(id == graph::kNoValue ? std::string() : graph_.value(id).name);
      if (id != graph::kNoValue) {
        MEDLAR_TRY(require(id, node.name));
      }
    }
    for (const ValueId id : captures_.of(node)) {
      if (id == graph::kNoValue) {
        return fail(Code::kCorrupt, "node {}: a nested graph captures a value that does not exist", node.name);
      }
      MEDLAR_TRY(require(id, node.name));
    }
    for (const auto& [key, attribute] : node.attributes) {
      auto* proto = out.add_attribute();
      proto->set_name(key);
      MEDLAR_TRY(std::visit(AttributeWriter{*proto}, attribute));
    }
    for (const ValueId id : node.outputs) {
      out.add_output(id == graph::kNoValue ? std::string() : graph_.value(id).name);
      if (id != graph::kNoValue) {
        state(id) = State::kDefined;
      }
    }
    return {};
  }

  Result<ByteBuffer> serialise() {
    const size_t size = model_.ByteSizeLong();
    if (size >= kMaxTensorBytes) {
      return fail(Code::kResourceExhausted, "export of {}: {} bytes are more than protobuf can hold", graph_.name, size);
    }
    ByteBuffer bytes(size);
    model_.SerializeWithCachedSizesToArray(bytes.data());
    return bytes;
  }

  const graph::Graph& graph_;
  const Selection& selection_;
  const ExportOptions& options_;
  graph::CaptureIndex captures_;
  std::vector<State> state_;
  std::map<std::string_view, const graph::Tensor*> constants_;  ///< Those written so far.
  onnx::ModelProto model_;
};

}  // namespace

Result<ByteBuffer> export_onnx(const graph::Graph& graph, const std::vector<NodeId>& nodes,
                               const std::vector<ValueId>& inputs, const std::vector<ValueId>& outputs) {
  return Exporter(graph, {nodes, inputs, outputs}, {}).run();
}

Result<ByteBuffer> export_onnx(const graph::Graph& graph, const ExportOptions& options) {
  Selection all{std::vector<NodeId>(graph.nodes.size()), graph.inputs, graph.outputs};
  std::iota(all.nodes.begin(), all.nodes.end(), 0);
  for (const ValueId id : options.extra_outputs) {
    if (std::find(all.outputs.begin(), all.outputs.end(), id) == all.outputs.end()) {
      all.outputs.push_back(id);
    }
  }
  return Exporter(graph, all, options).run();
}

std::vector<ValueId> float_activations(const graph::Graph& graph) {
  std::vector<ValueId> out;
  const auto add = [&](ValueId id) {
    if (id != graph::kNoValue && graph::is_floating(graph.value(id).type)) {
      out.push_back(id);
    }
  };
  std::for_each(graph.inputs.begin(), graph.inputs.end(), add);
  for (const graph::Node& node : graph.nodes) {
    std::for_each(node.outputs.begin(), node.outputs.end(), add);
  }
  return out;
}

}  // namespace medlar::import

// SPDX-License-Identifier: Apache-2.0
#include "import/graph_builder.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "graph/captures.hpp"
#include "import/arity.hpp"
#include "import/attribute_reader.hpp"
#include "import/input_shapes.hpp"
#include "import/onnx_import.hpp"
#include "import/onnx_proto.hpp"
#include "import/tensor_reader.hpp"

namespace medlar::import {
namespace {

using graph::Tensor;
using graph::ValueId;

graph::DataType tensor_type(int32_t number) {
  const bool known = number > 0 && number <= static_cast<int32_t>(graph::DataType::kInt4);
  return known ? static_cast<graph::DataType>(number) : graph::DataType::kUndefined;
}

FileInput file_input(const onnx::ValueInfoProto& info) {
  FileInput out{.name = info.name(), .has_shape = info.type().tensor_type().has_shape(), .dims = {}};
  for (const auto& dim : info.type().tensor_type().shape().dim()) {
    // Some exporters write -1 for an open dimension.
    const bool fixed = dim.has_dim_value() && dim.dim_value() >= 0;
    out.dims.push_back({.size = fixed ? dim.dim_value() : graph::kUnknownDim, .symbol = dim.dim_param()});
  }
  return out;
}

std::string describe(const onnx::NodeProto& node) {
  const std::string output = node.output_size() > 0 ? node.output(0) : std::string("nothing");
  return node.name().empty() ? fmt::format("the {} node that produces {}", node.op_type(), output)
                             : fmt::format("node {} ({})", node.name(), node.op_type());
}

/// Operators that opsets 23 to 25 added and that no engine here has; their functions, if any, are inlined before.
bool is_too_new(const graph::Node& node) {
  constexpr std::array<std::string_view, 4> kAdded = {"Attention", "RMSNormalization", "RotaryEmbedding", "TensorScatter"};
  return node.domain.empty() && std::find(kAdded.begin(), kAdded.end(), node.op_type) != kAdded.end();
}

template <typename T>
Result<T> named(Result<T> result, const std::string& where) {
  if (!result) {
    return tl::unexpected(std::move(result).error().in(where));
  }
  return result;
}

Tensor int_tensor(graph::Shape shape, const std::vector<int64_t>& values) {
  return graph::make_tensor<int64_t>(graph::DataType::kInt64, std::move(shape), values);
}

Tensor float_tensor(graph::Shape shape, const std::vector<float>& values) {
  return graph::make_tensor<float>(graph::DataType::kFloat32, std::move(shape), values);
}

Tensor string_tensor(graph::Shape shape, std::vector<std::string> values) {
  return {.type = graph::DataType::kString, .shape = std::move(shape), .bytes = {}, .strings = std::move(values)};
}

template <typename T>
graph::Shape list_shape(const std::vector<T>& values) {
  return {static_cast<int64_t>(values.size())};
}

/// The tensor that a Constant node's one attribute stands for; nullopt for a combination that ONNX does not know.
std::optional<Tensor> constant_value(const std::string& key, graph::Attribute& value) {
  if (key == "value" || key == "sparse_value") {
    auto* tensor = std::get_if<Tensor>(&value);
    return tensor == nullptr ? std::nullopt : std::optional(std::move(*tensor));
  }
  if (const auto* item = std::get_if<int64_t>(&value); item != nullptr && key == "value_int") {
    return int_tensor({}, {*item});
  }
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value); list != nullptr && key == "value_ints") {
    return int_tensor(list_shape(*list), *list);
  }
  if (const auto* item = std::get_if<float>(&value); item != nullptr && key == "value_float") {
    return float_tensor({}, {*item});
  }
  if (const auto* list = std::get_if<std::vector<float>>(&value); list != nullptr && key == "value_floats") {
    return float_tensor(list_shape(*list), *list);
  }
  if (const auto* item = std::get_if<std::string>(&value); item != nullptr && key == "value_string") {
    return string_tensor({}, {*item});
  }
  if (const auto* list = std::get_if<std::vector<std::string>>(&value); list != nullptr && key == "value_strings") {
    return string_tensor(list_shape(*list), *list);
  }
  return std::nullopt;
}

class Builder {
 public:
  Builder(onnx::ModelProto& model, const DataFolder& folder, const ImportOptions& options,
          std::vector<std::string>& notices)
      : model_(model), proto_(*model.mutable_graph()), folder_(folder), options_(options), notices_(notices) {}

  Result<graph::Graph> run() {
    graph_.name = proto_.name();
    for (const auto& opset : model_.opset_import()) {
      graph_.opsets[normal_domain(opset.domain())] = opset.version();
    }
    MEDLAR_TRY(read_initializers());
    MEDLAR_TRY(read_inputs());
    MEDLAR_TRY(define_outputs_of_nodes());
    for (auto& node : *proto_.mutable_node()) {
      MEDLAR_TRY(read_node(node));
    }
    MEDLAR_TRY(read_outputs());
    MEDLAR_TRY(check_captures());
    declare_types();
    MEDLAR_TRY(graph::sort_topologically(graph_));
    MEDLAR_TRY(graph::verify(graph_));
    return std::move(graph_);
  }

 private:
  Result<ValueId> define(const std::string& name, const std::string& what) {
    if (name.empty()) {
      return fail(Code::kCorrupt, "{} has no name", what);
    }
    const auto [at, inserted] = ids_.emplace(name, static_cast<ValueId>(graph_.values.size()));
    if (!inserted) {
      return fail(Code::kCorrupt, "tensor {} is defined twice (the second time by {})", name, what);
    }
    return graph::add_value(graph_, {.name = name});
  }

  void set_constant(ValueId id, Tensor tensor) {
    graph::Value& value = graph_.value(id);
    value.type = tensor.type;
    value.shape = tensor.shape;
    value.data = std::make_shared<const Tensor>(std::move(tensor));
  }

  Status read_initializers() {
    for (auto& proto : *proto_.mutable_initializer()) {
      MEDLAR_ASSIGN(const ValueId id, define(proto.name(), "an initializer"));
      MEDLAR_ASSIGN(Tensor tensor, named(read_tensor(proto, folder_), "initializer " + proto.name()));
      set_constant(id, std::move(tensor));
      proto.Clear();  // Weights are large: hold them once.
    }
    for (auto& proto : *proto_.mutable_sparse_initializer()) {
      const std::string& name = proto.values().name();
      MEDLAR_ASSIGN(const ValueId id, define(name, "a sparse initializer"));
      MEDLAR_ASSIGN(Tensor tensor, named(read_sparse_tensor(proto, folder_), "sparse initializer " + name));
      set_constant(id, std::move(tensor));
    }
    return {};
  }

  Status read_inputs() {
    std::vector<FileInput> inputs;
    for (const auto& info : proto_.input()) {
      const auto known = ids_.find(info.name());
      if (known != ids_.end() && graph_.value(known->second).is_constant()) {
        continue;  // IR versions before 4 list initializers as inputs; their values are fixed all the same.
      }
      MEDLAR_ASSIGN(const ValueId id, define(info.name(), "an input"));
      const graph::DataType type = tensor_type(info.type().tensor_type().elem_type());
      if (!info.type().has_tensor_type() || type == graph::DataType::kUndefined) {
        return fail(Code::kUnsupported, "input {}: only tensors of a known element type can be inputs", info.name());
      }
      graph_.value(id).type = type;
      graph_.inputs.push_back(id);
      inputs.push_back(file_input(info));
    }
    MEDLAR_ASSIGN(ResolvedInputs resolved, resolve_input_shapes(inputs, options_.shapes, options_.keep_open));
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (options_.keep_open && !inputs[i].has_shape && !options_.shapes.contains(inputs[i].name)) {
        continue;  // not even the rank
      }
      if (!options_.keep_open && !graph::element_count(resolved.shapes[i])) {
        return fail(Code::kCorrupt, "input {}: its dimensions overflow", inputs[i].name);
      }
      graph_.value(graph_.inputs[i]).shape = std::move(resolved.shapes[i]);
    }
    symbols_ = std::move(resolved.symbols);
    notices_.insert(notices_.end(), resolved.notices.begin(), resolved.notices.end());
    return {};
  }

  /// All names exist before any node is read: files need not be in order, and cycles get their own message.
  Status define_outputs_of_nodes() {
    for (const auto& node : proto_.node()) {
      for (const auto& name : node.output()) {
        if (!name.empty()) {
          MEDLAR_TRY(define(name, describe(node)));
        }
      }
    }
    return {};
  }

  Result<ValueId> lookup(const std::string& name, const std::string& reader) const {
    const auto found = ids_.find(name);
    if (found == ids_.end()) {
      return fail(Code::kCorrupt, "{} reads tensor {}, which nothing produces", reader, name);
    }
    return found->second;
  }

  Status read_node(onnx::NodeProto& proto) {
    const std::string where = describe(proto);
    if (proto.op_type().empty()) {
      return fail(Code::kCorrupt, "{} has no operator", where);
    }
    graph::Node node{.op_type = proto.op_type(), .domain = normal_domain(proto.domain())};
    if (is_too_new(node)) {
      return fail(Code::kUnsupported, "{}: {} is an operator of opset 23 or later (supported: up to {})", where, node.op_type,
                  kModelOpset);
    }
    if (!graph_.opsets.contains(node.domain)) {
      return fail(Code::kCorrupt, "{}: the model imports no opset of domain '{}'", where, node.domain);
    }
    for (auto& attribute : *proto.mutable_attribute()) {
      MEDLAR_ASSIGN(graph::Attribute value, named(read_attribute(attribute, folder_), where));
      if (!node.attributes.emplace(attribute.name(), std::move(value)).second) {
        return fail(Code::kCorrupt, "{}: attribute {} is given twice", where, attribute.name());
      }
    }
    for (const auto& name : proto.output()) {
      node.outputs.push_back(name.empty() ? graph::kNoValue : ids_.at(name));
    }
    if (node.op_type == "Constant" && node.domain.empty()) {
      graph_.constant_nodes.push_back(proto.name().empty() ? graph::default_node_name(graph_, node) : proto.name());
      return read_constant(node, where);
    }
    for (const auto& name : proto.input()) {
      ValueId id = graph::kNoValue;
      if (!name.empty()) {
        MEDLAR_ASSIGN(id, lookup(name, where));
      }
      node.inputs.push_back(id);
    }
    MEDLAR_TRY(check_arity(node, graph_.opsets.at(node.domain), where));
    add_node(std::move(node), proto.name());
    return {};
  }

  Status read_constant(graph::Node& node, const std::string& where) {
    if (node.outputs.size() != 1 || node.outputs[0] == graph::kNoValue || node.attributes.size() != 1) {
      return fail(Code::kCorrupt, "{}: a Constant has one attribute and one output", where);
    }
    auto& [key, attribute] = *node.attributes.begin();
    auto value = constant_value(key, attribute);
    if (!value) {
      return fail(Code::kCorrupt, "{}: attribute {} gives no constant value", where, key);
    }
    set_constant(node.outputs[0], std::move(*value));
    return {};
  }

  void add_node(graph::Node node, const std::string& name) {
    const std::string wish = name.empty() ? graph::default_node_name(graph_, node) : name;
    node.name = wish;
    for (int& count = name_counts_[wish]; !node_names_.insert(node.name).second;) {
      node.name = fmt::format("{}_{}", wish, ++count + 1);
    }
    node.origins = {name.empty() ? node.name : name};
    graph_.nodes.push_back(std::move(node));
  }

  Status read_outputs() {
    std::unordered_set<std::string> seen;
    for (const auto& info : proto_.output()) {
      MEDLAR_ASSIGN(const ValueId id, lookup(info.name(), "the list of outputs"));
      if (!seen.insert(info.name()).second) {
        return fail(Code::kCorrupt, "output {} is listed twice", info.name());
      }
      graph_.outputs.push_back(id);
    }
    if (graph_.outputs.empty()) {
      return fail(Code::kCorrupt, "the graph has no output");
    }
    return {};
  }

  Status check_captures() const {
    for (const graph::Node& node : graph_.nodes) {
      std::string missing;
      graph::for_each_capture(node, [&](std::string_view name) {
        missing = ids_.contains(std::string(name)) ? missing : std::string(name);
      });
      if (!missing.empty()) {
        return fail(Code::kCorrupt, "node {} ({}): its nested graph reads tensor {}, which nothing produces", node.name,
                    node.op_type, missing);
      }
    }
    return {};
  }

  /// Types that the file declares for intermediate values and outputs, symbols replaced by what they turned out to be.
  void declare_types() {
    for (const auto* infos : {&proto_.value_info(), &proto_.output()}) {
      for (const auto& info : *infos) {
        const auto found = ids_.find(info.name());
        if (found != ids_.end() && info.type().has_tensor_type()) {
          declare_type(graph_.value(found->second), info);
        }
      }
    }
  }

  void declare_type(graph::Value& value, const onnx::ValueInfoProto& info) {
    if (value.is_constant() || value.shape) {
      return;
    }
    value.type = tensor_type(info.type().tensor_type().elem_type());
    const FileInput declared = file_input(info);
    if (!declared.has_shape) {
      return;
    }
    value.shape.emplace();
    for (const FileDim& dim : declared.dims) {
      const auto symbol = symbols_.find(dim.symbol);
      value.shape->push_back(dim.size >= 0 || symbol == symbols_.end() ? dim.size : symbol->second);
    }
  }

  onnx::ModelProto& model_;
  onnx::GraphProto& proto_;
  const DataFolder& folder_;
  const ImportOptions& options_;
  std::vector<std::string>& notices_;
  graph::Graph graph_;
  Symbols symbols_;
  std::unordered_map<std::string, ValueId> ids_;
  std::unordered_set<std::string> node_names_;
  std::unordered_map<std::string, int> name_counts_;
};

}  // namespace

Result<graph::Graph> build_graph(onnx::ModelProto& model, const DataFolder& folder, const ImportOptions& options,
                                 std::vector<std::string>& notices) {
  return Builder(model, folder, options, notices).run();
}

}  // namespace medlar::import

// SPDX-License-Identifier: Apache-2.0
#include "import/inline_functions.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "import/onnx_proto.hpp"

namespace medlar::import {
namespace {

using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;
using FunctionKey = std::tuple<std::string, std::string, std::string>;  // domain, name, overload

constexpr size_t kMaxNodes = size_t{1} << 16;      ///< After expansion: calls nested in calls grow exponentially.
constexpr size_t kMaxBytes = size_t{1} << 30;

/// Names taken anywhere in the model, so that new ones stay clear of them.
class NamePool {
 public:
  void add(const onnx::GraphProto& graph) {
    for (const auto& value : graph.input()) {
      names_.insert(value.name());
    }
    for (const auto& tensor : graph.initializer()) {
      names_.insert(tensor.name());
    }
    for (const auto& node : graph.node()) {
      names_.insert(node.output().begin(), node.output().end());
      for (const auto& attribute : node.attribute()) {
        if (attribute.has_g()) {
          add(attribute.g());
        }
      }
    }
  }
  std::string fresh(const std::string& wish) {
    std::string name = wish;
    for (int i = 2; !names_.insert(name).second; ++i) {
      name = wish + "_" + std::to_string(i);
    }
    return name;
  }

 private:
  std::unordered_set<std::string> names_;
};

/// Copies a function's nodes for one call: renames every value and fills in attribute references.
class Instantiation {
 public:
  Instantiation(const onnx::FunctionProto& function, const onnx::NodeProto& call, std::string prefix, NamePool& names)
      : call_(call), function_(function), prefix_(std::move(prefix)), names_(names) {
    for (int i = 0; i < function.input_size(); ++i) {
      renamed_[function.input(i)] = i < call.input_size() ? call.input(i) : std::string();
    }
  }

  void run(Nodes& out) {
    Nodes identities;
    for (int i = 0; i < function_.output_size(); ++i) {
      const std::string& formal = function_.output(i);
      if (i >= call_.output_size() || call_.output(i).empty()) {
        continue;
      }
      if (const auto bound = renamed_.find(formal); bound != renamed_.end()) {
        add_identity(bound->second, call_.output(i), identities);
      } else {
        renamed_[formal] = call_.output(i);
      }
    }
    for (const auto& node : function_.node()) {
      onnx::NodeProto* copy = out.Add();
      *copy = node;
      rewrite(*copy);
    }
    for (auto& identity : identities) {
      out.Add(std::move(identity));
    }
  }

 private:
  /// A function that returns one of its inputs, or a value twice.
  void add_identity(const std::string& from, const std::string& to, Nodes& out) {
    onnx::NodeProto* identity = out.Add();
    identity->set_op_type("Identity");
    identity->set_name(prefix_ + "/identity_" + to);
    identity->add_input(from);
    identity->add_output(to);
  }

  /// A function sees nothing but its inputs, so every other name is its own.
  const std::string& renamed(const std::string& name) {
    const auto [at, inserted] = renamed_.emplace(name, std::string());
    if (inserted && !name.empty()) {
      at->second = names_.fresh(prefix_ + "/" + name);
    }
    return at->second;
  }

  void rewrite(onnx::NodeProto& node) {
    node.set_name(prefix_ + "/" + (node.name().empty() ? node.op_type() : node.name()));
    for (auto& name : *node.mutable_input()) {
      name = renamed(name);
    }
    for (auto& name : *node.mutable_output()) {
      name = renamed(name);
    }
    auto& attributes = *node.mutable_attribute();
    for (int i = attributes.size() - 1; i >= 0; --i) {
      if (!bind(attributes[i])) {
        attributes.DeleteSubrange(i, 1);
      }
    }
  }

  /// Fills in a reference to one of the call's attributes; false when neither the call nor a default gives it.
  bool bind(onnx::AttributeProto& attribute) {
    if (!attribute.ref_attr_name().empty()) {
      const auto named = [&](const auto& candidate) { return candidate.name() == attribute.ref_attr_name(); };
      const auto given = std::find_if(call_.attribute().begin(), call_.attribute().end(), named);
      const auto preset =
          std::find_if(function_.attribute_proto().begin(), function_.attribute_proto().end(), named);
      if (given == call_.attribute().end() && preset == function_.attribute_proto().end()) {
        return false;
      }
      const std::string name = attribute.name();
      attribute = given != call_.attribute().end() ? *given : *preset;
      attribute.set_name(name);
      return true;  // The value belongs to the caller: its names are not ours to change.
    }
    if (attribute.has_g()) {
      rewrite(*attribute.mutable_g());
    }
    for (auto& nested : *attribute.mutable_graphs()) {
      rewrite(nested);
    }
    return true;
  }

  void rewrite(onnx::GraphProto& graph) {
    for (auto* values : {graph.mutable_input(), graph.mutable_output(), graph.mutable_value_info()}) {
      for (auto& value : *values) {
        value.set_name(renamed(value.name()));
      }
    }
    for (auto& tensor : *graph.mutable_initializer()) {
      tensor.set_name(renamed(tensor.name()));
    }
    for (auto& sparse : *graph.mutable_sparse_initializer()) {
      sparse.mutable_values()->set_name(renamed(sparse.values().name()));
    }
    for (auto& node : *graph.mutable_node()) {
      rewrite(node);
    }
  }

  const onnx::NodeProto& call_;
  const onnx::FunctionProto& function_;
  std::string prefix_;
  NamePool& names_;
  std::unordered_map<std::string, std::string> renamed_;
};

class Inliner {
 public:
  explicit Inliner(onnx::ModelProto& model) : model_(model) {}

  Status run() {
    for (const auto& function : model_.functions()) {
      const FunctionKey key(normal_domain(function.domain()), function.name(), function.overload());
      if (!functions_.emplace(key, &function).second) {
        return fail(Code::kCorrupt, "function {}:{} is defined twice", function.domain(), function.name());
      }
      MEDLAR_TRY(import_opsets(function));
    }
    names_.add(model_.graph());
    return expand(*model_.mutable_graph());
  }

 private:
  Status import_opsets(const onnx::FunctionProto& function) {
    for (const auto& needed : function.opset_import()) {
      const auto same = [&](const auto& own) {
        return normal_domain(own.domain()) == normal_domain(needed.domain());
      };
      const auto& own = model_.opset_import();
      const auto found = std::find_if(own.begin(), own.end(), same);
      if (found == own.end()) {
        *model_.add_opset_import() = needed;
      } else if (found->version() != needed.version()) {
        return fail(Code::kUnsupported, "function {}:{} is written for opset {} of '{}', the model for opset {}",
                    function.domain(), function.name(), needed.version(), needed.domain(), found->version());
      }
    }
    return {};
  }

  const onnx::FunctionProto* callee(const onnx::NodeProto& node) const {
    const auto found = functions_.find({normal_domain(node.domain()), node.op_type(), node.overload()});
    return found == functions_.end() ? nullptr : found->second;
  }

  Status expand(onnx::GraphProto& graph) {
    Nodes out;
    for (auto& node : *graph.mutable_node()) {
      MEDLAR_TRY(expand(node, out));
    }
    graph.mutable_node()->Swap(&out);
    return {};
  }

  Status expand(onnx::NodeProto& node, Nodes& out) {
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) {
        MEDLAR_TRY(expand(*attribute.mutable_g()));
      }
      for (auto& nested : *attribute.mutable_graphs()) {
        MEDLAR_TRY(expand(nested));
      }
    }
    const onnx::FunctionProto* function = callee(node);
    if (function == nullptr) {
      out.Add(std::move(node));
      return {};
    }
    MEDLAR_TRY(check_call(node, *function));
    active_.push_back(function);
    Nodes body;
    const std::string wish = node.name().empty() ? node.op_type() : node.name();
    Instantiation(*function, node, prefixes_.fresh(wish), names_).run(body);
    for (auto& inner : body) {
      MEDLAR_TRY(expand(inner, out));
    }
    active_.pop_back();
    return {};
  }

  Status check_call(const onnx::NodeProto& node, const onnx::FunctionProto& function) {
    if (std::find(active_.begin(), active_.end(), &function) != active_.end()) {
      return fail(Code::kCorrupt, "function {}:{} calls itself", function.domain(), function.name());
    }
    if (node.input_size() > function.input_size() || node.output_size() > function.output_size()) {
      return fail(Code::kCorrupt, "node {} ({}): {} inputs and {} outputs, the function has {} and {}", node.name(),
                  node.op_type(), node.input_size(), node.output_size(), function.input_size(),
                  function.output_size());
    }
    nodes_ += static_cast<size_t>(function.node_size()) + 1;
    // Every name in the body gets the call's name in front.
    bytes_ += function.ByteSizeLong() + (node.ByteSizeLong() + 16) * (static_cast<size_t>(function.node_size()) + 1);
    if (nodes_ > kMaxNodes || bytes_ > kMaxBytes) {
      return fail(Code::kResourceExhausted, "function {}:{}: expanding the calls gives more than {} nodes or {} bytes",
                  function.domain(), function.name(), kMaxNodes, kMaxBytes);
    }
    return {};
  }

  onnx::ModelProto& model_;
  std::map<FunctionKey, const onnx::FunctionProto*> functions_;
  std::vector<const onnx::FunctionProto*> active_;
  NamePool names_;
  NamePool prefixes_;
  size_t nodes_ = 0;
  size_t bytes_ = 0;
};

}  // namespace

Status inline_functions(onnx::ModelProto& model) {
  return model.functions_size() == 0 ? Status{} : Inliner(model).run();
}

}  // namespace medlar::import

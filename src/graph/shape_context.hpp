// SPDX-License-Identifier: Apache-2.0
// What a shape rule sees of its node, and the tables of rules. Private to this folder.
#pragma once

#include <span>
#include <unordered_map>

#include "graph/graph.hpp"

namespace medlar::graph {

/// Elements of a small integer or bool value, row-major, as far as they are known before anything runs.
using PartialInts = std::vector<std::optional<int64_t>>;
using KnownInts = std::unordered_map<ValueId, PartialInts>;

/// Values longer than this are no shape arithmetic.
inline constexpr int64_t kMaxKnownInts = 1024;

/// One node under inference. Rules read inputs and set outputs; what they leave alone keeps the file's declaration.
class ShapeContext {
 public:
  ShapeContext(Graph& graph, const Node& node, KnownInts& known, int64_t opset)
      : graph_(graph), node_(node), known_(known), opset_(opset) {}

  const Node& node() const { return node_; }
  /// Version of ai.onnx.
  int64_t opset() const { return opset_; }
  size_t input_count() const { return node_.inputs.size(); }
  size_t output_count() const { return node_.outputs.size(); }

  bool has_input(size_t i) const { return i < node_.inputs.size() && node_.inputs[i] != kNoValue; }
  bool has_output(size_t i) const { return i < node_.outputs.size() && node_.outputs[i] != kNoValue; }
  /// nullptr when omitted or of unknown rank.
  const Shape* shape(size_t i) const;
  DataType type(size_t i) const;
  const Tensor* constant(size_t i) const;
  /// Elements of an integer input as far as known; nullopt when not even their number is.
  std::optional<PartialInts> ints(size_t i) const;
  /// The same, only if every element is known.
  std::optional<std::vector<int64_t>> all_ints(size_t i) const;

  void set_type(size_t o, DataType type);
  /// An unknown dimension keeps the size that the file declares for it.
  Status set_shape(size_t o, Shape shape);
  Status set(size_t o, DataType type, Shape shape);
  const Shape* output_shape(size_t o) const;
  DataType output_type(size_t o) const;
  void set_ints(size_t o, PartialInts values);

  Result<int64_t> attr(std::string_view name, int64_t fallback) const { return int_attribute(node_, name, fallback); }
  Result<std::vector<int64_t>> attrs(std::string_view name, std::vector<int64_t> fallback) const {
    return ints_attribute(node_, name, std::move(fallback));
  }
  bool has_attr(const std::string& name) const { return node_.attributes.contains(name); }
  /// The axis in 0..rank-1; an error that names it when it lies outside.
  Result<size_t> axis(int64_t value, size_t rank) const;
  /// Several axes of `rank`, each once.
  Result<std::vector<size_t>> axes(const std::vector<int64_t>& values, size_t rank) const;

  /// "node conv1 (Conv): ...".
  template <typename... Args>
  [[nodiscard]] tl::unexpected<Error> error(fmt::format_string<Args...> format, Args&&... args) const {
    return fail(Code::kCorrupt, "node {} ({}): {}", node_.name, node_.op_type,
                fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  Graph& graph_;
  const Node& node_;
  KnownInts& known_;
  int64_t opset_;
};

using ShapeRule = Status (*)(ShapeContext&);

struct ShapeRuleEntry {
  std::string_view op_type;
  ShapeRule rule;
};

// One table for each family of operators (shape_<family>.cpp).
std::span<const ShapeRuleEntry> elementwise_shape_rules();
std::span<const ShapeRuleEntry> conv_shape_rules();
std::span<const ShapeRuleEntry> resize_shape_rules();
std::span<const ShapeRuleEntry> matrix_shape_rules();
std::span<const ShapeRuleEntry> layout_shape_rules();
std::span<const ShapeRuleEntry> index_shape_rules();
std::span<const ShapeRuleEntry> reduce_shape_rules();
std::span<const ShapeRuleEntry> recurrent_shape_rules();

// Helpers that several families share.

/// The shape that `a` and `b` broadcast to (multidirectional).
Result<Shape> broadcast(const ShapeContext& context, const Shape& a, const Shape& b);
/// Output 0 has the type and shape of input 0.
Status same_as_first(ShapeContext& context);
/// a * b, kUnknownDim if one is unknown; nullopt on overflow.
std::optional<int64_t> multiply_dims(int64_t a, int64_t b);
/// Follows integer values through a node whose shapes are inferred (shape_values.cpp).
void propagate_ints(ShapeContext& context);
/// Where a slice of a dimension starts, how far it steps and how many elements it takes (ONNX Slice).
struct SliceRange {
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
};
SliceRange slice_range(int64_t dim, int64_t start, int64_t end, int64_t step);

/// Small constant results of float nodes in shape arithmetic (the scales and sizes of Resize): Cast, Mul, Floor, ...
std::optional<Tensor> fold_small(const Graph& graph, const Node& node);

/// Infers one node after another, front to back; constants that appear in the graph meanwhile are seen.
class ShapeInference {
 public:
  explicit ShapeInference(Graph& graph);
  Status infer(const Node& node);
  /// Elements of an output of a node already inferred, if all are known.
  std::optional<std::vector<int64_t>> all_ints(ValueId id) const;

 private:
  Graph& graph_;
  KnownInts known_;
  int64_t opset_ = 0;
};

}  // namespace medlar::graph

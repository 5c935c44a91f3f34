// SPDX-License-Identifier: Apache-2.0
// The graph IR: ONNX's operators over values held in arenas and named by index. Plain data; passes rewrite it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"

namespace medlar::graph {

/// Element types, with ONNX's numbers (TensorProto.DataType).
enum class DataType : uint8_t {
  kUndefined = 0,
  kFloat32 = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kFloat64 = 11,
  kUint32 = 12,
  kUint64 = 13,
  kComplex64 = 14,
  kComplex128 = 15,
  kBfloat16 = 16,
  kFloat8E4m3fn = 17,
  kFloat8E4m3fnuz = 18,
  kFloat8E5m2 = 19,
  kFloat8E5m2fnuz = 20,
  kUint4 = 21,  ///< Two elements a byte, the first in the low half.
  kInt4 = 22,
};

/// "float32", "int8", ... as the text form prints it.
std::string_view data_type_name(DataType type);
std::optional<DataType> parse_data_type(std::string_view name);
/// Bytes of one element; 0 for strings, undefined and the packed 4-bit types.
int element_bytes(DataType type);
bool is_floating(DataType type);

/// Dimensions, outermost first. kUnknownDim marks one that the file leaves open.
using Shape = std::vector<int64_t>;
inline constexpr int64_t kUnknownDim = -1;

/// Product of the dimensions; nullopt if one is unknown or the product overflows.
std::optional<int64_t> element_count(const Shape& shape);

/// Bytes that a tensor of this type and shape occupies; nullopt for strings, unknown dimensions and overflow.
std::optional<uint64_t> storage_bytes(DataType type, const Shape& shape);

/// A constant: row-major, little-endian elements (bool one byte each). Strings are kept in `strings`.
struct Tensor {
  DataType type = DataType::kUndefined;
  Shape shape = {};
  ByteBuffer bytes = {};
  std::vector<std::string> strings = {};

  template <typename T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
  friend bool operator==(const Tensor&, const Tensor&) = default;
};

template <typename T>
Tensor make_tensor(DataType type, Shape shape, const std::vector<T>& values) {
  const ByteView view = as_bytes_view(values);
  return Tensor{type, std::move(shape), ByteBuffer(view.begin(), view.end()), {}};
}

/// Elements converted to double / int64 whatever their numeric type is; nullopt for strings, complex numbers and
/// tensors whose bytes do not match their shape. Integers saturate; a NaN becomes 0.
std::optional<std::vector<double>> to_doubles(const Tensor& tensor);
std::optional<std::vector<int64_t>> to_ints(const Tensor& tensor);

/// Index of a value in Graph::values; kNoValue stands for an omitted optional input or output.
using ValueId = int32_t;
inline constexpr ValueId kNoValue = -1;
/// Index of a node in Graph::nodes.
using NodeId = int32_t;

/// A nested graph (If, Loop, Scan bodies): kept as the serialised ONNX GraphProto, for the host engine alone.
/// Captured values count as read by the node; a pass that renames values must leave them alone.
struct Subgraph {
  ByteBuffer onnx;
  std::vector<std::string> captured;  ///< Names of outer values that the body uses.
  friend bool operator==(const Subgraph&, const Subgraph&) = default;
};

/// An attribute of a kind that only the host understands (types, lists of tensors or graphs): a serialised
/// ONNX AttributeProto.
struct OpaqueAttribute {
  ByteBuffer onnx = {};
  std::vector<std::string> captured = {};
  friend bool operator==(const OpaqueAttribute&, const OpaqueAttribute&) = default;
};

using Attribute = std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>,
                               std::vector<std::string>, Tensor, Subgraph, OpaqueAttribute>;

/// A tensor of the graph. A constant has `data`; every other value is a graph input or has one producer.
struct Value {
  std::string name = {};
  DataType type = DataType::kUndefined;
  std::optional<Shape> shape = {};          ///< Absent when not even the rank is known.
  std::shared_ptr<const Tensor> data = {};  ///< Set for constants (initializers, Constant nodes, folded nodes).
  /// A rewrite made it of the numbers of that value, in another order: what is known of one, a range say, holds for the other.
  std::string rearranges = {};

  bool is_constant() const { return data != nullptr; }
};

/// One operator. `inputs` and `outputs` index Graph::values.
struct Node {
  std::string name = {};     ///< Unique; made from the operator and the first output when the file has none.
  std::string op_type = {};  ///< ONNX operator, e.g. "Conv".
  std::string domain = {};   ///< "" for ai.onnx.
  std::vector<ValueId> inputs = {};
  std::vector<ValueId> outputs = {};
  std::map<std::string, Attribute> attributes = {};
  std::vector<std::string> origins = {};  ///< Names of the nodes of the user's file that this one stands for.
};

/// A directed acyclic graph; `nodes` is in topological order.
struct Graph {
  std::string name = {};
  std::map<std::string, int64_t> opsets = {};  ///< Domain to version; "" is ai.onnx.
  std::vector<Value> values = {};
  std::vector<Node> nodes = {};
  std::vector<ValueId> inputs = {};   ///< Without initializers.
  std::vector<ValueId> outputs = {};
  std::vector<std::string> constant_nodes = {};  ///< Names of the file's Constant nodes, which became values: for accounts alone.

  const Value& value(ValueId id) const { return values[static_cast<size_t>(id)]; }
  Value& value(ValueId id) { return values[static_cast<size_t>(id)]; }
};

/// Adds a value and returns its id.
ValueId add_value(Graph& graph, Value value);
/// Node that produces each value (kNoValue for inputs and constants), and the nodes that read each value.
std::vector<NodeId> producers(const Graph& graph);
std::vector<std::vector<NodeId>> consumers(const Graph& graph);
std::optional<ValueId> find_value(const Graph& graph, std::string_view name);
/// Operators that multiply by a matrix or by kernels: Conv, ConvTranspose, Gemm, MatMul.
bool is_product(const Node& node);
/// "Conv_y" for a Conv whose first output is y: the name of a node that the file leaves unnamed.
std::string default_node_name(const Graph& graph, const Node& node);
/// Drops nodes and values that no output depends on; graph inputs stay. Ids change.
void remove_dead(Graph& graph);
/// Sorts nodes topologically (stable); the error names a node on the cycle.
Status sort_topologically(Graph& graph);
/// Checks every index, name, constant and the acyclic order; passes call it in tests.
Status verify(const Graph& graph);

// Attribute access with ONNX's defaults. A present attribute of another type is an error that names node and attribute.
Result<int64_t> int_attribute(const Node& node, std::string_view name, int64_t fallback);
Result<float> float_attribute(const Node& node, std::string_view name, float fallback);
Result<std::string> string_attribute(const Node& node, std::string_view name, std::string_view fallback);
Result<std::vector<int64_t>> ints_attribute(const Node& node, std::string_view name, std::vector<int64_t> fallback);
Result<std::vector<float>> floats_attribute(const Node& node, std::string_view name, std::vector<float> fallback);

/// Runs one node on constant inputs. The host engine supplies it; used for constant folding and for the shapes of
/// operators that the importer does not know. Inputs follow node.inputs (nullptr where omitted); one result for each
/// output that the node does not omit.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  virtual Result<std::vector<Tensor>> run(const Graph& graph, const Node& node,
                                          const std::vector<const Tensor*>& inputs) = 0;
};

}  // namespace medlar::graph

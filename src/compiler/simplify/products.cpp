// SPDX-License-Identifier: Apache-2.0
// Products that become convolutions.
#include "compiler/simplify/products.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "compiler/simplify/rewrite.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

using graph::Shape;
using graph::ValueId;
using Order = std::vector<int64_t>;
using Makers = std::vector<graph::NodeId>;

constexpr int64_t kMaxDim = hw::kLimits.cube.dimension.max;
constexpr int64_t kMaxKernel = hw::kLimits.conv.kernel.max;
/// A sequence's product of so many MACs is worth transposing for.
constexpr int64_t kManyMacs = int64_t{64} << 20;

/// out[row][n] = sum over k of in[row][k] * matrix(k, n), plus bias[n].
struct Product {
  Shape in, out;
  std::span<const float> matrix;
  int64_t k = 0, n = 0;
  bool transposed = false;  ///< Stored N x K.
  float alpha = 1.0f;
  std::vector<float> bias;  ///< Empty: none.

  int64_t rows() const { return std::accumulate(in.begin(), in.end() - 1, int64_t{1}, std::multiplies<>()); }
  float weight(int64_t row, int64_t column) const {
    return alpha * matrix[static_cast<size_t>(transposed ? column * k + row : row * n + column)];
  }
};

const graph::Tensor* float_constant(const graph::Graph& graph, ValueId id) {
  const graph::Tensor* data = id == graph::kNoValue ? nullptr : graph.value(id).data.get();
  return data != nullptr && data->type == graph::DataType::kFloat32 ? data : nullptr;
}

/// Gemm's third operand, one number a column; false when it is anything else.
bool read_bias(const graph::Graph& graph, const graph::Node& node, float beta, Product& product) {
  if (node.inputs.size() < 3 || node.inputs[2] == graph::kNoValue) {
    return true;
  }
  const graph::Tensor* data = float_constant(graph, node.inputs[2]);
  const auto count = data == nullptr ? 0 : static_cast<int64_t>(data->as<float>().size());
  const bool one_row = count == 1 || (count == product.n && data->shape.back() == product.n);
  if (!one_row) {
    return false;
  }
  for (int64_t n = 0; n < product.n; ++n) {
    product.bias.push_back(beta * data->as<float>()[static_cast<size_t>(count == 1 ? 0 : n)]);
  }
  return true;
}

std::optional<Product> read_product(const graph::Graph& graph, const graph::Node& node) {
  const bool gemm = is_op(node, "Gemm");
  if ((!gemm && !is_op(node, "MatMul")) || node.inputs.size() < 2) {
    return std::nullopt;
  }
  const graph::Tensor* matrix = float_constant(graph, node.inputs[1]);
  const auto in = known_shape(graph, node.inputs[0]);
  const auto out = known_shape(graph, node.outputs[0]);
  if (matrix == nullptr || matrix->shape.size() != 2 || !in || !out || in->size() < 2 || in->size() != out->size() ||
      graph.value(node.inputs[0]).is_constant() || graph.value(node.inputs[0]).type != graph::DataType::kFloat32) {
    return std::nullopt;
  }
  const auto trans_a = graph::int_attribute(node, "transA", 0);
  const auto trans_b = graph::int_attribute(node, "transB", 0);
  const auto alpha = graph::float_attribute(node, "alpha", 1.0f);
  const auto beta = graph::float_attribute(node, "beta", 1.0f);
  if (!trans_a || !trans_b || !alpha || !beta || *trans_a != 0) {
    return std::nullopt;
  }
  Product product{.in = *in, .out = *out, .matrix = matrix->as<float>(), .k = in->back(), .n = out->back(),
                  .transposed = gemm && *trans_b != 0, .alpha = gemm ? *alpha : 1.0f, .bias = {}};
  const bool fits = matrix->shape[product.transposed ? 1 : 0] == product.k && matrix->shape[product.transposed ? 0 : 1] == product.n &&
                    product.matrix.size() == static_cast<size_t>(product.k * product.n);
  return fits && (!gemm || read_bias(graph, node, *beta, product)) ? std::optional(std::move(product)) : std::nullopt;
}

/// Where the rows come from: element i of an item of `value` meets row order[i] of the matrix (empty: row i).
struct Origin {
  ValueId value = graph::kNoValue;
  Shape shape;
  Order order;
};

/// The order behind a Transpose, told in front of it.
Order reordered(const Shape& source, const std::vector<int64_t>& perm, const Order& behind) {
  const size_t rank = source.size();
  std::vector<int64_t> step(rank, 1);  // of the transposed tensor, by the source's axes
  int64_t count = 1;
  for (size_t i = rank; i-- > 1;) {
    step[static_cast<size_t>(perm[i])] = count;
    count *= source[static_cast<size_t>(perm[i])];
  }
  Order order(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i;
    int64_t at = 0;
    for (size_t axis = rank; axis-- > 1;) {
      at += rest % source[axis] * step[axis];
      rest /= source[axis];
    }
    order[static_cast<size_t>(i)] = behind.empty() ? at : behind[static_cast<size_t>(at)];
  }
  return order;
}

bool is_cube(const Shape& shape) {
  return (shape.size() == 3 || shape.size() == 4) && std::all_of(shape.begin() + 1, shape.end(), [](int64_t dim) { return dim <= kMaxDim; });
}

/// Up through what only renames or permutes each item's values, to the first cube on the way that was not permuted later.
std::optional<Origin> origin_of(const graph::Graph& graph, const Makers& makers, const graph::Node& node, const Shape& in) {
  Origin at{.value = node.inputs[0], .shape = in, .order = {}};
  std::optional<Origin> found;
  while (makers[static_cast<size_t>(at.value)] != graph::kNoValue) {
    const graph::Node& maker = graph.nodes[static_cast<size_t>(makers[static_cast<size_t>(at.value)])];
    const bool renames = is_op(maker, "Reshape") || is_op(maker, "Flatten") || is_op(maker, "Squeeze") || is_op(maker, "Unsqueeze");
    const auto shape = maker.inputs.empty() ? std::nullopt : known_shape(graph, maker.inputs[0]);
    if (!shape || shape->size() < 2 || shape->front() != in.front()) {
      break;
    }
    if (is_op(maker, "Transpose")) {
      const auto perm = graph::ints_attribute(maker, "perm", {});
      if (!perm || perm->size() != shape->size() || perm->front() != 0) {
        break;
      }
      at.order = reordered(*shape, *perm, at.order);
    } else if (!renames) {
      break;
    }
    at.value = maker.inputs[0];
    at.shape = *shape;
    // The Transpose of a list changes nothing, and may yet meet the one that it undoes.
    const bool list = std::count_if(at.shape.begin() + 1, at.shape.end(), [](int64_t dim) { return dim > 1; }) <= 1;
    if (is_cube(at.shape) && !(list && !at.order.empty())) {
      found = at;
    }
  }
  return found;
}

/// The columns [first, first + count), one after the other. A few at a time, so that neither side is walked across memory.
std::vector<float> kernels_of(const Product& product, const Order& order, int64_t first, int64_t count) {
  constexpr int64_t kTogether = 16;
  std::vector<float> weights(static_cast<size_t>(count * product.k));
  for (int64_t begin = 0; begin < count; begin += kTogether) {
    const int64_t end = std::min(begin + kTogether, count);
    for (int64_t i = 0; i < product.k; ++i) {
      const int64_t row = order.empty() ? i : order[static_cast<size_t>(i)];
      for (int64_t n = begin; n < end; ++n) {
        weights[static_cast<size_t>(n * product.k + i)] = product.weight(row, first + n);
      }
    }
  }
  return weights;
}

/// Convolutions with kernels of `window` over `source`, in parts of at most 8192 channels; `out` is the shape they have together.
ValueId convolve(Builder& builder, const Product& product, ValueId source, const Shape& window, const Order& order, const Shape& out) {
  const int64_t parts = (product.n + kMaxDim - 1) / kMaxDim;
  const int64_t each = (product.n + parts - 1) / parts;
  std::vector<ValueId> pieces;
  for (int64_t first = 0; first < product.n; first += each) {
    const int64_t count = std::min(each, product.n - first);
    const std::string name = parts == 1 ? "conv" : fmt::format("conv{}", first);
    const std::vector<float> weights = kernels_of(product, order, first, count);
    Shape kernel = {count};
    kernel.insert(kernel.end(), window.begin(), window.end());
    std::vector<ValueId> inputs = {source, builder.floats(name + "_weights", kernel, weights)};
    if (!product.bias.empty()) {
      inputs.push_back(builder.floats(name + "_bias", {count}, {product.bias.begin() + first, product.bias.begin() + first + count}));
    }
    Shape shape = out;
    shape[1] = count;
    pieces.push_back(builder.add(name, "Conv", inputs, shape));
  }
  return parts == 1 ? pieces.front() : builder.add("joined", "Concat", pieces, out, {{"axis", int64_t{1}}});
}

/// Kernels that cover the cube. Nothing where the row form serves.
Replacement whole_cube(graph::Graph& graph, const graph::Node& node, const Product& product, const Makers& makers) {
  auto origin = origin_of(graph, makers, node, product.in);
  const bool long_window = origin && std::any_of(origin->shape.begin() + 2, origin->shape.end(), [](int64_t dim) { return dim > kMaxKernel; });
  if (product.k <= kMaxDim && product.n <= kMaxDim && !long_window && (!origin || origin->order.empty())) {
    return std::nullopt;
  }
  Builder builder(graph, node);
  if (!origin) {  // a list: its values fill columns, where there are too many for channels
    int64_t columns = 1;
    while (columns <= kMaxKernel && (product.k % columns != 0 || product.k / columns > kMaxDim)) {
      ++columns;
    }
    if (columns > kMaxKernel) {
      return std::nullopt;
    }
    origin = Origin{.value = graph::kNoValue, .shape = {product.in.front(), product.k / columns, 1, columns}, .order = {}};
    origin->value = builder.add("cube", "Reshape", {node.inputs[0], builder.ints("cube_shape", origin->shape)}, origin->shape);
  }
  Shape out(origin->shape.size(), 1);
  out[0] = product.in.front();
  out[1] = product.n;
  const ValueId result = convolve(builder, product, origin->value, {origin->shape.begin() + 1, origin->shape.end()}, origin->order, out);
  builder.finish("Reshape", {result, builder.ints("shape", product.out)});
  return builder.take();
}

/// How the rows of a sequence become positions: the last axis moves to the channels'.
std::vector<int64_t> positions_of(const Shape& in) {
  switch (in.size()) {
    case 2: return {1, 0};
    case 3: return in[0] > 1 && in[1] == 1 ? std::vector<int64_t>{1, 2, 0} : std::vector<int64_t>{0, 2, 1};
    case 4: return {0, 3, 1, 2};
    default: return {};
  }
}

std::vector<int64_t> inverse(const std::vector<int64_t>& perm) {
  std::vector<int64_t> result(perm.size());
  for (size_t i = 0; i < perm.size(); ++i) {
    result[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  }
  return result;
}

/// Whether the rows stand behind a Transpose that the one in front of the convolution undoes.
bool stands_behind_inverse(const graph::Graph& graph, const Makers& makers, ValueId value, const std::vector<int64_t>& perm) {
  const graph::NodeId maker = makers[static_cast<size_t>(value)];
  if (maker == graph::kNoValue || !is_op(graph.nodes[static_cast<size_t>(maker)], "Transpose")) {
    return false;
  }
  const auto first = graph::ints_attribute(graph.nodes[static_cast<size_t>(maker)], "perm", {});
  return first && *first == inverse(perm);
}

Replacement positions(graph::Graph& graph, const graph::Node& node, const Product& product, const Makers& makers) {
  const std::vector<int64_t> perm = positions_of(product.in);
  const bool large = product.rows() * product.k * product.n >= kManyMacs;
  const bool fits = product.k <= kMaxDim && std::all_of(product.in.begin(), product.in.end(), [](int64_t dim) { return dim <= kMaxDim; });
  if (perm.empty() || !fits || (!large && !stands_behind_inverse(graph, makers, node.inputs[0], perm))) {
    return std::nullopt;
  }
  Builder builder(graph, node);
  Shape shape = permuted(product.in, perm);
  ValueId source = builder.add("positions", "Transpose", {node.inputs[0]}, shape, {{"perm", perm}});
  Shape out = permuted(product.out, perm);
  if (perm.size() == 2) {
    shape.insert(shape.begin(), 1);
    source = builder.add("sequence", "Reshape", {source, builder.ints("sequence_shape", shape)}, shape);
    out.insert(out.begin(), 1);
  }
  Shape window(shape.size() - 1, 1);
  window[0] = product.k;
  ValueId result = convolve(builder, product, source, window, {}, out);
  if (perm.size() == 2) {
    out.erase(out.begin());
    result = builder.add("rows", "Reshape", {result, builder.ints("rows_shape", out)}, out);
  }
  builder.finish("Transpose", {result}, {{"perm", inverse(perm)}});
  return builder.take();
}

/// Rows of a matrix are the batch where the graph has inputs of that batch.
bool rows_are_batch(const graph::Graph& graph, const Product& product) {
  return product.in.size() == 2 &&
         (product.in[0] == 1 || std::any_of(graph.inputs.begin(), graph.inputs.end(), [&](ValueId id) {
            const auto shape = known_shape(graph, id);
            return shape && shape->size() > 1 && shape->front() == product.in[0];
          }));
}

}  // namespace

bool convolve_products(graph::Graph& graph) {
  const Makers makers = graph::producers(graph);
  return replace_nodes(graph, [&](graph::Graph& g, const graph::Node& node) -> Replacement {
    const auto product = read_product(g, node);
    if (!product) {
      return std::nullopt;
    }
    return rows_are_batch(g, *product) ? whole_cube(g, node, *product, makers) : positions(g, node, *product, makers);
  });
}

}  // namespace medlar::compiler

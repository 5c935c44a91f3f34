// SPDX-License-Identifier: Apache-2.0
// Gemm and MatMul with constant weights: a convolution whose kernel covers the whole input cube.
#include "compiler/legalise/rows.hpp"

namespace medlar::compiler {
namespace {

/// One row times a matrix: out[n] = alpha * sum_k row[k] * weight(k, n) + beta * bias[n].
struct Product {
  int64_t rows_k = 0, columns_n = 0;
  bool transposed = false;  ///< Weights stored N x K.
  float alpha = 1.0f, beta = 1.0f;
};

Result<Product> read_product(const graph::Graph& graph, const graph::Node& node) {
  const graph::Shape& in = *graph.value(node.inputs[0]).shape;
  const graph::Tensor& weights = *constant_input(graph, node, 1);
  Product product;
  if (node.op_type == "Gemm") {
    MEDLAR_ASSIGN(const int64_t trans_a, graph::int_attribute(node, "transA", 0));
    MEDLAR_ASSIGN(const int64_t trans_b, graph::int_attribute(node, "transB", 0));
    MEDLAR_ASSIGN(product.alpha, graph::float_attribute(node, "alpha", 1.0f));
    MEDLAR_ASSIGN(product.beta, graph::float_attribute(node, "beta", 1.0f));
    if (trans_a != 0) {
      return fail(Code::kUnsupported, "transA is {}, possible is 0", trans_a);
    }
    product.transposed = trans_b != 0;
  }
  if (weights.shape.size() != 2) {
    return fail(Code::kUnsupported, "weights have rank {}, possible is 2", weights.shape.size());
  }
  product.rows_k = weights.shape[product.transposed ? 1 : 0];
  product.columns_n = weights.shape[product.transposed ? 0 : 1];
  if (in.back() != product.rows_k) {
    return fail(Code::kCorrupt, "{} values meet weights for {}", in.back(), product.rows_k);
  }
  return product;
}

/// The cube that arrives: relabelling nodes in front only rename it, so it may be C x H x W.
Cube arriving_cube(const graph::Graph& graph, graph::ValueId value) {
  const std::vector<graph::NodeId> makers = graph::producers(graph);
  Cube cube = cube_of(*graph.value(value).shape);
  while (makers[static_cast<size_t>(value)] != graph::kNoValue) {
    const graph::Node& maker = graph.nodes[static_cast<size_t>(makers[static_cast<size_t>(value)])];
    if (!is_relabel(maker) || check_cube(graph.value(maker.inputs[0]))) {
      break;
    }
    value = maker.inputs[0];
    cube = cube_of(*graph.value(value).shape);
  }
  return cube;
}

Verdict check_row_matrix(const Question& question, const graph::Node& node) {
  const graph::Graph& graph = question.graph;
  if (constant_input(graph, node, 1) == nullptr || graph.value(node.inputs[0]).is_constant()) {
    return Refusal{Reason::kNotConstant, "weights are computed at run time", ""};
  }
  const graph::Shape& in = *graph.value(node.inputs[0]).shape;
  if (in.size() != 2) {
    return Refusal{Reason::kRank, fmt::format("left matrix has rank {}, possible is 1xK", in.size()), ""};
  }
  const auto product = read_product(graph, node);
  if (!product) {
    return Refusal{Reason::kAttribute, product.error().message, ""};
  }
  const Cube cube = arriving_cube(graph, node.inputs[0]);
  return check_conv_window(question, Window{.kernel_h = cube.h, .kernel_w = cube.w}, cube.c);
}

std::vector<float> kernels_of(const Product& product, const std::vector<double>& weights) {
  std::vector<float> kernels(weights.size());
  const auto k_count = static_cast<size_t>(product.rows_k);
  const auto n_count = static_cast<size_t>(product.columns_n);
  for (size_t n = 0; n < n_count; ++n) {
    for (size_t k = 0; k < k_count; ++k) {
      const double weight = weights[product.transposed ? n * k_count + k : k * n_count + n];
      kernels[n * k_count + k] = static_cast<float>(weight * product.alpha);
    }
  }
  return kernels;
}

Status lower_product(Lowering& lowering, const graph::Node& node) {
  const graph::Graph& graph = lowering.question.graph;
  MEDLAR_ASSIGN(const Product product, read_product(graph, node));
  const auto weights = graph::to_doubles(*constant_input(graph, node, 1));
  const TensorId src = source_tensor(lowering, node.inputs[0]);
  const LayerTensor cube = lowering.layers.tensor(src);
  if (!weights || int64_t{cube.c} * cube.h * cube.w != product.rows_k) {
    return fail(Code::kInternal, "{}: {}x{}x{} values meet weights for {}", node.name, cube.c, cube.h, cube.w,
                product.rows_k);
  }
  Layer& layer = add_layer(lowering, node, src, cube_of(*graph.value(node.outputs[0]).shape));
  layer.body = ConvLayer{.k = static_cast<int>(product.columns_n), .c = cube.c, .r = cube.h, .s = cube.w,
                         .weights = kernels_of(product, *weights)};
  const graph::Tensor* bias = node.op_type == "Gemm" ? constant_input(graph, node, 2) : nullptr;
  if (bias == nullptr) {
    return {};
  }
  auto values = channel_constant(*bias, *graph.value(node.outputs[0]).shape);
  if (!values) {
    return fail(Code::kInternal, "{}: bias does not broadcast per channel", node.name);
  }
  for (float& value : *values) {
    value *= product.beta;
  }
  layer.steps.push_back({.kind = StepKind::kAffine, .mul = {}, .add = *values, .operand = kNoTensor,
                         .value = graph.value(node.outputs[0]).name});
  return {};
}

}  // namespace

Verdict check_gemm(const Question& question, const graph::Node& node) {
  const graph::Value* bias = input_value(question.graph, node, 2);
  if (bias != nullptr && (!bias->is_constant() ||
                          !channel_constant(*bias->data, *question.graph.value(node.outputs[0]).shape))) {
    return Refusal{Reason::kNotConstant, "bias is not a constant per column", ""};
  }
  return check_row_matrix(question, node);
}

Status lower_gemm(Lowering& lowering, const graph::Node& node) { return lower_product(lowering, node); }

Verdict check_matmul(const Question& question, const graph::Node& node) { return check_row_matrix(question, node); }

Status lower_matmul(Lowering& lowering, const graph::Node& node) { return lower_product(lowering, node); }

}  // namespace medlar::compiler

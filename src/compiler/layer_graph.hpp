// SPDX-License-Identifier: Apache-2.0
// The layer graph: one DLA segment as chip operations in real numbers, between legalise (ONNX nodes in) and quantise
// (hardware graph out). Fusion happens here: every layer carries a list of elementwise steps that its SDP will run.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "compiler/hw_graph.hpp"

namespace medlar::compiler {

/// Tensor of a segment: one item of a batch.
struct LayerTensor {
  std::string name = {};   ///< ONNX value that it holds.
  std::string range = {};  ///< ONNX value whose calibrated range it has.
  int w = 1, h = 1, c = 1;
  TensorRole role = TensorRole::kIntermediate;
  int item = 0;                     ///< Of the batch.
  bool channels_last = false;       ///< As HwTensor's.
  std::vector<float> contents = {};  ///< kConstant: c * h * w numbers.
  float reach = 0.0f;                ///< Largest magnitude where it is known without calibration; 0: `range` says.
  /// A channel window of another tensor, as HwTensor::view_of; both have one scale.
  TensorId view_of = kNoTensor;
  int view_x = 0, view_y = 0, view_c = 0;
};

enum class StepKind : uint8_t {
  kAffine,     ///< x * mul[c] + add[c]; an empty vector is the identity, one value serves all channels.
  kRelu,
  kPrelu,      ///< x < 0 ? x * mul[c] : x
  kMin,        ///< min(x, add[0])
  kMax,        ///< max(x, add[0])
  kAddTensor,  ///< x + operand
  kMulTensor,
  kMaxTensor,
  kMinTensor,
  kTable,  ///< A unary function by lookup table.
};

/// Functions that the lookup table computes.
enum class Function : uint8_t {
  kSigmoid, kTanh, kSilu, kHardSwish, kMish, kElu, kSoftplus, kErf, kGelu,
  kExp, kLog, kSqrt, kReciprocal, kSelu, kCelu, kSoftsign, kGeluTanh, kSin, kCos, kAsin, kAcos, kAtan,
  kSinh, kCosh, kAsinh, kAtanh, kPower,
  kOctave,  ///< Of x > 0: its exponent and the fraction of the way to the next power of two.
  kSign,    ///< -1 or 1; 1 of 0.
};

/// What a table reads and gives, where one table cannot hold the function (legalise/wide_table.cpp).
enum class TableForm : uint8_t {
  kDirect,   ///< f(x)
  kOctaves,  ///< f(x) from kOctave of x
  kQuotient, ///< f(x) / x from kOctave of |x|
};

/// One elementwise step.
struct Step {
  StepKind kind = StepKind::kAffine;
  std::vector<float> mul = {}, add = {};
  TensorId operand = kNoTensor;
  bool spread = false;  ///< The operand is 1x1 and serves every position.
  Function function = Function::kSigmoid;  ///< kTable.
  TableForm form = TableForm::kDirect;
  float alpha = 1.0f, beta = 1.0f;         ///< Of ELU, SELU (beta: its gamma), CELU; exponent of kPower.
  std::string value = {};  ///< ONNX value that holds the result; "" when there is none.
};

/// Convolution. Weights as ONNX stores them: K x C/groups x R x S.
struct ConvLayer {
  int k = 0, c = 0, r = 1, s = 1;  ///< Kernels and channels over all groups.
  int groups = 1;
  std::vector<float> weights = {};
  int stride_x = 1, stride_y = 1;
  int dilation_x = 1, dilation_y = 1;
  int pad_left = 0, pad_right = 0, pad_top = 0, pad_bottom = 0;
};

/// Elementwise work on a tensor in memory: only the steps.
struct SdpLayer {};

/// Pooling keeps the scale of its input and has no steps.
struct PoolLayer {
  PoolOp pool;
};

/// Local response normalisation over channels: x * (bias + alpha / size * sum of squares)^-beta.
struct LrnLayer {
  int size = 5;
  float alpha = 1e-4f, beta = 0.75f, bias = 1.0f;
};

/// As InterleaveOp; keeps the scale of its input.
struct InterleaveLayer {
  InterleaveOp op;
};

struct Layer {
  std::string name;
  std::vector<std::string> origins;  ///< Nodes of the user's model.
  TensorId src = kNoTensor;
  TensorId dst = kNoTensor;
  std::variant<ConvLayer, SdpLayer, PoolLayer, LrnLayer, InterleaveLayer> body;
  std::vector<Step> steps;
};

struct LayerGraph {
  std::string name;
  std::vector<LayerTensor> tensors;
  std::vector<Layer> layers;  ///< Topological order.

  const LayerTensor& tensor(TensorId id) const { return tensors[static_cast<size_t>(id)]; }
  LayerTensor& tensor(TensorId id) { return tensors[static_cast<size_t>(id)]; }
};

/// Multiply-accumulates of one layer.
uint64_t macs_of(const LayerGraph& graph, const Layer& layer);

/// Text form, one line a layer; for tests and diagnostics.
std::string to_text(const LayerGraph& graph);

}  // namespace medlar::compiler

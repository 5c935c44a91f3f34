// SPDX-License-Identifier: Apache-2.0
#include "import/arity.hpp"

#include <algorithm>
#include <iterator>

namespace medlar::import {
namespace {

/// Operators that need more or fewer than one input, from `since` on; sorted by name, later opsets first.
struct Needs {
  std::string_view op;
  size_t inputs = 1;
  int64_t since = 1;
};
constexpr Needs kNeeds[] = {
    {"Add", 2},
    {"AffineGrid", 2},
    {"And", 2},
    {"Attention", 3},
    {"BatchNormalization", 5},
    {"BitShift", 2},
    {"BitwiseAnd", 2},
    {"BitwiseOr", 2},
    {"BitwiseXor", 2},
    {"CenterCropPad", 2},
    {"Col2Im", 3},
    {"Compress", 2},
    {"Constant", 0},
    {"Conv", 2},
    {"ConvInteger", 2},
    {"ConvTranspose", 2},
    {"CumSum", 2},
    {"DequantizeLinear", 2},
    {"Div", 2},
    {"Equal", 2},
    {"Expand", 2},
    {"GRU", 3},
    {"Gather", 2},
    {"GatherElements", 2},
    {"GatherND", 2},
    {"Gemm", 2},
    {"Greater", 2},
    {"GreaterOrEqual", 2},
    {"GridSample", 2},
    {"GroupNormalization", 3},
    {"InstanceNormalization", 3},
    {"LSTM", 3},
    {"LayerNormalization", 2},
    {"Less", 2},
    {"LessOrEqual", 2},
    {"Loop", 0},
    {"MatMul", 2},
    {"MatMulInteger", 2},
    {"MaxRoiPool", 2},
    {"MaxUnpool", 2},
    {"Mod", 2},
    {"Mul", 2},
    {"NonMaxSuppression", 2},
    {"OneHot", 3},
    {"Optional", 0},
    {"OptionalHasElement", 0},
    {"Or", 2},
    {"PRelu", 2},
    {"Pad", 2, 11},
    {"Pow", 2},
    {"QLinearConv", 8},
    {"QLinearMatMul", 8},
    {"QuantizeLinear", 2},
    {"RNN", 3},
    {"RandomNormal", 0},
    {"RandomUniform", 0},
    {"Range", 3},
    {"Reshape", 2, 5},
    {"ReverseSequence", 2},
    {"RoiAlign", 3},
    {"Scan", 0},  // of opset 8: the lengths of the sequences may be left out
    {"Scatter", 3},
    {"ScatterElements", 3},
    {"ScatterND", 3},
    {"SequenceEmpty", 0},
    {"Slice", 3, 10},
    {"Sub", 2},
    {"Tile", 2},
    {"TopK", 2, 10},
    {"Unsqueeze", 2, 13},
    {"Upsample", 2, 9},
    {"Where", 3},
    {"Xor", 2},
};
static_assert(std::is_sorted(std::begin(kNeeds), std::end(kNeeds),
                             [](const Needs& a, const Needs& b) { return a.op < b.op; }));

/// Every output of these may be left out.
constexpr std::string_view kAnyOutput[] = {"GRU", "If", "LSTM", "Loop", "RNN", "Scan"};

size_t needed_inputs(std::string_view op, int64_t opset) {
  const auto* const at =
      std::lower_bound(std::begin(kNeeds), std::end(kNeeds), op,
                       [](const Needs& needs, std::string_view name) { return needs.op < name; });
  return at != std::end(kNeeds) && at->op == op && opset >= at->since ? at->inputs : 1;
}

}  // namespace

Status check_arity(const graph::Node& node, int64_t opset, std::string_view where) {
  if (!node.domain.empty()) {
    return {};
  }
  const size_t needed = needed_inputs(node.op_type, opset);
  const auto first_missing =
      std::find(node.inputs.begin(), node.inputs.end(), graph::kNoValue) - node.inputs.begin();
  if (static_cast<size_t>(first_missing) < needed) {
    return fail(Code::kCorrupt, "{}: {} needs {} inputs, number {} is missing", where, node.op_type, needed,
                first_missing + 1);
  }
  const bool any =
      std::find(std::begin(kAnyOutput), std::end(kAnyOutput), node.op_type) != std::end(kAnyOutput);
  if (!any && !node.outputs.empty() && node.outputs.front() == graph::kNoValue) {
    return fail(Code::kCorrupt, "{}: {} leaves its first output out", where, node.op_type);
  }
  return {};  // verify() refuses nodes without any output
}

}  // namespace medlar::import

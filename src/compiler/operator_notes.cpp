// SPDX-License-Identifier: Apache-2.0
#include "compiler/operator_notes.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

constexpr const auto& kLimits = hw::kLimits;

std::string range(const hw::Range& r) { return fmt::format("{} to {}", r.min, r.max); }

void add_all(std::vector<OperatorNote>& notes, std::initializer_list<std::string_view> names, Probe probe, bool composed,
             const std::string& text) {
  for (const std::string_view name : names) {
    notes.push_back({name, probe, composed, text});
  }
}

void add_convolutions(std::vector<OperatorNote>& notes) {
  const auto& c = kLimits.conv;
  notes.push_back({"Conv", Probe::kConv, false,
                   fmt::format("1-D and 2-D, constant weights, any groups; kernel {} (longer: sum of shorter ones), stride {} "
                               "(larger multiples: pixels to channels first), dilation {}, padding {}; any size is tiled to the "
                               "convolution buffer", range(c.kernel), range(c.stride), range(c.dilation), range(c.pad_left))});
  notes.push_back({"ConvTranspose", Probe::kConvTranspose, true,
                   fmt::format("1-D and 2-D, constant weights, any padding, output padding, dilation and groups; stride {}; one "
                               "convolution for all phases, then interleaved (RUBIK, or strided copies)",
                               range(kLimits.rubik.deconv_stride))});
  notes.push_back({"Gemm", Probe::kGemm, false, "constant weights of any size (over 8192 columns in parts), transA 0, bias for each column; rows are the batch"});
  notes.push_back({"MatMul", Probe::kMatMul, false, "by a constant KxM of any size (over 8192 columns in parts); rows are the batch, or positions behind a Transpose or above 64 Mi MACs"});
}

void add_pools(std::vector<OperatorNote>& notes) {
  const auto& p = kLimits.pdp;
  notes.push_back({"MaxPool", Probe::kPool, false,
                   fmt::format("window {} in one operation, larger ones in stages; stride {}, padding {}; ceil_mode; no indices, "
                               "no dilation", range(p.kernel), range(p.stride), range(p.pad))});
  notes.push_back({"AveragePool", Probe::kPool, false,
                   fmt::format("window {} on the PDP, up to {} and dilated as a convolution; ceil_mode; count_include_pad both "
                               "ways (one operation for each divisor)", range(p.kernel), kLimits.conv.kernel.max)});
  add_all(notes, {"GlobalAveragePool", "GlobalMaxPool"}, Probe::kGlobal, false, "any size, in stages");
  add_all(notes, {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "ReduceSumSquare"},
          Probe::kReduce, true, "over rows, columns or both, or over channels alone");
  notes.push_back({"LRN", Probe::kLrn, false, fmt::format("size 3 to {}, odd", kLimits.cdp.local_size.max)});
}

void add_elementwise(std::vector<OperatorNote>& notes) {
  add_all(notes, {"Add", "Max", "Min", "Mul", "Sub"}, Probe::kBinary, false,
          "two tensors, or a tensor and a constant of any broadcast; a tensor may be spread over positions or over channels, by "
          "copies also along rows or columns alone");
  notes.push_back({"Div", Probe::kPower, false, "by a constant, or by a tensor of fewer numbers (one a channel, a position or for all) as a product with its Reciprocal"});
  add_all(notes, {"Sum", "Mean"}, Probe::kVariadic, true, "as a chain of Add");
  notes.push_back({"Pow", Probe::kPower, true, "one constant exponent: 2 and 3 as products, 0.5, -1 and other fractions up to 4 by tables (relative error in FP16 up to 0.025 for those below -1, else 0.013)"});
  add_all(notes, {"Relu", "Clip", "LeakyRelu", "Neg", "Abs", "HardSigmoid", "Identity", "Dropout"}, Probe::kUnary, false, "");
  notes.push_back({"Cast", Probe::kUnary, false, "between floats: both are of the DLA's precision there"});
  notes.push_back({"PRelu", Probe::kPrelu, false, "slope constant, one or one for each channel, magnitude up to 256"});
  notes.push_back({"BatchNormalization", Probe::kBatchNorm, false, "inference; folded into a convolution before it"});
  add_all(notes, {"InstanceNormalization", "GroupNormalization"}, Probe::kNormalise, true,
          "constant scale and bias; also GroupNorm as InstanceNormalization between Reshapes");
  notes.push_back({"LayerNormalization", Probe::kNormalise, true,
                   "over channels: behind a Transpose to channels last, of rank 2, or as its parts (ReduceMean, Sub, Pow, ReduceMean, "
                   "Add, Sqrt, Div) on either side of the Transpose"});
  notes.push_back({"HardSwish", Probe::kUnary, false, "without a table as a product"});
  notes.push_back({"Swish", Probe::kUnary, true, "as Sigmoid and Mul, which become one table"});
  add_all(notes, {"Acos", "Asin", "Atanh", "Celu", "Cosh", "Elu", "Erf", "Exp", "Gelu", "Mish", "Selu", "Sigmoid", "Sinh", "Softplus",
                  "Tanh"},
          Probe::kUnary, false, "lookup table of the SDP");
  add_all(notes, {"Asinh", "Atan", "Log", "Reciprocal", "Softsign", "Sqrt"}, Probe::kUnary, true,
          "INT8: a table with an entry for each stored value; FP16: two to five operations, right over the whole range");
  add_all(notes, {"Cos", "Sin"}, Probe::kUnary, true,
          "INT8: a table with an entry for each stored value; FP16: a table behind the remainder by 2 pi");
}

void add_layout(std::vector<OperatorNote>& notes) {
  notes.push_back({"Concat", Probe::kConcat, false,
                   "channels, rows or columns; producers write in place where parts begin at an atom, else a convolution shifts "
                   "them"});
  notes.push_back({"Slice", Probe::kSlice, false,
                   fmt::format("not of the batch; constant bounds, steps 1 to {}; a window where channels begin at an atom",
                               kLimits.conv.stride.max)});
  notes.push_back({"Split", Probe::kSplit, false, "not of the batch"});
  notes.push_back({"Pad", Probe::kPad, true, "constant; edge, reflect and wrap up to 16 lines; folded into Conv and pooling"});
  add_all(notes, {"Resize", "Upsample"}, Probe::kResize, true,
          "nearest and linear by whole factors whose pattern repeats (not align_corners); no cubic, no antialias");
  add_all(notes, {"Reshape", "Flatten", "Squeeze", "Unsqueeze"}, Probe::kReshape, false,
          "where channels stay (rename or copy), or in front of Gemm and MatMul");
  notes.push_back({"Transpose", Probe::kTranspose, true,
                   "where it only moves dimensions of size 1, undoes another, is part of a channel shuffle, DepthToSpace or "
                   "SpaceToDepth, or turns an input or output of the model between channels last and first"});
  notes.push_back({"Gather", Probe::kGather, true, "of channels with a constant list"});
  notes.push_back({"DepthToSpace", Probe::kBlocks, true, fmt::format("blocks of {}", range(kLimits.rubik.deconv_stride))});
  notes.push_back({"SpaceToDepth", Probe::kBlocks, false, fmt::format("blocks of {}", range(kLimits.conv.stride))});
}

void add_host(std::vector<OperatorNote>& notes) {
  add_all(notes, {"Softmax", "LogSoftmax"}, Probe::kUnary, false, "needs a maximum over channels, which no unit of the chip takes");
  notes.push_back({"MeanVarianceNormalization", Probe::kUnary, false, "statistics of the input at run time; BatchNormalization folds away instead"});
  add_all(notes, {"ArgMax", "If", "Loop", "LSTM", "GRU", "NonMaxSuppression", "TopK", "Where", "GridSample", "RoiAlign"},
          Probe::kUnary, false, "");
  add_all(notes, {"QuantizeLinear", "DequantizeLinear"}, Probe::kUnary, false, "see the quantisation of Q/DQ models");
  add_all(notes, {"Acosh", "Tan", "ThresholdedRelu", "Shrink"}, Probe::kUnary, false, "the function has a pole, a jump or a vertical");
}

}  // namespace

std::vector<OperatorNote> operator_notes() {
  std::vector<OperatorNote> notes;
  add_convolutions(notes);
  add_pools(notes);
  add_elementwise(notes);
  add_layout(notes);
  add_host(notes);
  std::sort(notes.begin(), notes.end(), [](const OperatorNote& a, const OperatorNote& b) { return a.op_type < b.op_type; });
  return notes;
}

}  // namespace medlar::compiler

// SPDX-License-Identifier: Apache-2.0
// ONNX nodes in TensorRT's words: which kind of layer, with which parameters.
#include "api/public/network_state.hpp"

#include <algorithm>
#include <array>

namespace medlar::door {
namespace {

struct KindRow {
  std::string_view op;
  LayerType type;
  int64_t value = -1;  ///< Of "type" (activations, poolings) or "op" (element-wise, unary, reduce).
};

template <typename Enum>
constexpr KindRow row(std::string_view op, LayerType type, Enum value) {
  return {op, type, static_cast<int64_t>(value)};
}

constexpr auto kAct = LayerType::kActivation;
constexpr auto kElt = LayerType::kElementwise;
constexpr auto kUn = LayerType::kUnary;
constexpr auto kRed = LayerType::kReduce;
using A = ActivationType;
using E = ElementWiseOperation;
using U = UnaryOperation;
using R = ReduceOperation;

constexpr std::array kRows{
    KindRow{"Conv", LayerType::kConvolution},
    KindRow{"ConvTranspose", LayerType::kDeconvolution},
    row("MaxPool", LayerType::kPooling, PoolingType::kMax),
    row("AveragePool", LayerType::kPooling, PoolingType::kAverage),
    row("GlobalAveragePool", kRed, R::kAvg),
    row("GlobalMaxPool", kRed, R::kMax),
    row("Relu", kAct, A::kRelu),
    row("Sigmoid", kAct, A::kSigmoid),
    row("Tanh", kAct, A::kTanh),
    row("LeakyRelu", kAct, A::kLeakyRelu),
    row("Elu", kAct, A::kElu),
    row("Selu", kAct, A::kSelu),
    row("Softsign", kAct, A::kSoftsign),
    row("Softplus", kAct, A::kSoftplus),
    row("Clip", kAct, A::kClip),
    row("HardSigmoid", kAct, A::kHardSigmoid),
    row("ThresholdedRelu", kAct, A::kThresholdedRelu),
    row("Gelu", kAct, A::kGeluErf),
    row("Add", kElt, E::kSum),
    row("Sum", kElt, E::kSum),
    row("Mul", kElt, E::kProd),
    row("Max", kElt, E::kMax),
    row("Min", kElt, E::kMin),
    row("Sub", kElt, E::kSub),
    row("Div", kElt, E::kDiv),
    row("Pow", kElt, E::kPow),
    row("And", kElt, E::kAnd),
    row("Or", kElt, E::kOr),
    row("Xor", kElt, E::kXor),
    row("Equal", kElt, E::kEqual),
    row("Greater", kElt, E::kGreater),
    row("Less", kElt, E::kLess),
    row("Exp", kUn, U::kExp),
    row("Log", kUn, U::kLog),
    row("Sqrt", kUn, U::kSqrt),
    row("Reciprocal", kUn, U::kRecip),
    row("Abs", kUn, U::kAbs),
    row("Neg", kUn, U::kNeg),
    row("Sin", kUn, U::kSin),
    row("Cos", kUn, U::kCos),
    row("Tan", kUn, U::kTan),
    row("Sinh", kUn, U::kSinh),
    row("Cosh", kUn, U::kCosh),
    row("Asin", kUn, U::kAsin),
    row("Acos", kUn, U::kAcos),
    row("Atan", kUn, U::kAtan),
    row("Asinh", kUn, U::kAsinh),
    row("Acosh", kUn, U::kAcosh),
    row("Atanh", kUn, U::kAtanh),
    row("Ceil", kUn, U::kCeil),
    row("Floor", kUn, U::kFloor),
    row("Erf", kUn, U::kErf),
    row("Not", kUn, U::kNot),
    row("Sign", kUn, U::kSign),
    row("Round", kUn, U::kRound),
    row("ReduceSum", kRed, R::kSum),
    row("ReduceProd", kRed, R::kProd),
    row("ReduceMax", kRed, R::kMax),
    row("ReduceMin", kRed, R::kMin),
    row("ReduceMean", kRed, R::kAvg),
    KindRow{"BatchNormalization", LayerType::kScale},
    KindRow{"InstanceNormalization", LayerType::kNormalization},
    KindRow{"LayerNormalization", LayerType::kNormalization},
    KindRow{"GroupNormalization", LayerType::kNormalization},
    KindRow{"LRN", LayerType::kLrn},
    KindRow{"Softmax", LayerType::kSoftmax},
    KindRow{"Concat", LayerType::kConcatenation},
    KindRow{"MatMul", LayerType::kMatrixMultiply},
    KindRow{"Gemm", LayerType::kMatrixMultiply},
    KindRow{"Reshape", LayerType::kShuffle},
    KindRow{"Flatten", LayerType::kShuffle},
    KindRow{"Transpose", LayerType::kShuffle},
    KindRow{"Squeeze", LayerType::kShuffle},
    KindRow{"Unsqueeze", LayerType::kShuffle},
    KindRow{"DepthToSpace", LayerType::kShuffle},
    KindRow{"SpaceToDepth", LayerType::kShuffle},
    KindRow{"Slice", LayerType::kSlice},
    KindRow{"Split", LayerType::kSlice},
    KindRow{"Expand", LayerType::kSlice},
    KindRow{"Tile", LayerType::kSlice},
    KindRow{"Pad", LayerType::kPadding},
    KindRow{"Resize", LayerType::kResize},
    KindRow{"Upsample", LayerType::kResize},
    KindRow{"PRelu", LayerType::kParametricRelu},
    KindRow{"Identity", LayerType::kIdentity},
    KindRow{"Dropout", LayerType::kIdentity},
    KindRow{"Cast", LayerType::kCast},
    KindRow{"Gather", LayerType::kGather},
    KindRow{"GatherND", LayerType::kGather},
    KindRow{"GatherElements", LayerType::kGather},
    KindRow{"TopK", LayerType::kTopk},
    KindRow{"ArgMax", LayerType::kTopk},
    KindRow{"ArgMin", LayerType::kTopk},
    KindRow{"Where", LayerType::kSelect},
    KindRow{"Shape", LayerType::kShape},
    KindRow{"Constant", LayerType::kConstant},
    KindRow{"QuantizeLinear", LayerType::kQuantize},
    KindRow{"DequantizeLinear", LayerType::kDequantize},
    KindRow{"Einsum", LayerType::kEinsum},
    KindRow{"LSTM", LayerType::kRecurrence},
    KindRow{"GRU", LayerType::kRecurrence},
    KindRow{"RNN", LayerType::kRecurrence},
    KindRow{"Loop", LayerType::kLoopOutput},
    KindRow{"Scan", LayerType::kLoopOutput},
    KindRow{"If", LayerType::kCondition},
    KindRow{"Range", LayerType::kFill},
    KindRow{"ConstantOfShape", LayerType::kFill},
};

Constant constant_operand(const LayerState& layer, size_t index) {
  return index < layer.operands.size() ? layer.operands[index].constant : nullptr;
}

/// Attributes of a window; the file has been imported, so a wrong type of attribute only leaves the parameter
/// unset.
void describe_window(LayerState& layer, const Dims& kernel) {
  const graph::Node& node = *layer.original;
  const auto n = kernel.size();
  const auto pads = graph::ints_attribute(node, "pads", Dims(2 * n, 0));
  const auto strides = graph::ints_attribute(node, "strides", Dims(n, 1));
  const auto automatic = graph::string_attribute(node, "auto_pad", "NOTSET");
  const auto ceil = graph::int_attribute(node, "ceil_mode", 0);
  if (!pads || !strides || !automatic || !ceil || pads->size() != 2 * n) {
    return;
  }
  PaddingMode mode = *ceil != 0 ? PaddingMode::kExplicitRoundUp : PaddingMode::kExplicitRoundDown;
  mode = *automatic == "SAME_UPPER" ? PaddingMode::kSameUpper
                                    : (*automatic == "SAME_LOWER" ? PaddingMode::kSameLower : mode);
  layer.parameters["stride"] = *strides;
  layer.parameters["pre_padding"] = Dims(pads->begin(), pads->begin() + static_cast<std::ptrdiff_t>(n));
  layer.parameters["post_padding"] = Dims(pads->begin() + static_cast<std::ptrdiff_t>(n), pads->end());
  layer.parameters["padding_mode"] = static_cast<int64_t>(mode);
}

void describe_convolution(LayerState& layer) {
  const Constant kernel = constant_operand(layer, 1);
  if (!kernel || kernel->shape.size() < 3) {
    return;
  }
  const graph::Node& node = *layer.original;
  const Dims window(kernel->shape.begin() + 2, kernel->shape.end());
  const auto groups = graph::int_attribute(node, "group", 1);
  const auto dilation = graph::ints_attribute(node, "dilations", Dims(window.size(), 1));
  if (!groups || !dilation) {
    return;
  }
  const bool forward = layer.type == LayerType::kConvolution;
  layer.parameters["num_output_maps"] = forward ? kernel->shape[0] : kernel->shape[1] * *groups;
  layer.parameters["kernel_size"] = window;
  layer.parameters["num_groups"] = *groups;
  layer.parameters["dilation"] = *dilation;
  layer.parameters["kernel"] = kernel;
  const bool has_bias =
      layer.operands.size() > 2 && (layer.operands[2].constant || layer.operands[2].tensor != nullptr);
  if (!has_bias) {
    auto none = std::make_shared<graph::Tensor>();
    none->type = kernel->type;
    none->shape = {0};
    layer.parameters["bias"] = Constant(std::move(none));
  } else if (layer.operands[2].constant) {
    layer.parameters["bias"] = layer.operands[2].constant;
  }
  const bool output_padding =
      node.attributes.contains("output_padding") || node.attributes.contains("output_shape");
  if (!output_padding) {
    describe_window(layer, window);
  }
}

void describe_pooling(LayerState& layer) {
  const graph::Node& node = *layer.original;
  const auto window = graph::ints_attribute(node, "kernel_shape", {});
  const auto include = graph::int_attribute(node, "count_include_pad", 0);
  if (!window || !include || node.attributes.contains("dilations") || layer.outputs.size() > 1) {
    return;
  }
  layer.parameters["window_size"] = *window;
  layer.parameters["average_count_excludes_padding"] = static_cast<int64_t>(*include == 0);
  layer.parameters["blend_factor"] = 0.0;
  describe_window(layer, *window);
}

void describe_activation(LayerState& layer) {
  const graph::Node& node = *layer.original;
  const auto kind = static_cast<ActivationType>(std::get<int64_t>(layer.parameters.at("type")));
  const double alpha =
      kind == A::kLeakyRelu
          ? 0.01
          : (kind == A::kHardSigmoid ? 0.2 : (kind == A::kSelu ? 1.67326319217681884765625 : 1.0));
  const double beta = kind == A::kHardSigmoid ? 0.5 : (kind == A::kSelu ? 1.05070102214813232421875 : 1.0);
  if (kind == A::kClip) {
    return;  // its bounds are operands or attributes by opset; the node stays as it is
  }
  const auto a = graph::float_attribute(node, "alpha", static_cast<float>(alpha));
  const auto b = graph::float_attribute(node, kind == A::kSelu ? "gamma" : "beta", static_cast<float>(beta));
  if (a && b) {
    layer.parameters["alpha"] = static_cast<double>(*a);
    layer.parameters["beta"] = static_cast<double>(*b);
  }
}

void describe_axis(LayerState& layer, size_t rank) {
  const auto axis = graph::int_attribute(*layer.original, "axis", layer.type == LayerType::kSoftmax ? -1 : 0);
  if (!axis) {
    return;
  }
  const int64_t positive = *axis < 0 ? *axis + static_cast<int64_t>(rank) : *axis;
  if (layer.type == LayerType::kSoftmax && positive >= 0 && positive < 32) {
    layer.parameters["axes"] = int64_t{1} << positive;
  } else if (layer.type == LayerType::kConcatenation || layer.type == LayerType::kGather) {
    layer.parameters["axis"] = positive;
  }
}

size_t first_rank(const graph::Graph& graph, const graph::Node& node) {
  const bool known =
      !node.inputs.empty() && node.inputs[0] != graph::kNoValue && graph.value(node.inputs[0]).shape;
  return known ? graph.value(node.inputs[0]).shape->size() : 4;
}

}  // namespace

void describe_onnx_node(const graph::Graph& graph, LayerState& layer) {
  const graph::Node& node = *layer.original;
  const auto at =
      std::find_if(kRows.begin(), kRows.end(), [&](const KindRow& r) { return r.op == node.op_type; });
  if (at == kRows.end() || !(node.domain.empty() || node.domain == "com.microsoft")) {
    return;
  }
  layer.type = at->type;
  if (at->value >= 0) {
    const bool has_type = layer.type == LayerType::kActivation || layer.type == LayerType::kPooling;
    layer.parameters[has_type ? "type" : "op"] = at->value;
  }
  switch (layer.type) {
    case LayerType::kConvolution:
    case LayerType::kDeconvolution:
      describe_convolution(layer);
      break;
    case LayerType::kPooling:
      describe_pooling(layer);
      break;
    case LayerType::kActivation:
      describe_activation(layer);
      break;
    case LayerType::kSoftmax:
    case LayerType::kConcatenation:
    case LayerType::kGather:
      describe_axis(layer, first_rank(graph, node));
      break;
    case LayerType::kReduce:
      if (node.op_type.starts_with("Global")) {
        layer.parameters["axes"] = int64_t{((1 << first_rank(graph, node)) - 1) & ~3};
        layer.parameters["keep_dims"] = int64_t{1};
      }
      break;
    default:
      break;
  }
}

bool fully_described(const LayerState& layer) {
  switch (layer.type) {
    case LayerType::kConvolution:
    case LayerType::kDeconvolution:
    case LayerType::kPooling:
    case LayerType::kActivation:
    case LayerType::kElementwise:
    case LayerType::kUnary:
      break;
    default:
      return false;
  }
  const auto specs = parameter_specs(layer.type);
  const bool many = layer.type == LayerType::kElementwise && layer.operands.size() != 2;
  return !many && std::all_of(specs.begin(), specs.end(), [&](const ParameterSpec& spec) {
    return layer.parameters.contains(spec.name);
  });
}

}  // namespace medlar::door

// SPDX-License-Identifier: Apache-2.0
// Text form of the layer graph.
#include "compiler/layer_graph.hpp"

#include "compiler/functions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace medlar::compiler {
namespace {

std::string_view step_name(StepKind kind) {
  switch (kind) {
    case StepKind::kAffine: return "affine";
    case StepKind::kRelu: return "relu";
    case StepKind::kPrelu: return "prelu";
    case StepKind::kMin: return "min";
    case StepKind::kMax: return "max";
    case StepKind::kAddTensor: return "add";
    case StepKind::kMulTensor: return "mul";
    case StepKind::kMaxTensor: return "max_tensor";
    case StepKind::kMinTensor: return "min_tensor";
    case StepKind::kTable: return "table";
  }
  return "?";
}

std::string_view form_text(TableForm form) {
  switch (form) {
    case TableForm::kDirect: return "";
    case TableForm::kOctaves: return " by octaves";
    case TableForm::kQuotient: return " quotient by octaves";
  }
  return "?";
}

/// "%name", and "%name#2" for the third item of a batch.
std::string tensor_text(const LayerTensor& tensor) {
  return tensor.item == 0 ? "%" + tensor.name : fmt::format("%{}#{}", tensor.name, tensor.item);
}

std::string step_text(const LayerGraph& graph, const Step& step) {
  std::string text(step_name(step.kind));
  if (step.kind == StepKind::kTable) {
    text += fmt::format("({}{})", function_spec(step.function).name, form_text(step.form));
  } else if (step.operand != kNoTensor) {
    text += fmt::format("({})", tensor_text(graph.tensor(step.operand)));
  } else if (step.kind == StepKind::kMin || step.kind == StepKind::kMax) {
    text += fmt::format("({})", step.add.empty() ? 0.0f : step.add[0]);
  } else if (step.kind == StepKind::kAffine) {
    text += fmt::format("(mul {}, add {})", step.mul.size(), step.add.size());
  }
  return text;
}

struct BodyText {
  std::string operator()(const ConvLayer& conv) const {
    std::string text = fmt::format("conv {}x{}x{}x{}", conv.k, conv.c / conv.groups, conv.r, conv.s);
    if (conv.groups != 1) {
      text += fmt::format(" groups {}", conv.groups);
    }
    text += fmt::format(" stride {},{} pad {},{},{},{}", conv.stride_x, conv.stride_y, conv.pad_left, conv.pad_right,
                        conv.pad_top, conv.pad_bottom);
    if (conv.dilation_x != 1 || conv.dilation_y != 1) {
      text += fmt::format(" dilation {},{}", conv.dilation_x, conv.dilation_y);
    }
    return text;
  }
  std::string operator()(const SdpLayer&) const { return "sdp"; }
  std::string operator()(const PoolLayer& layer) const {
    const PoolOp& pool = layer.pool;
    const std::string_view mode = pool.mode == PoolMode::kMax ? "max" : "average";
    return fmt::format("pool {} {}x{} stride {},{} pad {},{},{},{}", mode, pool.kernel_w, pool.kernel_h, pool.stride_x,
                       pool.stride_y, pool.pad_left, pool.pad_right, pool.pad_top, pool.pad_bottom);
  }
  std::string operator()(const LrnLayer& lrn) const {
    return fmt::format("lrn {} alpha {} beta {} bias {}", lrn.size, lrn.alpha, lrn.beta, lrn.bias);
  }
  std::string operator()(const InterleaveLayer& layer) const {
    return fmt::format("{} {},{}", layer.op.repeat ? "repeat" : "interleave", layer.op.stride_x, layer.op.stride_y);
  }
};

}  // namespace

uint64_t macs_of(const LayerGraph& graph, const Layer& layer) {
  const auto* conv = std::get_if<ConvLayer>(&layer.body);
  if (conv == nullptr) {
    return 0;
  }
  const LayerTensor& dst = graph.tensor(layer.dst);
  const auto per_output = static_cast<uint64_t>(conv->c / conv->groups) * static_cast<uint64_t>(conv->r) *
                          static_cast<uint64_t>(conv->s);
  return per_output * static_cast<uint64_t>(dst.w) * static_cast<uint64_t>(dst.h) * static_cast<uint64_t>(dst.c);
}

std::string to_text(const LayerGraph& graph) {
  std::string text;
  for (const Layer& layer : graph.layers) {
    const LayerTensor& dst = graph.tensor(layer.dst);
    text += fmt::format("{} {}x{}x{} = {}({})", tensor_text(dst), dst.c, dst.h, dst.w, std::visit(BodyText{}, layer.body),
                        tensor_text(graph.tensor(layer.src)));
    for (const Step& step : layer.steps) {
      text += fmt::format(" -> {}", step_text(graph, step));
    }
    text += fmt::format(" from {}\n", fmt::join(layer.origins, ","));
  }
  return text;
}

}  // namespace medlar::compiler

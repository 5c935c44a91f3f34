// SPDX-License-Identifier: Apache-2.0
// LRN over channels: the CDP.
#include "compiler/legalise/rows.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

Result<LrnLayer> read_lrn(const graph::Node& node) {
  LrnLayer lrn;
  MEDLAR_ASSIGN(const int64_t size, graph::int_attribute(node, "size", 0));
  MEDLAR_ASSIGN(lrn.alpha, graph::float_attribute(node, "alpha", 1e-4f));
  MEDLAR_ASSIGN(lrn.beta, graph::float_attribute(node, "beta", 0.75f));
  MEDLAR_ASSIGN(lrn.bias, graph::float_attribute(node, "bias", 1.0f));
  const hw::Range range = hw::kLimits.cdp.local_size;
  if (size < 0 || size % 2 == 0 || !range.contains(static_cast<uint64_t>(size))) {
    return fail(Code::kUnsupported, "size is {}, possible are odd numbers from {} to {}", size, range.min, range.max);
  }
  lrn.size = static_cast<int>(size);
  if (!(lrn.alpha >= 0.0f && lrn.bias > 0.0f && lrn.beta >= 0.0f && lrn.beta <= 4.0f)) {
    return fail(Code::kUnsupported, "alpha {}, beta {}, bias {}: possible are alpha >= 0, beta in 0..4, bias > 0", lrn.alpha,
                lrn.beta, lrn.bias);
  }
  return lrn;
}

}  // namespace

Verdict check_lrn(const Question& question, const graph::Node& node) {
  if (!question.config.cdp) {
    return Refusal{Reason::kMissingUnit, "CDP", ""};
  }
  const auto lrn = read_lrn(node);
  return lrn ? Verdict{} : Refusal{Reason::kAttribute, lrn.error().message, ""};
}

Status lower_lrn(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(const LrnLayer lrn, read_lrn(node));
  const TensorId src = source_tensor(lowering, node.inputs[0]);
  add_layer(lowering, node, src, size_of(lowering.layers.tensor(src))).body = lrn;
  return {};
}

}  // namespace medlar::compiler

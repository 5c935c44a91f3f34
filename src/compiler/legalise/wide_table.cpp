// SPDX-License-Identifier: Apache-2.0
// FP16: functions that no table holds over all of FP16's numbers. The first table writes x as its octave,
// which the second turns into the function; functions of either sign are x times an even function. Periodic
// ones read the remainder.
#include "compiler/functions.hpp"
#include "compiler/legalise/rows.hpp"

#include <algorithm>
#include <numbers>

namespace medlar::compiler {
namespace {

constexpr float kReachOfOctaves = 40.0f;
constexpr float kReachOfHalves = 65504.0f;

/// A tensor between the layers of the node, of the size of its source.
TensorId between(Lowering& lowering, const graph::Node& node, std::string_view part, TensorId src,
                 float reach) {
  const TensorId id = inner_tensor(lowering, item_name(fmt::format("{}/{}", node.name, part), lowering.item),
                                   "", size_of(lowering.layers.tensor(src)));
  lowering.layers.tensor(id).reach = reach;
  lowering.layers.tensor(id).item = lowering.item;
  return id;
}

TensorId add_octaves(Lowering& lowering, const graph::Node& node, TensorId src, bool of_magnitude) {
  const TensorId octaves = between(lowering, node, "octave", src, kReachOfOctaves);
  Layer& layer = add_part(lowering, node, "octave", src, octaves);
  if (of_magnitude) {
    layer.steps.push_back({.kind = StepKind::kPrelu, .mul = {-1.0f}});
  }
  layer.steps.push_back({.kind = StepKind::kTable, .function = Function::kOctave});
  return octaves;
}

TensorId add_inner_table(Lowering& lowering, const graph::Node& node, TensorId octaves, const Step& step) {
  const TensorId table = between(lowering, node, "table", octaves, kReachOfHalves);
  add_part(lowering, node, "table", octaves, table).steps = {step};
  return table;
}

/// src times `factors`, as the result of the node.
void add_product(Lowering& lowering, const graph::Node& node, TensorId src,
                 std::initializer_list<TensorId> factors) {
  Layer& layer = add_layer(lowering, node, src, size_of(lowering.layers.tensor(src)));
  for (const TensorId factor : factors) {
    layer.steps.push_back({.kind = StepKind::kMulTensor, .operand = factor});
  }
  layer.steps.back().value = lowering.question.graph.value(node.outputs[0]).name;
}

/// Exponents whose table would be too coarse: x^p is x^(p-2) * x * x, or (x^(p/2))^2.
void lower_steep_power(Lowering& lowering, const graph::Node& node, TensorId src, Step step) {
  const bool rises = step.alpha > 0.0f;
  step.alpha = rises ? step.alpha - 2.0f : step.alpha / 2.0f;
  step.form = TableForm::kOctaves;
  const TensorId octaves = add_octaves(lowering, node, src, false);
  const TensorId table = add_inner_table(lowering, node, octaves, step);
  if (rises) {
    add_product(lowering, node, table, {src, src});
  } else {
    add_product(lowering, node, table, {table});
  }
}

/// x * (f(|x|) / |x|)
void lower_odd(Lowering& lowering, const graph::Node& node, TensorId src, Step step) {
  step.form = TableForm::kQuotient;
  const TensorId octaves = add_octaves(lowering, node, src, true);
  add_product(lowering, node, src, {add_inner_table(lowering, node, octaves, step)});
}

/// A table's y for 1 / |x|, then y * (2 - |x| * y), which squares its error, then the sign.
void lower_reciprocal(Lowering& lowering, const graph::Node& node, TensorId src) {
  const Step table{.kind = StepKind::kTable, .function = Function::kReciprocal, .form = TableForm::kOctaves};
  const TensorId first = add_inner_table(lowering, node, add_octaves(lowering, node, src, true), table);
  const TensorId rest = between(lowering, node, "rest", src, 2.0f);
  add_part(lowering, node, "rest", src, rest).steps = {{.kind = StepKind::kPrelu, .mul = {-1.0f}},
                                                       {.kind = StepKind::kMulTensor, .operand = first},
                                                       {.kind = StepKind::kAffine, .add = {-2.0f}}};
  const TensorId sign = between(lowering, node, "sign", src, 1.0f);
  add_part(lowering, node, "sign", src, sign).steps = {
      {.kind = StepKind::kTable, .function = Function::kSign}};
  add_layer(lowering, node, first, size_of(lowering.layers.tensor(first))).steps = {
      {.kind = StepKind::kMulTensor, .operand = rest},
      {.kind = StepKind::kAffine, .mul = {-1.0f}},
      {.kind = StepKind::kMulTensor,
       .operand = sign,
       .value = lowering.question.graph.value(node.outputs[0]).name}};
}

/// A table's y for x^-1/2, then y * (3 - x * y * y) / 2, which squares its error.
void lower_inverse_root(Lowering& lowering, const graph::Node& node, TensorId src, Step step) {
  step.form = TableForm::kOctaves;
  const TensorId first = add_inner_table(lowering, node, add_octaves(lowering, node, src, false), step);
  const TensorId rest = between(lowering, node, "rest", src, 3.0f);
  add_part(lowering, node, "rest", src, rest).steps = {{.kind = StepKind::kMulTensor, .operand = first},
                                                       {.kind = StepKind::kMulTensor, .operand = first},
                                                       {.kind = StepKind::kAffine, .add = {-3.0f}}};
  add_layer(lowering, node, first, size_of(lowering.layers.tensor(first))).steps = {
      {.kind = StepKind::kMulTensor, .operand = rest},
      {.kind = StepKind::kAffine, .mul = {-0.5f}, .value = lowering.question.graph.value(node.outputs[0]).name}};
}

/// x - 2 pi * round(x / (2 pi)): FP16 has no fractions from 1024 to 2048, so that storing x / (2 pi) + 1536
/// rounds it. 2 pi is the sum of two FP16 numbers, and 1536 times the first is one, too.
void lower_periodic(Lowering& lowering, const graph::Node& node, TensorId src, Step step) {
  constexpr double kPeriod = 2.0 * std::numbers::pi;
  constexpr double kPeriodInHalf = 6.28125;
  constexpr double kMiddle = 1536.0;
  const auto affine = [](double mul, double add) {
    return Step{
        .kind = StepKind::kAffine, .mul = {static_cast<float>(mul)}, .add = {static_cast<float>(add)}};
  };
  const TensorId turns = between(lowering, node, "turns", src, 2048.0f);
  add_part(lowering, node, "turns", src, turns).steps = {affine(1.0 / kPeriod, kMiddle)};
  const TensorId coarse = between(lowering, node, "coarse", src, 8.0f);
  add_part(lowering, node, "coarse", turns, coarse).steps = {affine(-kPeriodInHalf, kMiddle * kPeriodInHalf),
                                                             {.kind = StepKind::kAddTensor, .operand = src}};
  constexpr double kRest = kPeriod - kPeriodInHalf;
  step.value = lowering.question.graph.value(node.outputs[0]).name;
  add_layer(lowering, node, turns, size_of(lowering.layers.tensor(turns))).steps = {
      affine(-kRest, kMiddle * kRest), {.kind = StepKind::kAddTensor, .operand = coarse}, std::move(step)};
}

}  // namespace

bool is_wide_table(const Question& question, const graph::Node& node, const Step& step) {
  return function_spec(step.function).reach != Reach::kTable && precision_of(question, node) == hw::Precision::kFp16;
}

void lower_wide_table(Lowering& lowering, const graph::Node& node, Step step) {
  const TensorId src = source_tensor(lowering, node.inputs[0]);
  constexpr float kSteep = 2.0f;
  constexpr float kFalling = -1.0f;
  constexpr float kInverseRoot = -0.5f;
  if (step.function == Function::kReciprocal) {
    lower_reciprocal(lowering, node, src);
    return;
  }
  if (step.function == Function::kPower && step.alpha == kInverseRoot) {
    lower_inverse_root(lowering, node, src, std::move(step));
    return;
  }
  if (function_spec(step.function).reach == Reach::kPeriodic) {
    lower_periodic(lowering, node, src, std::move(step));
    return;
  }
  if (function_spec(step.function).reach == Reach::kOdd) {
    lower_odd(lowering, node, src, std::move(step));
    return;
  }
  if (step.function == Function::kPower && (step.alpha > kSteep || step.alpha < kFalling)) {
    lower_steep_power(lowering, node, src, std::move(step));
    return;
  }
  const TensorId octaves = add_octaves(lowering, node, src, false);
  step.form = TableForm::kOctaves;
  step.value = lowering.question.graph.value(node.outputs[0]).name;
  add_layer(lowering, node, octaves, size_of(lowering.layers.tensor(octaves))).steps = {step};
}

}  // namespace medlar::compiler

// SPDX-License-Identifier: Apache-2.0
// Normalisations: ONNX's own node where it says the same, their arithmetic otherwise.
#include "api/public/emitter.hpp"

#include <algorithm>
#include <bit>

#include <fmt/ranges.h>

namespace medlar::door {
namespace {

using graph::ValueId;

Dims axes_of(uint32_t mask) {
  Dims axes;
  for (int i = 0; i < 32; ++i) {
    if ((mask >> i & 1U) != 0) {
      axes.push_back(i);
    }
  }
  return axes;
}

ValueId mean(Emitter& out, ValueId x, const Dims& axes) {
  if (out.opset() >= 18) {
    return out.step("ReduceMean", {x, out.ints(axes, "axes")}, {{"keepdims", int64_t{1}}});
  }
  return out.step("ReduceMean", {x}, {{"axes", axes}, {"keepdims", int64_t{1}}});
}

int64_t count_of(Emitter& out, size_t index) {
  return graph::element_count(out.input_dims(index)).value_or(-1);
}

/// (x - mean) / sqrt(variance + epsilon)
ValueId normalised(Emitter& out, ValueId x, const Dims& axes) {
  const ValueId centred = out.step("Sub", {x, mean(out, x, axes)});
  const ValueId variance = mean(out, out.step("Mul", {centred, centred}), axes);
  const ValueId epsilon = out.scalar(static_cast<float>(out.float_of("epsilon")), "epsilon");
  return out.step("Div", {centred, out.step("Sqrt", {out.step("Add", {variance, epsilon})})});
}

/// Scale or bias; those with one value a group become one value a channel.
ValueId spread(Emitter& out, size_t index, const Dims& input, int64_t groups) {
  if (groups == 1 || groups == input[1] || count_of(out, index) != groups) {
    return out.operand(index);
  }
  const ValueId column = out.step("Reshape", {out.operand(index), out.ints({groups, 1}, "group_shape")});
  const ValueId wide = out.step("Expand", {column, out.ints({groups, input[1] / groups}, "channel_shape")});
  Dims shape(input.size(), 1);
  shape[1] = input[1];
  return out.step("Reshape", {wide, out.ints(shape, "scale_shape")});
}

void emit_groups(Emitter& out, const Dims& input, const Dims& axes) {
  const int64_t groups = out.int_of("num_groups");
  if (axes !=
          [&] {
            Dims right;
            for (size_t i = 2; i < input.size(); ++i) {
              right.push_back(static_cast<int64_t>(i));
            }
            return right;
          }() ||
      input.size() < 3 || input[1] < 1 || groups < 1 || input[1] % groups != 0) {
    raise(
        ErrorCode::kInvalidArgument,
        "layer '{}': {} groups over axes [{}] of [{}]: the groups divide axis 1, the axes are all behind it",
        out.layer().name, groups, fmt::join(axes, ","), fmt::join(input, ","));
  }
  const ValueId grouped = out.step("Reshape", {out.operand(0), out.ints({0, groups, -1}, "groups")});
  const ValueId flat = normalised(out, grouped, {2});
  Dims back = input;
  back[0] = input[0] < 0 ? 0 : input[0];
  if (std::count_if(back.begin() + 1, back.end(), [](int64_t d) { return d < 0; }) != 0) {
    refuse(out, "groups over open dimensions");
  }
  const ValueId shaped = out.step("Reshape", {flat, out.ints(back, "shape")});
  const ValueId scaled = out.step("Mul", {shaped, spread(out, 1, input, groups)});
  out.node("Add", {scaled, spread(out, 2, input, groups)}, {out.output(0)});
}

bool is_tail(const Dims& axes, size_t rank) {
  return !axes.empty() && axes.size() <= rank && axes.back() == static_cast<int64_t>(rank) - 1 &&
         axes.back() - axes.front() + 1 == static_cast<int64_t>(axes.size());
}

}  // namespace

void emit_normalization(Emitter& out) {
  const Dims input = out.input_dims(0);
  const auto mask = static_cast<uint32_t>(out.int_of("axes"));
  const Dims axes = axes_of(mask);
  if (axes.back() >= static_cast<int64_t>(input.size())) {
    raise(ErrorCode::kInvalidArgument, "layer '{}': axes {:#x} of a tensor [{}]", out.layer().name, mask,
          fmt::join(input, ","));
  }
  if (out.int_of("num_groups") != 1) {
    return emit_groups(out, input, axes);
  }
  const auto epsilon = static_cast<float>(out.float_of("epsilon"));
  const auto both = [&](int64_t count) {
    return count > 0 && count_of(out, 1) == count && count_of(out, 2) == count;
  };
  const auto reshaped = [&](size_t index, const Dims& shape) {
    return out.step("Reshape", {out.operand(index), out.ints(shape, "shape")});
  };
  const bool tail = is_tail(axes, input.size());
  const Dims normal(input.end() - static_cast<std::ptrdiff_t>(axes.size()), input.end());
  if (tail && input.size() >= 3 && axes.front() == 2 && both(input[1])) {
    out.node("InstanceNormalization", {out.operand(0), reshaped(1, {input[1]}), reshaped(2, {input[1]})},
             {out.output(0)}, {{"epsilon", epsilon}});
    return;
  }
  if (tail && out.opset() >= 17 && both(graph::element_count(normal).value_or(-1))) {
    out.node("LayerNormalization", {out.operand(0), reshaped(1, normal), reshaped(2, normal)},
             {out.output(0)}, {{"axis", axes.front()}, {"epsilon", epsilon}});
    return;
  }
  const ValueId scaled = out.step("Mul", {normalised(out, out.operand(0), axes), out.operand(1)});
  out.node("Add", {scaled, out.operand(2)}, {out.output(0)});
}

}  // namespace medlar::door

// SPDX-License-Identifier: Apache-2.0
// Slices, also those that reach beyond their input, and numbers in a row.
#include "api/public/emitter.hpp"
#include "api/public/types.hpp"

#include <algorithm>
#include <limits>

#include <fmt/ranges.h>

namespace medlar::door {
namespace {

using graph::ValueId;

/// The integers of an input that a constant layer made, or of the parameter; nullopt where only a run tells.
std::optional<Dims> known(Emitter& out, size_t index, std::string_view parameter) {
  if (out.operand(index) == graph::kNoValue) {
    return out.dims_of(parameter);
  }
  const Constant data = out.constant_operand(index);
  return data ? graph::to_ints(*data) : std::nullopt;
}

Dims all_axes(size_t rank) {
  Dims axes(rank);
  for (size_t i = 0; i < rank; ++i) {
    axes[i] = static_cast<int64_t>(i);
  }
  return axes;
}

/// Start, size or stride are computed by the network.
void emit_open_slice(Emitter& out) {
  if (out.int_of("mode") != static_cast<int64_t>(SliceMode::kStrict)) {
    refuse(out, "slice modes other than STRICT_BOUNDS where start, size or stride are tensors");
  }
  constexpr std::array<const char*, 3> kNames{"start", "shape", "stride"};
  std::array<ValueId, 3> values{};
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = out.operand(i + 1) != graph::kNoValue ? out.int64_operand(i + 1)
                                                      : out.ints(out.dims_of(kNames[i]), kNames[i]);
  }
  const ValueId ends = out.step("Add", {values[0], out.step("Mul", {values[1], values[2]})});
  const ValueId axes = out.ints(all_axes(out.input_dims(0).size()), "axes");
  out.node("Slice", {out.operand(0), values[0], ends, axes, values[2]}, {out.output(0)});
}

/// What a slice reads beyond its input is padded on first.
ValueId padded(Emitter& out, const Dims& before, const Dims& after) {
  constexpr std::array<const char*, 5> kModes{"", "", "edge", "constant", "reflect"};
  const std::string mode = row(out, kModes, out.int_of("mode"), "slice mode");
  if (mode.empty()) {
    refuse(out, "slice mode WRAP beyond the input");
  }
  need_opset(out, 11);
  Dims pads = before;
  pads.insert(pads.end(), after.begin(), after.end());
  std::vector<ValueId> inputs{out.operand(0), out.ints(pads, "pads")};
  if (mode == "constant" && out.operand(4) != graph::kNoValue) {
    inputs.push_back(out.operand(4));
  } else if (const double fill = out.float_of("fill"); mode == "constant" && fill != 0.0) {
    inputs.push_back(out.scalar(static_cast<float>(fill), "fill"));
  }
  return out.step("Pad", inputs, {{"mode", mode}});
}

}  // namespace

void emit_slice(Emitter& out) {
  need_opset(out, 10);
  auto start = known(out, 1, "start");
  const auto shape = known(out, 2, "shape");
  const auto stride = known(out, 3, "stride");
  if (!start || !shape || !stride) {
    return emit_open_slice(out);
  }
  const Dims input = out.input_dims(0);
  const bool strict = out.int_of("mode") == static_cast<int64_t>(SliceMode::kStrict);
  const size_t rank = input.size();
  bool fits = start->size() == rank && shape->size() == rank && stride->size() == rank;
  Dims ends, before(rank, 0), after(rank, 0);
  for (size_t i = 0; fits && i < rank; ++i) {
    const int64_t step = (*stride)[i];
    const int64_t last = (*start)[i] + ((*shape)[i] - 1) * step;
    const int64_t low = std::min((*start)[i], last), high = std::max((*start)[i], last);
    before[i] = std::max<int64_t>(0, -low);
    after[i] = input[i] < 0 ? 0 : std::max<int64_t>(0, high + 1 - input[i]);
    fits =
        (*shape)[i] > 0 && step != 0 && (!strict || before[i] + after[i] == 0) && (strict || input[i] >= 0);
    const int64_t end = last + before[i] + (step > 0 ? 1 : -1);
    ends.push_back(end < 0 ? std::numeric_limits<int64_t>::min() : end);
    (*start)[i] += before[i];
  }
  if (!fits) {
    raise(ErrorCode::kInvalidArgument, "layer '{}': start [{}], shape [{}], stride [{}] leave the input [{}]",
          out.layer().name, fmt::join(*start, ","), fmt::join(*shape, ","), fmt::join(*stride, ","),
          fmt::join(input, ","));
  }
  const bool beyond = before != Dims(rank, 0) || after != Dims(rank, 0);
  const ValueId from = beyond ? padded(out, before, after) : out.operand(0);
  out.node("Slice",
           {from, out.ints(*start, "starts"), out.ints(ends, "ends"), out.ints(all_axes(rank), "axes"),
            out.ints(*stride, "steps")},
           {out.output(0)});
}

namespace {

/// Element indices of a tensor, one row an element.
std::vector<float> grid_of(const Dims& dims) {
  std::vector<float> grid;
  const auto count = static_cast<int64_t>(volume(dims));
  for (int64_t flat = 0; flat < count; ++flat) {
    int64_t rest = flat, below = count;
    for (const int64_t dim : dims) {
      below /= dim;
      grid.push_back(static_cast<float>(rest / below));
      rest %= below;
    }
  }
  return grid;
}

/// Start and steps are tensors: alpha + the sum over all dimensions of beta times the index.
void emit_open_fill(Emitter& out, const Dims& dims, graph::DataType type) {
  const auto rank = static_cast<int64_t>(dims.size());
  if (out.operand(1) == graph::kNoValue || out.operand(2) == graph::kNoValue) {
    refuse(out, "a fill with only one of start (input 1) and steps (input 2) as a tensor");
  }
  const auto as_float = [&](size_t index) {
    return out.step("Cast", {out.operand(index)}, {{"to", static_cast<int64_t>(graph::DataType::kFloat32)}});
  };
  const ValueId steps = out.step("Reshape", {as_float(2), out.ints({rank, 1}, "steps_shape")});
  auto grid = std::make_shared<graph::Tensor>(graph::make_tensor(
      graph::DataType::kFloat32, {static_cast<int64_t>(volume(dims)), rank}, grid_of(dims)));
  const ValueId start = out.step("Reshape", {as_float(1), out.ints({1}, "start_shape")});
  const ValueId sum = out.step("Add", {out.step("MatMul", {out.constant(grid, "grid"), steps}), start});
  const ValueId shaped = out.step("Reshape", {sum, out.ints(dims, "shape")});
  out.node("Cast", {shaped}, {out.output(0)}, {{"to", static_cast<int64_t>(type)}});
}

}  // namespace

void emit_fill(Emitter& out) {
  Dims dims = out.dims_of("shape");
  if (out.operand(0) != graph::kNoValue) {
    const Constant given = out.constant_operand(0);
    const auto values = given ? graph::to_ints(*given) : std::nullopt;
    if (!values) {
      refuse(out, "a fill whose dimensions (input 0) the network computes");
    }
    dims = *values;
  }
  const graph::DataType type = graph_type(static_cast<DataType>(out.int_of("to_type")));
  if (out.operand(1) != graph::kNoValue || out.operand(2) != graph::kNoValue) {
    return emit_open_fill(out, dims, type);
  }
  if (dims.size() != 1) {
    refuse(out, fmt::format("LINSPACE of [{}]: one dimension, or start and steps as inputs 1 and 2",
                            fmt::join(dims, ",")));
  }
  std::vector<float> values;
  for (int64_t i = 0; i < dims[0]; ++i) {
    values.push_back(
        static_cast<float>(out.float_of("alpha") + out.float_of("beta") * static_cast<double>(i)));
  }
  auto data = std::make_shared<graph::Tensor>(graph::make_tensor(graph::DataType::kFloat32, dims, values));
  out.node("Cast", {out.constant(data, "values")}, {out.output(0)}, {{"to", static_cast<int64_t>(type)}});
}

}  // namespace medlar::door

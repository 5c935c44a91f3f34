// SPDX-License-Identifier: Apache-2.0
// Concat. Parts that begin at a memory atom, and parts side by side in space, are copies into windows of the result, which
// fusion turns into writes in place; otherwise every part goes through a channel shift, and the shifted parts are summed.
// Fusion makes a shift part of the convolution before it; where the shifts' weights alone would be large, bands of the
// result are shifted instead, each from the channels it needs.
#include <algorithm>

#include "compiler/legalise/rows.hpp"

namespace medlar::compiler {
namespace {

int64_t axis_of(const graph::Node& node, size_t rank) {
  const int64_t axis = graph::int_attribute(node, "axis", 1).value_or(0);
  return axis < 0 ? axis + static_cast<int64_t>(rank) : axis;
}

std::vector<TensorId> part_tensors(Lowering& lowering, const graph::Node& node) {
  std::vector<TensorId> parts;
  for (const graph::ValueId id : node.inputs) {
    parts.push_back(source_tensor(lowering, id));
  }
  return parts;
}

bool parts_at_atoms(const Lowering& lowering, const std::vector<TensorId>& parts) {
  const auto atom = static_cast<int>(lowering.question.config.channels_per_atom(lowering.question.precision));
  int first = 0;
  for (const TensorId part : parts) {
    if (first % atom != 0) {
      return false;
    }
    first += lowering.layers.tensor(part).c;
  }
  return true;
}

std::string part_name(size_t part) { return fmt::format("part{}", part); }

/// `axis`: 1 channels, 2 rows, 3 columns.
void lower_windows(Lowering& lowering, const graph::Node& node, const std::vector<TensorId>& parts, int axis, TensorId whole) {
  Corner corner;
  for (size_t i = 0; i < parts.size(); ++i) {
    const Cube size = size_of(lowering.layers.tensor(parts[i]));
    const TensorId window = window_tensor(lowering, whole, corner, size);
    add_part(lowering, node, part_name(i), parts[i], window);
    corner.c += axis == 1 ? size.c : 0;
    corner.y += axis == 2 ? size.h : 0;
    corner.x += axis == 3 ? size.w : 0;
  }
}

bool shifts_are_wide(const Lowering& lowering, const std::vector<TensorId>& parts, int64_t channels) {
  return std::any_of(parts.begin(), parts.end(), [&](TensorId part) { return lowering.layers.tensor(part).c * channels > kWideSelection; });
}

void lower_shifts(Lowering& lowering, const graph::Node& node, const std::vector<TensorId>& parts, TensorId whole) {
  const LayerTensor result = lowering.layers.tensor(whole);
  int first = 0;
  TensorId sum = kNoTensor;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    const TensorId dst = last ? whole : inner_tensor(lowering, result.name + "/" + part_name(i), result.range, size_of(result));
    const int channels = lowering.layers.tensor(parts[i]).c;
    Layer& layer = add_part(lowering, node, part_name(i), parts[i], dst);
    layer.body = shifted_channels(result.c, channels, first);
    if (sum != kNoTensor) {
      layer.steps.push_back({.kind = StepKind::kAddTensor, .operand = sum});
    }
    first += channels;
    sum = dst;
  }
}

/// A part and the channels [first, last) of the result that it fills.
struct Placed {
  TensorId tensor = kNoTensor;
  int first = 0, last = 0;
};

/// Channels [first, last) of the result, `first` at an atom.
struct Band {
  int first = 0, last = 0;
};

/// Cuts the result so that all but the atoms in which two parts meet belong to one part.
std::vector<Band> bands_of(const std::vector<Placed>& parts, int atom) {
  const int channels = parts.back().last;
  std::vector<Band> bands;
  const auto add = [&](int last, int step) {
    for (int first = bands.empty() ? 0 : bands.back().last; first < last; first += step) {
      bands.push_back({first, std::min(first + step, last)});
    }
  };
  for (const Placed& part : parts) {
    const int own = (part.first + atom - 1) / atom * atom;
    const int end = part.last == channels ? channels : part.last / atom * atom;
    if (own < end) {
      add(own, kBandChannels);
      add(end, part.first % atom == 0 ? end : kBandChannels);
    }
  }
  add(channels, kBandChannels);
  return bands;
}

/// The band's share of one part: a copy, or a shift out of the atoms that hold it, added to `sum`.
void lower_share(Lowering& lowering, const graph::Node& node, const Placed& part, const Band& band, TensorId sum, TensorId dst) {
  const auto atom = static_cast<int>(lowering.question.config.channels_per_atom(lowering.question.precision));
  const LayerTensor source = lowering.layers.tensor(part.tensor);
  const int from = std::max(0, band.first - part.first) / atom * atom;
  const int to = std::min(band.last, part.last) - part.first;
  const TensorId window = window_tensor(lowering, part.tensor, {.x = 0, .y = 0, .c = from}, {.w = source.w, .h = source.h, .c = to - from});
  Layer& layer = add_part(lowering, node, fmt::format("channels{}from{}", band.first, part.first), window, dst);
  const int shift = part.first + from - band.first;
  if (shift != 0 || to - from != band.last - band.first) {
    layer.body = shifted_channels(band.last - band.first, to - from, shift);
  }
  if (sum != kNoTensor) {
    layer.steps.push_back({.kind = StepKind::kAddTensor, .operand = sum});
  }
}

void lower_bands(Lowering& lowering, const graph::Node& node, const std::vector<TensorId>& tensors, TensorId whole) {
  const LayerTensor result = lowering.layers.tensor(whole);
  std::vector<Placed> parts;
  for (const TensorId tensor : tensors) {
    const int first = parts.empty() ? 0 : parts.back().last;
    parts.push_back({tensor, first, first + lowering.layers.tensor(tensor).c});
  }
  for (const Band& band : bands_of(parts, static_cast<int>(lowering.question.config.channels_per_atom(lowering.question.precision)))) {
    const Cube size{.w = result.w, .h = result.h, .c = band.last - band.first};
    TensorId sum = kNoTensor;
    for (const Placed& part : parts) {
      if (part.last <= band.first || part.first >= band.last) {
        continue;
      }
      const TensorId dst = part.last >= band.last
                               ? window_tensor(lowering, whole, {.x = 0, .y = 0, .c = band.first}, size)
                               : inner_tensor(lowering, fmt::format("{}/{}to{}", result.name, band.first, part.last), result.range, size);
      lower_share(lowering, node, part, band, sum, dst);
      sum = dst;
    }
  }
}

}  // namespace

Verdict check_concat(const Question& question, const graph::Node& node) {
  const graph::Shape& out = *question.graph.value(node.outputs[0]).shape;
  const auto axis = graph::int_attribute(node, "axis", 1);
  if (!axis || out.size() < 2 || axis_of(node, out.size()) < 1) {
    return Refusal{Reason::kAxis, axis ? fmt::format("axis is {}, possible are 1 to {}", *axis, out.size() - 1)
                                       : axis.error().message, ""};
  }
  for (const graph::ValueId id : node.inputs) {
    if (id == graph::kNoValue) {
      return Refusal{Reason::kNotConstant, "a part is omitted", ""};
    }
    const graph::Value& value = question.graph.value(id);
    if (Verdict verdict = check_cube(value)) {
      return verdict;
    }
    if (value.shape->size() != out.size() || value.shape->front() != out.front()) {
      return Refusal{Reason::kBatch, fmt::format("{} has another rank or batch", value.name), ""};
    }
  }
  return std::nullopt;
}

Status lower_concat(Lowering& lowering, const graph::Node& node) {
  const graph::Shape& out = *lowering.question.graph.value(node.outputs[0]).shape;
  const int64_t axis = axis_of(node, out.size());
  const TensorId whole = result_tensor(lowering, node.outputs[0], cube_of(out));
  const std::vector<TensorId> parts = part_tensors(lowering, node);
  const bool columns = axis + 1 == static_cast<int64_t>(out.size());
  if (axis > 1) {
    lower_windows(lowering, node, parts, columns ? 3 : 2, whole);
  } else if (parts_at_atoms(lowering, parts)) {
    lower_windows(lowering, node, parts, 1, whole);
  } else if (shifts_are_wide(lowering, parts, out[1])) {
    lower_bands(lowering, node, parts, whole);
  } else {
    lower_shifts(lowering, node, parts, whole);
  }
  return {};
}

}  // namespace medlar::compiler

// SPDX-License-Identifier: Apache-2.0
// INT8 scales and zero points of a segment's tensors: one a tensor, equal where the hardware cannot rescale.
#pragma once

#include <span>

#include "base/status.hpp"
#include "compiler/calibration.hpp"
#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

/// real = scale * (stored - zero), by tensor.
struct Scales {
  std::vector<float> scale;
  std::vector<int> zero;

  float scale_of(TensorId id) const { return scale[static_cast<size_t>(id)]; }
  int zero_of(TensorId id) const { return zero[static_cast<size_t>(id)]; }
  /// Largest magnitude that the tensor holds.
  double reach_of(TensorId id) const;
  /// Largest value that the tensor holds.
  double top_of(TensorId id) const { return static_cast<double>(scale_of(id)) * (127 - zero_of(id)); }
};

/// INT8 and back of values with that range, with the zero point that it allows: what storing the tensor costs.
void round_like_int8(const TensorRange& range, std::span<float> values);

/// Pools keep the scale of their input, windows that of their tensor: such groups span all members. A layer whose last
/// step is an upper bound has its range cut there, so that saturation does the bound. Groups that are mostly of one sign
/// get a zero point, which doubles their resolution, where every reader can take it back: convolutions (bias, padding
/// value), pooling, elementwise layers (X1), sums behind a convolution. Given scales stay symmetric. Errors name a tensor
/// of whose group no range is known.
Result<Scales> assign_scales(const LayerGraph& graph, const CalibrationTable& table);

}  // namespace medlar::compiler

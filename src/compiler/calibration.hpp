// SPDX-License-Identifier: Apache-2.0
// Ranges of activations, as the host engine measured them on calibration samples, keyed by ONNX value name.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "graph/graph.hpp"

namespace medlar::compiler {

/// What calibration saw of one tensor. The histogram counts |x| > 0 in equal bins over [0, bins * bin_width); empty
/// where only the extremes were taken.
struct TensorRange {
  float min = 0.0f, max = 0.0f;
  float scale = 0.0f;  ///< Scale given from outside (a cache of another tool); 0: derived from the range.
  float bin_width = 0.0f;
  std::vector<uint64_t> histogram = {};
};

struct CalibrationTable {
  std::map<std::string, TensorRange> ranges;
};

inline constexpr size_t kHistogramBins = 2048;

/// First pass: widens `range` by `samples`. NaN and infinities are an error.
Status observe(TensorRange& range, std::span<const float> samples);
/// Second pass, with the extremes known: counts |x| of `samples`.
void count(TensorRange& range, std::span<const float> samples);

/// Magnitude at which INT8 saturates: of least_error_reach() where there is a histogram, else the largest one seen.
float magnitude(const TensorRange& range);
/// The clipping threshold with the least squared error of rounding and saturation over the histogram.
float least_error_reach(const TensorRange& range);
/// real = scale * stored, symmetric: magnitude / 127; 1 for a tensor that is always zero.
float int8_scale(const TensorRange& range);

/// Names of the float activations of the user's graph whose ranges compile() uses.
std::vector<std::string> calibration_tensors(const graph::Graph& graph);

}  // namespace medlar::compiler

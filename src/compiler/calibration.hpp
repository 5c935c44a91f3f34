// SPDX-License-Identifier: Apache-2.0
// Ranges of activations, as the host engine measured them on calibration samples, keyed by ONNX value name.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "compiler/moments.hpp"
#include "graph/graph.hpp"

namespace medlar::compiler {

/// One channel of a tensor.
struct ChannelRange {
  float min = 0.0f, max = 0.0f;
  double sum = 0.0, square = 0.0;  ///< Over all its values.
};

/// What calibration saw of one tensor. Histograms count in equal bins over [0, bins * bin_width); both are empty where
/// only the extremes are known.
struct TensorRange {
  float min = 0.0f, max = 0.0f;
  float scale = 0.0f;  ///< Scale given from outside (a cache of another tool); 0: derived from the range.
  float reach = 0.0f;  ///< Where a calibrator wants INT8 to saturate; 0: at the extremes.
  float bin_width = 0.0f;
  std::vector<uint64_t> histogram = {};        ///< Of |x| > 0.
  std::vector<uint64_t> negatives = {};        ///< Of |x|, x < 0.
  std::vector<ChannelRange> channels = {};     ///< Of axis 1; empty where there is none.
  uint64_t values = 0;                         ///< All values, zeros included.
  std::shared_ptr<Moments> moments = {};       ///< Only of values that convolutions read, and only from samples.

  uint64_t values_per_channel() const { return channels.empty() ? 0 : values / channels.size(); }
};

struct CalibrationTable {
  std::map<std::string, TensorRange> ranges;
};

inline constexpr size_t kHistogramBins = 2048;

/// Widens the extremes of `range` by `samples`. NaN and infinities are an error.
Status observe(TensorRange& range, std::span<const float> samples);
/// The same, and counts them in the histograms and, where `channels` is not 0, by channel: `samples` are then so many
/// equal runs. A value beyond the histogram doubles its bins.
Status accumulate(TensorRange& range, std::span<const float> samples, size_t channels);

/// Magnitude at which INT8 saturates.
float magnitude(const TensorRange& range);
/// real = scale * stored, symmetric: magnitude / 127; 1 for a tensor that is always zero.
float int8_scale(const TensorRange& range);

/// `table` with the ranges of values that only rename or rearrange another's: rewriting the graph makes some that no table of
/// the user's can name.
CalibrationTable spread_ranges(const graph::Graph& graph, const CalibrationTable& table);

/// Names of the float activations of the user's graph whose ranges compile() uses.
std::vector<std::string> calibration_tensors(const graph::Graph& graph);

}  // namespace medlar::compiler

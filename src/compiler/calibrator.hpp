// SPDX-License-Identifier: Apache-2.0
// Where INT8 should saturate: a few outliers cost less clipped than the resolution that they would take from the rest.
#pragma once

#include <optional>
#include <string_view>

#include "compiler/calibration.hpp"

namespace medlar::compiler {

enum class Calibrator : uint8_t {
  kBest,        ///< Of the four below by measured output error, tensor by tensor.
  kEntropy,     ///< Least Kullback-Leibler divergence of 128 levels (Migacz 2017; TensorRT's EntropyCalibrator2).
  kMse,         ///< Least squared error of rounding and saturation.
  kPercentile,  ///< A given part of all values inside.
  kMaximum,     ///< The largest magnitude seen.
};

std::string_view calibrator_name(Calibrator calibrator);
std::optional<Calibrator> find_calibrator(std::string_view name);

struct CalibratorChoice {
  Calibrator kind = Calibrator::kBest;
  double percentile = 99.99;  ///< kPercentile (and kBest's candidate).
};

/// The magnitude at which `range` should saturate, by one rule (kBest: kMse's). Needs the histogram; without one the
/// largest magnitude.
float calibrated_reach(const TensorRange& range, const CalibratorChoice& choice);

/// Sets TensorRange::reach of every tensor whose scale is not given.
void apply_calibrator(CalibrationTable& table, const CalibratorChoice& choice);

/// Sum of squared errors of the seen values when INT8 saturates at `reach`.
double quantisation_error(const TensorRange& range, double reach);

}  // namespace medlar::compiler

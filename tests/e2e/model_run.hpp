// SPDX-License-Identifier: Apache-2.0
// Builds a model, runs it on samples beside its FP32 reference, and sums up the differences.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "api/build.hpp"
#include "api/inference.hpp"

namespace medlar::test {

struct Comparison {
  int samples = 0;
  double worst_error = 0;     ///< ||ours - reference|| / ||reference||, worst output tensor of the worst sample.
  int same_top1 = 0;          ///< Samples whose largest element of the first output is the reference's.
  uint64_t dla_macs = 0, all_macs = 0;
  double modelled_ms = 0;     ///< Of the last sample.

  double top1_agreement() const { return samples == 0 ? 0 : static_cast<double>(same_top1) / samples; }
};

struct ModelCase {
  std::filesystem::path model, samples;
  std::string device;
  hw::Precision precision = hw::Precision::kFp16;
  std::filesystem::path calibration;
  int count = 4;  ///< Samples to run.
};

/// ||ours - reference|| / ||reference||; infinite where sizes differ or a value is NaN.
double relative_error(const graph::Tensor& ours, const graph::Tensor& reference);

Result<Comparison> compare_with_reference(const ModelCase& model_case);

}  // namespace medlar::test

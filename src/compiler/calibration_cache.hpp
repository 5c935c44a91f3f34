// SPDX-License-Identifier: Apache-2.0
// Calibration tables of other tools: TensorRT's cache and the JSON table of NVIDIA's NVDLA compiler.
//
//   TRT-8601-EntropyCalibration2      header: version and calibrator
//   conv1_out: 3c010a14               tensor: its scale, the 32 bits of a float, most significant digit first
//
//   {"conv1": {"scale": 0.0079, "min": 0, "max": 1.0, "offset": 0}}     `scale` wins over min and max where it is not 0
#pragma once

#include <string>
#include <vector>

#include "compiler/calibration.hpp"

namespace medlar::compiler {

/// True for the beginning of either.
bool is_calibration_cache(std::string_view text);

/// Ranges under the names that the file has. kCorrupt names the file, the line or key, and what is wrong.
Result<CalibrationTable> parse_calibration_cache(std::string_view text, std::string_view name);

/// The ranges for the values of `graph`: entries are looked up as values, then as nodes (their first output). A range of
/// which only the scale is known counts as symmetric, or from zero up where the value comes from a function that is never
/// negative. `unknown` receives the names that fit nothing; kNotFound when that is all of them.
Result<CalibrationTable> resolve_ranges(const CalibrationTable& cache, const graph::Graph& graph, std::vector<std::string>& unknown);

std::string to_tensorrt_cache(const CalibrationTable& table);
std::string to_nvdla_json(const CalibrationTable& table);

}  // namespace medlar::compiler

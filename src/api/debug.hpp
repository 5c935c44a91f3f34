// SPDX-License-Identifier: Apache-2.0
// Layer by layer: what the DLA stores beside what the FP32 model computes, and the first tensor that diverges.
#pragma once

#include <string>
#include <vector>

#include "api/build.hpp"

namespace medlar::api {

struct DebugRequest {
  BuildRequest build = {};
  std::filesystem::path samples = {};  ///< Folder, archive or file; empty: the calibration data.
  uint64_t limit = 1;                  ///< Samples to run.
  double tolerance = 0.0;              ///< Relative error (2-norm) that counts as divergence; 0: by precision.
};

/// One tensor that the DLA stores.
struct LayerFinding {
  std::string tensor;
  std::string layer;                 ///< The hardware operation that writes it.
  std::vector<std::string> origins;  ///< ONNX nodes.
  std::string precision;
  double error = 0.0;        ///< ||ours - reference|| / ||reference||, worst sample.
  double entered = 0.0;      ///< The largest error among the tensors that its nodes read.
  double scale = 1.0;        ///< INT8: real = scale * (stored - zero).
  double largest = 0.0;      ///< Largest magnitude of the reference.
  uint64_t values = 0;
  uint64_t saturated = 0;    ///< Values at an end of the number format where the reference lies beyond it.
};

struct DebugReport {
  std::string model, device, precision;
  double tolerance = 0.0;
  uint64_t samples = 0;
  std::vector<LayerFinding> layers;  ///< Execution order of the model.
  int first = -1;                    ///< Index of the first one that diverges; -1: none.
  std::string cure;                  ///< What may help there.
};

/// Builds the model with every tensor in sight and compares. Tensors without a counterpart in the model are left out.
Result<DebugReport> debug(const DebugRequest& request);

/// What may help a tensor that diverges.
std::string propose_cure(const LayerFinding& finding, bool device_has_fp16);

std::string debug_to_text(const DebugReport& report, bool all);
std::string debug_to_json(const DebugReport& report);

}  // namespace medlar::api

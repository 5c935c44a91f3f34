// SPDX-License-Identifier: Apache-2.0
// The troubles that users of a DLA have, looked for one by one: cause, evidence, cure.
#pragma once

#include "api/system.hpp"

#include <string>
#include <vector>

namespace medlar::api {

enum class Health : uint8_t { kGood, kWarning, kBad, kNotChecked };

struct Finding {
  std::string trouble;  ///< "DLA not detected"
  Health health = Health::kNotChecked;
  std::string evidence;  ///< What was seen, with figures.
  std::string cause, cure;  ///< Empty when nothing is wrong.
};

struct DoctorRequest {
  std::string device = {};  ///< Empty: the engine's, else the default device.
  ModuleOptions module = {};
  std::filesystem::path file =
      {};  ///< ONNX model, engine or NVDLA loadable; empty: only the device is examined.
  /// Inputs on which the engine is compared with its FP32 model; an ONNX model is built for INT8 then. Empty:
  /// none.
  std::filesystem::path samples = {};
  std::filesystem::path model = {};  ///< An engine's FP32 model; empty: looked for (find_source_model).
};

/// Five findings, in the order of the manual: build fails, slower than the GPU, accuracy, buffer allocation, not detected.
Result<std::vector<Finding>> examine(const DoctorRequest& request);
std::string findings_to_text(const std::vector<Finding>& findings);

}  // namespace medlar::api

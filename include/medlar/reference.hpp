// SPDX-License-Identifier: Apache-2.0
// The model as ONNX Runtime computes it in FP32, to compare with.
#pragma once

#include "medlar/error.hpp"
#include "medlar/types.hpp"

#include <map>
#include <string>

namespace medlar {

/// An array of the caller's.
struct TensorView {
  DataType type = DataType::kFloat32;
  Dims dims;
  Span<const std::byte> bytes;
};

/// Runs an ONNX file node by node as written, on the CPU: outputs by name. `shapes`: of inputs that the file
/// leaves open.
MEDLAR_API std::map<std::string, OwnedWeights> runReference(const std::string& model,
                                                            const std::map<std::string, TensorView>& inputs,
                                                            const std::map<std::string, Dims>& shapes = {});

}  // namespace medlar

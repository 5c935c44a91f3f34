// SPDX-License-Identifier: Apache-2.0
// Model-local functions: every call is replaced by the function's nodes.
#pragma once

#include "base/status.hpp"

namespace onnx {
class ModelProto;
}

namespace medlar::import {

/// Errors name the function: recursive, imported for another opset, or too large when expanded.
Status inline_functions(onnx::ModelProto& model);

}  // namespace medlar::import

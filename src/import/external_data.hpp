// SPDX-License-Identifier: Apache-2.0
// Tensor data that lie in files beside the model. The model names them, so nothing it says is trusted.
#pragma once

#include <filesystem>
#include <optional>

#include "base/bytes.hpp"

namespace onnx {
class TensorProto;
}

namespace medlar::import {

/// Folder that external data may come from; empty when the model came as bytes and has none.
using DataFolder = std::optional<std::filesystem::path>;

/// Reads the `size` bytes that the tensor's external_data entries point to. Files outside of `folder` (absolute
/// paths, "..", links that lead out) are refused.
Result<ByteBuffer> read_external_data(const onnx::TensorProto& tensor, uint64_t size, const DataFolder& folder);

}  // namespace medlar::import

// SPDX-License-Identifier: Apache-2.0
// The ONNX file that an engine was built from, wherever it lies now.
#pragma once

#include "base/bytes.hpp"
#include "engine/engine.hpp"

#include <filesystem>

namespace medlar::api {

struct SourceModel {
  std::filesystem::path path;
  ByteBuffer bytes;
};

/// The file with the bytes that the engine was built from: where it was then, or of its name beside `engine_file`, in the current folder, or in a folder of the environment's
/// MEDLAR_MODEL_PATH (separated by colons). The error names every place and what was wrong there.
Result<SourceModel> find_source_model(const engine::Engine& engine, const std::filesystem::path& engine_file);

}  // namespace medlar::api

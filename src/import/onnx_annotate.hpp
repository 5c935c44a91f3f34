// SPDX-License-Identifier: Apache-2.0
// An ONNX file with remarks on its nodes, for viewers.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/bytes.hpp"
#include "base/status.hpp"

namespace medlar::import {

struct NodeNote {
  std::string text = {};                             ///< Goes before the node's own doc_string.
  std::map<std::string, std::string> metadata = {};  ///< Goes into metadata_props; other entries stay.
};

/// The model at `path` with `notes` by node name (unnamed nodes have the names that import_onnx gives them), external data
/// moved into it. Everything else is as it was.
Result<ByteBuffer> annotate_onnx(const std::filesystem::path& path, const std::map<std::string, NodeNote>& notes);

}  // namespace medlar::import

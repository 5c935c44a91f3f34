// SPDX-License-Identifier: Apache-2.0
// ONNX files to graph IR. The result is verified; shapes are those of the file (graph::infer_shapes fills the rest).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "graph/graph.hpp"

namespace medlar::import {

inline constexpr int kMinOpset = 7;
/// Opsets 23 to 25 only widened the element types of operators that this importer knows and added operators, which are
/// refused by name; what is read of them is a model of kModelOpset.
inline constexpr int kMaxOpset = 25;
inline constexpr int kModelOpset = 22;

struct ImportOptions {
  /// Shapes of inputs by name (`--shapes name:1x3x224x224`). Only dimensions that the file leaves open may differ.
  std::map<std::string, graph::Shape> shapes = {};
  /// Open dimensions stay kUnknownDim, the batch included: for those who give the shapes later.
  bool keep_open = false;
};

/// Reads a model and the external data files beside it. An open batch (dimension 0) that `options.shapes` does not
/// name becomes 1, with a notice; other open dimensions are an error that shows the flag to add. Operators are never
/// judged here: those of custom domains are kept for the host. `notices`, if given, receives lines for the user.
/// Errors name the file, and node, tensor or attribute.
Result<graph::Graph> import_onnx(const std::filesystem::path& path, const ImportOptions& options = {},
                                 std::vector<std::string>* notices = nullptr);

/// The same from bytes; `name` stands for the file in messages. External data are refused.
Result<graph::Graph> import_onnx_bytes(ByteView bytes, std::string_view name, const ImportOptions& options = {},
                                       std::vector<std::string>* notices = nullptr);

/// Parses `name:1x3x224x224[,name:...]`. A name may hold colons; the shape follows the last one.
Result<std::map<std::string, graph::Shape>> parse_shapes(std::string_view text);

}  // namespace medlar::import

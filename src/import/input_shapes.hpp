// SPDX-License-Identifier: Apache-2.0
// The shapes that the graph's inputs get: what the file says, what the user says, and 1 for an open batch.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/graph.hpp"

namespace medlar::import {

/// A dimension as the file gives it: a number, or open with or without a symbol ("batch").
struct FileDim {
  int64_t size = graph::kUnknownDim;
  std::string symbol = {};
};

struct FileInput {
  std::string name;
  bool has_shape = false;
  std::vector<FileDim> dims;
};

/// What the symbols of open dimensions turned out to be; ambiguous ones are absent.
using Symbols = std::map<std::string, int64_t>;

struct ResolvedInputs {
  std::vector<graph::Shape> shapes;  ///< One for each input.
  Symbols symbols;
  std::vector<std::string> notices;
};

/// `keep_open`: dimensions that nobody names stay open.
Result<ResolvedInputs> resolve_input_shapes(const std::vector<FileInput>& inputs,
                                            const std::map<std::string, graph::Shape>& named, bool keep_open = false);

}  // namespace medlar::import

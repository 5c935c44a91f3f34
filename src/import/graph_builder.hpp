// SPDX-License-Identifier: Apache-2.0
// GraphProto to graph::Graph: constants, inputs, nodes, outputs, every name resolved.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.hpp"
#include "import/external_data.hpp"
#include "import/onnx_import.hpp"

namespace onnx {
class ModelProto;
}

namespace medlar::import {

/// Consumes the graph of `model` (tensors are freed as they are read). The result is sorted and verified.
Result<graph::Graph> build_graph(onnx::ModelProto& model, const DataFolder& folder, const ImportOptions& options,
                                 std::vector<std::string>& notices);

}  // namespace medlar::import

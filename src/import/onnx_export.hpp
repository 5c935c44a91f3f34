// SPDX-License-Identifier: Apache-2.0
// Graph IR back to ONNX bytes: segments for the host engine, and whole graphs for calibration and reference runs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/graph.hpp"

namespace medlar::import {

/// Serialises `nodes` (in the order given, which must be topological) as an ONNX model that reads `inputs` and
/// returns `outputs`. Constants that the nodes (or their nested graphs) read are embedded. Types and shapes of inputs
/// and outputs are written where known. The same arguments give the same bytes. Errors name a value that the nodes
/// read and that is neither produced by them, nor an input, nor a constant.
Result<ByteBuffer> export_onnx(const graph::Graph& graph, const std::vector<graph::NodeId>& nodes,
                               const std::vector<graph::ValueId>& inputs, const std::vector<graph::ValueId>& outputs);

struct ExportOptions {
  std::vector<graph::ValueId> extra_outputs = {};  ///< Beside the graph's own; duplicates are skipped.
  /// Lines to attach to nodes as doc_string, by node name.
  std::map<std::string, std::string> node_notes = {};
};

/// The whole graph as an ONNX model.
Result<ByteBuffer> export_onnx(const graph::Graph& graph, const ExportOptions& options = {});

/// Every floating-point value that a node produces or the graph reads: what calibration watches.
std::vector<graph::ValueId> float_activations(const graph::Graph& graph);

}  // namespace medlar::import

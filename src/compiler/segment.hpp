// SPDX-License-Identifier: Apache-2.0
// One DLA segment through the front half, and the decisions before it: what compile(), the placement report and layer
// by layer debugging share.
#pragma once

#include "compiler/compile.hpp"
#include "compiler/hw_graph.hpp"
#include "compiler/layer_graph.hpp"
#include "compiler/partition/partition.hpp"

namespace medlar::compiler {

/// A simplified graph and what was decided about it.
struct Draft {
  graph::Graph graph;
  Verdicts verdicts;  ///< Why nodes cannot run on the DLA; grows when building fails.
  Assignment assignment;
  std::vector<SegmentNodes> segments;
};

/// Simplifies the user's graph, judges every node and cuts segments.
Result<Draft> make_draft(const graph::Graph& user, const CompileOptions& options);

/// Assigns engines and cuts segments anew from the verdicts.
Status divide(Draft& draft, const CompileOptions& options);

/// Why a segment could not be built, and the user's nodes at fault where they are known.
struct Setback {
  Error error;
  std::vector<std::string> origins;
  std::optional<Reason> reason;  ///< Absent: by the error's code.
};

/// The origins of the layer or operation whose name begins the message.
template <typename Layers>
std::vector<std::string> origins_at_fault(const Layers& layers, const Error& error) {
  for (const auto& layer : layers) {
    if (error.message.starts_with(layer.name + ":") || error.message.starts_with(layer.name + "[")) {
      return layer.origins;
    }
  }
  return {};
}

template <typename T>
using Attempt = tl::expected<T, Setback>;

/// A tensor that the DLA will store, and the user's nodes that compute it.
struct StoredTensor {
  std::string range;  ///< The value whose calibrated range it has.
  std::vector<std::string> origins;
  std::vector<size_t> readers;  ///< Tensors that the layers which read it write, by index.
  uint64_t macs = 0;            ///< Of the layers that write it.
  uint64_t values = 0;
};

/// Of all DLA segments, as compile() would first cut them; segments that do not lower are left out. In execution order,
/// every range once.
Result<std::vector<StoredTensor>> stored_tensors(const graph::Graph& graph, const CompileOptions& options);

/// Lowers, fuses and quantises one DLA segment.
Attempt<HwGraph> translate_segment(const Draft& draft, const SegmentNodes& nodes, const CompileOptions& options,
                                   const CalibrationTable* table);

}  // namespace medlar::compiler

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
  std::vector<float> channel_scale = {};  ///< What INT8 divides its channels by; empty: nothing.
  TensorRange divided = {};               ///< Its range then.
};

/// What becomes of a graph, before anything is built.
struct Survey {
  Draft draft;
  std::vector<StoredTensor> stored;  ///< Of all DLA segments, in execution order, every range once.
  std::vector<StoredTensor> handed;  ///< What the host hands to them, without origins and readers.
};

/// As compile() would first cut segments; those that do not lower are left out. With a table, channels are divided as INT8 would.
Result<Survey> survey(const graph::Graph& graph, const CompileOptions& options, const CalibrationTable* table);

/// Lowers, fuses and quantises one DLA segment.
Attempt<HwGraph> translate_segment(const Draft& draft, const SegmentNodes& nodes, const CompileOptions& options,
                                   const CalibrationTable* table);

}  // namespace medlar::compiler

// SPDX-License-Identifier: Apache-2.0
// Rule: an elementwise layer joins the layer that makes its input, as further steps of that layer's SDP.
#pragma once

#include "compiler/layer_graph.hpp"
#include "hw/config.hpp"

namespace medlar::compiler {

struct FusionTarget {
  const hw::HwConfig& config;
  hw::Precision precision = hw::Precision::kInt8;
};

/// Whether layer `reader` (an SDP layer) can join layer `maker`, which writes its source: nobody else reads that
/// tensor, and one pass of the SDP holds the steps of both.
bool can_absorb(const LayerGraph& graph, size_t maker, size_t reader, const FusionTarget& target);
/// The merged layer takes the reader's place; the maker goes.
void absorb(LayerGraph& graph, size_t maker, size_t reader);

/// Until nothing changes. Sums, products, maxima and minima of two tensors may swap their operands to fit.
void absorb_steps(LayerGraph& graph, const FusionTarget& target);

}  // namespace medlar::compiler

// SPDX-License-Identifier: Apache-2.0
// Cross-layer equalisation: a tensor between convolutions has one scale, but its channels may differ in range by orders
// of magnitude. Dividing channel c by f[c] where it is made and multiplying the weights that read it gives every channel
// more of the 8 bits; a depthwise reader pays nothing, because its kernels have scales of their own.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "compiler/calibration.hpp"
#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

struct Equalised {
  LayerGraph graph;
  CalibrationTable table;                        ///< With the ranges of the changed tensors, under new names.
  std::vector<std::vector<float>> channel_scale;  ///< f, by tensor; empty: unchanged.
};

/// Scales the channels of every intermediate tensor that only convolutions write (with steps that commute with positive
/// factors) and read, together with the tensors that pooling and sums tie to it, where the expected squared error behind
/// the readers, from the channels' calibrated ranges and powers, falls by a fifth at least. The exponent between "all into the activations" and "nothing" that does best is
/// taken. Inputs and outputs of the segment whose names are in `borders` are scaled likewise: the host divides what it writes
/// and multiplies what it reads. Tensors without calibrated channels and those marked in `keep` (by tensor) stay as they are.
Equalised equalise(const LayerGraph& graph, const CalibrationTable& table, const std::vector<bool>& keep,
                   const std::set<std::string>& borders = {});

}  // namespace medlar::compiler

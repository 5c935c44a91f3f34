// SPDX-License-Identifier: Apache-2.0
// Layers of an INT8 segment that compute in FP16: which tensors are stored how, and the operations between the two.
//
// The SDP has no path from one byte to two-byte floats in a single step; INT16 stands in between:
//   INT8 -> INT16 (zero point off) -> FP16 (an integer still) -> FP16 times the scale
//   FP16 -> INT16 (times 2^j / scale, rounded) -> INT8 (shifted by j, zero point on)
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compiler/hw_graph.hpp"
#include "compiler/layer_graph.hpp"
#include "compiler/quantise/scales.hpp"

namespace medlar::compiler {

struct Precisions {
  std::vector<bool> half_layers;   ///< By layer.
  std::vector<bool> half_tensors;  ///< By tensor: how it is stored.

  bool half(TensorId id) const { return half_tensors[static_cast<size_t>(id)]; }
};

/// Layers with an origin among `nodes` are FP16, and those that write the same storage; pools follow their input. Inputs of
/// the segment are FP16 when all their readers are.
Precisions assign_precisions(const LayerGraph& graph, const std::set<std::string>& nodes);

/// Scales of tensors that come from FP16 become numbers whose reciprocal FP16 holds exactly. kUnsupported: too small.
Status adapt_scales(const LayerGraph& graph, const Precisions& precisions, Scales& scales);

/// Appends the conversions that readers need to a hardware graph under construction.
class Converters {
 public:
  Converters(HwGraph& graph, const Scales& scales) : graph_(graph), scales_(scales) {}

  /// `id`, or a tensor with the same values in the other precision, made just before the next operation.
  TensorId as(TensorId id, bool half, const std::vector<std::string>& origins);

 private:
  TensorId add_tensor(TensorId like, hw::Precision precision, std::string_view suffix);
  void add_op(TensorId src, TensorId dst, SdpParams sdp, const std::vector<std::string>& origins);
  TensorId to_half(TensorId id, const std::vector<std::string>& origins);
  TensorId to_int8(TensorId id, const std::vector<std::string>& origins);

  HwGraph& graph_;
  const Scales& scales_;
  std::map<std::pair<TensorId, bool>, TensorId> made_;
};

}  // namespace medlar::compiler

// SPDX-License-Identifier: Apache-2.0
// --layerPrecisions as trtexec has it: name:type pairs, '*' in a name stands for any run of characters.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "graph/graph.hpp"
#include "hw/config.hpp"

namespace medlar::api {

struct LayerPrecision {
  std::string pattern;
  std::optional<hw::Precision> precision = hw::Precision::kFp16;  ///< Nothing: FP32, which the DLA lacks.
};

/// "conv1:fp16,block2*:int8,head:fp32". kInvalidArgument names the part at fault.
Result<std::vector<LayerPrecision>> parse_layer_precisions(std::string_view text);

/// Nodes of a model by what the last rule that matches them says.
struct NodePrecisions {
  std::set<std::string> fp16, fp32;
};
/// kNotFound names a rule that matches no node.
Result<NodePrecisions> node_precisions(const std::vector<LayerPrecision>& rules, const graph::Graph& graph);

/// True when `text` matches `pattern`.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace medlar::api

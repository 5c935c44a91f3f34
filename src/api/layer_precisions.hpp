// SPDX-License-Identifier: Apache-2.0
// --layerPrecisions as trtexec has it: name:type pairs, '*' in a name stands for any run of characters.
#pragma once

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
  hw::Precision precision = hw::Precision::kFp16;
};

/// "conv1:fp16,block2*:int8". kInvalidArgument names the part at fault.
Result<std::vector<LayerPrecision>> parse_layer_precisions(std::string_view text);

/// Nodes of the model whose last matching rule says fp16. kNotFound names a rule that matches no node.
Result<std::set<std::string>> fp16_nodes(const std::vector<LayerPrecision>& rules, const graph::Graph& graph);

/// True when `text` matches `pattern`.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace medlar::api

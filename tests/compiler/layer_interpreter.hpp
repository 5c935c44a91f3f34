// SPDX-License-Identifier: Apache-2.0
// Evaluates a layer graph in real numbers: the reference for what fusion and quantisation must preserve.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/layer_graph.hpp"

namespace medlar::compiler::test {

/// Values (C, H, W order) of every tensor by name, from those of the inputs.
std::map<std::string, std::vector<double>> evaluate(const LayerGraph& graph,
                                                    const std::map<std::string, std::vector<double>>& inputs);

}  // namespace medlar::compiler::test

// SPDX-License-Identifier: Apache-2.0
// Inputs and outputs without which an operator of ONNX means nothing. Private to this folder.
#pragma once

#include "base/status.hpp"
#include "graph/graph.hpp"

#include <string_view>

namespace medlar::import {

/// Every required input is there, and the first output is not left out. Operators of other domains are not
/// known and pass. `where` names the node in errors.
Status check_arity(const graph::Node& node, int64_t opset, std::string_view where);

}  // namespace medlar::import

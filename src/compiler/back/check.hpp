// SPDX-License-Identifier: Apache-2.0
// Refuses graphs that contradict themselves or exceed the configuration, before anything is lowered.
#pragma once

#include "base/status.hpp"
#include "compiler/hw_graph.hpp"
#include "hw/config.hpp"

namespace medlar::compiler::back {

/// kInvalidArgument: shapes, ids or operand counts do not agree. kUnsupported: the chip cannot do it. The message names
/// the operation or tensor, the limit and the value.
Status check_graph(const HwGraph& graph, const hw::HwConfig& config);

}  // namespace medlar::compiler::back

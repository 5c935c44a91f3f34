// SPDX-License-Identifier: Apache-2.0
// Reference twin of the compiler's output: evaluates a hardware graph element by element, slowly and plainly, with the
// integer arithmetic of the SDP and PDP, or in FP32/FP16.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/hw_graph.hpp"

namespace medlar::compiler::test {

/// Real values in C, H, W order.
using Reals = std::vector<double>;

/// Runs the graph on real inputs, by tensor name: quantises them as the runtime does, and dequantises the outputs.
/// `probe` receives every non-view tensor's real values when it is not null.
std::map<std::string, Reals> interpret(const HwGraph& graph, const std::map<std::string, Reals>& inputs,
                                       std::map<std::string, Reals>* probe = nullptr);

/// Nearest FP16 value, saturating.
double round_half(double value);

}  // namespace medlar::compiler::test

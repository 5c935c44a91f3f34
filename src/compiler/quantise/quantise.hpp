// SPDX-License-Identifier: Apache-2.0
// Layer graph in real numbers to hardware graph in the numbers that the chip uses.
#pragma once

#include <set>
#include <string>

#include "base/status.hpp"
#include "compiler/calibration.hpp"
#include "compiler/hw_graph.hpp"
#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

struct QuantiseOptions {
  const hw::HwConfig& config;
  hw::Precision precision = hw::Precision::kInt8;
  const CalibrationTable* table = nullptr;  ///< Needed for INT8.
  const std::set<std::string>* fp16_nodes = nullptr;  ///< INT8: layers with one of these origins stay in FP16.
  std::set<std::string> borders = {};  ///< INT8: inputs and outputs that the host alone writes or reads.
};

/// Every layer must fit one pass of the SDP (fusion sees to that).
Result<HwGraph> quantise(const LayerGraph& graph, const QuantiseOptions& options);

}  // namespace medlar::compiler

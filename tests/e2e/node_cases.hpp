// SPDX-License-Identifier: Apache-2.0
// One trip of a case of ONNX's node tests through compiler and simulated device.
#pragma once

#include <string>

#include "e2e/graph_trip.hpp"
#include "import/node_case_files.hpp"

namespace medlar::test {

enum class Trip : uint8_t {
  kDla,      ///< Every node that is left after folding ran on the DLA; the result is right.
  kMixed,    ///< Some nodes did; right.
  kHost,     ///< None did, each has a reason; right.
  kRefused,  ///< An error with a text.
  kWrong,    ///< A wrong result, or no reason.
};

struct TripResult {
  Trip trip = Trip::kWrong;
  std::string text;          ///< Reasons, error or difference.
  double error = 0.0;        ///< ||ours - stored|| / ||stored||, worst float output.
  std::string fingerprint;   ///< Operator types of the nodes on the DLA.
};

TripResult run_node_case(const std::string& name, const NodeCase& one, const TripOptions& options);

}  // namespace medlar::test

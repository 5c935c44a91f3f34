// SPDX-License-Identifier: Apache-2.0
// ONNX's own node tests: a one-node model each, with stored inputs and outputs; and one trip of such a model through
// compiler and simulated device.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "e2e/graph_trip.hpp"

namespace medlar::test {

struct NodeCase {
  ByteBuffer model;
  std::map<int, ByteBuffer> inputs, outputs;  ///< Serialised, by position.
};

/// By name, "test_" cut off.
std::map<std::string, NodeCase> load_node_cases(const std::filesystem::path& archive);

/// The stored tensor; nothing for sequences, optionals and element types that a graph cannot hold.
std::optional<graph::Tensor> stored_tensor(const ByteBuffer& bytes);

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

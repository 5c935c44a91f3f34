// SPDX-License-Identifier: Apache-2.0
// ONNX's own node tests as files: a one-node model each, with stored inputs and outputs.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "graph/graph.hpp"

namespace medlar::test {

struct NodeCase {
  ByteBuffer model;
  std::map<int, ByteBuffer> inputs, outputs;  ///< Serialised, by position.
};

/// By name, "test_" cut off.
std::map<std::string, NodeCase> load_node_cases(const std::filesystem::path& archive);

/// The stored tensor; nothing for sequences, optionals and element types that a graph cannot hold.
std::optional<graph::Tensor> stored_tensor(const ByteBuffer& bytes);

}  // namespace medlar::test

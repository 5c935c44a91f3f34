// SPDX-License-Identifier: Apache-2.0
// Nested graphs (If, Loop, Scan bodies): what they capture, and making them independent of files.
#pragma once

#include <string>
#include <vector>

#include "import/external_data.hpp"

namespace onnx {
class AttributeProto;
class GraphProto;
}  // namespace onnx

namespace medlar::import {

/// Names that the graph and those nested in it read but do not define, in order of first use.
std::vector<std::string> captured_names(const onnx::GraphProto& graph);
/// Loads all external data of an attribute (tensors, nested graphs) into it.
Status internalise(onnx::AttributeProto& attribute, const DataFolder& folder);

}  // namespace medlar::import

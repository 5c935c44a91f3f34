// SPDX-License-Identifier: Apache-2.0
// AttributeProto to graph::Attribute.
#pragma once

#include "graph/graph.hpp"
#include "import/external_data.hpp"

namespace onnx {
class AttributeProto;
}

namespace medlar::import {

/// Errors name the attribute. External data of nested graphs are loaded into `proto`.
Result<graph::Attribute> read_attribute(onnx::AttributeProto& proto, const DataFolder& folder);

}  // namespace medlar::import

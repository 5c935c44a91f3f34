// SPDX-License-Identifier: Apache-2.0
// ONNX's own node tests: every case imports or is refused by name, and inferred shapes and types are those of the
// stored outputs.
#include <algorithm>
#include <map>
#include <set>

#include "graph/shape_inference.hpp"
#include "graph/text.hpp"
#include "import/onnx_export.hpp"
#include "import/node_case_files.hpp"
#include "import/onnx_import.hpp"
#include "support/test_data.hpp"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace medlar::import {
namespace {

using test::NodeCase;
using test::stored_tensor;

/// The case's inputs become constants, so that shape tensors are known; what the file says of results is dropped.
void specialise(graph::Graph& graph, const NodeCase& one) {
  std::vector<graph::ValueId> rest;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    graph::Value& value = graph.value(graph.inputs[i]);
    const auto found = one.inputs.find(static_cast<int>(i));
    auto tensor = found == one.inputs.end() ? std::nullopt : stored_tensor(found->second);
    if (!tensor || tensor->type != value.type) {
      rest.push_back(graph.inputs[i]);
      continue;
    }
    value.shape = tensor->shape;
    value.data = std::make_shared<const graph::Tensor>(std::move(*tensor));
  }
  graph.inputs = rest;
  for (const graph::Node& node : graph.nodes) {
    for (const graph::ValueId id : node.outputs) {
      if (id != graph::kNoValue) {
        graph.value(id).shape.reset();
        graph.value(id).type = graph::DataType::kUndefined;
      }
    }
  }
}

/// Operators whose output size depends on the data (Range: on floats that other nodes compute).
bool depends_on_data(const graph::Graph& graph) {
  const std::set<std::string> dynamic = {"NonZero", "Compress", "NonMaxSuppression", "Unique", "Range"};
  return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                     [&](const graph::Node& node) { return dynamic.contains(node.op_type); });
}

bool is_claimed(const graph::Graph& graph) {
  return std::all_of(graph.nodes.begin(), graph.nodes.end(), [](const graph::Node& node) {
    return node.domain.empty() && graph::has_shape_rule(node.op_type);
  });
}

bool agrees(const graph::Shape& inferred, const graph::Shape& stored, bool may_be_open) {
  bool same = inferred.size() == stored.size();
  for (size_t i = 0; same && i < stored.size(); ++i) {
    same = inferred[i] == stored[i] || (may_be_open && inferred[i] == graph::kUnknownDim);
  }
  return same;
}

struct Tally {
  int imported = 0;
  int refused = 0;
  int claimed = 0;
  int outputs = 0;
};

void check_outputs(const std::string& name, const graph::Graph& graph, const NodeCase& one, Tally& tally) {
  const bool may_be_open = depends_on_data(graph);
  for (const auto& [index, bytes] : one.outputs) {
    const auto stored = stored_tensor(bytes);
    if (!stored || static_cast<size_t>(index) >= graph.outputs.size()) {
      continue;
    }
    const graph::Value& value = graph.value(graph.outputs[static_cast<size_t>(index)]);
    ++tally.outputs;
    EXPECT_EQ(graph::data_type_name(value.type), graph::data_type_name(stored->type)) << name;
    ASSERT_TRUE(value.shape) << name << ": output " << index << " has no shape\n" << graph::print(graph);
    EXPECT_TRUE(agrees(*value.shape, stored->shape, may_be_open))
        << fmt::format("{}: output {} inferred [{}], stored [{}]\n", name, index, fmt::join(*value.shape, ","),
                       fmt::join(stored->shape, ","))
        << graph::print(graph);
  }
}

void check_case(const std::string& name, const NodeCase& one, Tally& tally) {
  auto graph = import_onnx_bytes(one.model, name);
  if (!graph) {
    ++tally.refused;
    EXPECT_TRUE(graph.error().message.starts_with(name + ": ")) << graph.error().message;
    return;
  }
  ++tally.imported;
  const std::string text = graph::print(*graph, {.embed = true});
  const auto parsed = graph::parse(text);
  ASSERT_TRUE(parsed) << name << ": " << parsed.error().message;
  EXPECT_EQ(graph::print(*parsed, {.embed = true}), text) << name;
  specialise(*graph, one);
  const Status status = graph::infer_shapes(*graph);
  ASSERT_TRUE(status) << name << ": " << status.error().message;
  if (is_claimed(*graph)) {
    ++tally.claimed;
    check_outputs(name, *graph, one, tally);
  }
}

TEST(NodeCases, EveryCaseImportsOrIsRefusedByName) {
  MEDLAR_REFERENCE_DATA(archive, "models/onnx_node_tests.tar.xz");
  const auto cases = test::load_node_cases(archive);
  Tally tally;
  for (const auto& [name, one] : cases) {
    check_case(name, one, tally);
  }
  EXPECT_EQ(cases.size(), 1802u);
  EXPECT_EQ(tally.imported, 1296);
  EXPECT_EQ(tally.claimed, 1095);
  EXPECT_EQ(tally.outputs, 1324);
}

}  // namespace
}  // namespace medlar::import

// SPDX-License-Identifier: Apache-2.0
// The text form prints and parses back exactly.
#include "graph/text.hpp"

#include <cmath>
#include <limits>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medlar::graph {
namespace {

using testing::HasSubstr;

constexpr std::string_view kTiny = R"(graph "tiny" {"": 13, "ai.onnx.ml": 2}
input %x : float32[1,3,8,8]
input %"strange name" : int64[?,2]
%scale = const : float32[2] [1.0,-0.5]
%index = const : int64[] [9223372036854775807]
%words = const : string[2] ["a\"b","c\x0a"]
%y = Conv(%x, %scale, _) {alpha=0.25, auto_pad="SAME_UPPER", group=1, scales=[1.0,1e-05], strides=[1,1]} : float32[1,16,8,8]
%a, _, %b = com.acme::Split(%y, %"strange name") {axes=ints[], names=["p","q"], value=int32[2] [1,-2]} @"s" from ["p1","p2"] : float32[1,?], _, ?
%c = Relu(%a) from [] : float32
output %c
output %b
)";

TEST(Text, ParsesAndPrintsBack) {
  const auto graph = parse(kTiny);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(print(*graph), kTiny);
  EXPECT_EQ(graph->nodes[0].name, "Conv_y");
  EXPECT_EQ(graph->nodes[0].inputs[2], kNoValue);
  EXPECT_EQ(graph->nodes[1].domain, "com.acme");
  EXPECT_EQ(print_node(*graph, graph->nodes[2]), "%c = Relu(%a) from [] : float32");
}

Tensor random_tensor(DataType type, std::mt19937& random) {
  Tensor tensor{type, {static_cast<int64_t>(random() % 4), static_cast<int64_t>(1 + random() % 9)}, {}, {}};
  tensor.bytes.resize(*storage_bytes(type, tensor.shape));
  for (uint8_t& byte : tensor.bytes) {
    byte = static_cast<uint8_t>(random());
  }
  return tensor;
}

Graph graph_of_constants(const std::vector<Tensor>& tensors) {
  Graph graph{.name = "constants"};
  Node node{.name = "Sink_out", .op_type = "Sink", .origins = {"Sink_out"}};
  for (const Tensor& tensor : tensors) {
    const std::string name = "c" + std::to_string(graph.values.size());
    node.inputs.push_back(add_value(graph, {.name = name,
                                            .type = tensor.type,
                                            .shape = tensor.shape,
                                            .data = std::make_shared<const Tensor>(tensor)}));
    node.attributes["t" + name] = tensor;
  }
  node.outputs = {add_value(graph, {.name = "out"})};
  graph.outputs = node.outputs;
  graph.nodes.push_back(std::move(node));
  return graph;
}

void expect_same(const Graph& graph, const Graph& back) {
  ASSERT_EQ(graph.values.size(), back.values.size());
  for (const Value& value : graph.values) {
    const auto id = find_value(back, value.name);
    ASSERT_TRUE(id);
    ASSERT_EQ(value.is_constant(), back.value(*id).is_constant());
    if (value.is_constant()) {
      EXPECT_TRUE(*value.data == *back.value(*id).data) << value.name;
    }
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    EXPECT_TRUE(graph.nodes[i].attributes == back.nodes[i].attributes);
  }
}

TEST(Text, RandomBitsOfEveryTypeSurvive) {
  std::mt19937 random(7);  // NOLINT: the same bits every time
  for (int round = 0; round < 40; ++round) {
    std::vector<Tensor> tensors;
    for (int type = 1; type <= 22; ++type) {
      if (static_cast<DataType>(type) != DataType::kString) {
        tensors.push_back(random_tensor(static_cast<DataType>(type), random));
      }
    }
    const Graph graph = graph_of_constants(tensors);
    const auto embedded = parse(print(graph, {.inline_elements = 12, .embed = true}));
    ASSERT_TRUE(embedded) << embedded.error().message;
    expect_same(graph, *embedded);
    const std::string elided = print(graph, {.inline_elements = 4});
    const auto pooled = parse(elided, constant_pool(graph));
    ASSERT_TRUE(pooled) << pooled.error().message;
    expect_same(graph, *pooled);
    EXPECT_EQ(print(*pooled, {.inline_elements = 4}), elided);
  }
}

TEST(Text, SubgraphsAndOddNamesSurvive) {
  Graph graph{.name = "a \"quoted\" name\n"};
  const ValueId x = add_value(graph, {.name = "x//y", .type = DataType::kBool, .shape = Shape{}});
  const ValueId y = add_value(graph, {.name = "\xc3\xa9"});
  graph.inputs = {x};
  graph.outputs = {y};
  Node node{.name = "if", .op_type = "If op", .domain = "a-b", .inputs = {x}, .outputs = {y}};
  node.attributes["then branch"] = Subgraph{ByteBuffer(100, 7), {"x//y"}};
  node.attributes["kind"] = OpaqueAttribute{ByteBuffer(3, 9), {"x//y"}};
  node.attributes["nan"] = std::nanf("");
  node.attributes["inf"] = -std::numeric_limits<float>::infinity();
  node.attributes["fs"] = std::vector<float>{std::numeric_limits<float>::infinity(), 1e30f};
  graph.nodes = {node};
  const std::string text = print(graph, {.embed = true});
  const auto back = parse(text);
  ASSERT_TRUE(back) << back.error().message << "\n" << text;
  EXPECT_EQ(print(*back, {.embed = true}), text);
  EXPECT_TRUE(std::get<Subgraph>(back->nodes[0].attributes.at("then branch")) ==
              std::get<Subgraph>(node.attributes.at("then branch")));
}

TEST(Text, ElidedConstantsNeedTheirPool) {
  const auto graph = parse("graph \"g\" {}\n%w = const : float32[99] #00000000000000ff\noutput %w\n");
  ASSERT_FALSE(graph);
  EXPECT_THAT(graph.error().message, HasSubstr("line 2"));
  EXPECT_THAT(graph.error().message, HasSubstr("#00000000000000ff was elided"));
}

TEST(Text, ErrorsNameTheLine) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "line 1: expected 'graph'"},
      {"graph \"g\" {}\ninput %x : float12[1]", "line 2: unknown element type float12"},
      {"graph \"g\" {}\n\n%c = const : uint8[1] [256]", "line 3: 256 does not fit uint8"},
      {"graph \"g\" {}\n%c = const : int8[3] [1,2]", "constant c: 2 bytes do not fill its shape"},
      {"graph \"g\" {}\n%y = Relu(%x)\noutput %y", "reads x, which nothing produces"},
      {"graph \"g\" {}\ninput %x : float32[1]\n%x = Relu(%x)", "output x is already defined"},
      {"graph \"g\" {}\n%y = Relu(%y", "line 2"},
      {"graph \"g", "a string has no end"},
  };
  for (const auto& [text, message] : cases) {
    const auto graph = parse(text);
    ASSERT_FALSE(graph) << text;
    EXPECT_THAT(graph.error().message, HasSubstr(message)) << text;
  }
}

TEST(Text, MutatedTextNeverCrashes) {
  std::mt19937 random(3);  // NOLINT: the same mutations every time
  int parsed = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string text(kTiny);
    for (uint32_t edits = 1 + random() % 4; edits > 0; --edits) {
      const size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, 1 + random() % 8); break;
        default: text.insert(at, text.substr(random() % text.size(), random() % 12)); break;
      }
      text += text.empty() ? " " : "";
    }
    const auto graph = parse(text);
    parsed += graph ? 1 : 0;
    if (graph) {
      const auto again = parse(print(*graph, {.embed = true}));
      ASSERT_TRUE(again) << text;
    }
  }
  EXPECT_GT(parsed, 50) << "the mutations are so heavy that the test proves nothing";
}

}  // namespace
}  // namespace medlar::graph

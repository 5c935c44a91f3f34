// SPDX-License-Identifier: Apache-2.0
// The text form of a graph: what people read and what tests write. It prints and parses back exactly:
//
//   graph "tiny" {"": 13}
//   input %x : float32[1,3,8,8]
//   %w = const : float32[16,3,3,3] #5d41402abc4b2a76
//   %y = Conv(%x, %w) {pads=[1,1,1,1]} @"conv1" from ["conv1"] : float32[1,16,8,8]
//   output %y
//
// A node's name is printed when it is not default_node_name(); its origins when they are not just that name; a value's
// type as `?` when unknown, `float32` when the rank is unknown, `float32[1,?]` with one dimension unknown. An omitted
// input or output is `_`. Comments run from `//` to the end of the line.
#pragma once

#include "graph/graph.hpp"

namespace medlar::graph {

struct PrintOptions {
  int64_t inline_elements = 16;  ///< Constants of up to this many numbers are printed as numbers.
  bool embed = false;            ///< Print larger ones as hexadecimal bytes instead of their hash (#...).
};

std::string print(const Graph& graph, const PrintOptions& options = {});
/// One node as print() writes it, for messages.
std::string print_node(const Graph& graph, const Node& node);

/// Bytes of constants by hash64(), for texts that elide them.
using ConstantPool = std::map<uint64_t, ByteBuffer>;
ConstantPool constant_pool(const Graph& graph);

/// Parses and verifies. Elided constants are looked up in `pool`; errors name the line.
Result<Graph> parse(std::string_view text, const ConstantPool& pool = {});

}  // namespace medlar::graph

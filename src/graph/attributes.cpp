// SPDX-License-Identifier: Apache-2.0
// Attribute access: a missing attribute takes its default, a mistyped one is an error.
#include <array>

#include "graph/graph.hpp"

namespace medlar::graph {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<Attribute>> kKinds = {
    "an integer", "a float", "a string", "a list of integers", "a list of floats", "a list of strings",
    "a tensor",   "a graph", "of a kind for the host alone"};

template <typename T>
Result<T> typed_attribute(const Node& node, std::string_view name, T fallback) {
  const auto found = node.attributes.find(std::string(name));
  if (found == node.attributes.end()) {
    return fallback;
  }
  if (const T* value = std::get_if<T>(&found->second)) {
    return *value;
  }
  return fail(Code::kCorrupt, "node {} ({}): attribute {} is {}, must be {}", node.name, node.op_type, name,
              kKinds[found->second.index()], kKinds[Attribute(T{}).index()]);
}

}  // namespace

Result<int64_t> int_attribute(const Node& node, std::string_view name, int64_t fallback) {
  return typed_attribute(node, name, fallback);
}

Result<float> float_attribute(const Node& node, std::string_view name, float fallback) {
  return typed_attribute(node, name, fallback);
}

Result<std::string> string_attribute(const Node& node, std::string_view name, std::string_view fallback) {
  return typed_attribute(node, name, std::string(fallback));
}

Result<std::vector<int64_t>> ints_attribute(const Node& node, std::string_view name, std::vector<int64_t> fallback) {
  return typed_attribute(node, name, std::move(fallback));
}

Result<std::vector<float>> floats_attribute(const Node& node, std::string_view name, std::vector<float> fallback) {
  return typed_attribute(node, name, std::move(fallback));
}

}  // namespace medlar::graph

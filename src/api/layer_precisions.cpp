// SPDX-License-Identifier: Apache-2.0
#include "api/layer_precisions.hpp"

#include <algorithm>

namespace medlar::api {

bool matches(std::string_view pattern, std::string_view text) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) {
    return pattern == text;
  }
  if (!text.starts_with(pattern.substr(0, star))) {
    return false;
  }
  const std::string_view rest = pattern.substr(star + 1);
  for (size_t at = star; at <= text.size(); ++at) {
    if (matches(rest, text.substr(at))) {
      return true;
    }
  }
  return false;
}

namespace {

Result<std::optional<hw::Precision>> parse_type(std::string_view type, std::string_view name) {
  if (type == "fp32") {
    return std::optional<hw::Precision>();
  }
  if (type == "fp16" || type == "int8") {
    return std::optional(type == "fp16" ? hw::Precision::kFp16 : hw::Precision::kInt8);
  }
  return fail(Code::kInvalidArgument, "layer precisions: type \"{}\" of \"{}\" is none of fp32, fp16, int8", type, name);
}

}  // namespace

Result<std::vector<LayerPrecision>> parse_layer_precisions(std::string_view text) {
  std::vector<LayerPrecision> rules;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string_view part = text.substr(at, end - at);
    at = end + 1;
    const size_t colon = part.rfind(':');  // node names may hold colons
    if (colon == std::string_view::npos || colon == 0) {
      return fail(Code::kInvalidArgument, "layer precisions: \"{}\" is no name:type", part);
    }
    MEDLAR_ASSIGN(const auto precision, parse_type(part.substr(colon + 1), part.substr(0, colon)));
    rules.push_back({std::string(part.substr(0, colon)), precision});
  }
  return rules;
}

Result<NodePrecisions> node_precisions(const std::vector<LayerPrecision>& rules, const graph::Graph& graph) {
  NodePrecisions nodes;
  for (const LayerPrecision& rule : rules) {
    bool any = false;
    for (const graph::Node& node : graph.nodes) {
      if (!matches(rule.pattern, node.name)) {
        continue;
      }
      any = true;
      nodes.fp16.erase(node.name);
      nodes.fp32.erase(node.name);
      if (rule.precision != hw::Precision::kInt8) {
        (rule.precision ? nodes.fp16 : nodes.fp32).insert(node.name);
      }
    }
    if (!any) {
      return fail(Code::kNotFound, "layer precisions: no node is called {}", rule.pattern);
    }
  }
  return nodes;
}

}  // namespace medlar::api

// SPDX-License-Identifier: Apache-2.0
#include "compiler/partition/engine_rules.hpp"

#include <algorithm>
#include <array>

#include <fmt/ranges.h>

namespace medlar::compiler {
namespace {

std::optional<Engine> parse_engine(std::string_view word) {
  constexpr std::array kWords = {std::pair{std::string_view("DLA"), Engine::kDla}, std::pair{std::string_view("GPU"), Engine::kGpu},
                                 std::pair{std::string_view("CPU"), Engine::kCpu}};
  for (const auto& [name, engine] : kWords) {
    if (name == word) {
      return engine;
    }
  }
  return std::nullopt;
}

Result<EngineRule> parse_rule(std::string_view text) {
  const size_t colon = text.rfind(':');
  const auto engine = colon == std::string_view::npos ? std::nullopt : parse_engine(text.substr(colon + 1));
  if (!engine || colon == 0) {
    return fail(Code::kInvalidArgument, "'{}' is no layer device type: write NAME:DLA, NAME:GPU or NAME:CPU", text);
  }
  const std::string_view name = text.substr(0, colon);
  if (std::count(name.begin(), name.end(), '*') > 1) {
    return fail(Code::kInvalidArgument, "layer '{}': at most one '*'", name);
  }
  return EngineRule{.pattern = std::string(name), .engine = *engine};
}

}  // namespace

Result<std::vector<EngineRule>> parse_engine_rules(std::string_view text) {
  std::vector<EngineRule> rules;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    MEDLAR_ASSIGN(EngineRule rule, parse_rule(text.substr(0, comma)));
    rules.push_back(std::move(rule));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return rules;
}

bool matches(const EngineRule& rule, std::string_view name) {
  const std::string_view pattern = rule.pattern;
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) {
    return pattern == name;
  }
  return name.size() + 1 >= pattern.size() && name.starts_with(pattern.substr(0, star)) && name.ends_with(pattern.substr(star + 1));
}

const EngineRule* wish_for(const std::vector<EngineRule>& rules, const graph::Node& node) {
  const EngineRule* wish = nullptr;
  for (const EngineRule& rule : rules) {
    const bool speaks = matches(rule, node.name) || std::any_of(node.origins.begin(), node.origins.end(), [&](const std::string& origin) {
                          return matches(rule, origin);
                        });
    wish = speaks ? &rule : wish;
  }
  return wish;
}

Status check_rules(const std::vector<EngineRule>& rules, const graph::Graph& user) {
  for (const EngineRule& rule : rules) {
    const bool found = std::any_of(user.nodes.begin(), user.nodes.end(), [&](const graph::Node& node) { return matches(rule, node.name); });
    if (!found) {
      return fail(Code::kNotFound, "the model has no layer '{}' for {}", rule.pattern, engine_name(rule.engine));
    }
  }
  return {};
}

bool needs_cpu(const graph::Graph& graph, const graph::Node& node) {
  constexpr std::array<std::string_view, 16> kHostOnly = {
      "If", "Loop", "Optional", "OptionalGetElement", "OptionalHasElement", "Scan", "SequenceAt", "SequenceConstruct",
      "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength", "SequenceMap", "SplitToSequence",
      "ConcatFromSequence", "StringNormalizer"};
  if (std::find(kHostOnly.begin(), kHostOnly.end(), node.op_type) != kHostOnly.end()) {
    return true;
  }
  const auto is_string = [&](graph::ValueId id) { return id != graph::kNoValue && graph.value(id).type == graph::DataType::kString; };
  return std::any_of(node.inputs.begin(), node.inputs.end(), is_string) || std::any_of(node.outputs.begin(), node.outputs.end(), is_string);
}

}  // namespace medlar::compiler

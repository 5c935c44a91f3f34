// SPDX-License-Identifier: Apache-2.0
// Which engine the user wants for which layers (`--layerDeviceTypes`), and what a GPU should not be asked to run.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "compiler/plan.hpp"
#include "graph/graph.hpp"

namespace medlar::compiler {

/// One wish. The pattern is a node's name, with at most one '*' that stands for anything.
struct EngineRule {
  std::string pattern;
  Engine engine = Engine::kDla;
  bool firm = true;  ///< Said of these layers; a default for all gives way to the CPU where a GPU cannot run a node.
};

/// "name:DLA,other*:GPU" as trtexec writes it. A name may hold colons; the engine follows the last one.
Result<std::vector<EngineRule>> parse_engine_rules(std::string_view text);

/// Whether the rule speaks of a node of that name.
bool matches(const EngineRule& rule, std::string_view name);

/// The rule that speaks of a node of the simplified graph, by its own name and those of its origins; the last one wins. Null: none does.
const EngineRule* wish_for(const std::vector<EngineRule>& rules, const graph::Node& node);

/// Every rule names a node of the user's model; kNotFound says which one does not.
Status check_rules(const std::vector<EngineRule>& rules, const graph::Graph& user);

/// Strings, control flow and sequences: nothing for a GPU.
bool needs_cpu(const graph::Graph& graph, const graph::Node& node);

}  // namespace medlar::compiler

// SPDX-License-Identifier: Apache-2.0
// The parts of a scenario file. Private to this folder.
#pragma once

#include "sched/scenario.hpp"
#include "sched/yaml_reader.hpp"

namespace medlar::sched {

/// The value of `key`, or a model without a name: "3 ms", or {time, dram, watts | energy}. `kind` gives idle
/// power.
Result<Cost> read_cost(YamlMap& map, const std::string& key, const EngineSpec& engine);

/// dla:, gpu:, cpu: of a layer group or a step without a model.
Result<LayerGroup> read_group(YamlMap& map, std::string name, const Scenario& scenario);

/// The list of streams; models must be there already. Steps with costs of their own add models.
Status read_streams(YamlMap& root, Scenario& scenario);

}  // namespace medlar::sched

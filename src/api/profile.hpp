// SPDX-License-Identifier: Apache-2.0
// Profiles of engines: runs one inference on the simulated module and accounts for every layer of it.
#pragma once

#include "api/module.hpp"
#include "profile/advisor.hpp"
#include "profile/engine_profile.hpp"

#include <map>
#include <string>

namespace medlar::api {

struct ProfileOptions {
  std::string mode = {};  ///< Power mode; empty: the profile's default.
  EngineOptions engine = {};
  uint64_t dram_bytes_per_second = 0;  ///< Peak of another memory than the mode's; 0: the mode's.
  std::map<std::string, graph::Tensor> inputs =
      {};  ///< What is missing is zero: times do not depend on values.
};

/// A profiled engine, its advice beside it.
struct Profiled {
  profile::EngineProfile profile;
  profile::Advice advice;
  std::vector<std::string> host_notes;   ///< Which provider ran each host segment on this computer.
  std::vector<std::string> conversions;  ///< Tensors that were converted or copied between engines, and why.
  std::map<std::string, graph::Tensor> outputs;
  uint64_t device_bytes = 0;  ///< DRAM of the module: weights, and the working memory of one context.
};

/// `name` appears in errors.
Result<Profiled> profile_engine(const engine::Engine& engine, std::string_view name,
                                const ProfileOptions& options = {});

/// Zero tensors for every input of the engine that `given` lacks.
Result<std::map<std::string, graph::Tensor>> complete_inputs(const engine::Engine& engine,
                                                             std::map<std::string, graph::Tensor> given);

}  // namespace medlar::api

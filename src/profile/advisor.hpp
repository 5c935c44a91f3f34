// SPDX-License-Identifier: Apache-2.0
// What to change, and what it would gain: findings with evidence, cure and expected gain, and the engine to
// take for each goal. Reads a profile and the plan; runs nothing.
#pragma once

#include "profile/engine_profile.hpp"

#include <string>
#include <vector>

namespace medlar::profile {

struct Finding {
  std::string id;  ///< Stable, e.g. "transitions".
  std::string finding;
  std::string evidence;  ///< Figures and names.
  std::string cure;
  double gain_ms = 0;  ///< Expected, of one inference, modelled; 0 where it is not time that is gained.
  std::string gain;    ///< In words, with its figure.
};

/// Where to run the model for one goal.
struct Recommendation {
  std::string goal;    ///< "latency", "throughput", "watts".
  std::string engine;  ///< "DLA", "GPU", "DLA + GPU", ...
  std::string why;     ///< With the figures of the alternatives.
};

struct Advice {
  std::vector<Finding> findings;  ///< Largest gain first.
  std::vector<Recommendation> recommendations;
};

Advice advise(const engine::Engine& engine, const hw::DeviceProfile& device, const hw::PowerMode& mode,
              const EngineProfile& profile);

std::string advice_to_text(const Advice& advice);
std::string advice_to_json(const Advice& advice);

}  // namespace medlar::profile

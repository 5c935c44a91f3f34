// SPDX-License-Identifier: Apache-2.0
// The advisor's rules, one function each. Private to this folder.
#pragma once

#include "profile/advisor.hpp"

namespace medlar::profile {

struct Case {
  const engine::Engine& engine;
  const hw::DeviceProfile& device;
  const hw::PowerMode& mode;
  const EngineProfile& profile;
};

/// What every rule has to say, in the order of the rules.
std::vector<Finding> find_all(const Case& c);

}  // namespace medlar::profile

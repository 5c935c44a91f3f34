// SPDX-License-Identifier: Apache-2.0
// The compiler's placements in the API's words. Private to this folder.
#pragma once

#include "compiler/plan.hpp"
#include "medlar/builder.hpp"

#include <string>
#include <vector>

namespace medlar::door {

LayerPlacement placement_of(const compiler::Placement& placement);

/// One for each name; names that the compiler did not see were folded away.
std::vector<LayerPlacement> placements_of(const std::vector<std::string>& names,
                                          const std::vector<compiler::Placement>& placements);

Placed placed_on(compiler::Engine engine);

}  // namespace medlar::door

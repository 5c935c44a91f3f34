// SPDX-License-Identifier: Apache-2.0
// Order of the fusion rules.
#include "compiler/fuse/fuse.hpp"

#include <algorithm>

#include "compiler/fuse/alias_windows.hpp"
#include "compiler/fuse/compose_selection.hpp"
#include "compiler/fuse/expand_groups.hpp"
#include "compiler/fuse/fold_affine.hpp"
#include "compiler/fuse/fold_gates.hpp"

namespace medlar::compiler {

void fuse(LayerGraph& graph, const FusionTarget& target) {
  compose_selections(graph);
  if (target.config.sdp_lut) {
    fold_gates(graph);
  }
  fold_affine(graph);
  absorb_steps(graph, target);
  alias_windows(graph);
  // A MAC cell multiplies atomic_c channels a cycle. Beyond two atoms the zeros of the block diagonal cost more than operations.
  const auto atom = static_cast<int>(target.config.channels_per_atom(target.precision));
  expand_groups(graph, atom, std::min(2 * atom, static_cast<int>(target.config.atomic_c)));
}

}  // namespace medlar::compiler

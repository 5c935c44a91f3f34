// SPDX-License-Identifier: Apache-2.0
// Order of the fusion rules.
#include "compiler/fuse/fuse.hpp"

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
  expand_groups(graph, static_cast<int>(target.config.channels_per_atom(target.precision)));
}

}  // namespace medlar::compiler

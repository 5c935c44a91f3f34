// SPDX-License-Identifier: Apache-2.0
// Brings loadables of older descriptor versions to the current one, so that everything above sees a single
// layout.
#pragma once

#include "loadable/loadable.hpp"

namespace medlar::loadable {

/// True when some task has descriptors of an older layout (28-byte cubes, 16-byte EMU operations).
Result<bool> needs_upgrade(const Loadable& loadable);

/// The same network in the layout of kDlaVersion: surface lists, EMU lists and relocations rewritten,
/// descriptor blobs tagged, contents that nothing copies dropped. A current loadable comes back as it is.
Result<Loadable> upgrade(Loadable loadable);

}  // namespace medlar::loadable

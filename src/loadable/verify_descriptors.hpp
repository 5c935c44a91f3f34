// SPDX-License-Identifier: Apache-2.0
// The part of verify() that looks into the descriptor blobs. Expects the lists to be verified already.
#pragma once

#include "loadable/loadable.hpp"

namespace medlar::loadable {

/// Every task's lists are found and large enough; every cube and transfer names an entry of the task's
/// address list and starts inside its memory.
Status verify_descriptors(const Loadable& loadable);

}  // namespace medlar::loadable

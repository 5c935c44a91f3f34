// SPDX-License-Identifier: Apache-2.0
// The files in which the kernel shows its state, by the names that they have on a Jetson.
#pragma once

#include "driver/sim/state.hpp"

#include <map>
#include <string>

namespace medlar::driver {

/// Path to contents, as of now. Device nodes are among them, with a line that says what they are.
std::map<std::string, std::string> sysfs_files(Kernel::State& state);

}  // namespace medlar::driver

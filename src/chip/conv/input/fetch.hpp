// SPDX-License-Identifier: Apache-2.0
// Integer features of a direct convolution that leaves nothing in CBUF: from memory to the window in one
// pass.
#pragma once

#include "base/status.hpp"
#include "chip/conv/input/window.hpp"
#include "chip/memory/memory_port.hpp"

namespace medlar::chip {

/// True when fetch_window can take the job: no reuse before or after, nothing converted but INT8.
bool can_fetch_window(const ConvJob& job);

/// The same window as fetch_features and make_window give, but for lanes beyond the last channel: they hold
/// whatever memory holds there (their weights are zero). Overwrites `window`.
Status fetch_window(const ConvJob& job, WindowForm form, MemoryPort& memory, ConvWindow& window);

}  // namespace medlar::chip

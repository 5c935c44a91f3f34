// SPDX-License-Identifier: Apache-2.0
// The one door to threads for data-parallel loops (oneTBB behind it).
#pragma once

#include <cstdint>
#include <functional>

namespace medlar {

/// Calls body(begin, end) over disjoint ranges that cover [0, count), at least `grain` items each, on up to
/// parallel_threads() threads. The body must not depend on how the range is cut.
void parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

/// Threads that parallel_for may use; 1 runs everything on the calling thread. Default: the machine's.
int parallel_threads();
void set_parallel_threads(int threads);

}  // namespace medlar

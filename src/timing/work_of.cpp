// SPDX-License-Identifier: Apache-2.0
#include "timing/work_of.hpp"

#include "base/checked.hpp"

#include <algorithm>

namespace medlar::timing {

uint32_t beat_bytes(const hw::HwConfig& config) {
  return std::max(config.dbb.bytes_per_cycle(), config.memory_atom);
}

DataFetch data_fetch(const Fetched& fetched, Memory from, const hw::HwConfig& config) {
  const double full = 8.0 * config.memory_atom;
  const uint64_t bytes = fetched.beats * beat_bytes(config);
  const double fill =
      fetched.requests == 0 ? 1 : static_cast<double>(bytes) / static_cast<double>(fetched.requests) / full;
  return {{bytes, from}, std::min(1.0, fill)};
}

DataFetch data_fetch(const LineSet& lines, Memory from, const hw::HwConfig& config) {
  return data_fetch(fetch_lines(lines, beat_bytes(config) / config.memory_atom), from, config);
}

CdpWork cdp_work(uint64_t width, uint64_t height, uint64_t bytes, FromTo memories,
                 const hw::HwConfig& config) {
  constexpr uint64_t kStripeWidth = 8, kNarrow = 5;
  const uint64_t atoms = bytes / std::max<uint64_t>(1, width * height * config.memory_atom);
  const uint64_t stripes = width <= kNarrow ? 0 : height * ceil_div(width, kStripeWidth) * atoms;
  return {bytes, stripes, {bytes, memories.from}, {bytes, memories.to}};
}

namespace {

/// Calls `take` for the lines that begin at the first line's place in a beat, and for those at the second's.
template <typename Take>
void for_both_phases(const CopyLines& set, uint32_t beat, Take take) {
  const uint64_t first = set.address % beat, second = (set.address + set.stride) % beat;
  take(ceil_div(set.lines, uint64_t{2}), first + set.bytes);
  take(set.lines / 2, second + set.bytes);
}

}  // namespace

void add_lines(CopyWork& work, const CopyLines& read, const CopyLines& written, const hw::HwConfig& config) {
  const uint32_t beat = config.dbb.bytes_per_cycle();
  for_both_phases(read, beat, [&](uint64_t lines, uint64_t bytes) {
    work.input.bytes += lines * line_beats(bytes, beat) * beat;
  });
  for_both_phases(written, beat, [&](uint64_t lines, uint64_t bytes) {
    work.output.bytes += lines * line_beats(bytes, beat) * beat;
    work.write_cycles += lines * line_write_cycles(bytes, beat);
  });
}

}  // namespace medlar::timing

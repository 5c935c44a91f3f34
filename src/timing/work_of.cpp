// SPDX-License-Identifier: Apache-2.0
#include "timing/work_of.hpp"

#include "base/checked.hpp"

#include <algorithm>

namespace medlar::timing {

DataFetch data_fetch(const LineSet& lines, Memory from, const hw::HwConfig& config) {
  const uint32_t beat = std::max(config.dbb.bytes_per_cycle(), config.memory_atom);
  const Fetched fetched = fetch_lines(lines, beat / config.memory_atom);
  const double full = 8.0 * config.memory_atom;
  const uint64_t bytes = fetched.beats * beat;
  const double fill =
      fetched.requests == 0 ? 1 : static_cast<double>(bytes) / static_cast<double>(fetched.requests) / full;
  return {{bytes, from}, std::min(1.0, fill)};
}

CdpWork cdp_work(uint64_t width, uint64_t height, uint64_t bytes, FromTo memories,
                 const hw::HwConfig& config) {
  constexpr uint64_t kStripeWidth = 8;
  const uint64_t atoms = bytes / std::max<uint64_t>(1, width * height * config.memory_atom);
  return {
      bytes, height * ceil_div(width, kStripeWidth) * atoms, {bytes, memories.from}, {bytes, memories.to}};
}

void add_lines(CopyWork& work, const CopyLines& read, const CopyLines& written, const hw::HwConfig& config) {
  const uint32_t beat = config.dbb.bytes_per_cycle();
  work.input.bytes += read.lines * line_beats(read.bytes, beat) * beat;
  work.output.bytes += written.lines * line_beats(written.bytes, beat) * beat;
  work.write_cycles += written.lines * line_write_cycles(written.bytes, beat);
}

}  // namespace medlar::timing

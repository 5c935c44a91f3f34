// SPDX-License-Identifier: Apache-2.0
#include "timing/fetch.hpp"

#include "base/checked.hpp"

#include <algorithm>

namespace medlar::timing {
namespace {

constexpr uint64_t kRequestAtoms = 8;
constexpr uint64_t kBurstBeats = 4;

Fetched fetch_line(uint64_t begin, uint64_t atoms, uint64_t atoms_per_beat) {
  const uint64_t end = begin + atoms;
  const uint64_t first = begin / kRequestAtoms, last = (end - 1) / kRequestAtoms;
  Fetched fetched{last - first + 1, (end - 1) / atoms_per_beat - begin / atoms_per_beat + 1};
  if (atoms_per_beat > kRequestAtoms) {  // a beat is wider than a request
    fetched.beats = fetched.requests;
  }
  return fetched;
}

/// How many of `count` steps land on each of the eight phases that repeat.
uint64_t share(uint64_t count, uint64_t phase) {
  return count / kRequestAtoms + (phase < count % kRequestAtoms ? 1 : 0);
}

}  // namespace

Fetched fetch_lines(const LineSet& set, uint32_t atoms_per_beat) {
  Fetched all;
  if (set.atoms == 0) {
    return all;
  }
  for (uint64_t s = 0; s < std::min(set.surfaces, kRequestAtoms); ++s) {
    for (uint64_t l = 0; l < std::min(set.lines, kRequestAtoms); ++l) {
      const uint64_t at = set.first_atom + s * set.surface_stride + l * set.line_stride;
      const Fetched one = fetch_line(at % kRequestAtoms, set.atoms, std::max(1u, atoms_per_beat));
      const uint64_t times = share(set.surfaces, s) * share(set.lines, l);
      all.requests += one.requests * times;
      all.beats += one.beats * times;
    }
  }
  return all;
}

uint64_t line_beats(uint64_t bytes, uint32_t beat_bytes) {
  return ceil_div(bytes, uint64_t{std::max(1u, beat_bytes)});
}

uint64_t line_write_cycles(uint64_t bytes, uint32_t beat_bytes) {
  const uint64_t beats = line_beats(bytes, beat_bytes);
  return 2 + beats + (ceil_div(beats, kBurstBeats) - std::min<uint64_t>(beats, 1));
}

}  // namespace medlar::timing

// SPDX-License-Identifier: Apache-2.0
// The vector units that a chip can compute with. All give the same bytes.
#pragma once

#include "base/status.hpp"
#include "chip/conv/integer/dot.hpp"
#include "chip/sdp/target.hpp"

#include <span>
#include <string_view>

namespace medlar::chip {

struct ChipTarget {
  std::string_view name;
  DotTarget dot;
  SdpTarget sdp;
  bool written_out =
      false;  ///< Convolutions one atom after the other, as CSC and CACC do them: the slow model.
};

/// What this machine can run, best first: "avx512" (with VNNI), Highway's targets ("avx3", "avx2", "sse4",
/// ...), the plain loops "scalar-bytes" and "scalar", and last "reference", the slow model.
std::span<const ChipTarget> chip_targets();

/// By name; empty: what MEDLAR_CHIP_ISA names, else the best one. An unknown name is an error that lists the
/// known ones.
Result<const ChipTarget*> find_chip_target(std::string_view name = {});

}  // namespace medlar::chip

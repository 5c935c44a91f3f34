// SPDX-License-Identifier: Apache-2.0
// Which vector units there are.
#include "chip/chip_target.hpp"

#include "chip/conv/half/half.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/ranges.h>
#include <hwy/targets.h>

namespace medlar::chip {
namespace {

constexpr DotTarget kScalarDot = {.name = "scalar",
                                  .has_bytes = false,
                                  .bytes = dot_bytes_scalar,
                                  .words = dot_words_scalar,
                                  .diagonal_bytes = dot_diagonal_bytes_scalar,
                                  .diagonal_words = dot_diagonal_words_scalar,
                                  .join = dot_join_scalar,
                                  .transpose = dot_transpose_scalar};

bool has_avx512_vnni() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0;
#else
  return false;
#endif
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Names live here, targets refer to them.
struct Registry {
  std::vector<std::string> names;
  std::vector<ChipTarget> targets;

  Registry() {
    std::vector<int64_t> bits;
    constexpr int64_t kPlain =
        HWY_SCALAR | HWY_EMU128;  // no vector unit: our own plain loops take their place
    const int64_t supported = hwy::SupportedTargets() & HWY_TARGETS & ~kPlain;
    for (int64_t rest = supported; rest != 0; rest &= rest - 1) {
      bits.push_back(rest & -rest);
      names.push_back(lower(hwy::TargetName(bits.back())));
    }
    if (has_avx512_vnni() && !bits.empty()) {
      DotTarget dot = vector_dot_target(bits.front(), "avx512");
      dot.has_bytes = true;
      dot.bytes = dot_bytes_avx512;
      dot.words = dot_words_avx512;
      dot.diagonal_bytes = dot_diagonal_bytes_avx512;
      dot.runs = dot_runs_avx512;
      dot.join = dot_join_avx512;
      dot.transpose = dot_transpose_avx512;
      dot.half_tile = has_half_avx512() ? half_tile_avx512 : vector_half_tile(bits.front());
      dot.half_depthwise = vector_half_depthwise(bits.front());
      dot.half_strip = has_half_avx512() ? half_strip_avx512 : nullptr;
      SdpTarget sdp = vector_sdp_target(bits.front(), "avx512");
      sdp.chain = run_sdp_chain_avx512;
      targets.push_back({.name = "avx512", .dot = dot, .sdp = sdp});
    }
    for (size_t i = 0; i < bits.size(); ++i) {
      DotTarget dot = vector_dot_target(bits[i], names[i]);
      dot.half_tile = vector_half_tile(bits[i]);
      dot.half_depthwise = vector_half_depthwise(bits[i]);
      targets.push_back({.name = names[i],
                         .dot = dot,
                         .sdp = vector_sdp_target(bits[i], names[i])});
    }
    add_plain();
  }

  void add_plain() {
    DotTarget bytes = kScalarDot;
    bytes.name = "scalar-bytes";
    bytes.has_bytes = true;
    bytes.runs = dot_runs_scalar;
    targets.push_back({.name = "scalar-bytes", .dot = bytes, .sdp = scalar_sdp_target()});
    targets.push_back({.name = "scalar", .dot = kScalarDot, .sdp = scalar_sdp_target()});
    targets.push_back(
        {.name = "reference", .dot = kScalarDot, .sdp = scalar_sdp_target(), .written_out = true});
  }
};

}  // namespace

std::span<const ChipTarget> chip_targets() {
  static const Registry registry;
  return registry.targets;
}

Result<const ChipTarget*> find_chip_target(std::string_view name) {
  const bool named = !name.empty();
  if (const char* wanted = std::getenv("MEDLAR_CHIP_ISA"); !named && wanted != nullptr) {
    name = wanted;
  }
  std::vector<std::string_view> known;
  for (const ChipTarget& target : chip_targets()) {
    if (name.empty() || target.name == name) {
      return &target;
    }
    known.push_back(target.name);
  }
  return fail(Code::kInvalidArgument, "{}'{}': this machine has no such vector unit; it has {}",
              named ? "" : "MEDLAR_CHIP_ISA=", name, fmt::join(known, ", "));
}

}  // namespace medlar::chip

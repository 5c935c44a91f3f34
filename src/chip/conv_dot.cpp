// SPDX-License-Identifier: Apache-2.0
// Which inner products this machine can run.
#include "chip/conv_dot.hpp"

#include <array>
#include <cstdlib>

namespace medlar::chip {
namespace {

constexpr DotTarget kScalar = {.name = "scalar", .has_bytes = false, .bytes = dot_bytes_scalar, .words = dot_words_scalar,
                               .diagonal_bytes = dot_diagonal_bytes_scalar, .diagonal_words = dot_diagonal_words_scalar,
                               .transpose = dot_transpose_scalar};
constexpr DotTarget kScalarBytes = {.name = "scalar-bytes", .has_bytes = true, .bytes = dot_bytes_scalar, .words = dot_words_scalar,
                               .diagonal_bytes = dot_diagonal_bytes_scalar, .diagonal_words = dot_diagonal_words_scalar,
                               .transpose = dot_transpose_scalar};
constexpr DotTarget kVector = {.name = "vector", .has_bytes = false, .bytes = dot_bytes_scalar, .words = dot_words_vector,
                               .diagonal_bytes = dot_diagonal_bytes_scalar, .diagonal_words = dot_diagonal_words_vector,
                               .transpose = dot_transpose_scalar};
constexpr DotTarget kAvx512 = {.name = "avx512", .has_bytes = true, .bytes = dot_bytes_avx512, .words = dot_words_avx512,
                               .diagonal_bytes = dot_diagonal_bytes_avx512, .diagonal_words = dot_diagonal_words_vector,
                               .transpose = dot_transpose_avx512};

constexpr std::array kAll = {kAvx512, kVector, kScalarBytes, kScalar};

bool has_avx512_vnni() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0;
#else
  return false;
#endif
}

}  // namespace

std::span<const DotTarget> dot_targets() {
  const std::span<const DotTarget> all = kAll;
  return has_avx512_vnni() ? all : all.subspan(1);
}

const DotTarget& active_dot_target() {
  const std::span<const DotTarget> targets = dot_targets();
  const char* wanted = std::getenv("MEDLAR_CHIP_ISA");
  if (wanted == nullptr || *wanted == '\0') {
    return targets.front();
  }
  for (const DotTarget& target : targets) {
    if (target.name == wanted) {
      return target;
    }
  }
  return targets.back();
}

}  // namespace medlar::chip

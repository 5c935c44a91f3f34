// SPDX-License-Identifier: Apache-2.0
// The operator matrix: what the compiler does with each ONNX operator on a configuration. Every row is the answer of the
// compiler's own rules to a probe: a graph of that one operator, rewritten and checked as a user's graph is.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hw/config.hpp"

namespace medlar::compiler {

enum class Grade : uint8_t {
  kNative,    ///< One operation of the chip, or none.
  kComposed,  ///< Several operations.
  kHost,
};
std::string_view grade_name(Grade grade);

struct OperatorInfo {
  std::string op_type;
  Grade grade = Grade::kHost;
  std::vector<hw::Precision> precisions;  ///< On the DLA; empty for the host.
  std::string reason_code, reason;        ///< Of the host.
  std::string notes;                      ///< Limits (from spec/limits.toml) and conditions.
  std::string error;                      ///< Of a lookup table: bound and interval; empty for exact arithmetic.
};

/// All operators that the compiler knows by name, sorted.
std::vector<OperatorInfo> operator_matrix(const hw::HwConfig& config);

/// The matrix of several configurations side by side, as a Markdown page.
std::string operators_page(std::span<const hw::HwConfig* const> configs);

}  // namespace medlar::compiler

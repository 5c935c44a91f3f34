// SPDX-License-Identifier: Apache-2.0
// What the operator matrix says beside the verdict: the probe, and limits in words with the numbers of spec/limits.toml.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace medlar::compiler {

/// How to make a graph of one operator.
enum class Probe : uint8_t {
  kUnary, kBinary, kVariadic, kConv, kConvTranspose, kGemm, kMatMul, kPool, kGlobal, kBatchNorm, kPrelu, kConcat, kSlice,
  kSplit, kPad, kResize, kReshape, kBlocks, kReduce, kPower, kGather, kTranspose, kLrn, kNormalise,
};

struct OperatorNote {
  std::string_view op_type;
  Probe probe = Probe::kUnary;
  bool composed = false;  ///< Several operations even where the rewritten graph has one node.
  std::string notes = {};
};

/// Sorted by name.
std::vector<OperatorNote> operator_notes();

}  // namespace medlar::compiler

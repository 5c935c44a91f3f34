// SPDX-License-Identifier: Apache-2.0
// Runs an emitted segment: the kernel driver's core programs the chip model over flat memory. No SMMU, no user mode.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/back/emit.hpp"

namespace medlar::compiler::test {

/// Real values in C, H, W order by tensor name.
using RealsByName = std::map<std::string, std::vector<double>>;

/// Memory that nobody has written holds NaNs in FP16 and 126 in INT8.
Result<RealsByName> run_segment(const EmittedSegment& segment, const hw::HwConfig& config, const RealsByName& inputs);

}  // namespace medlar::compiler::test

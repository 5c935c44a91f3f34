// SPDX-License-Identifier: Apache-2.0
// The back half of the compiler: one hardware graph in, one NVDLA loadable out (tile, schedule, allocate, pack, emit).
// Pure function of its arguments: the same graph and configuration give the same bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "compiler/back/emit_options.hpp"
#include "compiler/hw_graph.hpp"
#include "compiler/plan.hpp"
#include "hw/config.hpp"

namespace medlar::compiler {

struct EmittedSegment {
  ByteBuffer loadable;
  std::vector<DlaBinding> inputs, outputs;  ///< Order of the graph's tensors; bind_id counts from 0 in each.
  std::vector<HwOpInfo> ops;                ///< One per operation of the task, in its order; `segment` is left 0.
  MemoryUse memory;
};

/// Compiles one segment. kInvalidArgument: the graph contradicts itself (a bug of the front half, named).
/// kUnsupported: the configuration lacks a unit or a limit is exceeded. kResourceExhausted: no tiling fits the CBUF.
Result<EmittedSegment> emit_segment(const HwGraph& graph, const hw::HwConfig& config, const EmitOptions& options = {});

}  // namespace medlar::compiler

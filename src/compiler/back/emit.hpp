// SPDX-License-Identifier: Apache-2.0
// The back half of the compiler: one hardware graph in, one NVDLA loadable out (tile, schedule, allocate, pack, emit).
// Pure function of its arguments: the same graph and configuration give the same bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "compiler/hw_graph.hpp"
#include "compiler/plan.hpp"
#include "hw/config.hpp"

namespace medlar::compiler {

/// Bytes of the segment's memory, by class.
struct MemoryStats {
  uint64_t constant_bytes = 0;           ///< Pool of packed weights and operands, shared blobs counted once.
  uint64_t activation_bytes = 0;         ///< Pool of intermediate tensors.
  uint64_t activation_lower_bound = 0;   ///< Most bytes alive at one operation: no allocation can be smaller.
  uint64_t activation_unshared = 0;      ///< Sum of all intermediate tensors: what no reuse would take.
  uint64_t input_bytes = 0, output_bytes = 0;
};

struct EmittedSegment {
  ByteBuffer loadable;
  std::vector<DlaBinding> inputs, outputs;  ///< Order of the graph's tensors; bind_id counts from 0 in each.
  std::vector<HwOpInfo> ops;                ///< One per operation of the task, in its order; `segment` is left 0.
  MemoryStats memory;
};

/// Compiles one segment. kInvalidArgument: the graph contradicts itself (a bug of the front half, named).
/// kUnsupported: the configuration lacks a unit or a limit is exceeded. kResourceExhausted: no tiling fits the CBUF.
Result<EmittedSegment> emit_segment(const HwGraph& graph, const hw::HwConfig& config);

}  // namespace medlar::compiler

// SPDX-License-Identifier: Apache-2.0
// An independent look at an emitted segment: decodes the loadable and checks what the chip would do with memory and CBUF,
// with formulas of its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/back/emit.hpp"
#include "loadable/loadable.hpp"
#include "loadable/task_view.hpp"

namespace medlar::compiler::test {

/// Bytes [begin, end) of one address of the task.
struct Range {
  int address = 0;
  uint64_t begin = 0, end = 0;
};

/// One operation as decoded: what it reads and writes, atom line by atom line (inputs, outputs and activations only).
struct DecodedOp {
  hw::CommonOpDesc node{};
  hw::OpContainer op{};
  hw::SurfaceContainer surface{};
  std::vector<Range> reads, writes;
};

struct Decoded {
  loadable::Loadable loadable;
  hw::NetworkDesc network{};
  std::vector<DecodedOp> ops;
  std::vector<hw::LutParam> luts;
};

/// Reads and verifies the loadable. Records a test failure and returns nothing when it is broken.
std::optional<Decoded> decode(const EmittedSegment& segment, const hw::HwConfig& config);

/// Every convolution fits the CBUF; every destination is covered exactly once; every byte read was written by the
/// operation that makes that tensor, and by nobody since. Records test failures.
void check_segment(const HwGraph& graph, const EmittedSegment& segment, const hw::HwConfig& config);

/// emit_segment, decode and check_segment in one; fails the test on an error.
std::optional<Decoded> emit_and_check(const HwGraph& graph, const hw::HwConfig& config);

const hw::HwConfig& config_named(std::string_view name);

}  // namespace medlar::compiler::test

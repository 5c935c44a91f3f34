// SPDX-License-Identifier: Apache-2.0
// The back half, top down: check, place, lower, allocate, order, write.
#include "compiler/back/emit.hpp"

#include <algorithm>
#include <array>

#include "base/checked.hpp"
#include "compiler/back/allocator.hpp"
#include "compiler/back/check.hpp"
#include "compiler/back/dependencies.hpp"
#include "compiler/back/keep_weights.hpp"
#include "compiler/back/lower.hpp"
#include "compiler/back/sram.hpp"
#include "compiler/back/storage.hpp"
#include "compiler/back/write.hpp"

namespace medlar::compiler {
namespace {

using namespace back;

/// Bytes; DMA bursts begin at multiples of it on every configuration.
constexpr uint64_t kActivationAlignment = 64;
/// Loadables count SRAM in pages.
constexpr uint64_t kSramGranule = 4096;

/// Lifetimes in steps of fused chains: the operations of one chain run at the same time.
std::vector<LiveRange> live_ranges(const Program& program) {
  std::vector<LiveRange> ranges(program.buffers.size(), LiveRange{.bytes = 0, .first = INT32_MAX, .last = -1});
  int step = -1;
  for (const MachineOp& op : program.ops) {
    step += op.fused ? 0 : 1;
    for (const Access& access : op.accesses) {
      LiveRange& range = ranges[static_cast<size_t>(access.buffer)];
      range.bytes = program.buffers[static_cast<size_t>(access.buffer)].bytes;
      range.first = std::min(range.first, step);
      range.last = std::max(range.last, step);
    }
  }
  return ranges;
}

/// Bytes that the operations move to and from each buffer.
std::vector<uint64_t> traffic_of(const Program& program) {
  std::vector<uint64_t> traffic(program.buffers.size());
  for (const MachineOp& op : program.ops) {
    for (const Access& access : op.accesses) {
      const auto extent = [](int from, int to) { return static_cast<uint64_t>(to - from); };
      traffic[static_cast<size_t>(access.buffer)] += extent(access.box.x0, access.box.x1) * extent(access.box.y0, access.box.y1) *
                                                     extent(access.box.s0, access.box.s1) * program.config->memory_atom;
    }
  }
  return traffic;
}

/// Activations that some operation uses.
struct Activations {
  std::vector<size_t> ids;
  std::vector<LiveRange> ranges;
};

void move_to_sram(Program& program, Activations& activations, MemoryUse& stats) {
  if (!program.config->sram || program.options.sram_bytes == 0) {
    return;
  }
  const std::vector<uint64_t> traffic = traffic_of(program);
  std::vector<SramCandidate> candidates;
  for (size_t i = 0; i < activations.ids.size(); ++i) {
    candidates.push_back({activations.ranges[i], traffic[activations.ids[i]]});
  }
  const SramChoice choice = choose_for_sram(candidates, program.options.sram_bytes / kSramGranule * kSramGranule, kActivationAlignment);
  Activations rest;
  for (size_t i = 0, next = 0; i < activations.ids.size(); ++i) {
    if (next < choice.chosen.size() && choice.chosen[next] == i) {
      Buffer& buffer = program.buffers[activations.ids[i]];
      buffer.sram = true;
      buffer.offset = choice.allocation.offsets[next++];
    } else {
      rest.ids.push_back(activations.ids[i]);
      rest.ranges.push_back(activations.ranges[i]);
    }
  }
  stats.sram = round_up(choice.allocation.bytes, kSramGranule);
  activations = std::move(rest);
}

void allocate_activations(Program& program, MemoryUse& stats) {
  const std::vector<LiveRange> all = live_ranges(program);
  Activations activations;
  for (size_t id = 0; id < program.buffers.size(); ++id) {
    if (program.buffers[id].where == BufferClass::kActivation && all[id].last >= 0) {
      activations.ids.push_back(id);
      activations.ranges.push_back(all[id]);
      stats.intermediate_unshared += round_up(all[id].bytes, kActivationAlignment);
    }
  }
  move_to_sram(program, activations, stats);
  const Allocation allocation = allocate(activations.ranges, kActivationAlignment);
  for (size_t i = 0; i < activations.ids.size(); ++i) {
    program.buffers[activations.ids[i]].offset = allocation.offsets[i];
  }
  stats.intermediate = allocation.bytes;
  stats.intermediate_bound = allocation.lower_bound;
}

std::vector<HwOpInfo> describe_ops(const Program& program) {
  constexpr std::array<std::string_view, NVDLA_OP_COUNT> kKinds{"BDMA", "CONV", "SDP", "PDP", "CDP", "RUBIK"};
  std::vector<HwOpInfo> infos;
  for (const MachineOp& op : program.ops) {
    const HwOp& source = program.graph->ops[static_cast<size_t>(op.source)];
    infos.push_back({.segment = 0,
                     .task_op = static_cast<int>(infos.size()),
                     .kind = std::string(kKinds[op.type]),
                     .name = source.name,
                     .origins = source.origins,
                     .macs = op.macs});
  }
  return infos;
}

void add_binding(const Program& program, const Buffer& buffer, std::vector<DlaBinding>& bindings) {
  const HwTensor& tensor = program.graph->tensors[static_cast<size_t>(buffer.tensor)];
  const Cube& cube = program.cubes[static_cast<size_t>(buffer.tensor)];
  bindings.push_back({.tensor = tensor.name,
                      .bind_id = static_cast<int>(bindings.size()),
                      .precision = tensor.precision,
                      .scale = tensor.scale,
                      .zero = tensor.zero,
                      .w = tensor.w,
                      .h = tensor.h,
                      .c = tensor.c,
                      .line_stride = cube.line_stride,
                      .surface_stride = cube.surface_stride,
                      .bytes = static_cast<uint32_t>(buffer.bytes),
                      .item = tensor.item,
                      .channel_scale = tensor.channel_scale,
                      .components = cube.components,
                      .channels_last = tensor.channels_last});
}

void fill_bindings(const Program& program, EmittedSegment& segment) {
  for (const Buffer& buffer : program.buffers) {
    switch (buffer.where) {
      case BufferClass::kInput:
        add_binding(program, buffer, segment.inputs);
        segment.memory.input += buffer.bytes;
        break;
      case BufferClass::kOutput:
        add_binding(program, buffer, segment.outputs);
        segment.memory.output += buffer.bytes;
        break;
      case BufferClass::kConstant:
        segment.memory.weights += buffer.bytes;
        break;
      case BufferClass::kActivation:
        break;
    }
  }
}

}  // namespace

Result<EmittedSegment> emit_segment(const HwGraph& graph, const hw::HwConfig& config, const EmitOptions& options) {
  MEDLAR_TRY(check_graph(graph, config));
  Program program{.graph = &graph, .config = &config, .options = options, .buffers = {}, .cubes = {}, .ops = {}, .constants_by_hash = {}};
  MEDLAR_TRY(place_tensors(program));
  for (size_t index = 0; index < graph.ops.size(); ++index) {
    MEDLAR_TRY(lower_op(program, index));
  }
  keep_weights(program);
  EmittedSegment segment;
  allocate_activations(program, segment.memory);
  MEDLAR_ASSIGN(const DependencyGraph dependencies, build_dependencies(program));
  MEDLAR_ASSIGN(segment.loadable, write_loadable(program, dependencies, segment.memory));
  segment.ops = describe_ops(program);
  fill_bindings(program, segment);
  return segment;
}

}  // namespace medlar::compiler

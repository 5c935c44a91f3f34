// SPDX-License-Identifier: Apache-2.0
// Machine operations: tiled chip operations with complete descriptors, except for addresses and dependencies.
// Lowering makes them, allocation and dependency building read them, emission writes them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "compiler/back/emit_options.hpp"
#include "compiler/hw_graph.hpp"
#include "hw/config.hpp"
#include "hw/descriptors.hpp"

namespace medlar::compiler::back {

/// Index into Program::buffers.
using BufferId = int32_t;
inline constexpr BufferId kNoBuffer = -1;

enum class BufferClass : uint8_t { kConstant, kActivation, kInput, kOutput };

/// A piece of memory that is placed as a whole.
struct Buffer {
  BufferClass where = BufferClass::kActivation;
  uint64_t bytes = 0;
  TensorId tensor = kNoTensor;  ///< What it holds; kNoTensor for constants.
  ByteBuffer data;              ///< Constants only.
  bool sram = false;            ///< Activations only: in on-chip memory.
  uint64_t offset = 0;          ///< In its pool; 0 for inputs and outputs, which are entries of their own.
};

/// Where a tensor lives: a window of whole surfaces of a buffer's cube. Strides are those of the buffer.
struct Cube {
  BufferId buffer = kNoBuffer;
  uint64_t offset = 0;               ///< Of the first atom, from the buffer's start.
  int first_surface = 0;             ///< Within the buffer's cube, for hazards between aliases.
  int w = 0, h = 0, c = 0;
  hw::Precision precision = hw::Precision::kInt8;
  uint32_t line_stride = 0, surface_stride = 0;
  int components = 0;                ///< Not 0: no feature cube but an image of so many interleaved components.
};

/// Half-open box of a buffer's cube, in columns, rows and surfaces.
struct Box {
  int x0 = 0, x1 = 0, y0 = 0, y1 = 0, s0 = 0, s1 = 0;
  bool overlaps(const Box& other) const {
    return x0 < other.x1 && other.x0 < x1 && y0 < other.y1 && other.y0 < y1 && s0 < other.s1 && other.s0 < s1;
  }
};

/// One use of activation, input or output memory. Constants never change, so they have none.
struct Access {
  BufferId buffer = kNoBuffer;
  Box box;
  bool write = false;
};

/// A data cube of the surface descriptor whose address is still open.
struct CubePatch {
  uint32_t field = 0;  ///< Byte offset of the cube inside the surface container.
  BufferId buffer = kNoBuffer;
  uint64_t offset = 0;
};

struct MachineOp {
  uint8_t type = NVDLA_OP_TYPE_CONV;  ///< enum nvdla_op_type.
  bool fused = false;                 ///< Fed on the fly by the operation before it (a CONV feeding its SDP).
  hw::OpContainer op{};
  hw::SurfaceContainer surface{};
  std::vector<CubePatch> patches;
  std::vector<Access> accesses;
  int source = 0;  ///< Index into HwGraph::ops.
  uint64_t macs = 0;
};

/// What lowering builds from a graph.
struct Program {
  const HwGraph* graph = nullptr;
  const hw::HwConfig* config = nullptr;
  EmitOptions options = {};
  std::vector<Buffer> buffers;
  std::vector<Cube> cubes;  ///< One per tensor of the graph.
  std::vector<MachineOp> ops;
  std::map<uint64_t, std::vector<BufferId>> constants_by_hash;
};

/// Adds a constant, or returns the one with the same bytes: packed weights are shared, never duplicated.
BufferId add_constant(Program& program, ByteBuffer bytes);

/// A window of a cube: `c` counts from channel `c0`, which begins a surface.
struct Window {
  int x0 = 0, y0 = 0, c0 = 0, w = 0, h = 0, c = 0;
};

/// The data cube descriptor of a window, address open.
hw::DataCube describe(const hw::HwConfig& config, const Cube& cube, const Window& window);
/// The patch that will fill in its address.
CubePatch patch_for(const hw::HwConfig& config, const Cube& cube, const Window& window, uint32_t field);
Access access_to(const hw::HwConfig& config, const Cube& cube, const Window& window, bool write);

/// All of a cube.
inline Window whole(const Cube& cube) { return {0, 0, 0, cube.w, cube.h, cube.c}; }

}  // namespace medlar::compiler::back

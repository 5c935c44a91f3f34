// SPDX-License-Identifier: Apache-2.0
// Constants, and the descriptors of windows of feature cubes (NVDLA programming guide, feature data format).
#include "compiler/back/machine.hpp"

#include "base/checked.hpp"
#include "base/hash.hpp"

namespace medlar::compiler::back {
namespace {

int channels_per_surface(const hw::HwConfig& config, const Cube& cube) {
  return static_cast<int>(config.channels_per_atom(cube.precision));
}

/// One pixel of an image, or one atom of a feature cube.
uint64_t column_bytes(const hw::HwConfig& config, const Cube& cube) {
  return cube.components == 0 ? config.memory_atom
                              : static_cast<uint64_t>(cube.components) * hw::bytes_per_element(cube.precision);
}

uint64_t window_offset(const hw::HwConfig& config, const Cube& cube, const Window& window) {
  const auto surface = static_cast<uint64_t>(window.c0 / channels_per_surface(config, cube));
  return cube.offset + surface * cube.surface_stride + static_cast<uint64_t>(window.y0) * cube.line_stride +
         static_cast<uint64_t>(window.x0) * column_bytes(config, cube);
}

}  // namespace

BufferId add_constant(Program& program, ByteBuffer bytes) {
  auto& candidates = program.constants_by_hash[hash64(bytes)];
  for (const BufferId id : candidates) {
    if (program.buffers[static_cast<size_t>(id)].data == bytes) {
      return id;
    }
  }
  const auto id = static_cast<BufferId>(program.buffers.size());
  candidates.push_back(id);
  const uint64_t size = bytes.size();
  program.buffers.push_back(
      {.where = BufferClass::kConstant, .bytes = size, .tensor = kNoTensor, .data = std::move(bytes)});
  return id;
}

hw::DataCube describe(const hw::HwConfig& config, const Cube& cube, const Window& window) {
  const int surfaces = cube.components != 0 ? 1 : ceil_div(window.c, channels_per_surface(config, cube));
  hw::DataCube d{};
  d.type = NVDLA_MEM_TYPE_MC;
  d.width = static_cast<uint16_t>(window.w);
  d.height = static_cast<uint16_t>(window.h);
  d.channel = static_cast<uint16_t>(cube.components != 0 ? cube.components : window.c);
  d.line_stride = cube.line_stride;
  d.surf_stride = cube.surface_stride;
  // From the first atom of the window to its last: a window never claims bytes outside its tensor.
  d.size = static_cast<uint32_t>(static_cast<uint64_t>(surfaces - 1) * cube.surface_stride +
                                 static_cast<uint64_t>(window.h - 1) * cube.line_stride +
                                 static_cast<uint64_t>(window.w) * column_bytes(config, cube));
  return d;
}

CubePatch patch_for(const hw::HwConfig& config, const Cube& cube, const Window& window, uint32_t field) {
  return {.field = field, .buffer = cube.buffer, .offset = window_offset(config, cube, window)};
}

Access access_to(const hw::HwConfig& config, const Cube& cube, const Window& window, bool write) {
  const int per = channels_per_surface(config, cube);
  // The buffer's cube may be larger than this tensor (a concatenation): express the box in the buffer's coordinates.
  const uint64_t in_surface = cube.offset % cube.surface_stride;
  const auto row = static_cast<int>(in_surface / cube.line_stride);
  const auto column = static_cast<int>(in_surface % cube.line_stride / column_bytes(config, cube));
  const int first = cube.first_surface + window.c0 / per;
  return {.buffer = cube.buffer,
          .box = {.x0 = column + window.x0,
                  .x1 = column + window.x0 + window.w,
                  .y0 = row + window.y0,
                  .y1 = row + window.y0 + window.h,
                  .s0 = first,
                  .s1 = first + ceil_div(window.c, per)},
          .write = write};
}

}  // namespace medlar::compiler::back

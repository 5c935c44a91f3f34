// SPDX-License-Identifier: Apache-2.0
// Tensor storage (NVDLA feature data format: surfaces of one atom's channels, rows of atoms).
#include "compiler/back/storage.hpp"

#include "base/checked.hpp"
#include "compiler/back/image_input.hpp"
#include "hw/cube.hpp"

namespace medlar::compiler::back {
namespace {

BufferClass class_of(TensorRole role) {
  switch (role) {
    case TensorRole::kInput:
      return BufferClass::kInput;
    case TensorRole::kOutput:
      return BufferClass::kOutput;
    case TensorRole::kConstant:
      return BufferClass::kConstant;
    case TensorRole::kIntermediate:
      break;
  }
  return BufferClass::kActivation;
}

/// A constant tensor as it lies in memory.
ByteBuffer constant_bytes(const HwTensor& tensor, const hw::CubeLayout& layout, const hw::HwConfig& config) {
  const auto per = static_cast<size_t>(config.channels_per_atom(tensor.precision));
  const size_t size = hw::bytes_per_element(tensor.precision);
  ByteBuffer bytes(layout.total_bytes());
  size_t from = 0;
  for (size_t c = 0; c < static_cast<size_t>(tensor.c); ++c) {
    for (size_t y = 0; y < static_cast<size_t>(tensor.h); ++y) {
      for (size_t x = 0; x < static_cast<size_t>(tensor.w); ++x, ++from) {
        const size_t at = c / per * layout.surf_stride + y * layout.line_stride + x * config.memory_atom + c % per * size;
        const auto value = static_cast<uint16_t>(tensor.contents[from]);
        bytes[at] = static_cast<uint8_t>(value);
        if (size == 2) {
          bytes[at + 1] = static_cast<uint8_t>(value >> 8);
        }
      }
    }
  }
  return bytes;
}

/// INT16 stands between INT8 and FP16 alone, and the SDP then moves two atoms for each INT8 atom, used or not.
uint64_t bytes_with_pairs(const HwTensor& tensor, const hw::CubeLayout& layout, const hw::HwConfig& config) {
  const int surfaces = ceil_div(tensor.c, static_cast<int>(config.channels_per_atom(tensor.precision)));
  const bool odd = tensor.precision == hw::Precision::kInt16 && surfaces % 2 != 0;
  return layout.total_bytes() + (odd ? layout.surf_stride : 0);
}

/// Its own buffer; equal constants share one.
BufferId buffer_for(Program& program, TensorId id, const hw::CubeLayout& layout) {
  const HwTensor& tensor = program.graph->tensors[static_cast<size_t>(id)];
  if (tensor.role == TensorRole::kConstant) {
    return add_constant(program, constant_bytes(tensor, layout, *program.config));
  }
  program.buffers.push_back(
      {.where = class_of(tensor.role), .bytes = bytes_with_pairs(tensor, layout, *program.config), .tensor = id, .data = {}});
  return static_cast<BufferId>(program.buffers.size() - 1);
}

/// Rows of interleaved pixels.
Cube image_cube(Program& program, TensorId id, int components) {
  const HwTensor& tensor = program.graph->tensors[static_cast<size_t>(id)];
  const uint64_t pixel = static_cast<uint64_t>(components) * hw::bytes_per_element(tensor.precision);
  const auto line = static_cast<uint32_t>(round_up<uint64_t>(static_cast<uint64_t>(tensor.w) * pixel, program.options.image_alignment));
  const uint32_t surface = line * static_cast<uint32_t>(tensor.h);
  program.buffers.push_back({.where = BufferClass::kInput, .bytes = surface, .tensor = id, .data = {}});
  return Cube{.buffer = static_cast<BufferId>(program.buffers.size() - 1),
              .w = tensor.w,
              .h = tensor.h,
              .c = tensor.c,
              .precision = tensor.precision,
              .line_stride = line,
              .surface_stride = surface,
              .components = components};
}

Result<Cube> own_cube(Program& program, TensorId id) {
  if (const int components = image_components(program, id); components != 0) {
    return image_cube(program, id, components);
  }
  const HwTensor& tensor = program.graph->tensors[static_cast<size_t>(id)];
  const hw::Dims dims{static_cast<uint32_t>(tensor.w), static_cast<uint32_t>(tensor.h), static_cast<uint32_t>(tensor.c)};
  const hw::CubeLayout layout = hw::CubeLayout::packed(dims, tensor.precision, *program.config);
  if (layout.total_bytes() > UINT32_MAX) {
    return fail(Code::kResourceExhausted, "tensor {}: {} bytes, descriptors hold {}", tensor.name, layout.total_bytes(),
                UINT32_MAX);
  }
  return Cube{.buffer = buffer_for(program, id, layout),
              .offset = 0,
              .first_surface = 0,
              .w = tensor.w,
              .h = tensor.h,
              .c = tensor.c,
              .precision = tensor.precision,
              .line_stride = static_cast<uint32_t>(layout.line_stride),
              .surface_stride = static_cast<uint32_t>(layout.surf_stride)};
}

Cube view_cube(const Program& program, const HwTensor& tensor) {
  Cube cube = program.cubes[static_cast<size_t>(tensor.view_of)];
  const auto per = static_cast<int>(program.config->channels_per_atom(tensor.precision));
  cube.first_surface = tensor.view_c / per;
  cube.offset = static_cast<uint64_t>(cube.first_surface) * cube.surface_stride +
                static_cast<uint64_t>(tensor.view_y) * cube.line_stride +
                static_cast<uint64_t>(tensor.view_x) * program.config->memory_atom;
  cube.w = tensor.w;
  cube.h = tensor.h;
  cube.c = tensor.c;
  return cube;
}

}  // namespace

Status place_tensors(Program& program) {
  const auto& tensors = program.graph->tensors;
  program.cubes.resize(tensors.size());
  for (size_t id = 0; id < tensors.size(); ++id) {
    if (tensors[id].view_of == kNoTensor) {
      MEDLAR_ASSIGN(program.cubes[id], own_cube(program, static_cast<TensorId>(id)));
    }
  }
  for (size_t id = 0; id < tensors.size(); ++id) {
    if (tensors[id].view_of != kNoTensor) {
      program.cubes[id] = view_cube(program, tensors[id]);
    }
  }
  return {};
}

}  // namespace medlar::compiler::back

// SPDX-License-Identifier: Apache-2.0
// Emission: addresses into cubes, descriptors into lists, lists into a loadable of one DLA task.
#include "compiler/back/write.hpp"

#include <cstring>

#include "compiler/back/image_input.hpp"
#include "loadable/builder.hpp"

namespace medlar::compiler::back {
namespace {

/// Of each constant in its pool. Weight fetches are bursts of up to 256 bytes.
constexpr uint32_t kConstantAlignment = 256;

template <typename T>
void append_record(ByteBuffer& bytes, const T& record) {
  const size_t at = bytes.size();
  bytes.resize(at + sizeof(T));
  std::memcpy(bytes.data() + at, &record, sizeof(T));
}

loadable::DataType data_type(hw::Precision precision) {
  switch (precision) {
    case hw::Precision::kInt8:
      return loadable::DataType::kInt8;
    case hw::Precision::kInt16:
      return loadable::DataType::kInt16;
    case hw::Precision::kFp16:
      break;
  }
  return loadable::DataType::kHalf;
}

loadable::Bindable bindable(const Program& program, const Buffer& buffer) {
  const HwTensor& t = program.graph->tensors[static_cast<size_t>(buffer.tensor)];
  const Cube& cube = program.cubes[static_cast<size_t>(buffer.tensor)];
  loadable::Tensor d;
  d.name = t.name;
  d.format = loadable::DataFormat::kNCxHWx;
  d.type = data_type(t.precision);
  d.category = loadable::DataCategory::kFeature;
  d.pixel_format = program.config->memory_atom == 8 ? loadable::kPixelFeatureX8 : loadable::kPixelFeature;
  d.c = t.c;
  d.h = t.h;
  d.w = t.w;
  d.strides = {hw::bytes_per_element(t.precision), cube.line_stride, cube.surface_stride};
  if (cube.components != 0) {
    d.format = loadable::DataFormat::kNhwc;
    d.category = loadable::DataCategory::kImage;
    d.pixel_format = pixel_format(cube.components, t.precision);
  }
  return {.tensor = std::move(d), .bytes = buffer.bytes};
}

/// Where each buffer is for descriptors: address id, and offset inside that address.
struct Location {
  int16_t address = -1;
  uint64_t offset = 0;
};

std::vector<Location> locate(const Program& program, const loadable::AddressPlan& plan) {
  std::vector<Location> locations;
  size_t constants = 0;
  size_t inputs = 0;
  size_t outputs = 0;
  for (const Buffer& buffer : program.buffers) {
    switch (buffer.where) {
      case BufferClass::kConstant:
        locations.push_back({plan.constants, plan.constant_offsets[constants++]});
        break;
      case BufferClass::kActivation:
        locations.push_back({buffer.sram ? plan.sram : plan.activations, buffer.offset});
        break;
      case BufferClass::kInput:
        locations.push_back({plan.inputs[inputs++], 0});
        break;
      case BufferClass::kOutput:
        locations.push_back({plan.outputs[outputs++], 0});
        break;
    }
  }
  return locations;
}

Status apply_patches(const Program& program, const MachineOp& op, const std::vector<Location>& locations, hw::SurfaceContainer& surface) {
  for (const CubePatch& patch : op.patches) {
    const Location& at = locations[static_cast<size_t>(patch.buffer)];
    const uint64_t offset = at.offset + patch.offset;
    if (offset > UINT32_MAX) {
      return fail(Code::kResourceExhausted, "pool offset {}, descriptors hold {}", offset, UINT32_MAX);
    }
    hw::DataCube cube;
    std::memcpy(&cube, surface.bytes + patch.field, sizeof(cube));
    cube.address = at.address;
    cube.offset = static_cast<uint32_t>(offset);
    if (program.buffers[static_cast<size_t>(patch.buffer)].sram) {
      cube.type = NVDLA_MEM_TYPE_CV;
    }
    std::memcpy(surface.bytes + patch.field, &cube, sizeof(cube));
  }
  return {};
}

hw::Slope slope(const Lut& lut, size_t which) {
  hw::Slope s{};
  // FP16 tables keep the bits of the slope in the same two bytes.
  s.data_i = {.scale = static_cast<int16_t>(lut.slope[which]),
              .shifter = static_cast<int8_t>(lut.slope_shift[which]),
              .reserved0 = 0};
  return s;
}

hw::LutParam lut_record(const Lut& lut) {
  hw::LutParam d{};
  std::memcpy(d.linear_exp_table, lut.le.data(), sizeof(d.linear_exp_table));
  std::memcpy(d.linear_only_table, lut.lo.data(), sizeof(d.linear_only_table));
  d.linear_exp_offset.frac_bits = static_cast<int8_t>(lut.le_index);
  d.linear_only_offset.frac_bits = static_cast<int8_t>(lut.lo_index);
  d.linear_exp_start = static_cast<uint64_t>(lut.le_start);
  d.linear_exp_end = static_cast<uint64_t>(lut.le_end);
  d.linear_only_start = static_cast<uint64_t>(lut.lo_start);
  d.linear_only_end = static_cast<uint64_t>(lut.lo_end);
  d.linear_exp_underflow_slope = slope(lut, 0);
  d.linear_exp_overflow_slope = slope(lut, 1);
  d.linear_only_underflow_slope = slope(lut, 2);
  d.linear_only_overflow_slope = slope(lut, 3);
  d.hybrid_priority = static_cast<uint8_t>(lut.hybrid_priority);
  d.underflow_priority = static_cast<uint8_t>(lut.underflow_priority);
  d.overflow_priority = static_cast<uint8_t>(lut.overflow_priority);
  d.method = lut.le_exponential ? NVDLA_LUT_METHOD_EXPONENTIAL : NVDLA_LUT_METHOD_LINEAR;
  return d;
}

Result<loadable::DlaTask> make_task(const Program& program, const DependencyGraph& dependencies,
                                    const std::vector<Location>& locations) {
  loadable::DlaTask task;
  task.num_operations = static_cast<uint16_t>(program.ops.size());
  task.op_head = dependencies.op_heads;
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const MachineOp& op = program.ops[i];
    hw::SurfaceContainer surface = op.surface;
    MEDLAR_TRY(apply_patches(program, op, locations, surface));
    append_record(task.dep_graph, dependencies.nodes[i]);
    append_record(task.op_list, op.op);
    append_record(task.surf_list, surface);
  }
  for (const Lut& lut : program.graph->luts) {
    append_record(task.lut_list, lut_record(lut));
  }
  return task;
}

}  // namespace

Result<ByteBuffer> write_loadable(const Program& program, const DependencyGraph& dependencies,
                                  const MemoryUse& memory) {
  loadable::Description description;
  description.constant_alignment = kConstantAlignment;
  description.activation_bytes = memory.intermediate;
  description.sram_bytes = memory.sram;
  for (const Buffer& buffer : program.buffers) {
    if (buffer.where == BufferClass::kConstant) {
      description.constants.push_back(buffer.data);
    } else if (buffer.where == BufferClass::kInput) {
      description.inputs.push_back(bindable(program, buffer));
    } else if (buffer.where == BufferClass::kOutput) {
      description.outputs.push_back(bindable(program, buffer));
    }
  }
  MEDLAR_ASSIGN(const loadable::AddressPlan plan, loadable::plan_addresses(description));
  MEDLAR_ASSIGN(loadable::DlaTask task, make_task(program, dependencies, locate(program, plan)));
  description.tasks.emplace_back(std::move(task));
  MEDLAR_ASSIGN(const loadable::Loadable result, loadable::build(description));
  return loadable::write(result);
}

}  // namespace medlar::compiler::back

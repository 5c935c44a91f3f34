// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cstring>

#include "loadable/loadable.hpp"
#include "num/float_convert.hpp"
#include "runtime/segment.hpp"
#include "umd/tensor_io.hpp"

namespace medlar::runtime {
namespace {

bool same_layout(const loadable::Tensor& a, const loadable::Tensor& b) {
  return a.format == b.format && a.type == b.type && a.category == b.category && a.pixel_format == b.pixel_format &&
         a.n == b.n && a.c == b.c && a.h == b.h && a.w == b.w && a.strides == b.strides;
}

Result<MutableBytes> mapped(const umd::BufferSlice& slice) {
  MEDLAR_ASSIGN(const MutableBytes bytes, slice.buffer->map());
  return bytes.subspan(slice.offset);
}

/// The loadable's bindings and the plan's must be the same tensors in the same order.
Status check_bindings(const std::vector<umd::BindingInfo>& have, const std::vector<compiler::DlaBinding>& want,
                      const std::string& segment) {
  if (have.size() != want.size()) {
    return fail(Code::kCorrupt, "segment '{}': the loadable binds {} tensors, the engine {}", segment, have.size(), want.size());
  }
  for (size_t i = 0; i < want.size(); ++i) {
    if (want[i].bind_id != static_cast<int>(i)) {
      return fail(Code::kCorrupt, "segment '{}': tensor '{}' has bind id {} at position {}", segment, want[i].tensor,
                  want[i].bind_id, i);
    }
  }
  return {};
}

/// Values of a floating-point tensor of the host, whatever its width.
Result<std::vector<float>> host_floats(const graph::Tensor& tensor, const std::string& name) {
  const bool floating = tensor.type == graph::DataType::kFloat32 || tensor.type == graph::DataType::kFloat16;
  const auto values = floating ? graph::to_doubles(tensor) : std::nullopt;
  if (!values) {
    return fail(Code::kUnsupported, "tensor '{}' holds {}; the DLA takes float32 and float16", name,
                graph::data_type_name(tensor.type));
  }
  return std::vector<float>(values->begin(), values->end());
}

/// Stores `values` in the tensor's own type.
Status store_floats(std::span<const float> values, graph::Tensor& tensor, const std::string& name) {
  if (tensor.type == graph::DataType::kFloat32 && tensor.bytes.size() == values.size_bytes()) {
    std::memcpy(tensor.bytes.data(), values.data(), values.size_bytes());
    return {};
  }
  if (tensor.type != graph::DataType::kFloat16 || tensor.bytes.size() != values.size() * sizeof(uint16_t)) {
    return fail(Code::kUnsupported, "tensor '{}' holds {} values of {}", name, values.size(), graph::data_type_name(tensor.type));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const uint32_t half = num::fp32_to_fp16(std::bit_cast<uint32_t>(values[i]));
    store_le(tensor.bytes.data() + i * sizeof(uint16_t), static_cast<uint16_t>(half));
  }
  return {};
}

Status write_input(const compiler::DlaBinding& binding, const umd::BindingInfo& info, const umd::BufferSlice& slice,
                   const Blackboard& board) {
  const auto tensor = board.tensors.find(binding.tensor);
  if (tensor == board.tensors.end()) {
    return fail(Code::kInternal, "tensor '{}' has no value on the host", binding.tensor);
  }
  MEDLAR_ASSIGN(const MutableBytes bytes, mapped(slice));
  if (tensor->second.type == graph::DataType::kFloat32) {
    return umd::pack_tensor(info.tensor, tensor->second.as<float>(), binding.scale, bytes);
  }
  MEDLAR_ASSIGN(const std::vector<float> values, host_floats(tensor->second, binding.tensor));
  return umd::pack_tensor(info.tensor, values, binding.scale, bytes);
}

}  // namespace

Status bring_to_host(const std::string& tensor, Blackboard& board, SegmentRun& record) {
  const auto cube = board.cubes.find(tensor);
  if (cube == board.cubes.end() || cube->second.on_host) {
    return {};
  }
  MEDLAR_ASSIGN(const MutableBytes stored, mapped(cube->second.slice));
  std::vector<float> values(umd::element_count(cube->second.layout));
  MEDLAR_TRY(umd::unpack_tensor(cube->second.layout, stored, cube->second.scale, values));
  MEDLAR_TRY(store_floats(values, board.tensors.at(tensor), tensor));
  cube->second.on_host = true;
  record.converted.push_back(tensor);
  return {};
}

Result<DlaSegment> DlaSegment::load(const compiler::Segment& segment, const std::shared_ptr<umd::Context>& context) {
  MEDLAR_ASSIGN(loadable::Loadable file, loadable::read(segment.payload, "segment '" + segment.name + "'"));
  MEDLAR_ASSIGN(umd::LoadedModel model, umd::LoadedModel::load(context, std::move(file)));
  MEDLAR_TRY(check_bindings(model.inputs(), segment.bindings_in, segment.name));
  MEDLAR_TRY(check_bindings(model.outputs(), segment.bindings_out, segment.name));
  MEDLAR_ASSIGN(umd::Bindings own, model.allocate_bindings());
  return DlaSegment{std::move(model), std::move(own)};
}

Status DlaSegment::run(const compiler::Segment& segment, Blackboard& board, SegmentRun& record) {
  umd::Bindings bindings = own;
  for (size_t i = 0; i < segment.bindings_in.size(); ++i) {
    const compiler::DlaBinding& binding = segment.bindings_in[i];
    const umd::BindingInfo& info = model.inputs()[i];
    const auto cube = board.cubes.find(binding.tensor);
    if (cube != board.cubes.end() && same_layout(cube->second.layout, info.tensor) && cube->second.scale == binding.scale) {
      bindings.inputs[i] = cube->second.slice;  // handed over in place
      continue;
    }
    MEDLAR_TRY(bring_to_host(binding.tensor, board, record));
    MEDLAR_TRY(write_input(binding, info, bindings.inputs[i], board));
    record.converted.push_back(binding.tensor);
  }
  MEDLAR_ASSIGN(const umd::Fence fence, model.submit(bindings));
  MEDLAR_TRY(fence.wait());
  record.serials.push_back(fence.serial());
  for (size_t i = 0; i < segment.bindings_out.size(); ++i) {
    const compiler::DlaBinding& binding = segment.bindings_out[i];
    board.cubes[binding.tensor] = {bindings.outputs[i], model.outputs()[i].tensor, binding.scale, false};
  }
  return {};
}

}  // namespace medlar::runtime

// SPDX-License-Identifier: Apache-2.0
#include "loadable/loadable.hpp"
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

Status write_input(const compiler::DlaBinding& binding, const umd::BindingInfo& info, const umd::BufferSlice& slice,
                   const Blackboard& board) {
  const auto tensor = board.tensors.find(binding.tensor);
  if (tensor == board.tensors.end() || tensor->second.type != graph::DataType::kFloat32) {
    return fail(Code::kInternal, "tensor '{}' has no float32 value on the host", binding.tensor);
  }
  MEDLAR_ASSIGN(const MutableBytes bytes, mapped(slice));
  return umd::pack_tensor(info.tensor, tensor->second.as<float>(), binding.scale, bytes);
}

}  // namespace

Status bring_to_host(const std::string& tensor, Blackboard& board, SegmentRun& record) {
  const auto cube = board.cubes.find(tensor);
  if (cube == board.cubes.end() || cube->second.on_host) {
    return {};
  }
  ByteBuffer& bytes = board.tensors.at(tensor).bytes;
  MEDLAR_ASSIGN(const MutableBytes stored, mapped(cube->second.slice));
  const std::span<float> values(reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float));
  MEDLAR_TRY(umd::unpack_tensor(cube->second.layout, stored, cube->second.scale, values));
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

// SPDX-License-Identifier: Apache-2.0
// Writing engine files.
#include "engine/engine.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "engine/format.hpp"
#include "engine_generated.h"

namespace medlar::engine {
namespace {

using flatbuffers::FlatBufferBuilder;
template <typename T>
using Offset = flatbuffers::Offset<T>;
template <typename T>
using Offsets = std::vector<Offset<T>>;

Offset<fb::Binding> write_binding(FlatBufferBuilder& builder, const compiler::DlaBinding& binding) {
  const auto factors = binding.channel_scale.empty() ? Offset<flatbuffers::Vector<float>>{} : builder.CreateVector(binding.channel_scale);
  return fb::CreateBinding(builder, builder.CreateString(binding.tensor), binding.bind_id,
                           static_cast<uint8_t>(binding.precision), binding.scale, binding.w, binding.h, binding.c,
                           binding.line_stride, binding.surface_stride, binding.bytes, binding.zero, binding.item,
                           binding.components, factors, binding.channels_last);
}

Offset<fb::Segment> write_segment(FlatBufferBuilder& builder, const compiler::Segment& segment) {
  Offsets<fb::Binding> in, out;
  for (const auto& binding : segment.bindings_in) {
    in.push_back(write_binding(builder, binding));
  }
  for (const auto& binding : segment.bindings_out) {
    out.push_back(write_binding(builder, binding));
  }
  // Loadables are read in place: keep the payload aligned.
  builder.ForceVectorAlignment(segment.payload.size(), sizeof(uint8_t), 16);
  const auto payload = builder.CreateVector(segment.payload);
  const auto name = builder.CreateString(segment.name);
  const auto inputs = builder.CreateVectorOfStrings(segment.inputs);
  const auto outputs = builder.CreateVectorOfStrings(segment.outputs);
  const compiler::MemoryUse& use = segment.memory;
  const auto memory = fb::CreateMemory(builder, use.weights, use.input, use.output, use.intermediate, use.intermediate_bound,
                                       use.intermediate_unshared, use.sram);
  return fb::CreateSegment(builder, static_cast<uint8_t>(segment.engine), name, payload, inputs, outputs,
                           builder.CreateVector(in), builder.CreateVector(out), memory);
}

Offsets<fb::Boundary> write_boundaries(FlatBufferBuilder& builder, const compiler::Plan& plan) {
  Offsets<fb::Boundary> result;
  for (const auto& tensor : plan.tensors) {
    result.push_back(fb::CreateBoundary(builder, builder.CreateString(tensor.name), static_cast<uint8_t>(tensor.type),
                                        builder.CreateVector(tensor.shape)));
  }
  return result;
}

Offsets<fb::Placement> write_placements(FlatBufferBuilder& builder, const compiler::Plan& plan) {
  Offsets<fb::Placement> result;
  for (const auto& p : plan.placements) {
    result.push_back(fb::CreatePlacement(builder, builder.CreateString(p.node), builder.CreateString(p.op_type),
                                         static_cast<uint8_t>(p.engine), p.segment, builder.CreateString(p.precision),
                                         builder.CreateString(p.reason_code), builder.CreateString(p.reason), p.macs,
                                         p.bytes, p.seconds));
  }
  return result;
}

Offsets<fb::HwOp> write_hw_ops(FlatBufferBuilder& builder, const compiler::Plan& plan) {
  Offsets<fb::HwOp> result;
  for (const auto& op : plan.hw_ops) {
    result.push_back(fb::CreateHwOp(builder, op.segment, op.task_op, builder.CreateString(op.kind),
                                    builder.CreateString(op.name), builder.CreateVectorOfStrings(op.origins), op.macs));
  }
  return result;
}

Offsets<fb::Transition> write_transitions(FlatBufferBuilder& builder, const compiler::Plan& plan) {
  Offsets<fb::Transition> result;
  for (const auto& t : plan.transitions) {
    result.push_back(fb::CreateTransition(builder, t.from, t.to, builder.CreateVectorOfStrings(t.tensors), t.seconds));
  }
  return result;
}

ByteBuffer write_body(const Engine& engine) {
  FlatBufferBuilder builder(1 << 16);
  Offsets<fb::Segment> segments;
  for (const auto& segment : engine.plan.segments) {
    segments.push_back(write_segment(builder, segment));
  }
  const auto boundaries = builder.CreateVector(write_boundaries(builder, engine.plan));
  const auto placements = builder.CreateVector(write_placements(builder, engine.plan));
  const auto hw_ops = builder.CreateVector(write_hw_ops(builder, engine.plan));
  const auto transitions = builder.CreateVector(write_transitions(builder, engine.plan));
  const auto segment_list = builder.CreateVector(segments);
  const auto inputs = builder.CreateVectorOfStrings(engine.plan.inputs);
  const auto outputs = builder.CreateVectorOfStrings(engine.plan.outputs);
  const auto model = builder.CreateString(engine.model);
  const auto device = builder.CreateString(engine.device);
  const auto precision = builder.CreateString(engine.precision);
  const auto preprocess = builder.CreateString(engine.preprocess);
  const auto source = builder.CreateString(engine.source.string());
  builder.Finish(fb::CreateEngine(builder, model, device, engine.fingerprint, precision, preprocess, boundaries, inputs,
                                  outputs, segment_list, placements, hw_ops, source, engine.source_hash,
                                  transitions));
  return ByteBuffer(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
}

}  // namespace

ByteBuffer serialize(const Engine& engine) {
  const ByteBuffer body = write_body(engine);
  FileHeader header;
  header.body_bytes = body.size();
  header.checksum = hash64(body);
  ByteBuffer bytes(sizeof(FileHeader) + body.size());
  store_le(bytes.data(), header);
  std::copy(body.begin(), body.end(), bytes.begin() + sizeof(FileHeader));
  return bytes;
}

}  // namespace medlar::engine

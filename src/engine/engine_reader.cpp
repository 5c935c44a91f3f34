// SPDX-License-Identifier: Apache-2.0
// Reading engine files: nothing in the body is believed before the checksum, the FlatBuffers verifier and the checks
// of every index and enumeration have passed.
#include <algorithm>
#include <cmath>

#include "base/files.hpp"
#include "base/hash.hpp"
#include "engine/format.hpp"
#include "engine_generated.h"

namespace medlar::engine {
namespace {

/// Tables are verified lazily otherwise; a plan has few levels and at most some 100,000 tables.
constexpr uint32_t kMaxDepth = 16;
constexpr uint32_t kMaxTables = 1 << 20;

std::string text(const flatbuffers::String* string) {
  return string != nullptr ? string->str() : std::string();
}

std::vector<std::string> texts(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* strings) {
  std::vector<std::string> result;
  for (flatbuffers::uoffset_t i = 0; strings != nullptr && i < strings->size(); ++i) {
    result.push_back(strings->Get(i)->str());
  }
  return result;
}

/// Calls read(table) for every element of a possibly absent vector and collects the results.
template <typename T, typename Table, typename Read>
Result<std::vector<T>> read_all(const flatbuffers::Vector<flatbuffers::Offset<Table>>* tables, const Read& read) {
  std::vector<T> result;
  for (flatbuffers::uoffset_t i = 0; tables != nullptr && i < tables->size(); ++i) {
    MEDLAR_ASSIGN(T item, read(*tables->Get(i)));
    result.push_back(std::move(item));
  }
  return result;
}

template <typename E>
Result<E> checked_enum(uint8_t value, E last, std::string_view what) {
  if (value > static_cast<uint8_t>(last)) {
    return fail(Code::kCorrupt, "{} {} is unknown (largest {})", what, value, static_cast<int>(last));
  }
  return static_cast<E>(value);
}

Result<compiler::DlaBinding> read_binding(const fb::Binding& table) {
  compiler::DlaBinding binding;
  MEDLAR_ASSIGN(binding.precision, checked_enum(table.precision(), hw::Precision::kFp16, "precision"));
  binding.tensor = text(table.tensor());
  binding.bind_id = table.bind_id();
  binding.scale = table.scale();
  binding.zero = table.zero();
  binding.w = table.w();
  binding.h = table.h();
  binding.c = table.c();
  binding.line_stride = table.line_stride();
  binding.surface_stride = table.surface_stride();
  binding.bytes = table.bytes();
  binding.item = table.item();
  binding.components = table.components();
  if (table.channel_scale() != nullptr) {
    binding.channel_scale.assign(table.channel_scale()->begin(), table.channel_scale()->end());
  }
  binding.channels_last = table.channels_last();
  const auto bad_side = [](int side) { return side < 1 || side > 8192; };
  if (bad_side(binding.w) || bad_side(binding.h) || bad_side(binding.c) || !(binding.scale > 0) || binding.item < 0) {
    return fail(Code::kCorrupt, "binding '{}': {} x {} x {} with scale {}", binding.tensor, binding.w, binding.h, binding.c,
                binding.scale);
  }
  if (binding.zero < -128 || binding.zero > 127) {
    return fail(Code::kCorrupt, "binding '{}': zero point {} is no INT8 value", binding.tensor, binding.zero);
  }
  const auto bad_factor = [](float factor) { return !(factor > 0.0f && std::isfinite(factor)); };
  if ((!binding.channel_scale.empty() && binding.channel_scale.size() != static_cast<size_t>(binding.c)) ||
      std::any_of(binding.channel_scale.begin(), binding.channel_scale.end(), bad_factor)) {
    return fail(Code::kCorrupt, "binding '{}': {} factors of {} channels, all of which must be positive", binding.tensor,
                binding.channel_scale.size(), binding.c);
  }
  return binding;
}

compiler::MemoryUse read_memory(const fb::Memory* table) {
  if (table == nullptr) {
    return {};
  }
  return {.weights = table->weights(),
          .input = table->input(),
          .output = table->output(),
          .intermediate = table->intermediate(),
          .intermediate_bound = table->intermediate_bound(),
          .intermediate_unshared = table->intermediate_unshared(),
          .sram = table->sram()};
}

Result<compiler::Segment> read_segment(const fb::Segment& table) {
  compiler::Segment segment;
  MEDLAR_ASSIGN(segment.engine, checked_enum(table.engine(), compiler::Engine::kCpu, "engine"));
  segment.name = text(table.name());
  if (table.payload() != nullptr) {
    segment.payload.assign(table.payload()->begin(), table.payload()->end());
  }
  segment.inputs = texts(table.inputs());
  segment.outputs = texts(table.outputs());
  MEDLAR_ASSIGN(segment.bindings_in, read_all<compiler::DlaBinding>(table.bindings_in(), read_binding));
  MEDLAR_ASSIGN(segment.bindings_out, read_all<compiler::DlaBinding>(table.bindings_out(), read_binding));
  segment.memory = read_memory(table.memory());
  const bool bound = segment.bindings_in.size() == segment.inputs.size() && segment.bindings_out.size() == segment.outputs.size();
  if (segment.engine == compiler::Engine::kDla && !bound) {
    return fail(Code::kCorrupt, "segment '{}': bindings do not match its inputs and outputs", segment.name);
  }
  return segment;
}

Result<compiler::BoundaryTensor> read_boundary(const fb::Boundary& table) {
  compiler::BoundaryTensor tensor{text(table.name()), static_cast<graph::DataType>(table.type()), {}};
  // The verifier does not check the alignment of vector elements, so they are loaded byte-wise.
  for (flatbuffers::uoffset_t i = 0; table.shape() != nullptr && i < table.shape()->size(); ++i) {
    tensor.shape.push_back(load_le<int64_t>(table.shape()->Data() + i * sizeof(int64_t)));
  }
  // Between host segments a dimension may be open until they run.
  graph::Shape known = tensor.shape;
  std::replace(known.begin(), known.end(), graph::kUnknownDim, int64_t{1});
  const auto count = graph::element_count(known);
  if (!count || *count < 0 || *count > (int64_t{1} << 32)) {
    return fail(Code::kCorrupt, "tensor '{}' has shape [{}]", tensor.name, fmt::join(tensor.shape, ","));
  }
  return tensor;
}

Result<compiler::Placement> read_placement(const fb::Placement& table) {
  compiler::Placement placement;
  MEDLAR_ASSIGN(placement.engine, checked_enum(table.engine(), compiler::Engine::kCpu, "engine"));
  placement.node = text(table.node());
  placement.op_type = text(table.op_type());
  placement.segment = table.segment();
  placement.precision = text(table.precision());
  placement.reason_code = text(table.reason_code());
  placement.reason = text(table.reason());
  placement.macs = table.macs();
  placement.bytes = table.bytes();
  placement.seconds = table.seconds();
  return placement;
}

Result<compiler::Transition> read_transition(const fb::Transition& table) {
  return compiler::Transition{.from = table.from(), .to = table.to(), .tensors = texts(table.tensors()), .seconds = table.seconds()};
}

Result<compiler::HwOpInfo> read_hw_op(const fb::HwOp& table) {
  return compiler::HwOpInfo{.segment = table.segment(),
                            .task_op = table.task_op(),
                            .kind = text(table.kind()),
                            .name = text(table.name()),
                            .origins = texts(table.origins()),
                            .macs = table.macs()};
}

/// Every tensor that a segment or the model names is a boundary tensor, and every segment index exists.
Status check_references(const compiler::Plan& plan) {
  const auto known = [&](const std::string& name) {
    return std::any_of(plan.tensors.begin(), plan.tensors.end(), [&](const auto& tensor) { return tensor.name == name; });
  };
  const auto check = [&](const std::vector<std::string>& names, const std::string& owner) -> Status {
    for (const std::string& name : names) {
      if (!known(name)) {
        return fail(Code::kCorrupt, "{} names tensor '{}', which the engine does not describe", owner, name);
      }
    }
    return {};
  };
  MEDLAR_TRY(check(plan.inputs, "the input list"));
  MEDLAR_TRY(check(plan.outputs, "the output list"));
  for (const compiler::Segment& segment : plan.segments) {
    MEDLAR_TRY(check(segment.inputs, "segment '" + segment.name + "'"));
    MEDLAR_TRY(check(segment.outputs, "segment '" + segment.name + "'"));
  }
  const int count = static_cast<int>(plan.segments.size());
  for (const compiler::Placement& placement : plan.placements) {
    if (placement.segment < -1 || placement.segment >= count) {
      return fail(Code::kCorrupt, "node '{}' is placed in segment {} of {}", placement.node, placement.segment, count);
    }
  }
  for (const compiler::HwOpInfo& op : plan.hw_ops) {
    if (op.segment < 0 || op.segment >= count || op.task_op < 0) {
      return fail(Code::kCorrupt, "operation '{}' is number {} of segment {} of {}", op.name, op.task_op, op.segment, count);
    }
  }
  for (const compiler::Transition& transition : plan.transitions) {
    if (transition.from < 0 || transition.to != transition.from + 1 || transition.to >= count) {
      return fail(Code::kCorrupt, "a transition from segment {} to {} of {}", transition.from, transition.to, count);
    }
  }
  return {};
}

Result<ByteView> check_header(ByteView bytes) {
  ByteReader reader(bytes, "engine header");
  MEDLAR_ASSIGN(const auto header, reader.read<FileHeader>());
  if (header.magic != kMagic) {
    return fail(Code::kCorrupt, "not a Medlar engine file (bad magic)");
  }
  if (header.version != kEngineVersion) {
    return fail(Code::kVersionMismatch, "engine version {}, this build reads {}: build the engine again", header.version,
                kEngineVersion);
  }
  if (header.body_bytes != reader.remaining() || header.zero != 0) {
    return fail(Code::kCorrupt, "the header promises {} bytes of body, {} follow", header.body_bytes, reader.remaining());
  }
  MEDLAR_ASSIGN(const ByteView body, reader.take(header.body_bytes));
  if (hash64(body) != header.checksum) {
    return fail(Code::kCorrupt, "checksum mismatch: the file was altered or damaged");
  }
  return body;
}

Result<Engine> read_body(ByteView body) {
  flatbuffers::Verifier verifier(body.data(), body.size(), kMaxDepth, kMaxTables);
  if (!verifier.VerifyBuffer<fb::Engine>(nullptr)) {
    return fail(Code::kCorrupt, "the body is no valid FlatBuffer");
  }
  const fb::Engine& table = *fb::GetEngine(body.data());
  Engine engine;
  engine.model = text(table.model());
  engine.source = text(table.source());
  engine.source_hash = table.source_hash();
  engine.device = text(table.device());
  engine.fingerprint = table.device_fingerprint();
  engine.precision = text(table.precision());
  engine.preprocess = text(table.preprocess());
  engine.plan.inputs = texts(table.inputs());
  engine.plan.outputs = texts(table.outputs());
  MEDLAR_ASSIGN(engine.plan.tensors, read_all<compiler::BoundaryTensor>(table.boundaries(), read_boundary));
  MEDLAR_ASSIGN(engine.plan.segments, read_all<compiler::Segment>(table.segments(), read_segment));
  MEDLAR_ASSIGN(engine.plan.placements, read_all<compiler::Placement>(table.placements(), read_placement));
  MEDLAR_ASSIGN(engine.plan.hw_ops, read_all<compiler::HwOpInfo>(table.hw_ops(), read_hw_op));
  MEDLAR_ASSIGN(engine.plan.transitions, read_all<compiler::Transition>(table.transitions(), read_transition));
  MEDLAR_TRY(check_references(engine.plan));
  return engine;
}

}  // namespace

bool is_engine(ByteView bytes) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()).starts_with("MEDLAR");
}

Result<Engine> deserialize(ByteView bytes, std::string_view name) {
  const auto body = check_header(bytes);
  if (!body) {
    return tl::unexpected<Error>(Error(body.error()).in(name));
  }
  // FlatBuffers wants its scalars aligned; the file's bytes may lie anywhere.
  const std::vector<uint64_t> aligned = [&] {
    std::vector<uint64_t> words((body->size() + 7) / 8);
    std::copy(body->begin(), body->end(), reinterpret_cast<uint8_t*>(words.data()));
    return words;
  }();
  Result<Engine> engine = read_body({reinterpret_cast<const uint8_t*>(aligned.data()), body->size()});
  if (!engine) {
    return tl::unexpected<Error>(std::move(engine).error().in(name));
  }
  return engine;
}

Result<Engine> load(const std::filesystem::path& file) {
  MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(file));
  return deserialize(bytes, file.string());
}

}  // namespace medlar::engine

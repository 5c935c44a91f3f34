// SPDX-License-Identifier: Apache-2.0
#include "api/profile.hpp"

#include "profile/recorder.hpp"
#include "runtime/execution_context.hpp"

namespace medlar::api {
namespace {

std::vector<profile::SegmentRecord> collect(const runtime::RunReport& report, profile::Recorder& recorder) {
  std::vector<profile::SegmentRecord> records;
  for (const runtime::SegmentRun& run : report.segments) {
    if (run.segment < 0) {
      continue;
    }
    profile::SegmentRecord record{.segment = run.segment, .ops = {}, .host_seconds = run.host_seconds};
    for (const uint64_t serial : run.serials) {
      for (profile::RecordedOp& op : recorder.take(run.core, serial)) {
        record.ops.push_back(std::move(op));
      }
    }
    records.push_back(std::move(record));
  }
  return records;
}

std::vector<std::string> conversions_of(const runtime::RunReport& report, const compiler::Plan& plan) {
  std::vector<std::string> lines;
  for (const runtime::SegmentRun& run : report.segments) {
    const std::string where =
        run.segment < 0 ? "delivery" : plan.segments[static_cast<size_t>(run.segment)].name;
    for (const runtime::TensorMove& move : run.moves) {
      if (move.how != runtime::HandOver::kInPlace) {
        lines.push_back(fmt::format("{}: '{}' {}, {} bytes: {}", where, move.tensor,
                                    runtime::hand_over_name(move.how), move.bytes, move.why));
      }
    }
  }
  return lines;
}

}  // namespace

Result<std::map<std::string, graph::Tensor>> complete_inputs(const engine::Engine& engine,
                                                             std::map<std::string, graph::Tensor> given) {
  for (const std::string& name : engine.plan.inputs) {
    for (const compiler::BoundaryTensor& tensor : engine.plan.tensors) {
      if (tensor.name != name || given.contains(name)) {
        continue;
      }
      const auto bytes = graph::storage_bytes(tensor.type, tensor.shape);
      if (!bytes) {
        return fail(Code::kUnsupported, "input '{}' is {} [{}]: give it a value", name,
                    graph::data_type_name(tensor.type), fmt::join(tensor.shape, ","));
      }
      given[name] = {tensor.type, tensor.shape, ByteBuffer(*bytes), {}};
    }
  }
  return given;
}

Result<Profiled> profile_engine(const engine::Engine& engine, std::string_view name,
                                const ProfileOptions& options) {
  MEDLAR_ASSIGN(const auto module,
                Module::boot(engine.device, {.mode = options.mode, .dram_bytes_per_second = options.dram_bytes_per_second, .log = null_log_sink()}));
  MEDLAR_ASSIGN(const auto loaded, module->load(engine, name, options.engine));
  MEDLAR_ASSIGN(const auto context, runtime::ExecutionContext::create(loaded));
  MEDLAR_ASSIGN(const auto inputs, complete_inputs(engine, options.inputs));
  runtime::RunReport report;
  Profiled profiled;
  MEDLAR_ASSIGN(profiled.outputs, context->run(inputs, &report));
  profiled.profile =
      profile::make_profile(engine, module->device(), module->mode(), collect(report, module->recorder()));
  profiled.advice = profile::advise(engine, module->device(), module->mode(), profiled.profile);
  profiled.device_bytes = loaded->device_bytes() + context->device_bytes();
  profiled.host_notes = loaded->host_notes();
  profiled.conversions = conversions_of(report, engine.plan);
  return profiled;
}

}  // namespace medlar::api

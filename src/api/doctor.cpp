// SPDX-License-Identifier: Apache-2.0
#include "api/doctor.hpp"

#include "api/accuracy.hpp"
#include "api/build.hpp"
#include "base/files.hpp"
#include "driver/sim/kernel.hpp"
#include "driver/sim/kernel_log.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace medlar::api {
namespace {

/// Share of the time that handing work between engines may take before it is a trouble.
constexpr double kTransitionShare = 0.25;
/// 2-norm of an output's difference from FP32 that people notice.
constexpr double kAccuracyBound = 0.1;
/// A camera's picture, when no engine says what it needs: 1920 x 1080 RGBA.
constexpr uint64_t kFrameBytes = 1920 * 1080 * 4;

struct Patient {
  const hw::DeviceProfile* device = nullptr;
  std::shared_ptr<Module> module;
  std::optional<engine::Engine> engine;
  std::optional<Error> build_error;  ///< Of a build for the DLA alone.
};

/// Nodes that are not on the DLA, by reason.
std::map<std::string, std::vector<std::string>> fallbacks(const engine::Engine& engine) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const compiler::Placement& placement : engine.plan.placements) {
    if (placement.segment >= 0 && placement.engine != compiler::Engine::kDla) {
      by_reason[placement.reason_code].push_back(fmt::format("{} ({}): {}", placement.node, placement.op_type, placement.reason));
    }
  }
  return by_reason;
}

Finding build_finding(const Patient& patient) {
  Finding f{.trouble = "Engine build fails", .evidence = {}, .cause = {}, .cure = {}};
  if (!patient.engine && !patient.build_error) {
    f.evidence = "no model given";
    return f;
  }
  size_t nodes = 0;
  std::string first;
  if (patient.engine) {
    for (const auto& [code, texts] : fallbacks(*patient.engine)) {
      nodes += texts.size();
      first = first.empty() ? code + " " + texts.front() : first;
    }
  }
  if (nodes == 0 && !patient.build_error) {
    f.health = Health::kGood;
    f.evidence = fmt::format("every node of {} runs on the DLA", patient.engine->model);
    return f;
  }
  f.health = patient.engine ? Health::kWarning : Health::kBad;
  f.evidence = patient.engine ? fmt::format("{} nodes do not run on the DLA, the first: {}", nodes, first)
                              : patient.build_error->to_string();
  f.cause = "the model contains operations that the DLA does not support; a build for the DLA alone fails";
  f.cure = "allow fallback (the default; --no-fallback forbids it), or replace the operations that `medlar inspect` lists";
  return f;
}

Finding speed_finding(const Patient& patient) {
  Finding f{.trouble = "Slower than the GPU", .evidence = {}, .cause = {}, .cure = {}};
  if (!patient.engine) {
    f.evidence = "no engine";
    return f;
  }
  double dla = 0;
  double handing = 0;
  for (const compiler::Placement& placement : patient.engine->plan.placements) {
    dla += placement.engine == compiler::Engine::kDla ? placement.seconds : 0;
  }
  for (const compiler::Transition& transition : patient.engine->plan.transitions) {
    handing += transition.seconds;
  }
  const size_t count = patient.engine->plan.transitions.size();
  const double share = handing / std::max(dla + handing, 1e-12);
  f.evidence = fmt::format("{} transitions between engines take {:.3f} ms, the DLA's work {:.3f} ms (modelled)", count,
                           1e3 * handing, 1e3 * dla);
  if (dla <= 0) {
    f.evidence += "; the engine carries no modelled times, so nothing is concluded";
    return f;
  }
  f.health = count > 0 && share > kTransitionShare ? Health::kWarning : Health::kGood;
  if (f.health == Health::kWarning) {
    const bool small = count <= 2;
    f.cause = small ? "the model is too small for the cost of handing it over" : "too many transitions between DLA and GPU";
    f.cure = small ? "run it on the GPU alone, or batch several inputs"
                   : "group the layers that fall back, replace them, or run the model on the GPU alone";
  }
  return f;
}

Result<Finding> accuracy_finding(const Patient& patient, const DoctorRequest& request) {
  Finding f{.trouble = "Accuracy degradation (INT8)", .evidence = {}, .cause = {}, .cure = {}};
  if (!patient.engine || request.samples.empty() || request.file.extension() == ".onnx") {
    f.evidence = !patient.engine ? "no engine"
                                 : fmt::format("{} engine; give an engine and --samples to compare it with its FP32 model",
                                               patient.engine->precision);
    return f;
  }
  const AccuracyRequest measure{.engine = request.file, .images = request.samples, .task = AccuracyTask::kTensor, .limit = 8};
  MEDLAR_ASSIGN(const AccuracyReport report, measure_accuracy(measure));
  double worst = 0;
  for (const OutputError& output : report.outputs) {
    worst = std::max(worst, output.worst);
  }
  f.evidence = fmt::format("worst 2-norm of an output's difference from FP32: {:.4f} over {} samples", worst, report.images);
  f.health = worst > kAccuracyBound ? Health::kWarning : Health::kGood;
  if (f.health == Health::kWarning) {
    f.cause = "calibration samples that do not represent the data, or layers that do not bear INT8";
    f.cure = "calibrate with more representative samples (>500), another calibrator, or build with FP16";
  }
  return f;
}

/// What one inference binds, and the largest piece of it.
std::pair<uint64_t, uint64_t> needs_of(const Patient& patient) {
  uint64_t sum = 0;
  uint64_t largest = 0;
  for (const compiler::Segment& segment : patient.engine ? patient.engine->plan.segments : std::vector<compiler::Segment>{}) {
    if (segment.engine == compiler::Engine::kDla) {
      sum += segment.memory.input + segment.memory.output;
      largest = std::max({largest, segment.memory.input, segment.memory.output});
    }
  }
  return sum == 0 ? std::pair{kFrameBytes, kFrameBytes} : std::pair{sum, largest};
}

Finding buffer_finding(const Patient& patient) {
  Finding f{.trouble = "Buffer allocation failure", .evidence = {}, .cause = {}, .cure = {}};
  if (patient.module->cores() == 0) {
    f.evidence = "no device to allocate from";
    return f;
  }
  const auto [bytes, largest] = needs_of(patient);
  const auto whole = patient.module->allocate(largest, {.contiguous = true});
  const auto rest = whole && bytes > largest ? patient.module->allocate(bytes - largest, {.contiguous = true}) : whole;
  const auto info = patient.module->context()->device().query();
  const std::string figures =
      info ? fmt::format("CMA {} bytes, {} free, longest free run {}", info->cma_bytes, info->cma_free, info->cma_largest_free)
           : info.error().to_string();
  if (whole && rest) {
    f.health = Health::kGood;
    f.evidence = fmt::format("{} contiguous bytes for {} could be had; {}", bytes,
                             patient.engine ? "inputs and outputs" : "a camera frame", figures);
    return f;
  }
  f.health = Health::kBad;
  f.evidence = (whole ? rest : whole).error().to_string();
  const bool fragmented = info && info->cma_free >= largest && info->cma_largest_free < largest;
  f.cause = fragmented ? "CMA is fragmented: enough is free, but not in one run" : "CMA is exhausted";
  f.cure = fragmented ? "allocate large buffers first and keep them; or use buffers behind the SMMU, which need no run"
                      : "enlarge CMA (kernel parameter cma=), free buffers, or use buffers behind the SMMU";
  return f;
}

Finding detection_finding(const Patient& patient) {
  Finding f{.trouble = "DLA not detected", .evidence = {}, .cause = {}, .cure = {}};
  const uint32_t expected = patient.device->dla_cores;
  const uint32_t found = patient.module->cores();
  std::string lines;
  for (const driver::LogLine& line : patient.module->kernel().log()) {
    const bool tells = line.text.ends_with("probed") || line.text.find("disabled") != std::string::npos;
    lines += tells ? (lines.empty() ? "" : "; ") + line.text : "";
  }
  f.evidence = fmt::format("{} of {} cores of {} have a node /dev/nvhost-nvdla*; dmesg: {}", found, expected,
                           patient.device->name, lines);
  f.health = found == expected ? Health::kGood : Health::kBad;
  if (f.health == Health::kBad) {
    f.cause = "a DLA node is disabled in the device tree, or its driver is not loaded";
    f.cure = "set status = \"okay\" in the device tree, load nvdla.ko, and match the JetPack version";
  }
  return f;
}

Status admit_model(const DoctorRequest& request, Patient& patient) {
  BuildRequest build_request{.model = request.file, .device = request.device};
  auto built = build(build_request);
  if (built) {
    patient.engine = std::move(*built);
  } else {
    patient.build_error = built.error();
  }
  return {};
}

Result<Patient> admit(const DoctorRequest& request) {
  Patient patient;
  if (request.file.extension() == ".onnx") {
    MEDLAR_TRY(admit_model(request, patient));
  } else if (!request.file.empty()) {
    MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(request.file));
    MEDLAR_ASSIGN(patient.engine, engine::deserialize(bytes, request.file.string()));
  }
  const std::string name = !request.device.empty() ? request.device : patient.engine ? patient.engine->device : "";
  if (name.empty()) {
    patient.device = &hw::default_device();
  } else {
    MEDLAR_ASSIGN(patient.device, hw::find_device(name));
  }
  ModuleOptions options = request.module;
  options.without_cores = true;
  MEDLAR_ASSIGN(patient.module, Module::boot(*patient.device, options));
  return patient;
}

std::string_view health_name(Health health) {
  switch (health) {
    case Health::kGood:
      return "ok";
    case Health::kWarning:
      return "WARNING";
    case Health::kBad:
      return "FAILED";
    default:
      return "not checked";
  }
}

}  // namespace

Result<std::vector<Finding>> examine(const DoctorRequest& request) {
  MEDLAR_ASSIGN(const Patient patient, admit(request));
  std::vector<Finding> findings{build_finding(patient), speed_finding(patient)};
  MEDLAR_ASSIGN(findings.emplace_back(), accuracy_finding(patient, request));
  findings.push_back(buffer_finding(patient));
  findings.push_back(detection_finding(patient));
  return findings;
}

std::string findings_to_text(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& f : findings) {
    text += fmt::format("{:<28} {}\n  evidence: {}\n", f.trouble, health_name(f.health), f.evidence);
    if (!f.cause.empty()) {
      text += fmt::format("  cause:    {}\n  cure:     {}\n", f.cause, f.cure);
    }
  }
  return text;
}

}  // namespace medlar::api

// SPDX-License-Identifier: Apache-2.0
#include "api/doctor.hpp"

#include "api/accuracy.hpp"
#include "api/build.hpp"
#include "api/doctor_speed.hpp"
#include "api/run_loadable.hpp"
#include "base/files.hpp"
#include "driver/sim/kernel.hpp"
#include "driver/sim/kernel_log.hpp"
#include "loadable/loadable.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace medlar::api {
namespace {

/// 2-norm of an output's difference from FP32 that people notice.
constexpr double kAccuracyBound = 0.1;
/// Samples that are compared with FP32.
constexpr uint64_t kCompared = 8;
/// A camera's picture, when no engine says what it needs: 1920 x 1080 RGBA.
constexpr uint64_t kFrameBytes = 1920 * 1080 * 4;

/// An NVDLA loadable, as far as an examination goes.
struct LoadableFacts {
  size_t dla_tasks = 0, cpu_tasks = 0;
  uint64_t bound_bytes = 0, largest_bound = 0;  ///< Inputs and outputs.
  double dla_seconds = 0;                       ///< Modelled, of one run.
};

struct Patient {
  const hw::DeviceProfile* device = nullptr;
  std::shared_ptr<Module> module;
  std::optional<engine::Engine> engine;
  std::optional<LoadableFacts> loadable;
  std::optional<Error> error;  ///< Why there is neither.
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

/// Why a file became no engine.
void explain(const Error& error, Finding& f) {
  f.health = Health::kBad;
  f.evidence = error.to_string();
  switch (error.code) {
    case Code::kNotFound:
    case Code::kIo:
      f.cause = "a file cannot be read";
      f.cure = "check the path and its permissions";
      break;
    case Code::kCorrupt:
      f.cause = "the file is damaged, or not what its name says";
      f.cure = "export or compile it again; copy it in binary mode";
      break;
    case Code::kVersionMismatch:
      f.cause = "the file was written by another version";
      f.cure = "build it again with this version";
      break;
    case Code::kResourceExhausted:
      f.cause = "the model does not fit into the device's memory";
      f.cure = "choose a larger device or a smaller input shape, or allow fallback to GPU and CPU";
      break;
    default:
      f.cause = "the model contains what the builder does not support";
      f.cure =
          "replace the operation that the evidence names (`medlar ops` lists what is supported), or fix its "
          "shape with --shapes";
  }
}

Finding loadable_finding(const LoadableFacts& loadable) {
  Finding f{.trouble = "Engine build fails", .evidence = {}, .cause = {}, .cure = {}};
  f.health = loadable.cpu_tasks == 0 ? Health::kGood : Health::kWarning;
  f.evidence = fmt::format("the loadable verifies and runs: {} tasks on the DLA, {} on the CPU",
                           loadable.dla_tasks, loadable.cpu_tasks);
  if (f.health == Health::kWarning) {
    f.cause = "NVDLA has no softmax and no power function, so its compiler leaves them to the CPU";
    f.cure = "cut them off the model and compute them in the application, or accept the hand-over";
  }
  return f;
}

Finding build_finding(const Patient& patient) {
  Finding f{.trouble = "Engine build fails", .evidence = {}, .cause = {}, .cure = {}};
  if (patient.error) {
    explain(*patient.error, f);
    return f;
  }
  if (patient.loadable) {
    return loadable_finding(*patient.loadable);
  }
  if (!patient.engine) {
    f.evidence = "no model given";
    return f;
  }
  size_t nodes = 0;
  std::string first;
  for (const auto& [code, texts] : fallbacks(*patient.engine)) {
    nodes += texts.size();
    first = first.empty() ? code + " " + texts.front() : first;
  }
  if (nodes == 0) {
    f.health = Health::kGood;
    f.evidence = fmt::format("every node of {} runs on the DLA", patient.engine->model);
    return f;
  }
  f.health = Health::kWarning;
  f.evidence = fmt::format("{} {} not run on the DLA, the first: {}", nodes,
                           nodes == 1 ? "node does" : "nodes do", first);
  f.cause = "the model contains operations that the DLA does not support; a build for the DLA alone fails";
  f.cure = "allow fallback (the default; --no-fallback forbids it), or replace the operations that `medlar inspect` lists";
  return f;
}

Finding speed_of(const Patient& patient, const std::string& mode) {
  if (patient.engine) {
    return speed_finding(*patient.engine, mode);
  }
  Finding f{.trouble = "Slower than the GPU", .evidence = "no engine", .cause = {}, .cure = {}};
  if (patient.loadable) {
    f.evidence = fmt::format(
        "the DLA takes {:.3f} ms for one run (modelled); a loadable does not tell what a GPU would do: examine its ONNX model",
        1e3 * patient.loadable->dla_seconds);
  }
  return f;
}

Result<Finding> accuracy_finding(const Patient& patient, const DoctorRequest& request) {
  Finding f{.trouble = "Accuracy degradation (INT8)", .evidence = {}, .cause = {}, .cure = {}};
  if (!patient.engine || request.samples.empty()) {
    f.evidence = patient.loadable ? "a loadable does not say which FP32 model it was made from"
                 : !patient.engine
                     ? "no engine"
                     : fmt::format("{} engine; give --samples to compare it with its FP32 model",
                                   patient.engine->precision);
    return f;
  }
  const auto report = measure_accuracy({.engine = request.file,
                                        .model = request.model,
                                        .images = request.samples,
                                        .task = AccuracyTask::kTensor,
                                        .limit = kCompared},
                                       *patient.engine);
  if (!report && report.error().code == Code::kNotFound) {
    f.evidence = report.error().message;
    return f;
  }
  MEDLAR_TRY(report);
  double worst = 0;
  for (const OutputError& output : report->outputs) {
    worst = std::max(worst, output.worst);
  }
  f.evidence = fmt::format(
      "{}: worst 2-norm of an output's difference from FP32 is {:.4f} over {} samples, {} is much",
      patient.engine->precision, worst, report->images, kAccuracyBound);
  f.health = worst > kAccuracyBound ? Health::kWarning : Health::kGood;
  if (f.health == Health::kWarning) {
    f.cause = "calibration samples that do not represent the data, or layers that do not bear INT8";
    f.cure = "calibrate with more representative samples (>500), another calibrator, or build with FP16";
  }
  return f;
}

/// What one inference binds, and the largest piece of it.
std::pair<uint64_t, uint64_t> needs_of(const Patient& patient) {
  uint64_t sum = patient.loadable ? patient.loadable->bound_bytes : 0;
  uint64_t largest = patient.loadable ? patient.loadable->largest_bound : 0;
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
    f.evidence =
        fmt::format("{} contiguous bytes for {} could be had; {}", bytes,
                    patient.engine || patient.loadable ? "inputs and outputs" : "a camera frame", figures);
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

/// With samples the build is the INT8 one whose accuracy they can show.
Result<engine::Engine> build_model(const DoctorRequest& request) {
  const bool int8 = !request.samples.empty();
  return build({.model = request.file,
                .device = request.device,
                .precision = int8 ? hw::Precision::kInt8 : hw::Precision::kFp16,
                .calibration = request.samples});
}

Result<engine::Engine> take_engine(const DoctorRequest& request) {
  if (request.file.extension() == ".onnx") {
    return build_model(request);
  }
  return engine::load(request.file);
}

/// Runs it once, on zeros.
Result<LoadableFacts> take_loadable(Module& module, ByteView bytes, const std::string& name) {
  MEDLAR_ASSIGN(const loadable::Loadable file, loadable::read(bytes, name));
  MEDLAR_TRY(loadable::verify(file));
  LoadableFacts facts;
  for (const loadable::Task& task : file.tasks) {
    ++(task.interface == loadable::Interface::kEmu1 ? facts.cpu_tasks : facts.dla_tasks);
  }
  for (const loadable::Memory& memory : file.memories) {
    if (memory.has(loadable::kMemoryInput) || memory.has(loadable::kMemoryOutput)) {
      facts.bound_bytes += memory.size;
      facts.largest_bound = std::max(facts.largest_bound, memory.size);
    }
  }
  if (module.cores() != 0) {
    MEDLAR_TRY(run_zeros(module, bytes, name));
    facts.dla_seconds =
        1e-9 * static_cast<double>(module.kernel().device_time_ns(module.context()->device().info().core));
  }
  return facts;
}

Status boot(const DoctorRequest& request, const std::string& device, Patient& patient) {
  patient.device = &hw::default_device();
  if (!device.empty()) {
    MEDLAR_ASSIGN(patient.device, hw::find_device(device));
  }
  ModuleOptions options = request.module;
  options.without_cores = true;
  MEDLAR_ASSIGN(patient.module, Module::boot(*patient.device, options));
  return {};
}

/// The file's kind is known by its first bytes.
bool is_loadable(const DoctorRequest& request, ByteView bytes) {
  return request.file.extension() != ".onnx" && !bytes.empty() && !engine::is_engine(bytes);
}

Result<Patient> admit_loadable(const DoctorRequest& request, ByteView bytes) {
  Patient patient;
  const std::string name = request.file.string();
  const auto device = loadable_device(bytes, name, request.device);
  MEDLAR_TRY(boot(request, device ? std::string((*device)->name) : request.device, patient));
  auto facts = device ? take_loadable(*patient.module, bytes, name) : tl::unexpected<Error>(device.error());
  if (facts) {
    patient.loadable = *facts;
  } else {
    patient.error = facts.error();
  }
  return patient;
}

Result<Patient> admit(const DoctorRequest& request) {
  Patient patient;
  if (!request.file.empty()) {
    const auto bytes = read_file(request.file);
    if (bytes && is_loadable(request, *bytes)) {
      return admit_loadable(request, *bytes);
    }
    auto engine = take_engine(request);
    if (engine) {
      patient.engine = std::move(*engine);
    } else {
      patient.error = engine.error();
    }
  }
  MEDLAR_TRY(boot(request, request.device.empty() && patient.engine ? patient.engine->device : request.device,
                  patient));
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
  std::vector<Finding> findings{build_finding(patient), speed_of(patient, request.module.mode)};
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

// SPDX-License-Identifier: Apache-2.0
#include "api/build.hpp"

#include <map>

#include "base/files.hpp"
#include "base/hash.hpp"
#include "compiler/compile.hpp"
#include "graph/fold.hpp"
#include "host/calibrate.hpp"
#include "host/evaluator.hpp"
#include "import/onnx_import.hpp"

namespace medlar::api {
namespace {

Result<graph::Graph> load_model(const BuildRequest& request) {
  std::vector<std::string> notices;
  auto graph = import::import_onnx(request.model, {.shapes = request.shapes}, &notices);
  for (const std::string& notice : notices) {
    request.log(Severity::kInfo, notice);
  }
  return graph;
}

Status check_precision(const BuildRequest& request, const hw::DeviceProfile& device) {
  if (!device.config->supports(request.precision)) {
    return fail(Code::kUnsupported, "{} does not compute in {}: it supports {}", device.name,
                hw::precision_name(request.precision), device.config->supports(hw::Precision::kInt8) ? "int8 (--int8)" : "fp16 (--fp16)");
  }
  if (request.precision == hw::Precision::kInt8 && request.calibration.empty()) {
    return fail(Code::kInvalidArgument, "INT8 wants calibration data");
  }
  return {};
}

/// Nodes of the user's file that folding removed before the compiler saw them still appear in the report.
void account_for_folded(const graph::Graph& original, compiler::Plan& plan) {
  std::map<std::string, compiler::Placement> known;
  for (compiler::Placement& placement : plan.placements) {
    known.emplace(placement.node, std::move(placement));
  }
  plan.placements.clear();
  for (const graph::Node& node : original.nodes) {
    compiler::Placement folded;
    folded.node = node.name;
    folded.op_type = node.op_type;
    const auto placement = known.find(node.name);
    plan.placements.push_back(placement != known.end() ? std::move(placement->second) : std::move(folded));
  }
}

}  // namespace

Result<std::optional<sample::Preprocess>> preprocess_beside(const std::filesystem::path& model) {
  std::filesystem::path path = model;
  path.replace_extension(".preprocess.json");
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return std::optional<sample::Preprocess>();
  }
  MEDLAR_ASSIGN(const std::string json, read_text_file(path));
  MEDLAR_ASSIGN(sample::Preprocess preprocess, sample::parse_preprocess(json, path.string()));
  return std::optional(std::move(preprocess));
}

Result<engine::Engine> build(const BuildRequest& request) {
  const hw::DeviceProfile* device = &hw::default_device();
  if (!request.device.empty()) {
    MEDLAR_ASSIGN(device, hw::find_device(request.device));
  }
  MEDLAR_TRY(check_precision(request, *device));
  std::optional<sample::Preprocess> preprocess = request.preprocess;
  if (!preprocess) {
    MEDLAR_ASSIGN(preprocess, preprocess_beside(request.model));
  }
  MEDLAR_ASSIGN(const graph::Graph original, load_model(request));
  graph::Graph graph = original;
  host::OnnxEvaluator evaluator;
  MEDLAR_TRY(graph::fold_constants(graph, &evaluator));

  compiler::CalibrationTable table;
  if (request.precision == hw::Precision::kInt8) {
    MEDLAR_ASSIGN(table, host::calibrate(graph, request.calibration, preprocess, request.progress));
    compiler::apply_calibrator(table, request.calibrator);
  }
  engine::Engine engine;
  engine.model = request.model.filename().string();
  MEDLAR_ASSIGN(const ByteBuffer model_bytes, read_file(request.model));
  engine.source = std::filesystem::absolute(request.model).lexically_normal().string();
  engine.source_hash = hash64(model_bytes);
  engine.device = device->name;
  engine.fingerprint = engine::device_fingerprint(*device);
  engine.precision = hw::precision_name(request.precision);
  engine.preprocess = preprocess ? sample::preprocess_to_json(*preprocess) : "";
  const compiler::CompileOptions options{
      .config = device->config, .precision = request.precision, .allow_fallback = request.allow_fallback};
  MEDLAR_ASSIGN(engine.plan, compiler::compile(graph, options, &table));
  account_for_folded(original, engine.plan);
  return engine;
}

}  // namespace medlar::api

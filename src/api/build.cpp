// SPDX-License-Identifier: Apache-2.0
#include "api/build.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "api/calibration.hpp"
#include "base/files.hpp"
#include "base/hash.hpp"
#include "compiler/compile.hpp"
#include "compiler/quantise/qdq.hpp"
#include "compiler/simplify/simplify.hpp"
#include "graph/fold.hpp"
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
  const bool asks_fp16 = request.accuracy_budget || std::any_of(request.layer_precisions.begin(), request.layer_precisions.end(),
      [](const LayerPrecision& rule) { return rule.precision == hw::Precision::kFp16; });
  if (asks_fp16 && !device.config->supports(hw::Precision::kFp16)) {
    return fail(Code::kUnsupported, "{} computes in int8 alone: no layer can stay in fp16 ({})", device.name,
                request.accuracy_budget ? "accuracy budget" : "layer precisions");
  }
  const bool asks_int8 = std::any_of(request.layer_precisions.begin(), request.layer_precisions.end(),
      [](const LayerPrecision& rule) { return rule.precision == hw::Precision::kInt8; });
  if (request.precision == hw::Precision::kFp16 && (asks_int8 || request.accuracy_budget)) {
    return fail(Code::kInvalidArgument, "layers in int8 and an accuracy budget belong to an INT8 build");
  }
  return {};
}

/// Q/DQ pairs become ranges, which an FP16 build has no use for.
Result<compiler::CalibrationTable> stated_ranges(const BuildRequest& request, graph::Graph& graph) {
  MEDLAR_ASSIGN(compiler::CalibrationTable stated, compiler::absorb_qdq(graph));
  if (request.precision == hw::Precision::kInt8 && request.calibration.empty() && stated.ranges.empty()) {
    return fail(Code::kInvalidArgument, "INT8 wants calibration data: add --calib PATH (a folder or .tar of images, .npy or .npz samples, or a "
                "calibration cache)");
  }
  return stated;
}

/// The report shows the precision of layers that stay in FP16.
void note_precisions(const std::set<std::string>& fp16_nodes, compiler::Plan& plan) {
  for (compiler::Placement& placement : plan.placements) {
    if (placement.engine == compiler::Engine::kDla && !placement.precision.empty() && fp16_nodes.contains(placement.node)) {
      placement.precision = hw::precision_name(hw::Precision::kFp16);
    }
  }
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

  MEDLAR_ASSIGN(const compiler::CalibrationTable stated, stated_ranges(request, graph));
  compiler::CompileOptions options{
      .config = device->config, .precision = request.precision, .allow_fallback = request.allow_fallback};
  options.probe = request.probe;
  Calibrated calibrated;
  if (request.precision == hw::Precision::kInt8) {
    // The compiler rewrites the graph first, always alike: the values in between need ranges too.
    graph::Graph rewritten = graph;
    MEDLAR_TRY(compiler::simplify(rewritten, &evaluator));
    MEDLAR_ASSIGN(calibrated, calibrate(request, rewritten, preprocess, stated, options));
    MEDLAR_ASSIGN(const std::set<std::string> asked, fp16_nodes(request.layer_precisions, original));
    options.fp16_nodes = calibrated.fp16_nodes;
    options.fp16_nodes.insert(asked.begin(), asked.end());
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
  MEDLAR_ASSIGN(engine.plan, compiler::compile(graph, options, &calibrated.table));
  account_for_folded(original, engine.plan);
  note_precisions(options.fp16_nodes, engine.plan);
  return engine;
}

}  // namespace medlar::api

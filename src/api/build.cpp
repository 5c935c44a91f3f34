// SPDX-License-Identifier: Apache-2.0
#include "api/build.hpp"

#include <algorithm>
#include <set>

#include "api/calibration.hpp"
#include "api/costs.hpp"
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

/// Everything before calibration.
struct Preparation {
  const hw::DeviceProfile* device = nullptr;
  std::optional<sample::Preprocess> preprocess;
  graph::Graph original;              ///< As the file has it: whose nodes reports account for.
  graph::Graph graph;                 ///< Constants folded, Q/DQ pairs absorbed.
  compiler::CalibrationTable stated;  ///< The ranges of those pairs.
  NodePrecisions precisions;          ///< What the request says of single nodes.
};

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
  // With fallback, a budget moves layers to the host where there is no FP16.
  const bool budget = request.accuracy_budget && !request.allow_fallback;
  const bool asks_fp16 = budget || std::any_of(request.layer_precisions.begin(), request.layer_precisions.end(),
      [](const LayerPrecision& rule) { return rule.precision == hw::Precision::kFp16; });
  if (asks_fp16 && !device.config->supports(hw::Precision::kFp16)) {
    return fail(Code::kUnsupported, "{} computes in int8 alone: no layer can stay in fp16 ({})", device.name,
                budget ? "accuracy budget" : "layer precisions");
  }
  const bool asks_int8 = std::any_of(request.layer_precisions.begin(), request.layer_precisions.end(),
      [](const LayerPrecision& rule) { return rule.precision == hw::Precision::kInt8; });
  if (request.precision == hw::Precision::kFp16 && (asks_int8 || request.accuracy_budget)) {
    return fail(Code::kInvalidArgument, "layers in int8 and an accuracy budget belong to an INT8 build");
  }
  return {};
}

/// The report shows the precision of layers that stay in FP16.
void note_precisions(const std::set<std::string>& fp16_nodes, compiler::Plan& plan) {
  for (compiler::Placement& placement : plan.placements) {
    if (placement.engine == compiler::Engine::kDla && !placement.precision.empty() && fp16_nodes.contains(placement.node)) {
      placement.precision = hw::precision_name(hw::Precision::kFp16);
    }
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

namespace {

Result<Preparation> prepare(const BuildRequest& request) {
  Preparation p;
  p.device = &hw::default_device();
  if (!request.device.empty()) {
    MEDLAR_ASSIGN(p.device, hw::find_device(request.device));
  }
  MEDLAR_TRY(check_precision(request, *p.device));
  if (request.pools.managed_sram > p.device->sram_bytes) {
    return fail(Code::kInvalidArgument, "{} bytes of SRAM are asked for, {} has {}", request.pools.managed_sram, p.device->name,
                p.device->sram_bytes);
  }
  p.preprocess = request.preprocess;
  if (!p.preprocess) {
    MEDLAR_ASSIGN(p.preprocess, preprocess_beside(request.model));
  }
  MEDLAR_ASSIGN(p.original, load_model(request));
  MEDLAR_ASSIGN(p.precisions, node_precisions(request.layer_precisions, p.original));
  p.graph = p.original;
  host::OnnxEvaluator evaluator;
  MEDLAR_TRY(graph::fold_constants(p.graph, &evaluator));
  MEDLAR_ASSIGN(p.stated, compiler::absorb_qdq(p.graph));
  return p;
}

/// `p` has to outlive the options.
compiler::CompileOptions compile_options(const BuildRequest& request, const Preparation& p) {
  compiler::CompileOptions options{.config = p.device->config, .precision = request.precision, .allow_fallback = request.allow_fallback};
  options.engines = request.engines;
  const compiler::Engine host = host_engine(*p.device);
  for (const std::string& node : p.precisions.fp32) {
    options.engines.push_back({.pattern = node, .engine = host});
  }
  options.costs = partition_costs(*p.device, request.precision, request.placing);
  options.max_intermediate_bytes = request.pools.local_dram;
  options.max_weight_bytes = request.pools.global_dram;
  options.emit = {.images = true, .image_alignment = p.device->hwc4_alignment, .sram_bytes = request.pools.managed_sram};
  options.input_formats = request.input_formats;
  options.output_formats = request.output_formats;
  options.probe = request.probe;
  options.user = &p.original;
  return options;
}

/// As the compiler rewrites it first for INT8, always alike: the values in between need ranges too.
Result<graph::Graph> rewritten_graph(const Preparation& p) {
  graph::Graph rewritten = p.graph;
  host::OnnxEvaluator evaluator;
  MEDLAR_TRY(compiler::simplify(rewritten, hw::Precision::kInt8, &evaluator));
  return rewritten;
}

/// Ranges from the request's samples, and the layers that stay in FP16.
Result<Calibrated> calibrate_prepared(const BuildRequest& request, const Preparation& p, const compiler::CompileOptions& options) {
  MEDLAR_ASSIGN(const graph::Graph rewritten, rewritten_graph(p));
  MEDLAR_ASSIGN(Calibrated calibrated, calibrate(request, rewritten, p.preprocess, p.stated, options));
  calibrated.fp16_nodes.insert(p.precisions.fp16.begin(), p.precisions.fp16.end());
  return calibrated;
}

/// `table`: INT8 only.
Result<engine::Engine> compile_prepared(const BuildRequest& request, const Preparation& p, const compiler::CompileOptions& options,
                                        const compiler::CalibrationTable* table) {
  engine::Engine engine;
  engine.model = request.model.filename().string();
  MEDLAR_ASSIGN(const ByteBuffer model_bytes, read_file(request.model));
  engine.source = std::filesystem::absolute(request.model).lexically_normal();
  engine.source_hash = hash64(model_bytes);
  engine.device = p.device->name;
  engine.fingerprint = engine::device_fingerprint(*p.device);
  engine.precision = hw::precision_name(request.precision);
  engine.preprocess = p.preprocess ? sample::preprocess_to_json(*p.preprocess) : "";
  MEDLAR_ASSIGN(engine.plan, compiler::compile(p.graph, options, table));
  note_precisions(options.fp16_nodes, engine.plan);
  return engine;
}

Result<Calibrated> assume(const Preparation& p) {
  MEDLAR_ASSIGN(const graph::Graph rewritten, rewritten_graph(p));
  return Calibrated{.table = compiler::assumed_ranges(rewritten), .fp16_nodes = p.precisions.fp16};
}

/// From samples or Q/DQ pairs; without either, assumed if the request takes that.
Result<Calibrated> find_ranges(const BuildRequest& request, const Preparation& p, const compiler::CompileOptions& options) {
  if (!request.calibration.empty() || !p.stated.ranges.empty()) {
    return calibrate_prepared(request, p, options);
  }
  if (request.assume_ranges) {
    request.log(Severity::kWarning, "INT8 without calibration data: every range is assumed: placement and times hold, results do not");
    return assume(p);
  }
  return fail(Code::kInvalidArgument, "INT8 wants calibration data: add --calib PATH (a folder or .tar of images, .npy or .npz samples, or a "
              "calibration cache)");
}

}  // namespace

Result<engine::Engine> build(const BuildRequest& request) {
  MEDLAR_ASSIGN(const Preparation p, prepare(request));
  compiler::CompileOptions options = compile_options(request, p);
  Calibrated calibrated;
  if (request.precision == hw::Precision::kInt8) {
    MEDLAR_ASSIGN(calibrated, find_ranges(request, p, options));
    options.fp16_nodes = calibrated.fp16_nodes;
    options.host_nodes = calibrated.host_nodes;
  }
  return compile_prepared(request, p, options, &calibrated.table);
}

}  // namespace medlar::api

// SPDX-License-Identifier: Apache-2.0
#include "build_options.hpp"

#include <charconv>

#include <CLI/CLI.hpp>

#include "base/files.hpp"
#include "base/parallel.hpp"
#include "import/onnx_import.hpp"
#include "terminal.hpp"

namespace medlar::tools {

void add_build_options(CLI::App& command, BuildOptions& options) {
  command.add_option("model", options.model, "ONNX model")->required();
  command.add_option("--device", options.device, "Device profile (see `medlar devices`); default orin-nano-8gb");
  auto* int8 = command.add_flag("--int8", options.int8, "INT8");
  command.add_flag("--fp16", options.fp16, "FP16 (the default)")->excludes(int8);
  command.add_option("--calib", options.calibration,
                     "Calibration data: folder or .tar of images, .npy/.npz samples, or a cache (TensorRT's, NVDLA's JSON)");
  command.add_option("--save-calib", options.save_calibration,
                     "Write the ranges: NVDLA's JSON for FILE.json, else TensorRT's calibration cache");
  command.add_option("--calibrator", options.calibrator, "best (the default), entropy, mse, percentile or max")
      ->check(CLI::IsMember({"best", "entropy", "mse", "percentile", "max"}));
  command.add_option("--percentile", options.percentile, "Part of all values that stays in range, in percent (default 99.99)")
      ->check(CLI::Range(50.0, 100.0));
  command.add_option("--layerPrecisions", options.layer_precisions,
                     "Layers of an INT8 build that stay in FP16, and those that the host computes in FP32, e.g. 'conv1:fp16,head*:fp32'; '*' matches anything");
  command.add_option("--accuracy-budget", options.accuracy_budget,
                     "Keep the most sensitive layers of an INT8 build in FP16, or on the host where the device has INT8 alone, until the outputs' "
                     "relative error (2-norm) is below; 1: none (default: 0.05, in less time than FP16 or with 3 % of the work on the host)")
      ->check(CLI::Range(1e-6, 10.0));
  command.add_option("--shapes", options.shapes, "Static input shapes, e.g. name:1x3x224x224,other:1x10");
  command.add_option("--preprocess", options.preprocess, "JSON that says how images become inputs (default: the file beside the model)");
  command.add_option("--layerDeviceTypes", options.layer_devices,
                     "Engine of single layers: NAME:DLA, NAME:GPU or NAME:CPU, comma-separated, one '*' allowed in a name; later ones win");
  command.add_option("--memPoolSize", options.pools,
                     "MiB of DLA memory: dlaSRAM (default 0), dlaLocalDRAM (1024), dlaGlobalDRAM (512), e.g. dlaSRAM:1,dlaLocalDRAM:256");
  command.add_option("--inputIOFormats", options.input_formats,
                     "Layouts of inputs at the DLA: fp32:chw (converted by the runtime), int8:chw32, fp16:chw16, int8:hwc4, ...; one each, or one for all");
  command.add_option("--outputIOFormats", options.output_formats, "The same for outputs");
  command.add_option("--place", options.placing,
                     "dla: what the DLA can run stays there unless transitions cost more (default); fastest: least modelled time")
      ->check(CLI::IsMember({"dla", "fastest"}));
  auto* off = command.add_flag("--no-fallback", options.no_fallback, "Fail when a layer cannot run on the DLA, listing every such layer");
  command.add_flag("--allowGPUFallback", options.allow_gpu_fallback, "As trtexec users type it; fallback is on by default")->excludes(off);
  command.add_option("--threads", options.threads, "Threads to use (default: the machine's); the engine does not depend on it")
      ->check(CLI::Range(1, 1024));
  command.add_flag("-v,--verbose", options.verbose, "Say more on standard error");
}

Result<api::MemoryPools> parse_pools(std::string_view text) {
  api::MemoryPools pools;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    const size_t colon = item.find(':');
    const std::string_view name = item.substr(0, colon);
    uint64_t* pool = name == "dlaSRAM"         ? &pools.managed_sram
                     : name == "dlaLocalDRAM"  ? &pools.local_dram
                     : name == "dlaGlobalDRAM" ? &pools.global_dram
                                               : nullptr;
    double mebibytes = 0.0;
    const char* end = item.data() + item.size();
    const auto parsed = colon == std::string_view::npos ? std::from_chars_result{item.data(), std::errc::invalid_argument}
                                                        : std::from_chars(item.data() + colon + 1, end, mebibytes);
    if (pool == nullptr || parsed.ec != std::errc() || parsed.ptr != end || !(mebibytes >= 0.0 && mebibytes <= 1048576.0)) {
      return fail(Code::kInvalidArgument, "--memPoolSize '{}': write dlaSRAM, dlaLocalDRAM or dlaGlobalDRAM, a colon and MiB", item);
    }
    *pool = static_cast<uint64_t>(mebibytes * 1048576.0);
  }
  return pools;
}

Result<api::BuildRequest> make_request(const BuildOptions& options) {
  api::BuildRequest request;
  request.model = options.model;
  request.device = options.device;
  request.precision = options.int8 ? hw::Precision::kInt8 : hw::Precision::kFp16;
  request.calibration = options.calibration;
  request.save_calibration = options.save_calibration;
  request.calibrator = {compiler::find_calibrator(options.calibrator).value(), options.percentile};
  request.accuracy_budget = options.accuracy_budget;
  request.allow_fallback = !options.no_fallback;
  request.placing = options.placing == "fastest" ? compiler::Placing::kFastest : compiler::Placing::kPreferDla;
  request.log = terminal_log(options.verbose);
  request.progress = terminal_progress();
  MEDLAR_ASSIGN(request.layer_precisions, api::parse_layer_precisions(options.layer_precisions));
  set_parallel_threads(options.threads);
  MEDLAR_ASSIGN(request.shapes, import::parse_shapes(options.shapes));
  MEDLAR_ASSIGN(request.pools, parse_pools(options.pools));
  MEDLAR_ASSIGN(request.input_formats, compiler::parse_io_formats(options.input_formats));
  MEDLAR_ASSIGN(request.output_formats, compiler::parse_io_formats(options.output_formats));
  MEDLAR_ASSIGN(request.engines, compiler::parse_engine_rules(options.layer_devices));
  if (!options.preprocess.empty()) {
    MEDLAR_ASSIGN(const std::string json, read_text_file(options.preprocess));
    MEDLAR_ASSIGN(request.preprocess, sample::parse_preprocess(json, options.preprocess));
  }
  return request;
}

}  // namespace medlar::tools

// SPDX-License-Identifier: Apache-2.0
// trtexec's flags. Every flag of NVIDIA's trtexec is here and works, is taken with a notice that it has no effect, or is refused by name
// with a reason.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "host/session.hpp"

namespace medlar::trtexec {

/// One of --inputIOFormats: "fp16:chw16".
struct IoFormat {
  std::string type, format;
};

struct Options {
  // Model and build
  std::string onnx, save_engine, load_engine, calib, shapes, min_shapes, opt_shapes, max_shapes, verbosity = "layer_names_only", device;
  std::string layer_device_types, layer_precisions, precision_constraints = "none", power_mode;
  std::map<std::string, double> pools;  ///< MiB by name.
  std::vector<IoFormat> input_formats, output_formats;
  bool fp16 = false, int8 = false, best = false, no_tf32 = false, skip_inference = false;
  // DLA
  int dla_core = -1;  ///< -1: no DLA, everything on the GPU.
  bool allow_gpu_fallback = false, standalone = false, report_capability = false;
  // Inference
  std::map<std::string, std::string> load_inputs;
  uint64_t iterations = 10, streams = 1, avg_runs = 10;
  double warm_up_ms = 200, duration_s = 3, sleep_ms = 0, idle_ms = 0;
  bool threads = false, no_data_transfers = false, time_deserialize = false, separate_profile = false;
  host::Provider provider = host::Provider::kAuto;
  // Report
  std::vector<double> percentiles{90, 95, 99};
  bool verbose = false, dump_output = false, dump_raw = false, dump_profile = false, dump_layer_info = false;
  std::string export_times, export_output, export_profile, export_layer_info;

  std::string command_line;
  std::vector<std::string> notices;  ///< Flags without effect, each with why.
  bool help = false;
};

/// kInvalidArgument for unknown flags and bad values, kUnsupported for refused ones: the message names the flag and why.
Result<Options> parse(int argc, char** argv);
std::string help_text();

}  // namespace medlar::trtexec

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <span>
#include <utility>

#include "options.hpp"
#include "other_flags.hpp"

namespace medlar::trtexec {
namespace {

using Setter = std::function<Status(Options&, const std::string& value)>;

struct Flag {
  std::string_view name;
  std::string_view value;  ///< What it takes, for --help; empty: nothing.
  std::string_view help;
  Setter set;
};

Status set_number(const std::string& text, double low, double high, double& to) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= low && value <= high)) {
    return fail(Code::kInvalidArgument, "'{}' is no number of {} to {}", text, low, high);
  }
  to = value;
  return {};
}

Status set_count(const std::string& text, uint64_t low, uint64_t high, uint64_t& to) {
  double value = 0;
  MEDLAR_TRY(set_number(text, static_cast<double>(low), static_cast<double>(high), value));
  if (value != std::floor(value)) {
    return fail(Code::kInvalidArgument, "'{}' is no whole number", text);
  }
  to = static_cast<uint64_t>(value);
  return {};
}

Status set_one_of(const std::string& text, std::span<const std::string_view> known, std::string& to) {
  if (std::find(known.begin(), known.end(), text) == known.end()) {
    return fail(Code::kInvalidArgument, "'{}' is none of {}", text, fmt::join(known, ", "));
  }
  to = text;
  return {};
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

Status set_formats(const std::string& text, std::vector<IoFormat>& to) {
  constexpr std::string_view kTypes[] = {"fp32", "fp16", "int8", "int32", "int64", "bf16", "bool", "uint8"};
  constexpr std::string_view kFormats[] = {"chw",  "chw2",  "chw4",   "hwc8",  "chw16", "chw32",     "dhwc8",
                                           "cdhw32", "hwc", "dla_linear", "dla_hwc4", "hwc4", "hwc16", "dhwc"};
  for (const std::string& item : split(text, ',')) {
    const size_t colon = item.find(':');
    IoFormat format;
    MEDLAR_TRY(set_one_of(item.substr(0, colon), kTypes, format.type));
    MEDLAR_TRY(set_one_of(colon == std::string::npos ? "" : item.substr(colon + 1), kFormats, format.format));
    to.push_back(std::move(format));
  }
  return {};
}

Status set_pools(const std::string& text, std::map<std::string, double>& to) {
  constexpr std::string_view kPools[] = {"workspace", "dlaSRAM", "dlaLocalDRAM", "dlaGlobalDRAM", "tacticSharedMem"};
  for (const std::string& item : split(text, ',')) {
    const size_t colon = item.find(':');
    std::string name;
    MEDLAR_TRY(set_one_of(item.substr(0, colon), kPools, name));
    MEDLAR_TRY(set_number(colon == std::string::npos ? "" : item.substr(colon + 1), 0, 1e6, to[name]));
  }
  return {};
}

Status set_inputs(const std::string& text, std::map<std::string, std::string>& to) {
  for (const std::string& item : split(text, ',')) {
    const size_t colon = item.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == item.size()) {
      return fail(Code::kInvalidArgument, "'{}' is not name:file", item);
    }
    to[item.substr(0, colon)] = item.substr(colon + 1);
  }
  return {};
}

Status set_percentiles(const std::string& text, std::vector<double>& to) {
  to.clear();
  for (const std::string& item : split(text, ',')) {
    to.emplace_back();
    MEDLAR_TRY(set_number(item, 0, 100, to.back()));
  }
  return {};
}

Status set_core(const std::string& text, int& to) {
  uint64_t core = 0;
  MEDLAR_TRY(set_count(text, 0, 63, core));
  to = static_cast<int>(core);
  return {};
}

Setter text(std::string Options::*member) {
  return [member](Options& options, const std::string& value) -> Status {
    options.*member = value;
    return value.empty() ? Status(fail(Code::kInvalidArgument, "its value is empty")) : Status();
  };
}
Setter flag(bool Options::*member) {
  return [member](Options& options, const std::string&) -> Status {
    options.*member = true;
    return {};
  };
}
Setter number(double Options::*member, double high) {
  return [=](Options& options, const std::string& value) { return set_number(value, 0, high, options.*member); };
}
Setter count(uint64_t Options::*member, uint64_t low, uint64_t high) {
  return [=](Options& options, const std::string& value) { return set_count(value, low, high, options.*member); };
}
Setter one_of(std::string Options::*member, std::vector<std::string_view> known) {
  return [=](Options& options, const std::string& value) { return set_one_of(value, known, options.*member); };
}

Status set_provider(Options& options, const std::string& value) {
  std::string name;
  constexpr std::string_view kNames[] = {"auto", "cuda", "cpu"};
  MEDLAR_TRY(set_one_of(value, kNames, name));
  options.provider = name == "cuda" ? host::Provider::kCuda : name == "cpu" ? host::Provider::kCpu : host::Provider::kAuto;
  return {};
}

std::vector<Flag> build_flags() {
  return {
      {"--onnx", "FILE", "ONNX model", text(&Options::onnx)},
      {"--saveEngine", "FILE", "Write the engine", text(&Options::save_engine)},
      {"--loadEngine", "FILE", "Load an engine instead of building one", text(&Options::load_engine)},
      {"--skipInference", "", "Exit after the engine is built", flag(&Options::skip_inference)},
      {"--buildOnly", "", "The old name of --skipInference", flag(&Options::skip_inference)},
      {"--profilingVerbosity", "MODE", "layer_names_only, detailed or none: what the layer information says",
       one_of(&Options::verbosity, {"layer_names_only", "detailed", "none", "default", "verbose"})},
      {"--memPoolSize", "NAME:MiB,..", "dlaSRAM: intermediate tensors on the chip; dlaLocalDRAM, dlaGlobalDRAM: the engine must fit; workspace, tacticSharedMem: no GPU tactics, not needed",
       [](Options& o, const std::string& v) { return set_pools(v, o.pools); }},
      {"--fp16", "", "FP16", flag(&Options::fp16)},
      {"--int8", "", "INT8; without --calib every range is assumed: times are right, outputs are not", flag(&Options::int8)},
      {"--best", "", "INT8 with --calib, else FP16", flag(&Options::best)},
      {"--noTF32", "", "TF32 is never used", flag(&Options::no_tf32)},
      {"--calib", "FILE", "INT8 calibration cache, or samples to calibrate with (folder, archive, .npy)", text(&Options::calib)},
      {"--precisionConstraints", "MODE", "none, obey or prefer: what --layerPrecisions says is obeyed in any case", one_of(&Options::precision_constraints, {"none", "obey", "prefer"})},
      {"--layerPrecisions", "NAME:TYPE,..", "fp16 or int8 for single layers of an INT8 build, fp32 for layers of the GPU; * stands for anything",
       text(&Options::layer_precisions)},
      {"--layerDeviceTypes", "NAME:DEV,..", "GPU or DLA for single layers; * stands for anything", text(&Options::layer_device_types)},
      {"--inputIOFormats", "TYPE:FMT,..", "Formats of the inputs", [](Options& o, const std::string& v) { return set_formats(v, o.input_formats); }},
      {"--outputIOFormats", "TYPE:FMT,..", "Formats of the outputs", [](Options& o, const std::string& v) { return set_formats(v, o.output_formats); }},
      {"--useDLACore", "N", "Run on this DLA core", [](Options& o, const std::string& v) { return set_core(v, o.dla_core); }},
      {"--allowGPUFallback", "", "Layers that the DLA cannot run go to the GPU", flag(&Options::allow_gpu_fallback)},
      {"--buildDLAStandalone", "", "One DLA loadable, nothing else; implies --skipInference", flag(&Options::standalone)},
      {"--reportCapabilityDLA", "", "Say of every node whether the DLA can run it, and why not", flag(&Options::report_capability)},
      {"--shapes", "NAME:1x3x..", "Input shapes", text(&Options::shapes)},
      {"--minShapes", "NAME:1x3x..", "Like --shapes: an engine has one shape, so all that are given are alike", text(&Options::min_shapes)},
      {"--optShapes", "NAME:1x3x..", "Like --shapes", text(&Options::opt_shapes)},
      {"--maxShapes", "NAME:1x3x..", "Like --shapes", text(&Options::max_shapes)},
      {"--device", "PROFILE", "Device profile (Medlar's own flag; see `medlar devices`)", text(&Options::device)},
      {"--powerMode", "MODE", "Power mode of the module (Medlar's own flag)", text(&Options::power_mode)},
      {"--provider", "NAME", "auto, cuda or cpu: what runs GPU layers on this computer (Medlar's own flag)", set_provider},
  };
}

std::vector<Flag> run_flags() {
  return {
      {"--loadInputs", "NAME:FILE,..", "Raw, .npy or image file for an input; others are zero",
       [](Options& o, const std::string& v) { return set_inputs(v, o.load_inputs); }},
      {"--iterations", "N", "At least so many queries (10)", count(&Options::iterations, 1, 10'000'000)},
      {"--warmUp", "MS", "Modelled milliseconds before measuring (200)", number(&Options::warm_up_ms, 1e7)},
      {"--duration", "S", "At least so many modelled seconds (3)", number(&Options::duration_s, 1e5)},
      {"--sleepTime", "MS", "Host time between enqueueing and the start", number(&Options::sleep_ms, 1e5)},
      {"--idleTime", "MS", "Host time between two queries", number(&Options::idle_ms, 1e5)},
      {"--infStreams", "N", "Queries in flight, each on a stream with its own context (1)", count(&Options::streams, 1, 64)},
      {"--streams", "N", "The old name of --infStreams", count(&Options::streams, 1, 64)},
      {"--threads", "", "A thread for each stream (always so)", flag(&Options::threads)},
      {"--noDataTransfers", "", "Leave inputs and outputs on the device", flag(&Options::no_data_transfers)},
      {"--timeDeserialize", "", "Say how long this computer takes to deserialise the engine", flag(&Options::time_deserialize)},
      {"--separateProfileRun", "", "The profile comes from a run of its own (always so)", flag(&Options::separate_profile)},
      {"--verbose", "", "Say more", flag(&Options::verbose)},
      {"--avgRuns", "N", "Queries averaged in a line of the trace (10)", count(&Options::avg_runs, 1, 10'000'000)},
      {"--percentile", "P,..", "Percentiles to report (90,95,99)", [](Options& o, const std::string& v) { return set_percentiles(v, o.percentiles); }},
      {"--dumpOutput", "", "Print the output tensors", flag(&Options::dump_output)},
      {"--dumpRawBindingsToFile", "", "Write inputs and outputs to files", flag(&Options::dump_raw)},
      {"--dumpProfile", "", "Print the profile", flag(&Options::dump_profile)},
      {"--dumpLayerInfo", "", "Print the layers", flag(&Options::dump_layer_info)},
      {"--exportTimes", "FILE", "Write the times as JSON", text(&Options::export_times)},
      {"--exportOutput", "FILE", "Write the outputs as JSON", text(&Options::export_output)},
      {"--exportProfile", "FILE", "Write the profile as JSON", text(&Options::export_profile)},
      {"--exportLayerInfo", "FILE", "Write the layers as JSON", text(&Options::export_layer_info)},
  };
}

/// The rules of trtexec's own --buildDLAStandalone.
Status check_standalone(Options& options) {
  options.skip_inference = true;
  const auto allowed = [](const std::vector<IoFormat>& formats, bool input) {
    return !formats.empty() && std::all_of(formats.begin(), formats.end(), [&](const IoFormat& f) {
      const bool common = f.format == "dla_linear" || (input && (f.format == "dla_hwc4" || f.format == "hwc4"));
      return (f.type == "int8" && (common || f.format == "chw32")) || (f.type == "fp16" && (common || f.format == "chw16"));
    });
  };
  if (!allowed(options.input_formats, true) || !allowed(options.output_formats, false)) {
    return fail(Code::kInvalidArgument, "--buildDLAStandalone: both --inputIOFormats and --outputIOFormats are needed; possible are "
                "fp16 and int8 with dla_linear, fp16 and int8 with dla_hwc4 (inputs only), fp16:chw16, int8:chw32");
  }
  if (options.allow_gpu_fallback) {
    return fail(Code::kInvalidArgument, "--buildDLAStandalone and --allowGPUFallback exclude each other: a standalone loadable has no fallback");
  }
  return {};
}

/// One shape an engine: a profile's three have to be alike.
Status settle_shapes(Options& options) {
  const std::pair<std::string_view, const std::string&> given[] = {{"--shapes", options.shapes}, {"--minShapes", options.min_shapes},
                                                                   {"--optShapes", options.opt_shapes}, {"--maxShapes", options.max_shapes}};
  const std::pair<std::string_view, const std::string&>* first = nullptr;
  for (const auto& shapes : given) {
    if (shapes.second.empty()) {
      continue;
    }
    if (first != nullptr && first->second != shapes.second) {
      return fail(Code::kUnsupported, "{}={} and {}={} differ: an engine for the DLA has one shape", first->first, first->second, shapes.first,
                  shapes.second);
    }
    first = first == nullptr ? &shapes : first;
  }
  options.shapes = first == nullptr ? std::string() : first->second;
  return {};
}

Status check(Options& options) {
  if (options.onnx.empty() == options.load_engine.empty()) {
    return fail(Code::kInvalidArgument, "give either --onnx=FILE or --loadEngine=FILE");
  }
  if (options.allow_gpu_fallback && options.dla_core < 0 && options.load_engine.empty()) {
    return fail(Code::kInvalidArgument, "--allowGPUFallback needs --useDLACore=N");
  }
  if (options.standalone && options.dla_core < 0) {
    options.dla_core = 0;
  }
  MEDLAR_TRY(settle_shapes(options));
  return options.standalone ? check_standalone(options) : Status();
}

const Flag* find(const std::vector<Flag>& flags, std::string_view name) {
  const auto at = std::find_if(flags.begin(), flags.end(), [&](const Flag& f) { return f.name == name; });
  return at == flags.end() ? nullptr : &*at;
}

Status apply(const std::vector<Flag>& flags, const std::string& argument, Options& options) {
  const size_t equals = argument.find('=');
  const std::string name = argument.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
  if (const Flag* flag = find(flags, name); flag != nullptr) {
    if (flag->value.empty() != (equals == std::string::npos)) {
      return fail(Code::kInvalidArgument, "{}: {}", name, flag->value.empty() ? "takes no value" : fmt::format("write {}={}", name, flag->value));
    }
    Status set = flag->set(options, value);
    return set ? set : Status(tl::unexpected<Error>(std::move(set).error().in(name)));
  }
  if (const OtherFlag* other = find_flag(flags_without_effect(), name); other != nullptr) {
    options.notices.push_back(fmt::format("{} has no effect: {}", name, other->why));
    return {};
  }
  if (const OtherFlag* other = find_flag(refused_flags(), name); other != nullptr) {
    return fail(Code::kUnsupported, "{} is refused: {}", name, other->why);
  }
  return fail(Code::kInvalidArgument, "unknown option: {}", argument);
}

}  // namespace

Result<Options> parse(int argc, char** argv) {
  std::vector<Flag> flags = build_flags();
  for (Flag& flag : run_flags()) {
    flags.push_back(std::move(flag));
  }
  Options options;
  options.command_line = "trtexec";
  options.help = argc == 1;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    options.command_line += " " + argument;
    if (argument == "--help" || argument == "-h") {
      options.help = true;
      continue;
    }
    MEDLAR_TRY(apply(flags, argument, options));
  }
  if (!options.help) {
    MEDLAR_TRY(check(options));
  }
  return options;
}

std::string help_text() {
  std::string text = "trtexec for the simulated DLA: NVIDIA's flags, modelled device times.\n\n";
  for (const std::vector<Flag>& flags : {build_flags(), run_flags()}) {
    for (const Flag& flag : flags) {
      text += fmt::format("  {:<34} {}\n", flag.value.empty() ? std::string(flag.name) : fmt::format("{}={}", flag.name, flag.value), flag.help);
    }
  }
  const auto list = [&](std::string_view title, std::span<const OtherFlag> others) {
    text += title;
    for (const OtherFlag& other : others) {
      text += fmt::format("\n  {:<34} {}", other.name, other.why);
    }
  };
  list("\nTaken without effect, and said so:", flags_without_effect());
  list("\n\nRefused, each with its reason:", refused_flags());
  return text + "\n";
}

}  // namespace medlar::trtexec

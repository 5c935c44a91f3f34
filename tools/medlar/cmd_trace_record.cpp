// SPDX-License-Identifier: Apache-2.0
// `medlar trace record`: one inference as a register trace that `medlar trace play` plays and checks.
#include "api/inference.hpp"
#include "api/run_loadable.hpp"
#include "arguments.hpp"
#include "base/files.hpp"
#include "chip/play/trace_recorder.hpp"
#include "sample/source.hpp"
#include "trace_commands.hpp"

#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace medlar::tools {
namespace {

struct Options {
  std::string model, device, folder;
  std::vector<std::string> inputs;
};

using Tensors = std::map<std::string, graph::Tensor>;

/// One file for each input; a model with a single input needs no name.
Result<Tensors> load_inputs(const Options& options, const std::vector<sample::InputSpec>& specs,
                            const std::optional<sample::Preprocess>& preprocess) {
  Tensors tensors;
  for (const std::string& text : options.inputs) {
    const NamedFile file = parse_named_file(text);
    const auto spec = std::find_if(specs.begin(), specs.end(), [&](const sample::InputSpec& input) {
      return input.name == file.name || (file.name.empty() && specs.size() == 1);
    });
    if (spec == specs.end()) {
      return fail(Code::kInvalidArgument, "--input {}: the model has {} inputs and none is called '{}'", text,
                  specs.size(), file.name);
    }
    MEDLAR_ASSIGN(tensors[spec->name], sample::load_tensor(file.file, *spec, preprocess));
  }
  if (tensors.size() != specs.size() || options.inputs.size() != specs.size()) {
    return fail(Code::kInvalidArgument, "{} inputs given, one inference takes {}", options.inputs.size(),
                specs.size());
  }
  return tensors;
}

Status finish(chip::TraceRecorder& recorder, const std::string& folder) {
  MEDLAR_TRY(recorder.write(folder));
  fmt::print("wrote {}/input.txn: {} operations\n", folder, recorder.operations());
  return {};
}

Status record_loadable(const Options& options, ByteView bytes) {
  MEDLAR_ASSIGN(const std::vector<sample::InputSpec> specs, api::loadable_inputs(bytes, options.model));
  MEDLAR_ASSIGN(const Tensors tensors, load_inputs(options, specs, std::nullopt));
  MEDLAR_ASSIGN(const hw::DeviceProfile* device, api::loadable_device(bytes, options.model, options.device));
  chip::TraceRecorder recorder(*device->config);
  MEDLAR_TRY(api::run_loadable(bytes, options.model, options.device, tensors, &recorder));
  return finish(recorder, options.folder);
}

Status record_engine(const Options& options, ByteView bytes) {
  MEDLAR_ASSIGN(engine::Engine engine, engine::deserialize(bytes, options.model));
  std::optional<sample::Preprocess> preprocess;
  if (!engine.preprocess.empty()) {
    MEDLAR_ASSIGN(preprocess, sample::parse_preprocess(engine.preprocess, options.model));
  }
  MEDLAR_ASSIGN(const hw::DeviceProfile* device, hw::find_device(engine.device));
  MEDLAR_ASSIGN(api::Inference inference,
                api::Inference::create(std::move(engine), options.device, options.model));
  MEDLAR_ASSIGN(const Tensors tensors, load_inputs(options, inference.inputs(), preprocess));
  chip::TraceRecorder recorder(*device->config);
  inference.set_tracer(&recorder);
  MEDLAR_TRY(inference.run(tensors));
  inference.set_tracer(nullptr);
  return finish(recorder, options.folder);
}

Status record(const Options& options) {
  MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(options.model));
  return engine::is_engine(bytes) ? record_engine(options, bytes) : record_loadable(options, bytes);
}

}  // namespace

Action add_trace_record(CLI::App& trace) {
  CLI::App* command = trace.add_subcommand(
      "record",
      "Run one inference and write its registers and memory as a trace in NVIDIA's form (input.txn)");
  const auto options = std::make_shared<Options>();
  command->add_option("model", options->model, "X.engine or X.nvdla")->required();
  command->add_option("--input", options->inputs, "[name=]FILE once for each input: image, .npy or .f32")
      ->required();
  command->add_option("--device", options->device, "As for `medlar run`");
  command->add_option("-o,--output", options->folder, "Folder for input.txn and its memory files")
      ->required();
  return [options] { return record(*options); };
}

}  // namespace medlar::tools

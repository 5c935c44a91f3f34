// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <numeric>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "api/inference.hpp"
#include "api/run_loadable.hpp"
#include "arguments.hpp"
#include "base/files.hpp"
#include "commands.hpp"
#include "module_flags.hpp"
#include "sample/npy.hpp"
#include "terminal.hpp"

namespace medlar::tools {
namespace {

constexpr int kPictureColumns = 56;

struct Options {
  std::string engine, device, labels, output_dir, preprocess;
  host::Provider provider = host::Provider::kAuto;
  std::vector<std::string> inputs;
  int top = 5;
  bool show = false, layers = false;
};

/// What one inference is fed with: one file for each input of the model.
struct Feed {
  std::string title;
  std::vector<NamedFile> files;
};

Result<std::vector<Feed>> plan_feeds(const Options& options, const std::vector<sample::InputSpec>& inputs) {
  std::vector<NamedFile> files;
  for (const std::string& text : options.inputs) {
    files.push_back(parse_named_file(text));
  }
  std::vector<Feed> feeds;
  if (inputs.empty() && files.empty()) {
    return std::vector<Feed>{{"no inputs", {}}};  // some of NVIDIA's tests
  }
  if (inputs.size() == 1 && files.empty()) {
    return fail(Code::kInvalidArgument, "give --input FILE for '{}'", inputs[0].name);
  }
  if (inputs.size() == 1) {
    for (NamedFile& file : files) {
      if (!file.name.empty() && file.name != inputs[0].name) {
        return fail(Code::kInvalidArgument, "--input {}=...: the model's input is called '{}'", file.name, inputs[0].name);
      }
      file.name = inputs[0].name;
      feeds.push_back({file.file.string(), {file}});
    }
    return feeds;
  }
  for (const sample::InputSpec& input : inputs) {
    const auto same = [&](const NamedFile& file) { return file.name == input.name; };
    if (std::count_if(files.begin(), files.end(), same) != 1) {
      return fail(Code::kInvalidArgument, "the model has {} inputs: give --input {}=FILE once for each", inputs.size(), input.name);
    }
  }
  if (files.size() != inputs.size()) {
    return fail(Code::kInvalidArgument, "{} inputs given, the model has {}", files.size(), inputs.size());
  }
  return std::vector<Feed>{{"inputs", files}};
}

Result<std::vector<std::string>> read_labels(const std::string& path) {
  std::vector<std::string> labels;
  if (path.empty()) {
    return labels;
  }
  MEDLAR_ASSIGN(const std::string text, read_text_file(path));
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    labels.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return labels;
}

Result<std::optional<sample::Preprocess>> choose_preprocess(const Options& options, const engine::Engine& engine) {
  std::string json = engine.preprocess;
  std::string name = options.engine;
  if (!options.preprocess.empty()) {
    MEDLAR_ASSIGN(json, read_text_file(options.preprocess));
    name = options.preprocess;
  }
  if (json.empty()) {
    return std::optional<sample::Preprocess>();
  }
  MEDLAR_ASSIGN(sample::Preprocess preprocess, sample::parse_preprocess(json, name));
  return std::optional(std::move(preprocess));
}

Status show_picture(const Feed& feed) {
  for (const NamedFile& file : feed.files) {
    if (sample::is_image_name(file.file.string())) {
      MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(file.file));
      MEDLAR_ASSIGN(const sample::Image image, sample::decode_image(bytes, file.file.string(), 3));
      MEDLAR_ASSIGN(const std::string text, picture(image, kPictureColumns));
      fmt::print("{}", text);
    }
  }
  return {};
}

void print_top(const std::string& name, const graph::Tensor& tensor, const std::vector<std::string>& labels, int top,
               int label_offset) {
  const std::vector<double> values = graph::to_doubles(tensor).value_or(std::vector<double>());
  std::vector<int> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return values[static_cast<size_t>(a)] > values[static_cast<size_t>(b)]; });
  fmt::print("  {} [{}]\n", name, fmt::join(tensor.shape, ","));
  for (size_t rank = 0; rank < std::min(order.size(), static_cast<size_t>(std::max(0, top))); ++rank) {
    const int index = order[rank];
    const auto label = static_cast<size_t>(std::max(0, index - label_offset));
    const bool labelled = index >= label_offset && label < labels.size();
    fmt::print("  {:>3}. {:<8.4f} class {}{}\n", rank + 1, values[static_cast<size_t>(index)], index,
               labelled ? "  " + labels[label] : "");
  }
}

void print_layers(const api::InferenceResult& result) {
  fmt::print("  {:<5} {:<32} {:>12}  {}\n", "on", "layer", "modelled ms", "ONNX nodes");
  for (const api::LayerTime& layer : result.layers) {
    const bool dla = layer.engine == compiler::Engine::kDla;
    fmt::print("  {:<5} {:<32} {:>12}  {}\n", compiler::engine_name(layer.engine), layer.name,
               dla ? fmt::format("{:.4f}", layer.modelled_ms) : "-", fmt::join(layer.origins, " "));
  }
}

Status write_outputs(const std::string& directory, const std::map<std::string, graph::Tensor>& outputs) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return fail(Code::kIo, "{}: cannot create: {}", directory, error.message());
  }
  for (const auto& [name, tensor] : outputs) {
    MEDLAR_ASSIGN(const ByteBuffer bytes, sample::npy_bytes(tensor));
    const auto path = std::filesystem::path(directory) / (sample::file_name_of_tensor(name) + ".npy");
    MEDLAR_TRY(write_file(path, bytes));
    fmt::print("  wrote {}\n", path.string());
  }
  return {};
}

struct Session {
  const Options& options;
  api::Inference& inference;
  std::optional<sample::Preprocess> preprocess;
  std::vector<std::string> labels;
  bool many = false;
  bool first = true;
};

Result<std::map<std::string, graph::Tensor>> load_inputs(Session& session, const Feed& feed) {
  std::map<std::string, graph::Tensor> tensors;
  for (const sample::InputSpec& input : session.inference.inputs()) {
    for (const NamedFile& file : feed.files) {
      if (file.name == input.name) {
        MEDLAR_ASSIGN(tensors[input.name], sample::load_tensor(file.file, input, session.preprocess));
      }
    }
  }
  return tensors;
}

/// --output-dir as it is for one inference, a folder below it per input file for several.
std::string output_directory(const Options& options, const Feed& feed, bool many) {
  const std::filesystem::path base = options.output_dir;
  return (many ? base / std::filesystem::path(feed.title).stem() : base).string();
}

Status run_feed(Session& session, const Feed& feed) {
  MEDLAR_ASSIGN(const auto tensors, load_inputs(session, feed));
  MEDLAR_ASSIGN(const api::InferenceResult result, session.inference.run(tensors));
  fmt::print("{}\n", feed.title);
  if (session.options.show) {
    MEDLAR_TRY(show_picture(feed));
  }
  const int offset = session.preprocess ? session.preprocess->label_offset : 0;
  for (const auto& [name, tensor] : result.outputs) {
    print_top(name, tensor, session.labels, session.options.top, offset);
  }
  if (session.options.layers || (session.options.show && session.first)) {
    print_layers(result);
  }
  fmt::print("  DLA {:.4f} ms (modelled, {}); this computer took {:.1f} ms (host)\n", result.modelled_dla_ms,
             session.inference.engine().device, result.host_ms);
  session.first = false;
  return session.options.output_dir.empty()
             ? Status()
             : write_outputs(output_directory(session.options, feed, session.many), result.outputs);
}

/// NVIDIA's loadables: float32 NCHW in, float32 NCHW out, whatever the loadable's own format is.
Status run_nvdla(const Options& options, ByteView bytes) {
  MEDLAR_ASSIGN(const std::vector<sample::InputSpec> inputs, api::loadable_inputs(bytes, options.engine));
  std::map<std::string, graph::Tensor> tensors;
  MEDLAR_ASSIGN(const std::vector<Feed> feeds, plan_feeds(options, inputs));
  for (const Feed& feed : feeds) {
    for (const NamedFile& file : feed.files) {
      const auto spec = std::find_if(inputs.begin(), inputs.end(), [&](const auto& input) { return input.name == file.name; });
      MEDLAR_ASSIGN(tensors[spec->name], api::load_loadable_input(file.file, *spec));
    }
    MEDLAR_ASSIGN(const auto outputs, api::run_loadable(bytes, options.engine, options.device, tensors));
    fmt::print("{}\n", feed.title);
    for (const auto& [name, tensor] : outputs) {
      print_top(name, tensor, {}, options.top, 0);
    }
    if (!options.output_dir.empty()) {
      MEDLAR_TRY(write_outputs(output_directory(options, feed, feeds.size() > 1), outputs));
    }
  }
  return {};
}

Status run_file(const Options& options) {
  MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(options.engine));
  if (!engine::is_engine(bytes)) {
    return run_nvdla(options, bytes);
  }
  MEDLAR_ASSIGN(engine::Engine engine, engine::deserialize(bytes, options.engine));
  MEDLAR_ASSIGN(api::Inference inference,
                api::Inference::create(std::move(engine), options.device, options.engine, {.provider = options.provider}));
  MEDLAR_ASSIGN(const std::vector<Feed> feeds, plan_feeds(options, inference.inputs()));
  Session session{options, inference, {}, {}, feeds.size() > 1, true};
  MEDLAR_ASSIGN(session.preprocess, choose_preprocess(options, inference.engine()));
  MEDLAR_ASSIGN(session.labels, read_labels(options.labels));
  for (const Feed& feed : feeds) {
    MEDLAR_TRY(run_feed(session, feed));
  }
  for (const std::string& note : inference.loaded()->host_notes()) {
    fmt::print("  {}\n", note);
  }
  return {};
}

}  // namespace

Action add_run(CLI::App& app) {
  CLI::App* command = app.add_subcommand("run", "Run an engine or an NVDLA loadable on the simulated device");
  const auto options = std::make_shared<Options>();
  command->add_option("engine", options->engine, "X.engine or X.nvdla")->required();
  command->add_option("--input", options->inputs,
                      "Image, name=FILE.npy, [name=]FILE.f32 or name=FILE of the tensor's bytes; several files run one after the other");
  command->add_option("--device", options->device, "Refuse unless the engine was built for this device (default: the engine's)");
  command->add_option("--top", options->top, "Print the N largest values of each output")->check(CLI::Range(0, 1000));
  command->add_option("--labels", options->labels, "Text file, one class name a line");
  command->add_option("--output-dir", options->output_dir, "Write every output as a .npy named after its tensor");
  command->add_option("--preprocess", options->preprocess, "Override how images become inputs (JSON)");
  add_provider_option(*command, options->provider);
  command->add_flag("--show", options->show, "Show the pictures and the layers");
  command->add_flag("--layers", options->layers, "Print every layer: engine and modelled time");
  return [options] { return run_file(*options); };
}

}  // namespace medlar::tools

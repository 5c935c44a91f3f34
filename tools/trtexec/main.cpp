// SPDX-License-Identifier: Apache-2.0
// trtexec, for the simulated DLA: NVIDIA's flags and output, modelled times.
#include <cstdio>

#include "base/files.hpp"
#include "output.hpp"

namespace medlar::trtexec {
namespace {

Result<engine::Engine> get_engine(const Options& options) {
  if (options.load_engine.empty()) {
    return build_engine(options);
  }
  double deserialise_ms = 0;
  MEDLAR_ASSIGN(engine::Engine engine, load_engine(options, deserialise_ms));
  if (options.time_deserialize) {
    info(fmt::format("Engine deserialized in {:.3f} ms (host: this computer)", deserialise_ms));
  }
  return engine;
}

Status save(const Options& options, const engine::Engine& engine) {
  if (options.save_engine.empty()) {
    return {};
  }
  // A standalone build gives the loadable itself: what a DLA runtime without this engine file loads.
  const ByteBuffer bytes = options.standalone ? engine.plan.segments[0].payload : engine::serialize(engine);
  MEDLAR_TRY(write_file(options.save_engine, bytes));
  info(fmt::format("Engine saved to {} ({} bytes)", options.save_engine, bytes.size()));
  return {};
}

Status run(const Options& options) {
  for (const std::string& notice : options.notices) {
    info(notice);
  }
  MEDLAR_ASSIGN(const engine::Engine engine, get_engine(options));
  print_options(options, engine);
  print_placement(options, engine);
  if (options.report_capability) {
    print_capability(engine);
  }
  MEDLAR_TRY(save(options, engine));
  if (options.dump_layer_info) {
    print_layer_info(options, engine);
  }
  MEDLAR_TRY(export_layer_info(options, engine));
  if (options.skip_inference) {
    info("Skipped inference phase since --skipInference is added.");
    return {};
  }
  MEDLAR_ASSIGN(const Measurement m, measure(options, engine));
  print_summary(options, m);
  print_profile(options, m);
  if (options.dump_output) {
    print_outputs(m);
  }
  return export_all(options, engine, m);
}

}  // namespace
}  // namespace medlar::trtexec

int main(int argc, char** argv) {
  using namespace medlar::trtexec;
  const auto options = parse(argc, argv);
  if (!options) {
    fmt::print(stderr, "[E] {}\n", options.error().message);
    return 1;
  }
  if (options->help) {
    fmt::print("{}", help_text());
    return 0;
  }
  fmt::print("&&&& RUNNING TensorRT.trtexec [Medlar] # {}\n", options->command_line);
  if (const medlar::Status status = run(*options); !status) {
    std::fflush(stdout);
    fmt::print(stderr, "[E] {}\n", status.error().to_string());
    fmt::print("&&&& FAILED TensorRT.trtexec [Medlar] # {}\n", options->command_line);
    return 1;
  }
  fmt::print("&&&& PASSED TensorRT.trtexec [Medlar] # {}\n", options->command_line);
  return 0;
}

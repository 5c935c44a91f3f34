// SPDX-License-Identifier: Apache-2.0
#include "runtime/digits_engine.hpp"

#include "api/build.hpp"
#include "sample/source.hpp"
#include "support/test_data.hpp"

#include <map>

namespace medlar::test {
namespace {

Result<engine::Engine> build(const std::string& device, hw::Precision precision) {
  const std::filesystem::path folder = source_dir() / "models/digits";
  const bool int8 = precision == hw::Precision::kInt8;
  return api::build({.model = folder / "digits.onnx",
                     .device = device,
                     .precision = precision,
                     .calibration = int8 ? folder / "calibration" : std::filesystem::path()});
}

Result<std::vector<runtime::TensorMap>> load_inputs(const engine::Engine& engine, size_t samples) {
  const std::filesystem::path folder = source_dir() / "models/digits";
  std::vector<sample::InputSpec> specs;
  for (const compiler::BoundaryTensor& tensor : engine.plan.tensors) {
    if (tensor.name == engine.plan.inputs.front()) {
      specs.push_back({tensor.name, tensor.type, tensor.shape});
    }
  }
  MEDLAR_ASSIGN(const auto preprocess, api::preprocess_beside(folder / "digits.onnx"));
  std::vector<runtime::TensorMap> inputs;
  MEDLAR_TRY(sample::visit_samples(folder / "images", specs, preprocess,
                                   [&](const sample::Sample& sample) -> Result<bool> {
                                     inputs.push_back(sample.inputs);
                                     return inputs.size() < samples;
                                   }));
  return inputs;
}

}  // namespace

std::shared_ptr<const runtime::LoadedEngine> Digits::load(const api::EngineOptions& options) const {
  auto loaded = module->load(engine, "digits.engine", options);
  EXPECT_TRUE(loaded) << loaded.error().to_string();
  return loaded ? *loaded : nullptr;
}

std::shared_ptr<runtime::ExecutionContext> Digits::context(const api::EngineOptions& options) const {
  auto made = runtime::ExecutionContext::create(load(options));
  EXPECT_TRUE(made) << made.error().to_string();
  return made ? *made : nullptr;
}

Digits digits(const std::string& device, hw::Precision precision, size_t samples) {
  static std::map<std::pair<std::string, hw::Precision>, engine::Engine> built;
  Digits digits;
  auto at = built.find({device, precision});
  if (at == built.end()) {
    auto engine = build(device, precision);
    EXPECT_TRUE(engine) << engine.error().to_string();
    at = built.emplace(std::pair(device, precision), std::move(*engine)).first;
  }
  digits.engine = at->second;
  auto inputs = load_inputs(digits.engine, samples);
  auto module = api::Module::boot(device);
  EXPECT_TRUE(inputs && module);
  digits.inputs = std::move(*inputs);
  digits.module = std::move(*module);
  return digits;
}

}  // namespace medlar::test

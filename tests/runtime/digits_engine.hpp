// SPDX-License-Identifier: Apache-2.0
// The digits model, compiled once a test program for each device and precision, and its images as tensors.
#pragma once

#include "api/module.hpp"
#include "runtime/execution_context.hpp"

#include <string>
#include <vector>

namespace medlar::test {

struct Digits {
  engine::Engine engine;
  std::shared_ptr<api::Module> module;
  std::vector<runtime::TensorMap> inputs;  ///< One a picture.

  std::shared_ptr<const runtime::LoadedEngine> load(const api::EngineOptions& options = {}) const;
  std::shared_ptr<runtime::ExecutionContext> context(const api::EngineOptions& options = {}) const;
};

/// Fails the test and returns an empty engine when something is wrong. `samples` pictures.
Digits digits(const std::string& device, hw::Precision precision, size_t samples = 4);

}  // namespace medlar::test

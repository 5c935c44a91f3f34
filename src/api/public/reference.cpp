// SPDX-License-Identifier: Apache-2.0
#include "medlar/reference.hpp"

#include "api/public/errors.hpp"
#include "api/public/types.hpp"
#include "host/session.hpp"
#include "import/onnx_export.hpp"
#include "import/onnx_import.hpp"

#include <cstring>

namespace medlar {
namespace {

OwnedWeights owned(const graph::Tensor& tensor) {
  OwnedWeights out{.type = door::public_type(tensor.type),
                   .dims = tensor.shape,
                   .bytes = std::vector<std::byte>(tensor.bytes.size())};
  if (!out.bytes.empty()) {
    std::memcpy(out.bytes.data(), tensor.bytes.data(), out.bytes.size());
  }
  return out;
}

}  // namespace

std::map<std::string, OwnedWeights> runReference(const std::string& model,
                                                 const std::map<std::string, TensorView>& inputs,
                                                 const std::map<std::string, Dims>& shapes) {
  const graph::Graph graph = door::take(import::import_onnx(model, {.shapes = shapes}));
  const ByteBuffer bytes = door::take(import::export_onnx(graph));
  const host::Session session = door::take(host::Session::create(
      bytes, model, {.provider = host::Provider::kCpu, .threads = 0, .optimise = false}));
  std::map<std::string, graph::Tensor> given;
  for (const auto& [name, view] : inputs) {
    given.emplace(name, door::tensor_of(name, view));
  }
  std::map<std::string, const graph::Tensor*> feeds;
  for (const auto& [name, tensor] : given) {
    feeds[name] = &tensor;
  }
  std::vector<std::string> names;
  for (const host::TensorInfo& info : session.outputs()) {
    names.push_back(info.name);
  }
  const std::vector<graph::Tensor> results = door::take(session.run(feeds));
  std::map<std::string, OwnedWeights> out;
  for (size_t i = 0; i < results.size(); ++i) {
    out.emplace(names[i], owned(results[i]));
  }
  return out;
}

}  // namespace medlar

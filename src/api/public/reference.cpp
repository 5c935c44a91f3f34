// SPDX-License-Identifier: Apache-2.0
#include "medlar/reference.hpp"

#include <cstring>

#include <fmt/ranges.h>

#include "api/public/errors.hpp"
#include "api/public/types.hpp"
#include "host/session.hpp"
#include "import/onnx_export.hpp"
#include "import/onnx_import.hpp"

namespace medlar {
namespace {

graph::Tensor tensor_of(const std::string& name, const TensorView& view) {
  graph::Tensor tensor{door::graph_type(view.type), view.dims, {}, {}};
  const auto bytes = graph::storage_bytes(tensor.type, tensor.shape);
  if (!bytes || *bytes != view.bytes.size()) {
    door::raise(ErrorCode::kInvalidArgument, "input '{}': {} bytes for {} [{}]", name, view.bytes.size(), dataTypeName(view.type),
                fmt::join(view.dims, ","));
  }
  const auto* from = reinterpret_cast<const uint8_t*>(view.bytes.data());
  tensor.bytes.assign(from, from + view.bytes.size());
  return tensor;
}

OwnedWeights owned(const graph::Tensor& tensor) {
  OwnedWeights out{.type = door::public_type(tensor.type), .dims = tensor.shape, .bytes = std::vector<std::byte>(tensor.bytes.size())};
  if (!out.bytes.empty()) {
    std::memcpy(out.bytes.data(), tensor.bytes.data(), out.bytes.size());
  }
  return out;
}

}  // namespace

std::map<std::string, OwnedWeights> runReference(const std::string& model, const std::map<std::string, TensorView>& inputs,
                                                 const std::map<std::string, Dims>& shapes) {
  const graph::Graph graph = door::take(import::import_onnx(model, {.shapes = shapes}));
  const ByteBuffer bytes = door::take(import::export_onnx(graph));
  const host::Session session = door::take(host::Session::create(bytes, model, {.provider = host::Provider::kCpu, .threads = 0, .optimise = false}));
  std::map<std::string, graph::Tensor> given;
  for (const auto& [name, view] : inputs) {
    given.emplace(name, tensor_of(name, view));
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

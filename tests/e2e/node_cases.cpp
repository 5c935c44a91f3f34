// SPDX-License-Identifier: Apache-2.0
#include "e2e/node_cases.hpp"

#include <algorithm>
#include <cmath>

#include "api/inference.hpp"
#include "import/onnx_import.hpp"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace medlar::test {
namespace {

bool floating(const graph::Tensor& tensor) {
  return tensor.type == graph::DataType::kFloat32 || tensor.type == graph::DataType::kFloat16 ||
         tensor.type == graph::DataType::kFloat64;
}

Result<GraphRun> load_case(const std::string& name, const NodeCase& one, const TripOptions& options) {
  GraphRun loaded;
  MEDLAR_ASSIGN(loaded.graph, import::import_onnx_bytes(one.model, name));
  graph::Graph& graph = loaded.graph;
  std::vector<graph::ValueId> rest;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    graph::Value& value = graph.value(graph.inputs[i]);
    const auto found = one.inputs.find(static_cast<int>(i));
    auto tensor = found == one.inputs.end() ? std::nullopt : stored_tensor(found->second);
    if (!tensor) {
      return fail(Code::kUnsupported, "{}: input {} is no tensor", name, i);
    }
    value.shape = tensor->shape;
    if (i > 0 && options.constant_operands && tensor->type == value.type) {
      value.data = std::make_shared<const graph::Tensor>(std::move(*tensor));
      continue;
    }
    rest.push_back(graph.inputs[i]);
    loaded.inputs[value.name] = std::move(*tensor);
  }
  graph.inputs = rest;
  return loaded;
}

/// Difference of one output; a text when there is one, and the relative error of floats.
std::string difference(const graph::Tensor& ours, const graph::Tensor& stored, double bound, double& error) {
  if (ours.type != stored.type || ours.shape != stored.shape) {
    return fmt::format("{} [{}] instead of {} [{}]", graph::data_type_name(ours.type), fmt::join(ours.shape, ","),
                       graph::data_type_name(stored.type), fmt::join(stored.shape, ","));
  }
  if (!floating(stored)) {
    return ours.bytes == stored.bytes && ours.strings == stored.strings ? "" : "other values";
  }
  const auto a = graph::to_doubles(ours).value();
  const auto b = graph::to_doubles(stored).value();
  double squares = 0.0;
  double norm = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) != std::isnan(b[i]) || (std::isinf(b[i]) && a[i] != b[i])) {
      return fmt::format("element {} is {} instead of {}", i, a[i], b[i]);
    }
    if (std::isfinite(b[i])) {
      squares += (a[i] - b[i]) * (a[i] - b[i]);
      norm += b[i] * b[i];
    }
  }
  const double relative = std::sqrt(squares) / std::max(std::sqrt(norm), 1e-20);
  error = std::max(error, norm == 0.0 && squares < 1e-12 ? 0.0 : relative);
  return error <= bound ? "" : fmt::format("error {:.4g}, bound {}", error, bound);
}

TripResult judge(const compiler::Plan& plan) {
  TripResult result{.trip = Trip::kHost, .text = {}, .fingerprint = {}};
  int dla = 0;
  int host = 0;
  for (const compiler::Placement& row : plan.placements) {
    const bool on_dla = row.engine == compiler::Engine::kDla && row.segment >= 0;
    dla += on_dla ? 1 : 0;
    host += !on_dla && row.segment >= 0 ? 1 : 0;
    if (on_dla) {
      result.fingerprint += row.op_type + " ";
    } else if (row.segment >= 0) {
      result.text += fmt::format("{} {} {}; ", row.op_type, row.reason_code, row.reason);
    }
    if (!on_dla && row.segment >= 0 && row.reason_code.empty()) {
      return {.trip = Trip::kWrong, .text = row.op_type + " is on the host without a reason", .fingerprint = {}};
    }
  }
  result.trip = dla == 0 ? Trip::kHost : (host == 0 ? Trip::kDla : Trip::kMixed);
  return result;
}

}  // namespace

TripResult run_node_case(const std::string& name, const NodeCase& one, const TripOptions& options) {
  const auto refused = [](const Error& error) {
    return TripResult{.trip = error.message.empty() ? Trip::kWrong : Trip::kRefused, .text = error.to_string(), .fingerprint = {}};
  };
  auto loaded = load_case(name, one, options);
  if (!loaded) {
    return refused(loaded.error());
  }
  auto engine = build_run(*loaded, options);
  if (!engine) {
    return refused(engine.error());
  }
  TripResult result = judge(engine->plan);
  auto inference = api::Inference::create(std::move(*engine), "", name);
  // ONNX Runtime may lack the operator, or the operator for these types: it says so.
  const auto host_refuses = [](const Error& error) {
    return error.code == Code::kUnsupported || error.message.find("ONNX Runtime: ") != std::string::npos;
  };
  if (!inference) {
    return {.trip = host_refuses(inference.error()) ? Trip::kRefused : Trip::kWrong,
            .text = inference.error().to_string(), .fingerprint = {}};
  }
  const auto outputs = inference->run(loaded->inputs);
  if (!outputs) {
    return {.trip = host_refuses(outputs.error()) ? Trip::kRefused : Trip::kWrong, .text = outputs.error().to_string(),
            .fingerprint = {}};
  }
  const bool host = result.trip == Trip::kHost;
  const double bound = host ? 1e-3 : (options.precision == hw::Precision::kInt8 ? 0.05 : 1e-2);
  for (const auto& [index, bytes] : one.outputs) {
    const auto stored = stored_tensor(bytes);
    if (!stored || static_cast<size_t>(index) >= loaded->graph.outputs.size()) {
      continue;
    }
    const std::string& output = loaded->graph.value(loaded->graph.outputs[static_cast<size_t>(index)]).name;
    const std::string text = difference(outputs->outputs.at(output), *stored, bound, result.error);
    if (!text.empty()) {
      return {.trip = Trip::kWrong, .text = fmt::format("output {}: {} ({})", index, text, result.text),
              .error = result.error, .fingerprint = result.fingerprint};
    }
  }
  return result;
}

}  // namespace medlar::test

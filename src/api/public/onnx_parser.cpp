// SPDX-License-Identifier: Apache-2.0
#include "medlar/onnx_parser.hpp"

#include "api/public/errors.hpp"
#include "api/public/log.hpp"
#include "api/public/network_state.hpp"
#include "base/files.hpp"
#include "graph/shape_inference.hpp"
#include "import/onnx_import.hpp"

#include <filesystem>

namespace medlar {
namespace {

/// Moves an imported graph into an empty network.
class Filler {
 public:
  Filler(const graph::Graph& graph, NetworkState& network)
      : graph_(graph), network_(network), tensors_(graph.values.size()) {}

  void fill() {
    network_.name = graph_.name;
    network_.opsets = graph_.opsets;
    for (const graph::ValueId id : graph_.inputs) {
      Tensor& tensor = add_tensor(id);
      tensor.state().is_input = true;
      network_.inputs.push_back(&tensor);
    }
    for (const graph::Node& node : graph_.nodes) {
      add_layer(node);
    }
    for (const graph::ValueId id : graph_.outputs) {
      Tensor& tensor = tensors_[static_cast<size_t>(id)] != nullptr ? *tensors_[static_cast<size_t>(id)]
                                                                    : add_constant(id);
      tensor.state().is_output = true;
      network_.outputs.push_back(&tensor);
    }
    network_.inferred = false;
  }

 private:
  Tensor& add_tensor(graph::ValueId id) {
    const graph::Value& value = graph_.value(id);
    Tensor& tensor = network_.new_tensor(value.name);
    TensorState& state = tensor.state();
    state.type = state.declared_type = value.type;
    state.shape = state.declared_shape = value.shape;
    tensors_[static_cast<size_t>(id)] = &tensor;
    return tensor;
  }

  /// An output that is a constant: a layer of its own.
  Tensor& add_constant(graph::ValueId id) {
    auto state = new_state("constant of " + graph_.value(id).name);
    state->type = LayerType::kConstant;
    state->parameters = {{"weights", graph_.value(id).data},
                         {"shape", graph_.value(id).shape.value_or(Dims())}};
    Tensor& tensor = add_tensor(id);
    state->outputs.push_back(&tensor);
    append(std::move(state));
    return tensor;
  }

  std::unique_ptr<LayerState> new_state(const std::string& name) {
    auto state = std::make_unique<LayerState>();
    state->network = &network_;
    state->name = name;
    return state;
  }

  void append(std::unique_ptr<LayerState> state) {
    network_.layers.push_back(std::make_unique<Layer>(std::move(state)));
    for (Tensor* tensor : network_.layers.back()->state().outputs) {
      if (tensor != nullptr) {
        tensor->state().producer = network_.layers.back().get();
      }
    }
  }

  Operand operand(graph::ValueId id) const {
    if (id == graph::kNoValue) {
      return {};
    }
    const graph::Value& value = graph_.value(id);
    if (value.is_constant()) {
      return {.tensor = nullptr, .constant = value.data, .constant_name = value.name};
    }
    return {.tensor = tensors_[static_cast<size_t>(id)], .constant = nullptr, .constant_name = {}};
  }

  void add_layer(const graph::Node& node) {
    auto state = new_state(node.name);
    state->original = node;
    for (const graph::ValueId id : node.inputs) {
      state->operands.push_back(operand(id));
    }
    for (const graph::ValueId id : node.outputs) {
      state->outputs.push_back(id == graph::kNoValue ? nullptr : &add_tensor(id));
    }
    door::describe_onnx_node(graph_, *state);
    append(std::move(state));
  }

  const graph::Graph& graph_;
  NetworkState& network_;
  std::vector<Tensor*> tensors_;
};

ErrorCode code_of(const Error& error) {
  return static_cast<ErrorCode>(error.code);
}

}  // namespace

struct OnnxParser::State {
  NetworkDefinition* network = nullptr;
  Logger* logger = nullptr;
  std::vector<ParserError> errors;

  using Import = std::function<Result<graph::Graph>(const import::ImportOptions&, std::vector<std::string>*)>;

  bool fail_with(ErrorCode code, std::string message) {
    door::log(*logger, LogLevel::kError, message);
    errors.push_back({code, std::move(message)});
    return false;
  }

  bool parse(const Import& import) {
    NetworkState& target = network->state();
    if (!target.tensors.empty() || !target.layers.empty()) {
      return fail_with(ErrorCode::kUnsupported,
                       "the network is not empty: a model fills a network of its own");
    }
    std::vector<std::string> notices;
    import::ImportOptions options;
    options.keep_open = true;
    auto graph = import(options, &notices);
    if (!graph) {
      return fail_with(code_of(graph.error()), graph.error().message);
    }
    for (const std::string& notice : notices) {
      door::log(*logger, LogLevel::kInfo, notice);
    }
    if (Status inferred = graph::infer_shapes(*graph); !inferred) {
      return fail_with(code_of(inferred.error()), inferred.error().message);
    }
    Filler(*graph, target).fill();
    target.touched = false;
    target.reimport = [import](const std::map<std::string, graph::Shape>& shapes) {
      return import({.shapes = shapes}, nullptr);
    };
    return true;
  }
};

OnnxParser::OnnxParser(NetworkDefinition& network, Logger& logger) : state_(std::make_unique<State>()) {
  state_->network = &network;
  state_->logger = &logger;
}

OnnxParser::~OnnxParser() = default;

bool OnnxParser::parse(Span<const std::byte> model, std::string_view path) {
  if (model.data() == nullptr && !model.empty()) {
    door::raise(ErrorCode::kInvalidArgument, "OnnxParser::parse: a null pointer to {} bytes", model.size());
  }
  const auto bytes =
      std::make_shared<const ByteBuffer>(reinterpret_cast<const uint8_t*>(model.data()),
                                         reinterpret_cast<const uint8_t*>(model.data()) + model.size());
  const std::string name = path.empty() ? "model" : std::string(path);
  return state_->parse(
      [bytes, name](const import::ImportOptions& options, std::vector<std::string>* notices) {
        return import::import_onnx_bytes(*bytes, name, options, notices);
      });
}

bool OnnxParser::parseFromFile(std::string_view path) {
  const std::filesystem::path file(path);
  return state_->parse([file](const import::ImportOptions& options, std::vector<std::string>* notices) {
    return import::import_onnx(file, options, notices);
  });
}

const std::vector<ParserError>& OnnxParser::errors() const noexcept {
  return state_->errors;
}

void OnnxParser::clearErrors() noexcept {
  state_->errors.clear();
}

bool OnnxParser::supportsOperator(std::string_view name) {
  return graph::has_shape_rule(name);
}

}  // namespace medlar

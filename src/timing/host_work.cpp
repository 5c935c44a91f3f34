// SPDX-License-Identifier: Apache-2.0
// ONNX nodes to work of the GPU or CPU, from shapes alone.
#include "timing/host_model.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace medlar::timing {
namespace {

using graph::Graph;
using graph::Node;
using graph::Shape;
using graph::ValueId;

/// Operators that only rename or look at their input: no kernel.
constexpr std::array kViews = {"Reshape",  "Flatten", "Squeeze", "Unsqueeze",       "Identity",
                               "Constant", "Shape",   "Dropout", "ConstantOfShape", "Size"};

/// Operations an element of functions that are not one instruction.
struct FunctionCost {
  std::string_view op;
  double operations;
};
constexpr FunctionCost kFunctions[] = {
    {"Sigmoid", 8},
    {"Tanh", 8},
    {"Exp", 6},
    {"Log", 6},
    {"Erf", 10},
    {"Gelu", 12},
    {"Mish", 16},
    {"Softplus", 10},
    {"Sin", 6},
    {"Cos", 6},
    {"Sqrt", 2},
    {"Div", 2},
    {"Pow", 12},
    {"Softmax", 12},
    {"LogSoftmax", 14},
    {"HardSwish", 4},
    {"HardSigmoid", 3},
    {"Elu", 7},
    {"Selu", 8},
    {"Clip", 2},
    {"LayerNormalization", 8},
    {"BatchNormalization", 2},
    {"InstanceNormalization", 8},
    {"LRN", 14},
    {"Resize", 4},
};

bool is_view(const Node& node) {
  return std::find(kViews.begin(), kViews.end(), node.op_type) != kViews.end();
}

/// Elements of a tensor; the error names it. An omitted one has none.
Result<double> elements(const Graph& graph, ValueId id) {
  if (id == graph::kNoValue) {
    return 0.0;
  }
  const graph::Value& value = graph.value(id);
  const Shape* shape = value.shape ? &*value.shape : value.data ? &value.data->shape : nullptr;
  const auto count = shape == nullptr ? std::nullopt : graph::element_count(*shape);
  if (!count) {
    return fail(Code::kUnsupported, "{}: its shape is not known: no time can be modelled", value.name);
  }
  return static_cast<double>(*count);
}

double bytes_of(graph::DataType type, HostPrecision precision) {
  const int own = graph::element_bytes(type);
  if (!graph::is_floating(type) && type != graph::DataType::kUndefined) {
    return own == 0 ? 1 : own;
  }
  return precision == HostPrecision::kInt8 ? 1 : precision == HostPrecision::kFp16 ? 2 : 4;
}

Result<double> sum_elements(const Graph& graph, std::span<const ValueId> ids) {
  double sum = 0;
  for (const ValueId id : ids) {
    MEDLAR_ASSIGN(const double n, elements(graph, id));
    sum += n;
  }
  return sum;
}

Result<double> sum_bytes(const Graph& graph, std::span<const ValueId> ids, HostPrecision precision) {
  double sum = 0;
  for (const ValueId id : ids) {
    MEDLAR_ASSIGN(const double n, elements(graph, id));
    sum += id == graph::kNoValue ? 0 : n * bytes_of(graph.value(id).type, precision);
  }
  return sum;
}

/// Dimensions of a value whose element count is known.
Shape dims(const Graph& graph, ValueId id) {
  const graph::Value& value = graph.value(id);
  return value.shape ? *value.shape : value.data->shape;
}

double dim(const Shape& shape, size_t from_end) {
  return from_end <= shape.size() ? static_cast<double>(shape[shape.size() - from_end]) : 1;
}

/// Multiply-accumulates of Conv (each output element needs a kernel) and ConvTranspose (each input element).
double convolution_macs(const Graph& graph, const Node& node, double in, double out) {
  const Shape weights = dims(graph, node.inputs[1]);
  const double first = weights.empty() ? 1 : static_cast<double>(weights.front());
  const auto count = graph::element_count(weights);
  const double kernel = first <= 0 ? 0 : static_cast<double>(count.value_or(0)) / first;
  return node.op_type == "Conv" ? out * kernel : in * kernel;
}

/// Steps and products of a recurrent layer: W is [directions, gates * hidden, input], R the same with hidden.
void add_recurrent(const Graph& graph, const Node& node, HostWork& work) {
  const Shape x = dims(graph, node.inputs[0]);
  const double steps = dim(x, 3), batch = dim(x, 2);
  for (const size_t i : {size_t{1}, size_t{2}}) {
    work.macs +=
        steps * batch * static_cast<double>(graph::element_count(dims(graph, node.inputs[i])).value_or(0));
  }
  const double directions = dim(dims(graph, node.inputs[1]), 3);
  work.launches = static_cast<uint32_t>(std::min(1e6, std::max(1.0, steps * directions)));
}

/// Operations of a node that has no products: a window an output element, else a function's cost.
Result<double> other_elements(const Node& node, double in, double out) {
  if (node.op_type == "MaxPool" || node.op_type == "AveragePool" || node.op_type == "LpPool") {
    MEDLAR_ASSIGN(const std::vector<int64_t> kernel, graph::ints_attribute(node, "kernel_shape", {}));
    double window = 1;
    for (const int64_t k : kernel) {
      window *= static_cast<double>(k);
    }
    return out * window;
  }
  if (node.op_type.starts_with("Reduce") || node.op_type.starts_with("Global")) {
    return in;
  }
  for (const FunctionCost& f : kFunctions) {
    if (f.op == node.op_type) {
      return out * f.operations;
    }
  }
  return out;
}

}  // namespace

Result<HostWork> host_work_of(const Graph& graph, const Node& node, HostPrecision precision) {
  HostWork work{.precision = precision};
  if (is_view(node)) {
    return work;
  }
  work.launches = 1;
  MEDLAR_ASSIGN(work.bytes_read, sum_bytes(graph, node.inputs, precision));
  MEDLAR_ASSIGN(work.bytes_written, sum_bytes(graph, node.outputs, precision));
  MEDLAR_ASSIGN(const double out, sum_elements(graph, node.outputs));
  const double in = node.inputs.empty() ? 0 : *elements(graph, node.inputs[0]);
  const std::string& op = node.op_type;
  const size_t given = node.inputs.size();
  if ((op == "Conv" || op == "ConvTranspose") && given >= 2) {
    work.macs = convolution_macs(graph, node, in, out);
  } else if (op == "MatMul" && given >= 2) {
    work.macs = out * dim(dims(graph, node.inputs[0]), 1);
  } else if (op == "Gemm" && given >= 2) {
    MEDLAR_ASSIGN(const int64_t transposed, graph::int_attribute(node, "transA", 0));
    work.macs = out * dim(dims(graph, node.inputs[0]), transposed != 0 ? 2 : 1);
  } else if ((op == "LSTM" || op == "GRU" || op == "RNN") && given >= 3) {
    add_recurrent(graph, node, work);
  } else {
    MEDLAR_ASSIGN(work.elements, other_elements(node, in, out));
  }
  return work;
}

Result<double> host_graph_seconds(const hw::DeviceProfile& device, const hw::PowerMode& mode,
                                  HostEngine engine, const Graph& graph, HostPrecision precision) {
  double seconds = 0;
  for (const Node& node : graph.nodes) {
    MEDLAR_ASSIGN(const HostWork work, host_work_of(graph, node, precision));
    seconds += host_seconds(device, mode, engine, work);
  }
  return seconds;
}

}  // namespace medlar::timing

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/hash.hpp"
#include "graph/text.hpp"

#include <fmt/format.h>

namespace medlar::graph {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_./:-").find(c) != std::string_view::npos;
}

/// An operator, domain or attribute name: quoted unless it is a plain word.
std::string word(const std::string& name) {
  const auto plain = [](char c) { return is_bare(c) && c != '/' && c != ':' && c != '-'; };
  return !name.empty() && std::all_of(name.begin(), name.end(), plain) ? name : quoted(name);
}

std::string reference(const Graph& graph, ValueId id) {
  if (id == kNoValue) {
    return "_";
  }
  const std::string& name = graph.value(id).name;
  const bool bare = !name.empty() && std::all_of(name.begin(), name.end(), is_bare) && name.find("//") == name.npos;
  return "%" + (bare ? name : quoted(name));
}

template <typename T>
std::string number(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(value)) {
      using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
      return fmt::format("nan({:#x})", std::bit_cast<Bits>(value));
    }
    std::string text = fmt::format("{}", value);
    const bool integral = text.find_first_of(".en") == std::string::npos;  // "inf" has an n
    return integral ? text + ".0" : text;
  } else {
    return fmt::format("{}", static_cast<std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>(value));
  }
}

template <typename T, typename Format>
std::string list(const T& items, Format format) {
  std::string out = "[";
  for (const auto& item : items) {
    out += out.size() > 1 ? "," : "";
    out += format(item);
  }
  return out + "]";
}

std::string type_text(DataType type, const std::optional<Shape>& shape) {
  const std::string name = type == DataType::kUndefined ? "?" : std::string(data_type_name(type));
  if (!shape) {
    return name;
  }
  return name + list(*shape, [](int64_t dim) { return dim == kUnknownDim ? "?" : fmt::format("{}", dim); });
}

std::string hex(ByteView bytes) {
  std::string out = "0x";
  out.reserve(2 + bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

std::string blob(ByteView bytes, size_t inline_bytes, const PrintOptions& options) {
  return options.embed || bytes.size() <= inline_bytes ? hex(bytes) : fmt::format("#{:016x}", hash64(bytes));
}

template <typename T>
std::string numbers(const Tensor& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  if (!values.empty()) {
    std::memcpy(values.data(), tensor.bytes.data(), values.size() * sizeof(T));
  }
  return list(values, number<T>);
}

/// The elements as a list, or an empty string for the types that are printed as bytes.
std::string elements(const Tensor& tensor) {
  switch (tensor.type) {
    case DataType::kFloat32: return numbers<float>(tensor);
    case DataType::kFloat64: return numbers<double>(tensor);
    case DataType::kInt8: return numbers<int8_t>(tensor);
    case DataType::kUint8:
    case DataType::kBool: return numbers<uint8_t>(tensor);
    case DataType::kInt16: return numbers<int16_t>(tensor);
    case DataType::kUint16: return numbers<uint16_t>(tensor);
    case DataType::kInt32: return numbers<int32_t>(tensor);
    case DataType::kUint32: return numbers<uint32_t>(tensor);
    case DataType::kInt64: return numbers<int64_t>(tensor);
    case DataType::kUint64: return numbers<uint64_t>(tensor);
    default: return {};
  }
}

std::string tensor_text(const Tensor& tensor, const PrintOptions& options) {
  const std::string type = type_text(tensor.type, tensor.shape) + " ";
  if (tensor.type == DataType::kString) {
    return type + list(tensor.strings, [](const std::string& s) { return quoted(s); });
  }
  const auto limit = std::max<int64_t>(options.inline_elements, 0);
  if (element_count(tensor.shape).value_or(limit + 1) <= limit) {
    const std::string text = elements(tensor);
    return type + (text.empty() ? hex(tensor.bytes) : text);
  }
  return type + blob(tensor.bytes, 0, options);
}

template <typename T, typename Format>
std::string typed_list(const std::vector<T>& items, std::string_view kind, Format format) {
  return items.empty() ? std::string(kind) + "[]" : list(items, format);
}

struct AttributeText {
  const PrintOptions& options;

  std::string operator()(int64_t value) const { return number(value); }
  std::string operator()(float value) const { return number(value); }
  std::string operator()(const std::string& value) const { return quoted(value); }
  std::string operator()(const std::vector<int64_t>& v) const { return typed_list(v, "ints", number<int64_t>); }
  std::string operator()(const std::vector<float>& v) const { return typed_list(v, "floats", number<float>); }
  std::string operator()(const std::vector<std::string>& v) const { return typed_list(v, "strings", quoted); }
  std::string operator()(const Tensor& value) const { return tensor_text(value, options); }
  std::string operator()(const Subgraph& value) const { return nested("subgraph", value); }
  std::string operator()(const OpaqueAttribute& value) const { return nested("opaque", value); }

  std::string nested(std::string_view kind, const auto& value) const {
    return fmt::format("{}({}, {})", kind, list(value.captured, [](const std::string& s) { return quoted(s); }),
                       blob(value.onnx, 16, options));
  }
};

std::string node_text(const Graph& graph, const Node& node, const PrintOptions& options) {
  const auto ref = [&](ValueId id) { return reference(graph, id); };
  const auto joined = [](const std::vector<ValueId>& ids, auto format) {
    std::string out;
    for (const ValueId id : ids) {
      out += (out.empty() ? "" : ", ") + format(id);
    }
    return out;
  };
  std::string out = joined(node.outputs, ref) + " = ";
  out += node.domain.empty() ? "" : word(node.domain) + "::";
  out += word(node.op_type) + "(" + joined(node.inputs, ref) + ")";
  if (!node.attributes.empty()) {
    std::string text;
    for (const auto& [key, value] : node.attributes) {
      text += (text.empty() ? "" : ", ") + word(key) + "=" + std::visit(AttributeText{options}, value);
    }
    out += " {" + text + "}";
  }
  if (node.name != default_node_name(graph, node)) {
    out += " @" + quoted(node.name);
  }
  if (node.origins != std::vector<std::string>{node.name}) {
    out += " from " + list(node.origins, quoted);
  }
  const auto type = [&](ValueId id) {
    return id == kNoValue ? std::string("_") : type_text(graph.value(id).type, graph.value(id).shape);
  };
  return out + " : " + joined(node.outputs, type) + "\n";
}

}  // namespace

std::string print_node(const Graph& graph, const Node& node) {
  std::string text = node_text(graph, node, {});
  text.pop_back();
  return text;
}

std::string print(const Graph& graph, const PrintOptions& options) {
  std::string out = "graph " + quoted(graph.name) + " {";
  for (const auto& [domain, version] : graph.opsets) {
    out += (out.back() == '{' ? "" : ", ") + quoted(domain) + fmt::format(": {}", version);
  }
  out += "}\n";
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.value(id);
    out += "input " + reference(graph, id) + " : " + type_text(value.type, value.shape) + "\n";
  }
  for (size_t i = 0; i < graph.values.size(); ++i) {
    if (const Value& value = graph.values[i]; value.is_constant()) {
      out += reference(graph, static_cast<ValueId>(i)) + " = const : " + tensor_text(*value.data, options) + "\n";
    }
  }
  for (const Node& node : graph.nodes) {
    out += node_text(graph, node, options);
  }
  for (const ValueId id : graph.outputs) {
    out += "output " + reference(graph, id) + "\n";
  }
  return out;
}

ConstantPool constant_pool(const Graph& graph) {
  ConstantPool pool;
  const auto add = [&](const ByteBuffer& bytes) { pool.emplace(hash64(bytes), bytes); };
  for (const Value& value : graph.values) {
    if (value.is_constant()) {
      add(value.data->bytes);
    }
  }
  for (const Node& node : graph.nodes) {
    for (const auto& [key, attribute] : node.attributes) {
      if (const auto* tensor = std::get_if<Tensor>(&attribute)) {
        add(tensor->bytes);
      } else if (const auto* subgraph = std::get_if<Subgraph>(&attribute)) {
        add(subgraph->onnx);
      } else if (const auto* opaque = std::get_if<OpaqueAttribute>(&attribute)) {
        add(opaque->onnx);
      }
    }
  }
  return pool;
}

}  // namespace medlar::graph

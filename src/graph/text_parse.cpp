// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <unordered_map>

#include "graph/text.hpp"
#include "graph/text_cursor.hpp"

namespace medlar::graph {
namespace {

struct TypeText {
  DataType type = DataType::kUndefined;
  std::optional<Shape> shape;
};

class Parser {
 public:
  Parser(std::string_view text, const ConstantPool& pool) : cursor_(text), pool_(pool) {}

  Result<Graph> run() {
    MEDLAR_TRY(header());
    while (!cursor_.at_end()) {
      MEDLAR_TRY(statement());
    }
    MEDLAR_TRY(verify(graph_));
    return std::move(graph_);
  }

 private:
  Status header() {
    MEDLAR_TRY(cursor_.expect("graph"));
    MEDLAR_ASSIGN(graph_.name, cursor_.quoted());
    MEDLAR_TRY(cursor_.expect("{"));
    while (!cursor_.accept("}")) {
      MEDLAR_ASSIGN(const std::string domain, cursor_.quoted());
      MEDLAR_TRY(cursor_.expect(":"));
      MEDLAR_ASSIGN(graph_.opsets[domain], cursor_.integer());
      cursor_.accept(",");
    }
    return {};
  }

  Status statement() {
    if (cursor_.accept("input")) {
      MEDLAR_ASSIGN(const ValueId id, value());
      MEDLAR_TRY(cursor_.expect(":"));
      MEDLAR_ASSIGN(const TypeText type, type_text());
      set_type(id, type);
      graph_.inputs.push_back(id);
      return {};
    }
    if (cursor_.accept("output")) {
      MEDLAR_ASSIGN(const ValueId id, value());
      graph_.outputs.push_back(id);
      return {};
    }
    return definition();
  }

  /// The id of the value named next; it is created on first sight.
  Result<ValueId> value() {
    MEDLAR_ASSIGN(std::string name, cursor_.reference());
    const auto [at, inserted] = ids_.emplace(name, static_cast<ValueId>(graph_.values.size()));
    if (inserted) {
      add_value(graph_, {.name = std::move(name)});
    }
    return at->second;
  }

  Result<ValueId> value_or_omitted() {
    if (cursor_.accept("_")) {
      return kNoValue;
    }
    return value();
  }

  void set_type(ValueId id, const TypeText& type) {
    graph_.value(id).type = type.type;
    graph_.value(id).shape = type.shape;
  }

  Result<TypeText> type_text() {
    TypeText out;
    if (!cursor_.accept("?")) {
      MEDLAR_ASSIGN(const std::string_view name, cursor_.word());
      const auto type = parse_data_type(name);
      if (!type) {
        return cursor_.error("unknown element type {}", name);
      }
      out.type = *type;
    }
    if (!cursor_.accept("[")) {
      return out;
    }
    out.shape.emplace();
    while (!cursor_.accept("]")) {
      if (cursor_.accept("?")) {
        out.shape->push_back(kUnknownDim);
      } else {
        MEDLAR_ASSIGN(const int64_t dim, cursor_.integer());
        out.shape->push_back(dim);
      }
      cursor_.accept(",");
    }
    return out;
  }

  Status definition() {
    Node node;
    do {
      MEDLAR_ASSIGN(const ValueId id, value_or_omitted());
      node.outputs.push_back(id);
    } while (cursor_.accept(","));
    MEDLAR_TRY(cursor_.expect("="));
    if (cursor_.accept("const")) {
      return constant(node.outputs[0]);
    }
    MEDLAR_ASSIGN(node.op_type, cursor_.name());
    if (cursor_.accept("::")) {
      node.domain = std::move(node.op_type);
      MEDLAR_ASSIGN(node.op_type, cursor_.name());
    }
    MEDLAR_TRY(cursor_.expect("("));
    while (!cursor_.accept(")")) {
      MEDLAR_ASSIGN(const ValueId id, value_or_omitted());
      node.inputs.push_back(id);
      cursor_.accept(",");
    }
    return finish_node(std::move(node));
  }

  Status finish_node(Node node) {
    if (cursor_.accept("{")) {
      while (!cursor_.accept("}")) {
        MEDLAR_ASSIGN(std::string key, cursor_.name());
        MEDLAR_TRY(cursor_.expect("="));
        MEDLAR_ASSIGN(Attribute attribute, attribute_value());
        node.attributes.emplace(std::move(key), std::move(attribute));
        cursor_.accept(",");
      }
    }
    node.name = default_node_name(graph_, node);
    if (cursor_.accept("@")) {
      MEDLAR_ASSIGN(node.name, cursor_.quoted());
    }
    node.origins = {node.name};
    if (cursor_.accept("from")) {
      MEDLAR_ASSIGN(node.origins, strings());
    }
    if (cursor_.accept(":")) {
      MEDLAR_TRY(output_types(node));
    }
    graph_.nodes.push_back(std::move(node));
    return {};
  }

  Status output_types(const Node& node) {
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (i > 0) {
        MEDLAR_TRY(cursor_.expect(","));
      }
      if (node.outputs[i] == kNoValue) {
        MEDLAR_TRY(cursor_.expect("_"));
        continue;
      }
      MEDLAR_ASSIGN(const TypeText type, type_text());
      set_type(node.outputs[i], type);
    }
    return {};
  }

  Status constant(ValueId id) {
    if (id == kNoValue) {
      return cursor_.error("a constant needs a name");
    }
    MEDLAR_TRY(cursor_.expect(":"));
    MEDLAR_ASSIGN(Tensor data, tensor());
    Value& target = graph_.value(id);
    target.type = data.type;
    target.shape = data.shape;
    target.data = std::make_shared<const Tensor>(std::move(data));
    return {};
  }

  template <typename Item>
  Status items(Item item) {
    MEDLAR_TRY(cursor_.expect("["));
    while (!cursor_.accept("]")) {
      MEDLAR_TRY(item());
      cursor_.accept(",");
    }
    return {};
  }

  Result<std::vector<std::string>> strings() {
    std::vector<std::string> out;
    MEDLAR_TRY(items([&]() -> Status {
      MEDLAR_ASSIGN(std::string text, cursor_.quoted());
      out.push_back(std::move(text));
      return {};
    }));
    return out;
  }

  Result<Tensor> tensor() {
    MEDLAR_ASSIGN(const TypeText type, type_text());
    if (!type.shape) {
      return cursor_.error("a constant needs its shape");
    }
    Tensor out{type.type, *type.shape, {}, {}};
    if (type.type == DataType::kString) {
      MEDLAR_ASSIGN(out.strings, strings());
    } else if (cursor_.peek() == '[') {
      MEDLAR_TRY(elements(out));
    } else {
      MEDLAR_ASSIGN(out.bytes, blob());
    }
    return out;
  }

  Result<ByteBuffer> blob() {
    if (cursor_.peek() != '#') {
      return cursor_.hex_bytes();
    }
    MEDLAR_ASSIGN(const uint64_t hash, cursor_.hash());
    const auto found = pool_.find(hash);
    if (found == pool_.end()) {
      return cursor_.error("the constant #{:016x} was elided and is not at hand; print the graph with its constants "
                           "embedded", hash);
    }
    return found->second;
  }

  template <typename T, typename Wide>
  Status integers(Tensor& out, Result<Wide> (TextCursor::*read)()) {
    return items([&]() -> Status {
      MEDLAR_ASSIGN(const Wide wide, (cursor_.*read)());
      if (!std::in_range<T>(wide)) {
        return cursor_.error("{} does not fit {}", wide, data_type_name(out.type));
      }
      append(out, static_cast<T>(wide));
      return {};
    });
  }

  template <typename T>
  Status floats(Tensor& out, Result<T> (TextCursor::*read)()) {
    return items([&]() -> Status {
      MEDLAR_ASSIGN(const T value, (cursor_.*read)());
      append(out, value);
      return {};
    });
  }

  template <typename T>
  static void append(Tensor& out, T value) {
    out.bytes.resize(out.bytes.size() + sizeof(T));
    store_le(out.bytes.data() + out.bytes.size() - sizeof(T), value);
  }

  Status elements(Tensor& out) {
    switch (out.type) {
      case DataType::kFloat32: return floats<float>(out, &TextCursor::float32);
      case DataType::kFloat64: return floats<double>(out, &TextCursor::float64);
      case DataType::kInt8: return integers<int8_t>(out, &TextCursor::integer);
      case DataType::kBool:
      case DataType::kUint8: return integers<uint8_t>(out, &TextCursor::integer);
      case DataType::kInt16: return integers<int16_t>(out, &TextCursor::integer);
      case DataType::kUint16: return integers<uint16_t>(out, &TextCursor::integer);
      case DataType::kInt32: return integers<int32_t>(out, &TextCursor::integer);
      case DataType::kUint32: return integers<uint32_t>(out, &TextCursor::integer);
      case DataType::kInt64: return integers<int64_t>(out, &TextCursor::integer);
      case DataType::kUint64: return integers<uint64_t>(out, &TextCursor::unsigned_integer);
      default: return cursor_.error("{} elements are written as bytes (0x...)", data_type_name(out.type));
    }
  }

  Result<Attribute> attribute_value() {
    const char first = cursor_.peek();
    if (first == '"') {
      MEDLAR_ASSIGN(std::string text, cursor_.quoted());
      return Attribute(std::move(text));
    }
    if (first == '[') {
      return list_attribute();
    }
    if (cursor_.accept("ints")) {
      MEDLAR_TRY(cursor_.expect("["));
      MEDLAR_TRY(cursor_.expect("]"));
      return Attribute(std::vector<int64_t>{});
    }
    if (cursor_.accept("floats")) {
      MEDLAR_TRY(cursor_.expect("["));
      MEDLAR_TRY(cursor_.expect("]"));
      return Attribute(std::vector<float>{});
    }
    if (cursor_.accept("strings")) {
      MEDLAR_ASSIGN(auto texts, strings());
      return Attribute(std::move(texts));
    }
    if (cursor_.accept("subgraph")) {
      return nested<Subgraph>();
    }
    if (cursor_.accept("opaque")) {
      return nested<OpaqueAttribute>();
    }
    return number_or_tensor();
  }

  Result<Attribute> number_or_tensor() {
    const TextCursor start = cursor_;
    const auto token = cursor_.number();
    const bool numeric = token && (token->text.find_first_of("0123456789") == 0 || token->text[0] == '-' ||
                                   token->text == "inf" || token->text.starts_with("nan("));
    const bool is_float = numeric && token->is_float;
    cursor_ = start;
    if (!numeric) {
      MEDLAR_ASSIGN(Tensor value, tensor());
      return Attribute(std::move(value));
    }
    if (is_float) {
      MEDLAR_ASSIGN(const float value, cursor_.float32());
      return Attribute(value);
    }
    MEDLAR_ASSIGN(const int64_t value, cursor_.integer());
    return Attribute(value);
  }

  /// A list's first item decides what it holds.
  Result<Attribute> list_attribute() {
    const TextCursor start = cursor_;
    MEDLAR_TRY(cursor_.expect("["));
    const char first = cursor_.peek();
    const bool is_string = first == '"';
    const auto token = is_string || first == ']' ? Result<NumberToken>(NumberToken{}) : cursor_.number();
    cursor_ = start;
    MEDLAR_TRY(token);
    if (is_string) {
      MEDLAR_ASSIGN(auto texts, strings());
      return Attribute(std::move(texts));
    }
    if (token->is_float) {
      std::vector<float> out;
      MEDLAR_TRY(items([&]() -> Status {
        MEDLAR_ASSIGN(const float value, cursor_.float32());
        out.push_back(value);
        return {};
      }));
      return Attribute(std::move(out));
    }
    std::vector<int64_t> out;
    MEDLAR_TRY(items([&]() -> Status {
      MEDLAR_ASSIGN(const int64_t value, cursor_.integer());
      out.push_back(value);
      return {};
    }));
    return Attribute(std::move(out));
  }

  template <typename T>
  Result<Attribute> nested() {
    T out;
    MEDLAR_TRY(cursor_.expect("("));
    MEDLAR_ASSIGN(out.captured, strings());
    MEDLAR_TRY(cursor_.expect(","));
    MEDLAR_ASSIGN(out.onnx, blob());
    MEDLAR_TRY(cursor_.expect(")"));
    return Attribute(std::move(out));
  }

  TextCursor cursor_;
  const ConstantPool& pool_;
  Graph graph_;
  std::unordered_map<std::string, ValueId> ids_;
};

}  // namespace

Result<Graph> parse(std::string_view text, const ConstantPool& pool) {
  return Parser(text, pool).run();
}

}  // namespace medlar::graph

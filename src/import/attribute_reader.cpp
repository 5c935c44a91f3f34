// SPDX-License-Identifier: Apache-2.0
#include "import/attribute_reader.hpp"

#include <google/protobuf/message_lite.h>

#include "import/onnx_proto.hpp"
#include "import/subgraphs.hpp"
#include "import/tensor_reader.hpp"

namespace medlar::import {
namespace {

using onnx::AttributeProto;

/// Files of the first IR versions leave the type out: then the field that is set says it.
AttributeProto::AttributeType kind_of(const AttributeProto& proto) {
  if (proto.type() != AttributeProto::UNDEFINED) {
    return proto.type();
  }
  if (proto.has_f()) return AttributeProto::FLOAT;
  if (proto.has_i()) return AttributeProto::INT;
  if (proto.has_s()) return AttributeProto::STRING;
  if (proto.has_t()) return AttributeProto::TENSOR;
  if (proto.has_g()) return AttributeProto::GRAPH;
  if (proto.floats_size() > 0) return AttributeProto::FLOATS;
  if (proto.ints_size() > 0) return AttributeProto::INTS;
  if (proto.strings_size() > 0) return AttributeProto::STRINGS;
  return AttributeProto::UNDEFINED;
}

Result<ByteBuffer> serialise(const google::protobuf::MessageLite& message) {
  const size_t size = message.ByteSizeLong();
  if (size >= kMaxTensorBytes) {
    return fail(Code::kResourceExhausted, "{} bytes are more than protobuf can hold", size);
  }
  ByteBuffer bytes(size);
  message.SerializeWithCachedSizesToArray(bytes.data());
  return bytes;
}

Result<graph::Attribute> read_opaque(const AttributeProto& proto) {
  graph::OpaqueAttribute out;
  for (const auto& nested : proto.graphs()) {
    for (std::string& name : captured_names(nested)) {
      out.captured.push_back(std::move(name));
    }
  }
  MEDLAR_ASSIGN(out.onnx, serialise(proto));
  return graph::Attribute(std::move(out));
}

Result<graph::Attribute> read_value(AttributeProto& proto, const DataFolder& folder) {
  MEDLAR_TRY(internalise(proto, folder));
  switch (kind_of(proto)) {
    case AttributeProto::FLOAT: return graph::Attribute(proto.f());
    case AttributeProto::INT: return graph::Attribute(static_cast<int64_t>(proto.i()));
    case AttributeProto::STRING: return graph::Attribute(proto.s());
    case AttributeProto::FLOATS:
      return graph::Attribute(std::vector<float>(proto.floats().begin(), proto.floats().end()));
    case AttributeProto::INTS:
      return graph::Attribute(std::vector<int64_t>(proto.ints().begin(), proto.ints().end()));
    case AttributeProto::STRINGS:
      return graph::Attribute(std::vector<std::string>(proto.strings().begin(), proto.strings().end()));
    case AttributeProto::TENSOR: {
      MEDLAR_ASSIGN(graph::Tensor tensor, read_tensor(proto.t(), folder));
      return graph::Attribute(std::move(tensor));
    }
    case AttributeProto::SPARSE_TENSOR: {
      MEDLAR_ASSIGN(graph::Tensor tensor, read_sparse_tensor(proto.sparse_tensor(), folder));
      return graph::Attribute(std::move(tensor));
    }
    case AttributeProto::GRAPH: {
      graph::Subgraph subgraph{{}, captured_names(proto.g())};
      MEDLAR_ASSIGN(subgraph.onnx, serialise(proto.g()));
      return graph::Attribute(std::move(subgraph));
    }
    case AttributeProto::UNDEFINED: return fail(Code::kCorrupt, "it has neither type nor value");
    default: return read_opaque(proto);
  }
}

}  // namespace

Result<graph::Attribute> read_attribute(AttributeProto& proto, const DataFolder& folder) {
  auto value = read_value(proto, folder);
  if (!value) {
    return tl::unexpected(std::move(value).error().in("attribute " + proto.name()));
  }
  return value;
}

}  // namespace medlar::import

// SPDX-License-Identifier: Apache-2.0
#include "import/onnx_annotate.hpp"

#include <algorithm>

#include "base/files.hpp"
#include "import/onnx_proto.hpp"
#include "import/subgraphs.hpp"
#include "import/tensor_reader.hpp"

namespace medlar::import {
namespace {

/// As graph::default_node_name.
std::string name_of(const onnx::NodeProto& node) {
  if (!node.name().empty()) {
    return node.name();
  }
  const auto first = std::find_if(node.output().begin(), node.output().end(), [](const std::string& name) { return !name.empty(); });
  return first == node.output().end() ? node.op_type() : node.op_type() + "_" + *first;
}

void write_note(const NodeNote& note, onnx::NodeProto& node) {
  node.set_doc_string(node.doc_string().empty() ? note.text : note.text + "\n" + node.doc_string());
  for (const auto& [key, value] : note.metadata) {
    onnx::StringStringEntryProto* entry = nullptr;
    for (auto& existing : *node.mutable_metadata_props()) {
      entry = existing.key() == key ? &existing : entry;
    }
    entry = entry == nullptr ? node.add_metadata_props() : entry;
    entry->set_key(key);
    entry->set_value(value);
  }
}

Status move_data_in(onnx::GraphProto& graph, const DataFolder& folder) {
  for (auto& tensor : *graph.mutable_initializer()) {
    MEDLAR_TRY(internalise(tensor, folder));
  }
  for (auto& node : *graph.mutable_node()) {
    for (auto& attribute : *node.mutable_attribute()) {
      MEDLAR_TRY(internalise(attribute, folder));
    }
  }
  return {};
}

}  // namespace

Result<ByteBuffer> annotate_onnx(const std::filesystem::path& path, const std::map<std::string, NodeNote>& notes) {
  MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(path));
  onnx::ModelProto model;
  if (bytes.size() >= kMaxTensorBytes || !model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(Code::kCorrupt, "{}: not an ONNX model, or truncated ({} bytes)", path.string(), bytes.size());
  }
  if (const Status moved = move_data_in(*model.mutable_graph(), path.parent_path()); !moved) {
    return tl::unexpected(Error(moved.error()).in(path.string()));
  }
  for (auto& node : *model.mutable_graph()->mutable_node()) {
    if (const auto note = notes.find(name_of(node)); note != notes.end()) {
      write_note(note->second, node);
    }
  }
  const size_t size = model.ByteSizeLong();
  if (size >= kMaxTensorBytes) {
    return fail(Code::kResourceExhausted, "{}: {} bytes with its external data are more than protobuf can hold", path.string(), size);
  }
  ByteBuffer out(size);
  model.SerializeWithCachedSizesToArray(out.data());
  return out;
}

}  // namespace medlar::import

// SPDX-License-Identifier: Apache-2.0
#include "import/onnx_import.hpp"

#include "base/files.hpp"
#include "import/graph_builder.hpp"
#include "import/inline_functions.hpp"
#include "import/onnx_proto.hpp"

namespace medlar::import {
namespace {

Status check_versions(const onnx::ModelProto& model) {
  for (const auto& opset : model.opset_import()) {
    if (!normal_domain(opset.domain()).empty()) {
      continue;
    }
    if (opset.version() < kMinOpset || opset.version() > kMaxOpset) {
      return fail(Code::kUnsupported, "opset {} is not supported (supported: {} to {})", opset.version(), kMinOpset,
                  kMaxOpset);
    }
  }
  constexpr int64_t kNewestIr = onnx::Version::IR_VERSION;
  if (model.ir_version() < 1 || model.ir_version() > kNewestIr) {
    return fail(Code::kUnsupported, "IR version {} is not supported (1 to {})", model.ir_version(), kNewestIr);
  }
  return {};
}

void note_ignored(const onnx::ModelProto& model, std::vector<std::string>& notices) {
  if (model.training_info_size() > 0) {
    notices.emplace_back("the model's training information is not used");
  }
  if (model.graph().quantization_annotation_size() > 0) {
    notices.emplace_back("the model's quantization annotations are not used (Q/DQ nodes are)");
  }
}

Result<graph::Graph> import_model(ByteView bytes, const DataFolder& folder, const ImportOptions& options,
                                  std::vector<std::string>& notices) {
  constexpr uint64_t kMaxModelBytes = kMaxTensorBytes - 1;
  if (bytes.size() > kMaxModelBytes) {
    return fail(Code::kResourceExhausted, "{} bytes are more than protobuf can hold ({}); keep tensors in external "
                "data", bytes.size(), kMaxModelBytes);
  }
  onnx::ModelProto model;
  if (bytes.empty() || !model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(Code::kCorrupt, "not an ONNX model, or truncated ({} bytes)", bytes.size());
  }
  if (!model.has_ir_version() || !model.has_graph()) {
    return fail(Code::kCorrupt, "not an ONNX model, or truncated: it has no {}",
                model.has_graph() ? "IR version" : "graph");
  }
  MEDLAR_TRY(check_versions(model));
  MEDLAR_TRY(inline_functions(model));
  note_ignored(model, notices);
  return build_graph(model, folder, options, notices);
}

Result<graph::Graph> import_named(ByteView bytes, const DataFolder& folder, std::string_view name,
                                  const ImportOptions& options, std::vector<std::string>* notices) {
  std::vector<std::string> lines;
  auto result = import_model(bytes, folder, options, lines);
  if (!result) {
    return tl::unexpected(std::move(result).error().in(name));
  }
  if (notices != nullptr) {
    notices->insert(notices->end(), lines.begin(), lines.end());
  }
  return result;
}

}  // namespace

Result<graph::Graph> import_onnx(const std::filesystem::path& path, const ImportOptions& options,
                                 std::vector<std::string>* notices) {
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  if (!error && size >= kMaxTensorBytes) {
    return fail(Code::kResourceExhausted, "{}: {} bytes are more than protobuf can hold ({})", path.string(), size,
                kMaxTensorBytes - 1);
  }
  MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(path));
  return import_named(bytes, path.parent_path(), path.string(), options, notices);
}

Result<graph::Graph> import_onnx_bytes(ByteView bytes, std::string_view name, const ImportOptions& options,
                                       std::vector<std::string>* notices) {
  return import_named(bytes, std::nullopt, name, options, notices);
}

}  // namespace medlar::import

// SPDX-License-Identifier: Apache-2.0
#include "import/node_case_files.hpp"

#include <charconv>

#include <gtest/gtest.h>

#include "import/onnx_proto.hpp"
#include "import/tensor_reader.hpp"
#include "sample/archive.hpp"

namespace medlar::test {
namespace {

/// "node/NAME/test_data_set_0/output_3.pb" to 3; -1 for another file.
int file_index(const std::string& path, const std::string& stem) {
  const std::string key = "/test_data_set_0/" + stem + "_";
  const size_t at = path.find(key);
  int index = -1;
  if (at != std::string::npos) {
    std::from_chars(path.data() + at + key.size(), path.data() + path.size(), index);
  }
  return index;
}

}  // namespace

std::map<std::string, NodeCase> load_node_cases(const std::filesystem::path& archive) {
  std::map<std::string, NodeCase> cases;
  const Status status = sample::visit_archive(archive, [&](const std::string& path, ByteBuffer bytes) -> Result<bool> {
    const size_t start = path.find("test_") + 5;
    NodeCase& one = cases[path.substr(start, path.find('/', start) - start)];
    if (path.ends_with("model.onnx")) {
      one.model = std::move(bytes);
    } else if (const int input = file_index(path, "input"); input >= 0) {
      one.inputs[input] = std::move(bytes);
    } else if (const int output = file_index(path, "output"); output >= 0) {
      one.outputs[output] = std::move(bytes);
    }
    return true;
  });
  EXPECT_TRUE(status) << status.error().message;
  return cases;
}

std::optional<graph::Tensor> stored_tensor(const ByteBuffer& bytes) {
  onnx::TensorProto proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return std::nullopt;
  }
  auto tensor = import::read_tensor(proto, std::nullopt);
  return tensor ? std::optional(std::move(*tensor)) : std::nullopt;
}

}  // namespace medlar::test

// SPDX-License-Identifier: Apache-2.0
// TensorProto in all its forms: raw and typed fields of every type, sparse tensors, external files.
#include <filesystem>

#include <unistd.h>

#include "base/files.hpp"
#include "import/onnx_import.hpp"
#include "import/tensor_reader.hpp"
#include "model_builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medlar::import {
namespace {

using graph::DataType;
using testing::ElementsAre;
using testing::HasSubstr;

onnx::TensorProto tensor_of(DataType type, int64_t count) {
  onnx::TensorProto proto;
  proto.set_data_type(static_cast<int>(type));
  proto.add_dims(count);
  return proto;
}

TEST(Tensors, TypedFieldsOfEveryIntegerType) {
  for (const DataType type : {DataType::kInt8, DataType::kUint8, DataType::kInt16, DataType::kUint16, DataType::kInt32,
                              DataType::kBool, DataType::kFloat16, DataType::kBfloat16, DataType::kFloat8E5m2}) {
    onnx::TensorProto proto = tensor_of(type, 2);
    proto.add_int32_data(1);
    proto.add_int32_data(0);
    const auto tensor = read_tensor(proto, std::nullopt);
    ASSERT_TRUE(tensor) << graph::data_type_name(type) << ": " << tensor.error().message;
    ByteBuffer expected(static_cast<size_t>(2 * graph::element_bytes(type)));
    expected[0] = 1;
    EXPECT_EQ(tensor->bytes, expected) << graph::data_type_name(type);
  }
}

TEST(Tensors, TypedFieldsOfWideTypes) {
  onnx::TensorProto floats = tensor_of(DataType::kFloat32, 2);
  floats.add_float_data(1.5f);
  floats.add_float_data(-2);
  EXPECT_THAT(*graph::to_doubles(*read_tensor(floats, std::nullopt)), ElementsAre(1.5, -2));
  onnx::TensorProto doubles = tensor_of(DataType::kFloat64, 1);
  doubles.add_double_data(1e300);
  EXPECT_THAT(*graph::to_doubles(*read_tensor(doubles, std::nullopt)), ElementsAre(1e300));
  onnx::TensorProto longs = tensor_of(DataType::kInt64, 1);
  longs.add_int64_data(-5);
  EXPECT_THAT(*graph::to_ints(*read_tensor(longs, std::nullopt)), ElementsAre(-5));
  for (const DataType type : {DataType::kUint32, DataType::kUint64}) {
    onnx::TensorProto unsigned_proto = tensor_of(type, 1);
    unsigned_proto.add_uint64_data(4000000000u);
    EXPECT_THAT(*graph::to_ints(*read_tensor(unsigned_proto, std::nullopt)), ElementsAre(4000000000));
  }
  onnx::TensorProto complex = tensor_of(DataType::kComplex64, 1);
  complex.add_float_data(1);
  complex.add_float_data(2);
  EXPECT_EQ(read_tensor(complex, std::nullopt)->bytes.size(), 8u);
  onnx::TensorProto nibbles = tensor_of(DataType::kInt4, 3);
  nibbles.add_int32_data(0xf1);
  nibbles.add_int32_data(0x02);
  EXPECT_THAT(*graph::to_ints(*read_tensor(nibbles, std::nullopt)), ElementsAre(1, -1, 2));
  onnx::TensorProto strings = tensor_of(DataType::kString, 1);
  strings.add_string_data("s");
  EXPECT_THAT(read_tensor(strings, std::nullopt)->strings, ElementsAre("s"));
}

TEST(Tensors, FieldsThatDoNotFit) {
  onnx::TensorProto proto = tensor_of(DataType::kUint8, 1);
  proto.add_int32_data(-1);
  EXPECT_THAT(read_tensor(proto, std::nullopt).error().message, HasSubstr("element 0 is -1, which does not fit uint8"));
  proto.add_int32_data(1);
  EXPECT_THAT(read_tensor(proto, std::nullopt).error().message, HasSubstr("holds 2 elements, the shape needs 1"));
  onnx::TensorProto strings = tensor_of(DataType::kString, 2);
  EXPECT_THAT(read_tensor(strings, std::nullopt).error().message, HasSubstr("string_data holds 0 elements"));
}

onnx::SparseTensorProto sparse_of(const std::vector<int64_t>& indices, const std::vector<int64_t>& index_dims) {
  onnx::SparseTensorProto proto;
  proto.add_dims(2);
  proto.add_dims(3);
  *proto.mutable_values() = tensor_of(DataType::kFloat32, 2);
  proto.mutable_values()->add_float_data(5);
  proto.mutable_values()->add_float_data(6);
  proto.mutable_indices()->set_data_type(onnx::TensorProto::INT64);
  for (const int64_t dim : index_dims) {
    proto.mutable_indices()->add_dims(dim);
  }
  for (const int64_t index : indices) {
    proto.mutable_indices()->add_int64_data(index);
  }
  return proto;
}

TEST(Tensors, SparseTensorsBecomeDense) {
  const auto linear = read_sparse_tensor(sparse_of({1, 5}, {2}), std::nullopt);
  ASSERT_TRUE(linear) << linear.error().message;
  EXPECT_THAT(*graph::to_doubles(*linear), ElementsAre(0, 5, 0, 0, 0, 6));
  const auto coordinates = read_sparse_tensor(sparse_of({0, 1, 1, 2}, {2, 2}), std::nullopt);
  ASSERT_TRUE(coordinates) << coordinates.error().message;
  EXPECT_EQ(*coordinates, *linear);
}

TEST(Tensors, SparseIndicesAreChecked) {
  EXPECT_THAT(read_sparse_tensor(sparse_of({1, 6}, {2}), std::nullopt).error().message,
              HasSubstr("sparse index 6 lies outside of 6 elements"));
  EXPECT_THAT(read_sparse_tensor(sparse_of({-1, 0}, {2}), std::nullopt).error().message, HasSubstr("sparse index -1"));
  EXPECT_THAT(read_sparse_tensor(sparse_of({0, 3, 0, 0}, {2, 2}), std::nullopt).error().message,
              HasSubstr("sparse index 3 lies outside of dimension 1 (3)"));
  EXPECT_THAT(read_sparse_tensor(sparse_of({0}, {1}), std::nullopt).error().message,
              HasSubstr("sparse indices do not match the 2 values"));
  onnx::SparseTensorProto huge = sparse_of({0, 1}, {2});
  huge.set_dims(0, int64_t{1} << 40);
  EXPECT_THAT(read_sparse_tensor(huge, std::nullopt).error().message, HasSubstr("needs more than 2147483647 bytes"));
}

/// A model in a folder of its own, its weights in w.bin at an offset of 4.
class ExternalData : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("medlar_external_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_ / "model");
    const std::vector<float> values = {0, 1, 2, 3};
    ASSERT_TRUE(write_file(folder_ / "model/w.bin", as_bytes_view(values)));
    ASSERT_TRUE(write_file(folder_ / "outside.bin", as_bytes_view(values)));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<graph::Graph> import_with(const std::vector<std::pair<std::string, std::string>>& entries) {
    onnx::ModelProto model = small_model();
    auto* w = model.mutable_graph()->mutable_initializer(0);
    w->clear_raw_data();
    w->set_data_location(onnx::TensorProto::EXTERNAL);
    for (const auto& [key, value] : entries) {
      auto* entry = w->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
    EXPECT_TRUE(write_file(folder_ / "model/m.onnx", model_bytes(model)));
    return import_onnx(folder_ / "model/m.onnx");
  }

  std::filesystem::path folder_;
};

TEST_F(ExternalData, IsReadAtItsOffset) {
  const auto graph = import_with({{"location", "w.bin"}, {"offset", "4"}, {"length", "12"}, {"checksum", "?"}});
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_THAT(*graph::to_doubles(*graph->value(0).data), ElementsAre(1, 2, 3));
}

TEST_F(ExternalData, IsRefusedByName) {
  std::filesystem::create_symlink(folder_ / "outside.bin", folder_ / "model/link.bin");
  std::filesystem::create_directory(folder_ / "model/dir");
  const std::vector<std::pair<std::vector<std::pair<std::string, std::string>>, std::string>> cases = {
      {{}, "no location is given"},
      {{{"location", "../outside.bin"}}, "location '../outside.bin' leads out of the model's folder"},
      {{{"location", "dir/../../outside.bin"}}, "leads out of the model's folder"},
      {{{"location", (folder_ / "outside.bin").string()}}, "leads out of the model's folder"},
      {{{"location", "link.bin"}}, "location 'link.bin' leads out of the model's folder"},
      {{{"location", "dir"}}, "'dir' is not a regular file"},
      {{{"location", "absent.bin"}}, "absent.bin"},
      {{{"location", "w.bin"}, {"offset", "8"}}, "12 bytes at offset 8 run past the end of"},
      {{{"location", "w.bin"}, {"offset", "18446744073709551615"}}, "run past the end of"},
      {{{"location", "w.bin"}, {"offset", "-4"}}, "offset is '-4', must be a number of bytes"},
      {{{"location", "w.bin"}, {"length", "16"}}, "length is 16, the tensor's shape needs 12 bytes"},
  };
  for (const auto& [entries, message] : cases) {
    const auto graph = import_with(entries);
    ASSERT_FALSE(graph) << message;
    EXPECT_THAT(graph.error().message, HasSubstr("initializer w: external data: "));
    EXPECT_THAT(graph.error().message, HasSubstr(message));
  }
}

TEST_F(ExternalData, BytesHaveNoFolder) {
  ASSERT_TRUE(import_with({{"location", "w.bin"}}));
  const auto bytes = read_file(folder_ / "model/m.onnx");
  const auto graph = import_onnx_bytes(*bytes, "bytes");
  ASSERT_FALSE(graph);
  EXPECT_THAT(graph.error().message, HasSubstr("was not read from a file, so it has no folder"));
}

}  // namespace
}  // namespace medlar::import

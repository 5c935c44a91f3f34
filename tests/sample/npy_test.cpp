// SPDX-License-Identifier: Apache-2.0
#include "sample/npy.hpp"

#include <random>

#include "support/test_data.hpp"

namespace medlar::sample {
namespace {

// numpy.save of numpy.arange(3, dtype='<f4').reshape(3, 1).
const std::string kNumpyFile = std::string("\x93NUMPY\x01\x00\x76\x00", 10) +
                               "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1), }" + std::string(58, ' ') + "\n" +
                               std::string("\x00\x00\x00\x00\x00\x00\x80\x3f\x00\x00\x00\x40", 12);

ByteView view(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(Npy, ReadsWhatNumpyWrites) {
  const Result<graph::Tensor> tensor = parse_npy(view(kNumpyFile), "a.npy");
  ASSERT_TRUE(tensor) << tensor.error().to_string();
  EXPECT_EQ(tensor->shape, (graph::Shape{3, 1}));
  EXPECT_EQ(tensor->as<float>()[2], 2.0f);
}

TEST(Npy, WritesWhatNumpyWrites) {
  const auto tensor = graph::make_tensor<float>(graph::DataType::kFloat32, {3, 1}, {0, 1, 2});
  const ByteBuffer bytes = *npy_bytes(tensor);
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), kNumpyFile);
}

TEST(Npy, RoundTripsEveryTypeAndRank) {
  for (const graph::DataType type : {graph::DataType::kInt8, graph::DataType::kUint8, graph::DataType::kFloat16,
                                     graph::DataType::kInt64, graph::DataType::kBool, graph::DataType::kFloat64}) {
    for (const graph::Shape& shape : {graph::Shape{}, graph::Shape{5}, graph::Shape{2, 0, 3}, graph::Shape{1, 2, 3, 4}}) {
      graph::Tensor tensor{type, shape, {}, {}};
      tensor.bytes.assign(static_cast<size_t>(*graph::element_count(shape) * graph::element_bytes(type)), 1);
      EXPECT_EQ(*parse_npy(*npy_bytes(tensor), "x"), tensor);
    }
  }
}

TEST(Npy, HostileBytesNeverCrash) {
  std::mt19937 random(5);
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = kNumpyFile.substr(0, round % 7 == 0 ? random() % kNumpyFile.size() : kNumpyFile.size());
    for (int flips = 0; flips < 3 && !bytes.empty(); ++flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const Result<graph::Tensor> tensor = parse_npy(view(bytes), "hostile.npy");
    if (tensor) {
      EXPECT_EQ(static_cast<int64_t>(tensor->bytes.size()),
                *graph::element_count(tensor->shape) * graph::element_bytes(tensor->type));
    }
  }
}

TEST(Npy, TensorNamesBecomeFileNames) {
  EXPECT_EQ(file_name_of_tensor("model/out:0 [é]"), "model_out_0_____");
}

}  // namespace
}  // namespace medlar::sample

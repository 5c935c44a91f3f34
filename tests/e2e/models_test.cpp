// SPDX-License-Identifier: Apache-2.0
// Real networks on the bit-exact devices. Bounds: FP16 within 1e-2 (2-norm) of FP32; INT8 top-1 equal on 95 %.
#include "e2e/model_run.hpp"
#include "support/test_data.hpp"

namespace medlar::test {
namespace {

struct NetworkCase {
  const char* name;
  const char* model;
  const char* images;
  const char* device;
  hw::Precision precision;
};

void PrintTo(const NetworkCase& network, std::ostream* stream) {
  *stream << network.name;
}

class Networks : public testing::TestWithParam<NetworkCase> {};

TEST_P(Networks, MatchTheReference) {
  const NetworkCase& network = GetParam();
  MEDLAR_REFERENCE_DATA(model, std::string("models/") + network.model);
  MEDLAR_REFERENCE_DATA(images, std::string("images/") + network.images);
  const bool int8 = network.precision == hw::Precision::kInt8;
  const auto comparison = compare_with_reference({.model = model,
                                                  .samples = images,
                                                  .device = network.device,
                                                  .precision = network.precision,
                                                  .calibration = int8 ? images : std::filesystem::path(),
                                                  .count = int8 ? 200 : 4});
  ASSERT_TRUE(comparison) << comparison.error().to_string();
  RecordProperty("worst_error", std::to_string(comparison->worst_error));
  RecordProperty("top1_agreement", std::to_string(comparison->top1_agreement()));
  if (int8) {
    EXPECT_GE(comparison->top1_agreement(), 0.95);
  } else {
    EXPECT_LE(comparison->worst_error, 1e-2);
  }
  EXPECT_GT(static_cast<double>(comparison->dla_macs), 0.95 * static_cast<double>(comparison->all_macs));
  EXPECT_GT(comparison->modelled_ms, 0.0);
}

constexpr hw::Precision kInt8 = hw::Precision::kInt8;
constexpr hw::Precision kFp16 = hw::Precision::kFp16;

INSTANTIATE_TEST_SUITE_P(
    All, Networks,
    testing::Values(NetworkCase{"mnist_full_fp16", "mnist.onnx", "mnist_200.tar", "nv_full", kFp16},
                    NetworkCase{"mnist_full_int8", "mnist.onnx", "mnist_200.tar", "nv_full", kInt8},
                    NetworkCase{"mnist_small_int8", "mnist.onnx", "mnist_200.tar", "nv_small", kInt8},
                    NetworkCase{"resnet8_full_fp16", "resnet8_cifar10_mlperf_tiny.onnx", "cifar10_200.tar", "nv_full", kFp16},
                    NetworkCase{"resnet8_full_int8", "resnet8_cifar10_mlperf_tiny.onnx", "cifar10_200.tar", "nv_full", kInt8},
                    NetworkCase{"resnet8_small_int8", "resnet8_cifar10_mlperf_tiny.onnx", "cifar10_200.tar", "nv_small", kInt8},
                    NetworkCase{"resnet8_large_int8", "resnet8_cifar10_mlperf_tiny.onnx", "cifar10_200.tar", "nv_large", kInt8},
                    NetworkCase{"resnet20_full_fp16", "resnet20_cifar10.onnx", "cifar10_200.tar", "nv_full", kFp16},
                    NetworkCase{"resnet20_full_int8", "resnet20_cifar10.onnx", "cifar10_200.tar", "nv_full", kInt8},
                    NetworkCase{"resnet20_small_int8", "resnet20_cifar10.onnx", "cifar10_200.tar", "nv_small", kInt8},
                    NetworkCase{"squeezenet_full_fp16", "squeezenet1.1.onnx", "imagenet_300.tar", "nv_full", kFp16},
                    NetworkCase{"yolov5n_full_fp16", "yolov5n.onnx", "bus.jpg", "nv_full", kFp16},
                    NetworkCase{"ultraface_full_fp16", "ultraface_rfb_320.onnx", "faces_1.jpg", "nv_full", kFp16}),
    [](const testing::TestParamInfo<NetworkCase>& test) { return test.param.name; });

}  // namespace
}  // namespace medlar::test

// SPDX-License-Identifier: Apache-2.0
// Recorded, played, compared: an engine run becomes a register trace whose play gives the same bytes.
#include "api/build.hpp"
#include "api/inference.hpp"
#include "api/run_loadable.hpp"
#include "base/files.hpp"
#include "chip/play/trace_player.hpp"
#include "chip/play/trace_recorder.hpp"
#include "import/onnx_import.hpp"
#include "sample/archive.hpp"
#include "sample/npy.hpp"
#include "support/test_data.hpp"

#include <algorithm>
#include <filesystem>
#include <unistd.h>

namespace medlar::test {
namespace {

namespace fs = std::filesystem;

class TraceRecord : public testing::Test {
 protected:
  TraceRecord() : folder_(fs::path(testing::TempDir()) / ("medlar_trace_" + std::to_string(::getpid()))) {}
  ~TraceRecord() override { fs::remove_all(folder_); }

  void expect_plays() const {
    const auto report = chip::play_trace(folder_);
    ASSERT_TRUE(report) << report.error().to_string();
    EXPECT_EQ(report->passed.size(), 1u) << (report->failed.empty() ? "" : report->failed[0].message);
  }

  fs::path folder_;
};

std::map<std::string, graph::Tensor> ramp(const std::vector<sample::InputSpec>& inputs) {
  std::map<std::string, graph::Tensor> tensors;
  for (const sample::InputSpec& input : inputs) {
    int64_t count = 1;
    for (const int64_t extent : input.shape) {
      count *= extent;
    }
    std::vector<float> values(static_cast<size_t>(count));
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(i * 37 % 256) / 255;
    }
    tensors[input.name] = graph::make_tensor(graph::DataType::kFloat32, input.shape, values);
  }
  return tensors;
}

/// Two inferences in one trace: the driver reuses buffers, and memory that the host changed in between is
/// loaded again.
void record_digits(const std::string& device, hw::Precision precision, const fs::path& folder) {
  const fs::path digits = source_dir() / "models/digits";
  auto engine =
      api::build({.model = digits / "digits.onnx",
                  .device = device,
                  .precision = precision,
                  .calibration = precision == hw::Precision::kInt8 ? digits / "calibration" : fs::path()});
  ASSERT_TRUE(engine) << engine.error().to_string();
  auto untraced = api::Inference::create(engine::Engine(*engine), "", "digits.engine");
  auto inference = api::Inference::create(std::move(*engine), "", "digits.engine");
  ASSERT_TRUE(untraced && inference);
  auto inputs = ramp(inference->inputs());
  const auto plain = untraced->run(inputs);
  ASSERT_TRUE(plain);
  chip::TraceRecorder recorder(*hw::find_config(device).value());
  inference->set_tracer(&recorder);
  const auto traced = inference->run(inputs);
  ASSERT_TRUE(traced);
  ByteBuffer& pixels = inputs.begin()->second.bytes;
  std::rotate(pixels.begin(), pixels.begin() + 4 * 100, pixels.end());
  ASSERT_TRUE(inference->run(inputs));
  inference->set_tracer(nullptr);
  for (const auto& [name, tensor] : plain->outputs) {
    EXPECT_EQ(tensor.bytes, traced->outputs.at(name).bytes) << "the tracer changes nothing";
  }
  EXPECT_GT(recorder.operations(), 10u);
  const Status written = recorder.write(folder);
  ASSERT_TRUE(written) << written.error().to_string();
}

TEST_F(TraceRecord, Int8OnNvSmall) {
  record_digits("nv_small", hw::Precision::kInt8, folder_);
  expect_plays();
}

TEST_F(TraceRecord, Int8OnNvFull) {
  record_digits("nv_full", hw::Precision::kInt8, folder_);
  expect_plays();
}

TEST_F(TraceRecord, Fp16OnNvFull) {
  record_digits("nv_full", hw::Precision::kFp16, folder_);
  expect_plays();
}

TEST_F(TraceRecord, AChangedResultIsFound) {
  record_digits("nv_small", hw::Precision::kInt8, folder_);
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (entry.path().filename().string().starts_with("dump_mem")) {
      ByteBuffer text = *read_file(entry.path());
      uint8_t& digit = text[text.size() - 2];
      digit = digit == '0' ? '1' : '0';
      ASSERT_TRUE(write_file(entry.path(), text));
      break;
    }
  }
  const auto report = chip::play_trace(folder_);
  ASSERT_TRUE(report);
  ASSERT_EQ(report->failed.size(), 1u);
  EXPECT_NE(report->failed[0].message.find("dump_mem"), std::string::npos) << report->failed[0].message;
}

TEST_F(TraceRecord, NothingRecordedIsAnError) {
  chip::TraceRecorder recorder(*hw::find_config("nv_small").value());
  const Status written = recorder.write(folder_);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find("no operation"), std::string::npos);
}

TEST_F(TraceRecord, OfficialLoadable) {
  MEDLAR_REFERENCE_DATA(archive, "nvdla/loadables_fp16.tar.xz");
  ByteBuffer loadable;
  ASSERT_TRUE(
      sample::visit_archive(archive, [&](const std::string& name, const ByteBuffer& bytes) -> Result<bool> {
        loadable = name == "loadables/lenet/loadable.nvdla" ? bytes : std::move(loadable);
        return loadable.empty();
      }));
  ASSERT_FALSE(loadable.empty());
  chip::TraceRecorder recorder(*hw::find_config("nv_full").value());
  const auto inputs = ramp(*api::loadable_inputs(loadable, "lenet"));
  ASSERT_TRUE(api::run_loadable(loadable, "lenet", "", inputs, &recorder));
  ASSERT_TRUE(recorder.write(folder_));
  expect_plays();
}

/// Real networks: every unit that the compiler uses, every layer's descriptors, replayed on the register level.
struct TracedModel {
  const char* name;
  const char* model;
  hw::Precision precision;
};

void PrintTo(const TracedModel& traced, std::ostream* stream) {
  *stream << traced.name;
}

class TraceRecordModel : public TraceRecord, public testing::WithParamInterface<TracedModel> {
 protected:
  /// Calibrated on the very input that runs: the table's quality is not what is tested.
  Result<engine::Engine> build(const fs::path& model) {
    api::BuildRequest request{.model = model, .device = "nv_full", .precision = GetParam().precision};
    if (GetParam().precision == hw::Precision::kInt8) {
      MEDLAR_ASSIGN(const graph::Graph graph, import::import_onnx(model));
      const graph::Value& input = graph.value(graph.inputs.at(0));
      MEDLAR_ASSIGN(const ByteBuffer npy, sample::npy_bytes(ramp({{input.name, input.type, *input.shape}}).begin()->second));
      fs::create_directories(folder_);
      request.calibration = folder_ / "input.npy";
      MEDLAR_TRY(write_file(request.calibration, npy));
    }
    return api::build(request);
  }
};

TEST_P(TraceRecordModel, PlaysAsItRan) {
  MEDLAR_REFERENCE_DATA(model, std::string("models/") + GetParam().model + ".onnx");
  auto engine = build(model);
  ASSERT_TRUE(engine) << engine.error().to_string();
  auto inference = api::Inference::create(std::move(*engine), "", GetParam().model);
  ASSERT_TRUE(inference) << inference.error().to_string();
  chip::TraceRecorder recorder(*hw::find_config("nv_full").value());
  inference->set_tracer(&recorder);
  const auto outputs = inference->run(ramp(inference->inputs()));
  ASSERT_TRUE(outputs) << outputs.error().to_string();
  inference->set_tracer(nullptr);
  fs::remove_all(folder_);
  const Status written = recorder.write(folder_);
  ASSERT_TRUE(written) << written.error().to_string();
  expect_plays();
}

INSTANTIATE_TEST_SUITE_P(Models, TraceRecordModel,
                         testing::Values(TracedModel{"resnet8_int8", "resnet8_cifar10_mlperf_tiny", hw::Precision::kInt8},
                                         TracedModel{"vww_fp16", "vww_96", hw::Precision::kFp16},
                                         TracedModel{"mobilenet_v2_int8", "mobilenet_v2_1.0_224", hw::Precision::kInt8},
                                         TracedModel{"squeezenet_fp16", "squeezenet1.1", hw::Precision::kFp16},
                                         TracedModel{"yunet_int8", "yunet_320", hw::Precision::kInt8}),
                         [](const auto& traced) { return std::string(traced.param.name); });

}  // namespace
}  // namespace medlar::test

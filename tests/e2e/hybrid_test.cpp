// SPDX-License-Identifier: Apache-2.0
// Networks that need the DLA and the host together, against ONNX Runtime on the whole model: FP16 within 1e-2
// (2-norm).
#include "api/build.hpp"
#include "api/inference.hpp"
#include "base/files.hpp"
#include "e2e/model_run.hpp"
#include "host/session.hpp"
#include "import/onnx_import.hpp"
#include "support/test_data.hpp"

#include <cmath>
#include <random>

namespace medlar::test {
namespace {

struct HybridCase {
  const char* name;
  const char* model;
  const char* shapes;
  int64_t int_limit;  ///< Integer inputs lie below it; 0: they are a sampling rate.
  const char* image;  ///< Empty: random inputs; "text": strokes like those of two words.
};

void PrintTo(const HybridCase& hybrid, std::ostream* stream) {
  *stream << hybrid.name;
}

graph::Tensor random_input(const sample::InputSpec& spec, std::mt19937& random, int64_t int_limit) {
  graph::Tensor tensor{spec.type, spec.shape, {}, {}};
  tensor.bytes.resize(graph::storage_bytes(spec.type, spec.shape).value_or(0));
  const size_t count = static_cast<size_t>(graph::element_count(spec.shape).value_or(0));
  for (size_t i = 0; i < count; ++i) {
    if (spec.type == graph::DataType::kUint8) {
      tensor.bytes[i] = static_cast<uint8_t>(random() % static_cast<uint64_t>(int_limit));
    } else if (spec.type == graph::DataType::kFloat32) {
      store_le(tensor.bytes.data() + 4 * i,
               static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 1000.0f);
    } else if (spec.type == graph::DataType::kInt64) {
      store_le(tensor.bytes.data() + 8 * i,
               static_cast<int64_t>(int_limit == 0 ? 16000 : random() % static_cast<uint64_t>(int_limit)));
    } else {
      ADD_FAILURE() << "input " << spec.name << " holds " << graph::data_type_name(spec.type);
    }
  }
  return tensor;
}

/// The picture at the input's size, normalised as the file beside the model says.
Result<graph::Tensor> picture(const std::string& image, const std::filesystem::path& model,
                              const sample::InputSpec& spec) {
  MEDLAR_ASSIGN(auto preprocess, api::preprocess_beside(model));
  preprocess->height = static_cast<int>(spec.shape[2]);
  preprocess->width = static_cast<int>(spec.shape[3]);
  return sample::load_tensor(reference_data("images/" + image).value_or(image), spec, preprocess);
}

/// Dark strokes on a bright ground: a text detector is sure of them. (On noise its output is zero within
/// rounding.)
graph::Tensor strokes(const sample::InputSpec& spec) {
  constexpr int64_t kLine = 16;
  const int64_t n = spec.shape[3];
  std::vector<float> values(static_cast<size_t>(graph::element_count(spec.shape).value_or(0)));
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t x = static_cast<int64_t>(i) % n;
    const int64_t y = static_cast<int64_t>(i) / n % n;
    const bool inside = y > n / 4 && y < 3 * n / 4 && x > n / 8 && x < 7 * n / 8 && y / kLine % 2 == 0;
    values[i] = inside && (x / 3 + y / kLine * 5) % 5 < 2 ? -1.5f : 1.8f;
  }
  return graph::make_tensor(spec.type, spec.shape, values);
}

graph::Tensor make_input(const HybridCase& hybrid, const std::filesystem::path& model,
                         const sample::InputSpec& spec, std::mt19937& random) {
  const std::string_view image = hybrid.image;
  return image.empty()     ? random_input(spec, random, hybrid.int_limit)
         : image == "text" ? strokes(spec)
                           : picture(hybrid.image, model, spec).value();
}

/// Every tensor that changes engines appears in the report, and nothing is copied where it could be shared.
void check_moves(const runtime::RunReport& report) {
  for (const runtime::SegmentRun& run : report.segments) {
    for (const runtime::TensorMove& move : run.moves) {
      EXPECT_EQ(move.why.empty(), move.how == runtime::HandOver::kInPlace) << move.tensor;
      if (move.how == runtime::HandOver::kCopied) {
        EXPECT_NE(move.why.find("known only afterwards"), std::string::npos)
            << move.tensor << ": " << move.why;
      }
    }
  }
}

class Hybrid : public testing::TestWithParam<HybridCase> {};

TEST_P(Hybrid, EqualsOnnxRuntime) {
  const HybridCase& hybrid = GetParam();
  MEDLAR_REFERENCE_DATA(model, std::string("models/") + hybrid.model);
  auto engine = api::build({.model = model,
                            .device = "nv_full",
                            .precision = hw::Precision::kFp16,
                            .shapes = *import::parse_shapes(hybrid.shapes)});
  ASSERT_TRUE(engine) << engine.error().to_string();
  const auto bytes = read_file(model);
  const auto reference = host::Session::create(*bytes, hybrid.name, {});
  auto inference = api::Inference::create(std::move(*engine), "", hybrid.name);
  ASSERT_TRUE(reference && inference) << (inference ? "" : inference.error().to_string());
  std::mt19937 random(20);
  std::map<std::string, graph::Tensor> inputs;
  std::map<std::string, const graph::Tensor*> feeds;
  for (const sample::InputSpec& spec : inference->inputs()) {
    inputs[spec.name] = make_input(hybrid, model, spec, random);
    feeds[spec.name] = &inputs[spec.name];
  }
  const auto wanted = reference->run(feeds);
  const auto ours = inference->run(inputs);
  ASSERT_TRUE(wanted) << wanted.error().to_string();
  ASSERT_TRUE(ours) << ours.error().to_string();
  double worst = 0;
  for (size_t i = 0; i < wanted->size(); ++i) {
    worst = std::max(worst, relative_error(ours->outputs.at(reference->outputs()[i].name), (*wanted)[i]));
  }
  EXPECT_LE(worst, 1e-2);
  RecordProperty("worst_error", std::to_string(worst));
  check_moves(ours->report);
  const auto again = inference->run(inputs);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->outputs, ours->outputs) << "two runs are the same bytes";
}

INSTANTIATE_TEST_SUITE_P(
    All, Hybrid,
    testing::Values(HybridCase{"silero_vad", "silero_vad_v5.onnx", "input:1x512,state:2x1x128", 0, ""},
                    HybridCase{"bidi_lstm", "bidi_lstm.onnx", "input:1x20", 40, ""},
                    HybridCase{"ppocr_det", "ppocr_v4_det.onnx", "x:1x3x160x160", 0, "text"},
                    HybridCase{"yolox_nano", "yolox_nano.onnx", "", 0, "bus.jpg"}),
    [](const testing::TestParamInfo<HybridCase>& test) { return test.param.name; });

}  // namespace
}  // namespace medlar::test

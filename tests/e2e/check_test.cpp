// SPDX-License-Identifier: Apache-2.0
// `check` accounts for every node of every model, says what `build` then does, and what keeps layers off the DLA.
#include "api/check.hpp"

#include <set>

#include "import/onnx_import.hpp"
#include "support/test_data.hpp"

namespace medlar::test {
namespace {

using compiler::Engine;
using compiler::Placement;

struct Model {
  const char* name;
  size_t nodes;      ///< In the file, Constants included.
  bool cnn;          ///< Convolutions make up the work.
  const char* shapes = "";
};

constexpr Model kModels[] = {
    {"bidi_lstm", 27, false, "input:1x64"},
    {"deeplabv3_mnv2_dm05", 107, true},
    {"mnist", 12, true},
    {"mobilenet_v1_0.25_128", 58, true},
    {"mobilenet_v2_1.0_224", 101, true},
    {"openwakeword_embedding", 65, true},
    {"ppocr_v4_det", 672, true, "x:1x3x640x640"},
    {"resnet20_cifar10", 112, true},
    {"resnet8_cifar10_mlperf_tiny", 23, true},
    {"silero_vad_v5", 5, false, "input:1x512,state:2x1x128"},
    {"squeezenet1.1", 82, true},
    {"super_resolution_core", 8, true},
    {"ultraface_rfb_320", 242, true},
    {"vww_96", 58, true},
    {"yolov5n", 305, true},
    {"yolox_nano", 369, true},
    {"yunet_320", 115, true},
};

struct Target {
  const char* device;
  hw::Precision precision;
};

constexpr Target kTargets[] = {{"orin-nano-8gb", hw::Precision::kInt8},
                               {"orin-nano-8gb", hw::Precision::kFp16},
                               {"nv_large", hw::Precision::kInt8},
                               {"nv_small", hw::Precision::kInt8}};

class CheckModels : public testing::TestWithParam<Model> {};

void PrintTo(const Model& model, std::ostream* stream) { *stream << model.name; }

void expect_accounts(const engine::Engine& checked, bool gpu) {
  for (const Placement& row : checked.plan.placements) {
    if (row.segment < 0) {
      EXPECT_FALSE(row.reason.empty()) << row.node;
      EXPECT_EQ(row.macs, 0U) << row.node;
    } else {
      EXPECT_EQ(row.reason.empty(), row.engine == Engine::kDla) << row.node;
      EXPECT_EQ(row.reason_code.empty(), row.engine == Engine::kDla) << row.node;
      EXPECT_EQ(row.engine, checked.plan.segments[static_cast<size_t>(row.segment)].engine);
      EXPECT_TRUE(gpu || row.engine != Engine::kGpu) << row.node;
    }
  }
  std::set<std::string> names;
  for (const Placement& row : checked.plan.placements) {
    names.insert(row.node);
  }
  for (const compiler::HwOpInfo& op : checked.plan.hw_ops) {
    EXPECT_FALSE(op.origins.empty()) << op.name;
    for (const std::string& origin : op.origins) {
      EXPECT_TRUE(names.contains(origin)) << op.name << " names " << origin;
    }
  }
  size_t changes = 0;
  for (size_t s = 1; s < checked.plan.segments.size(); ++s) {
    changes += checked.plan.segments[s].engine != checked.plan.segments[s - 1].engine ? 1 : 0;
  }
  EXPECT_EQ(checked.plan.transitions.size(), changes);
}

TEST_P(CheckModels, EveryNodeIsPlacedAndConvolutionsAreOnTheDla) {
  const Model& model = GetParam();
  MEDLAR_REFERENCE_DATA(path, std::string("models/") + model.name + ".onnx");
  for (const Target& target : kTargets) {
    SCOPED_TRACE(std::string(target.device) + " " + std::string(hw::precision_name(target.precision)));
    const auto checked = api::check({.model = path, .device = target.device, .precision = target.precision,
                                     .shapes = import::parse_shapes(model.shapes).value()});
    ASSERT_TRUE(checked) << checked.error().to_string();
    EXPECT_EQ(checked->plan.placements.size(), model.nodes);
    expect_accounts(*checked, std::string_view(target.device) == "orin-nano-8gb");
    if (model.cnn) {
      EXPECT_GE(api::dla_share(*checked), 0.95);
    }
    RecordProperty(fmt::format("{}_{}", target.device, hw::precision_name(target.precision)), fmt::format("{:.4f}", api::dla_share(*checked)));
  }
}

INSTANTIATE_TEST_SUITE_P(All, CheckModels, testing::ValuesIn(kModels), [](const testing::TestParamInfo<Model>& test) {
  std::string name = test.param.name;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

void expect_same_plan(const compiler::Plan& a, const compiler::Plan& b) {
  ASSERT_EQ(a.placements.size(), b.placements.size());
  for (size_t i = 0; i < a.placements.size(); ++i) {
    const Placement& x = a.placements[i];
    const Placement& y = b.placements[i];
    EXPECT_EQ(std::tie(x.node, x.op_type, x.engine, x.segment, x.precision, x.reason_code, x.reason, x.macs, x.bytes, x.seconds),
              std::tie(y.node, y.op_type, y.engine, y.segment, y.precision, y.reason_code, y.reason, y.macs, y.bytes, y.seconds));
  }
  ASSERT_EQ(a.segments.size(), b.segments.size());
  for (size_t s = 0; s < a.segments.size(); ++s) {
    EXPECT_EQ(a.segments[s].memory.intermediate, b.segments[s].memory.intermediate);
    EXPECT_EQ(a.segments[s].inputs, b.segments[s].inputs);
    EXPECT_EQ(a.segments[s].outputs, b.segments[s].outputs);
  }
}

TEST(Check, SaysWhatBuildDoes) {
  const std::filesystem::path folder = source_dir() / "models/digits";
  for (const char* device : {"orin-nano-8gb", "nv_full", "nv_small"}) {
    api::BuildRequest request{.model = folder / "digits.onnx", .device = device, .precision = hw::Precision::kInt8};
    const auto checked = api::check(request);
    request.calibration = folder / "calibration";
    const auto built = api::build(request);
    ASSERT_TRUE(checked && built);
    expect_same_plan(checked->plan, built->plan);
  }
}

TEST(Check, BoxesAreNotDecodedInEightBits) {
  MEDLAR_REFERENCE_DATA(model, "models/ultraface_rfb_320.onnx");
  const auto coordinates_of = [&](hw::Precision precision) {
    const auto checked = api::check({.model = model, .device = "orin-nano-8gb", .precision = precision});
    EXPECT_TRUE(checked) << checked.error().to_string();
    const auto row = std::find_if(checked->plan.placements.begin(), checked->plan.placements.end(),
                                  [](const Placement& placement) { return placement.node == "Mul_464"; });
    return *row;
  };
  const Placement rounded = coordinates_of(hw::Precision::kInt8);
  EXPECT_EQ(rounded.engine, compiler::Engine::kGpu);
  EXPECT_EQ(rounded.reason_code, "MDL2030");
  EXPECT_EQ(coordinates_of(hw::Precision::kFp16).engine, compiler::Engine::kDla);
}

TEST(Check, SaysWhatBuildDoesOfARealNetwork) {
  MEDLAR_REFERENCE_DATA(model, "models/yunet_320.onnx");
  MEDLAR_REFERENCE_DATA(images, "images/faces_1.jpg");
  for (const Target& target : kTargets) {
    SCOPED_TRACE(std::string(target.device) + " " + std::string(hw::precision_name(target.precision)));
    api::BuildRequest request{.model = model, .device = target.device, .precision = target.precision};
    const auto without_samples = api::check(request);
    request.calibration = images;
    const auto checked = api::check(request);
    const auto built = api::build(request);
    ASSERT_TRUE(without_samples && checked && built);
    expect_same_plan(checked->plan, built->plan);
    if (target.precision == hw::Precision::kInt8 && (*hw::find_device(target.device))->config->supports(hw::Precision::kFp16)) {
      request.accuracy_budget = 1.0;  // which layers stay in FP16 the samples tell: here none
    }
    const auto of_one_precision = api::build(request);
    ASSERT_TRUE(of_one_precision) << of_one_precision.error().to_string();
    expect_same_plan(without_samples->plan, of_one_precision->plan);
  }
}

TEST(Check, TableJsonAndPage) {
  const auto checked = api::check({.model = source_dir() / "models/digits/digits.onnx", .device = "orin-nano-8gb"});
  ASSERT_TRUE(checked);
  const std::string text = api::check_to_text(*checked);
  EXPECT_NE(text.find("100.0 % of"), std::string::npos) << text;
  EXPECT_NE(text.find("Memory in bytes"), std::string::npos);
  EXPECT_NE(text.find("transition"), std::string::npos);
  EXPECT_NE(api::check_to_json(*checked).find("\"dla_macs_percent\": 100.0"), std::string::npos);
  const auto page = api::check_to_html(*checked);
  ASSERT_TRUE(page);
  EXPECT_NE(page->find("digits.onnx"), std::string::npos);
}

TEST(Check, LayersGoWhereTheyAreAskedTo) {
  api::BuildRequest request{.model = source_dir() / "models/digits/digits.onnx", .device = "orin-nano-8gb"};
  request.engines = compiler::parse_engine_rules("*:GPU").value();
  const auto checked = api::check(request);
  ASSERT_TRUE(checked) << checked.error().to_string();
  for (const Placement& row : checked->plan.placements) {
    EXPECT_TRUE(row.segment < 0 || row.engine == Engine::kGpu) << row.node;
  }
  request.engines = {{"no such layer", Engine::kCpu}};
  EXPECT_FALSE(api::check(request));
  request.device = "nv_full";
  request.engines = {{"*", Engine::kGpu}};
  const auto refused = api::check(request);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("has none"), std::string::npos);
}

TEST(Check, AnnotatedModelsCarryThePlacement) {
  const api::BuildRequest request{.model = source_dir() / "models/digits/digits.onnx", .device = "orin-nano-8gb"};
  const auto checked = api::check(request);
  ASSERT_TRUE(checked);
  const auto bytes = api::annotate(request, *checked);
  ASSERT_TRUE(bytes);
  const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  EXPECT_NE(text.find("medlar.engine"), std::string_view::npos);
  EXPECT_NE(text.find("MDL2001"), std::string_view::npos);
  const auto again = import::import_onnx_bytes(*bytes, "annotated");
  ASSERT_TRUE(again) << again.error().to_string();
}

Status wish(std::string_view device, const char* inputs, const char* outputs) {
  api::BuildRequest request{.model = source_dir() / "models/digits/digits.onnx", .device = std::string(device), .precision = hw::Precision::kInt8};
  MEDLAR_ASSIGN(request.input_formats, compiler::parse_io_formats(inputs));
  MEDLAR_ASSIGN(request.output_formats, compiler::parse_io_formats(outputs));
  MEDLAR_ASSIGN(const engine::Engine checked, api::check(request));
  return {};
}

TEST(Check, LayoutsAreGrantedOrRefusedByName) {
  EXPECT_TRUE(wish("nv_full", "int8:hwc4", ""));
  EXPECT_TRUE(wish("nv_full", "int8:dla_hwc4", "fp32:chw"));
  EXPECT_TRUE(wish("nv_full", "int8:chw32", ""));
  EXPECT_TRUE(wish("nv_small", "int8:chw8", ""));
  for (const auto& [inputs, outputs] : std::vector<std::pair<const char*, const char*>>{
           {"fp16:hwc4", ""}, {"int8:chw16", ""}, {"int8:dla_linear", ""}, {"int8:hwc4,int8:hwc4", ""}, {"", "int8:chw32"}, {"fp32:hwc4", ""}}) {
    const Status refused = wish("nv_full", inputs, outputs);
    ASSERT_FALSE(refused) << inputs << " " << outputs;
    EXPECT_TRUE(refused.error().code == Code::kUnsupported || refused.error().code == Code::kInvalidArgument);
  }
}

TEST(Check, MemoryPoolsAreLimits) {
  api::BuildRequest request{.model = source_dir() / "models/digits/digits.onnx", .device = "orin-nano-8gb"};
  const auto free = api::check(request);
  ASSERT_TRUE(free);
  request.pools.local_dram = free->plan.segments[0].memory.intermediate - 1;
  const auto limited = api::check(request);
  ASSERT_TRUE(limited) << limited.error().to_string();
  EXPECT_TRUE(std::any_of(limited->plan.placements.begin(), limited->plan.placements.end(), [](const Placement& row) { return row.reason_code == "MDL2028"; }));
  request.pools.managed_sram = uint64_t{1} << 40;
  EXPECT_FALSE(api::check(request));
}

}  // namespace
}  // namespace medlar::test

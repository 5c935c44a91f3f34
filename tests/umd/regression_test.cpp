// SPDX-License-Identifier: Apache-2.0
// NVIDIA's loadables through the whole stack: user-mode driver, kernel driver, SMMU, chip.
#include "loadable/corpus.hpp"
#include "umd/golden.hpp"
#include "umd/machine.hpp"
#include "umd/model.hpp"
#include "umd/tensor_io.hpp"

#include <cmath>
#include <cstring>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace medlar::umd {
namespace {

using test::Machine;

constexpr double kFp16Tolerance = 1e-2;  // Of the 2-norm.

const test::ArchiveFiles& archive(const char* name) {
  static std::map<std::string, test::ArchiveFiles> cache;
  auto [entry, is_new] = cache.try_emplace(name);
  if (is_new) {
    entry->second = test::read_archive(test::reference_data(name).value()).value();
  }
  return entry->second;
}

/// The profile whose chip a regression file was made for, as its name says.
std::string profile_for(std::string_view test) {
  return test.ends_with("_small")   ? "nvdla-nv_small"
         : test.ends_with("_large") ? "nvdla-nv_large"
                                    : "nvdla-nv_full";
}

Result<LoadedModel> load(Machine& machine, ByteView bytes, const std::string& name) {
  MEDLAR_ASSIGN(auto loadable, loadable::read(bytes, name));
  MEDLAR_ASSIGN(auto device, Device::open(machine.api(), "nvhost-nvdla0"));
  MEDLAR_ASSIGN(auto context, Context::create(std::move(device)));
  return LoadedModel::load(std::move(context), std::move(loadable));
}

/// Runs once; inputs are zero where nobody filled them.
Status run(const LoadedModel& model, const Bindings& bindings) {
  MEDLAR_ASSIGN(const Fence fence, model.submit(bindings));
  return fence.wait(std::chrono::minutes(5));
}

struct GoldenCase {
  const char* test;
  const char* folder;  ///< Of the flat buffer.
  const char* golden;
};

const GoldenCase kGoldens[] = {
    {"CONV_D_L0_0", "CONV", "CONV_D_L0_0_6d2d02"},
    {"CONV_D_L0_0_large", "CONV", "CONV_D_L0_0_large_f394b6"},
    {"CONV_D_L0_0_small", "CONV", "CONV_D_L0_0_small_3c77f6"},
    {"SDP_X1_L0_0", "SDP", "SDP_X1_L0_0_b9bf63"},
    {"SDP_X1_L0_0_large", "SDP", "SDP_X1_L0_0_large_4486c3"},
    {"SDP_X1_L0_0_small", "SDP", "SDP_X1_L0_0_small_c9894d"},
    {"PDP_L0_0", "PDP", "PDP_L0_0_e21636"},
    {"PDP_L0_0_large", "PDP", "PDP_L0_0_large_a57d22"},
    {"PDP_L0_0_small", "PDP", "PDP_L0_0_small_fbdf76"},
    {"CDP_L0_0", "CDP", "CDP_L0_0_66cb25"},
    {"CDP_L0_0_large", "CDP", "CDP_L0_0_large_fe3167"},
    {"CDP_L0_0_small", "CDP", "CDP_L0_0_small_4531af"},
    {"RBK_L0_0", "RBK", "RBK_L0_0_6dbb5a"},
    {"BDMA_L0_0", "BDMA", "BDMA_L0_0_76a9a4"},
    {"NN_L0_0", "NN", "NN_L0_0_9521de"},
};

void PrintTo(const GoldenCase& c, std::ostream* out) {
  *out << c.test;
}

class Regression : public testing::TestWithParam<GoldenCase> {};

TEST_P(Regression, ReproducesTheGolden) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  const GoldenCase& c = GetParam();
  const std::string golden_path = fmt::format("golden/{}/dla/o_000000.dimg", c.golden);
  const auto golden = test::read_golden(archive(test::kRegressionArchive).at(golden_path), golden_path);
  ASSERT_TRUE(golden) << golden.error().to_string();
  auto machine = Machine::create(profile_for(c.test));
  ASSERT_TRUE(machine) << machine.error().to_string();
  const auto model = load(**machine, files.at(c.test), c.test);
  ASSERT_TRUE(model) << model.error().to_string();
  const Bindings bindings = model->allocate_bindings().value();
  for (int i = 0; i < 2; ++i) {  // A loaded model runs again and again.
    const Status done = run(*model, bindings);
    ASSERT_TRUE(done) << done.error().to_string() << "\n" << (*machine)->log();
    const auto output = bindings.outputs.at(0).buffer->map().value();
    const auto walked = test::walk_like(*golden, output);
    ASSERT_TRUE(walked) << walked.error().to_string();
    size_t different = 0;
    for (size_t at = 0; at < walked->size(); ++at) {
      different += (*walked)[at] != golden->elements[at] ? 1 : 0;
    }
    EXPECT_EQ(different, 0u) << "of " << walked->size() << " bytes, run " << i;
    std::memset(output.data(), 0, output.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Nvidia, Regression, testing::ValuesIn(kGoldens),
                         [](const auto& param_info) { return std::string(param_info.param.test); });

std::vector<float> floats(const ByteBuffer& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

double relative_error(const std::vector<float>& ours, const std::vector<float>& reference) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < reference.size(); ++i) {
    difference += std::pow(static_cast<double>(ours[i]) - reference[i], 2);
    norm += std::pow(static_cast<double>(reference[i]), 2);
  }
  return std::sqrt(difference / norm);
}

/// Where a loadable computes something else than the Caffe network it was compiled from. These are properties
/// of the files (NVIDIA's compiler made them so), which a faithful chip shows; each is undone exactly, none
/// is tolerated.
enum class Deviation : uint8_t {
  kNone,
  kScaleLost,    ///< Power with scale 0.5: the compiler emits scale 1.
  kAverageEdge,  ///< The last pooling window is cut by the border: Caffe divides by 3 x 2, the chip by 3 x 3.
  kInteriorOnly,  ///< The same in mid-network: only outputs that no cut window reaches (x, y < 12) are
                  ///< comparable.
};

struct Fp16Case {
  const char* name;
  Deviation deviation = Deviation::kNone;
};

void PrintTo(const Fp16Case& c, std::ostream* out) {
  *out << c.name;
}

/// Brings both sides to what they have in common.
void undo(Deviation deviation, const loadable::Tensor& tensor, std::vector<float>& ours,
          std::vector<float>& reference) {
  constexpr int kInterior = 12;
  size_t i = 0;
  for (int c = 0; c < tensor.c; ++c) {
    for (int y = 0; y < tensor.h; ++y) {
      for (int x = 0; x < tensor.w; ++x, ++i) {
        const int cut = (x == tensor.w - 1 ? 1 : 0) + (y == tensor.h - 1 ? 1 : 0);
        if (deviation == Deviation::kScaleLost) {
          reference[i] *= 2;
        } else if (deviation == Deviation::kAverageEdge) {
          reference[i] *= std::pow(2.0f / 3.0f, static_cast<float>(cut));
        } else if (deviation == Deviation::kInteriorOnly && (x >= kInterior || y >= kInterior)) {
          ours[i] = reference[i] = 0;
        }
      }
    }
  }
}

class CompiledByNvidia : public testing::TestWithParam<Fp16Case> {};

TEST_P(CompiledByNvidia, MatchesTheFloatReference) {
  MEDLAR_REFERENCE_DATA(path, test::kFp16Archive);
  static_cast<void>(path);
  const std::string folder = fmt::format("loadables/{}/", GetParam().name);
  const auto& files = archive(test::kFp16Archive);
  const ByteBuffer& description = files.at(folder + "case.json");
  const auto json = nlohmann::json::parse(description.begin(), description.end());
  auto machine = Machine::create("nvdla-" + json["target"].get<std::string>());
  ASSERT_TRUE(machine) << machine.error().to_string();
  const auto model = load(**machine, files.at(folder + "loadable.nvdla"), GetParam().name);
  ASSERT_TRUE(model) << model.error().to_string();
  const Bindings bindings = model->allocate_bindings().value();
  const Status packed = pack_tensor(model->inputs().at(0).tensor,
                                    floats(files.at(folder + json["input"]["file"].get<std::string>())), 1,
                                    bindings.inputs[0].buffer->map().value());
  ASSERT_TRUE(packed) << packed.error().to_string();
  const Status done = run(*model, bindings);
  ASSERT_TRUE(done) << done.error().to_string() << "\n" << (*machine)->log();
  for (const auto& output : json["outputs"]) {
    const size_t index = model->output_index(output["name"].get<std::string>()).value();
    const loadable::Tensor& tensor = model->outputs()[index].tensor;
    std::vector<float> ours(element_count(tensor));
    const Status read = unpack_tensor(tensor, bindings.outputs[index].buffer->map().value(), 1, ours);
    ASSERT_TRUE(read) << read.error().to_string();
    auto reference = floats(files.at(folder + output["file"].get<std::string>()));
    ASSERT_EQ(ours.size(), reference.size());
    undo(GetParam().deviation, tensor, ours, reference);
    const double error = relative_error(ours, reference);
    RecordProperty("relative_error", fmt::format("{:.3e}", error));
    EXPECT_LT(error, kFp16Tolerance) << tensor.name;
  }
}

constexpr Fp16Case kFp16Cases[] = {{"bn"},
                                   {"deconv"},
                                   {"deconv2"},
                                   {"dilation"},
                                   {"eltPROD"},
                                   {"group2"},
                                   {"img3"},
                                   {"lenet"},
                                   {"lrnact", Deviation::kInteriorOnly},
                                   {"pave3", Deviation::kAverageEdge},
                                   {"power1", Deviation::kScaleLost},
                                   {"resid"},
                                   {"scale"},
                                   {"softmax"},
                                   {"tanh"}};

INSTANTIATE_TEST_SUITE_P(Fp16, CompiledByNvidia, testing::ValuesIn(kFp16Cases),
                         [](const auto& param_info) { return std::string(param_info.param.name); });

}  // namespace
}  // namespace medlar::umd

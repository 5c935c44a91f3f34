// SPDX-License-Identifier: Apache-2.0
// The command line as a user meets it: outputs, files, exit codes, errors that say what to do.
#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/files.hpp"
#include "sample/archive.hpp"
#include "sample/npy.hpp"
#include "support/command.hpp"
#include "support/test_data.hpp"

namespace medlar {
namespace {

namespace fs = std::filesystem;
using test::Outcome;

Outcome medlar(const std::string& arguments) { return test::run_command(std::string(MEDLAR_BINARY) + " " + arguments); }

class Cli : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new fs::path(fs::path(testing::TempDir()) / ("medlar_cli_" + std::to_string(::getpid())));
    fs::create_directories(*folder_);
  }
  static void TearDownTestSuite() {
    fs::remove_all(*folder_);
    delete folder_;
  }
  static std::string path(const std::string& name) { return (*folder_ / name).string(); }
  static std::string digits(const std::string& name) { return (test::source_dir() / "models/digits" / name).string(); }
  static std::string build_arguments(const std::string& output, const std::string& device) {
    return "build " + digits("digits.onnx") + " -o " + path(output) + " --device " + device + " --int8 --calib " +
           digits("calibration");
  }

  static fs::path* folder_;
};
fs::path* Cli::folder_ = nullptr;

std::string first_image() {
  std::vector<fs::path> images;
  for (const auto& entry : fs::directory_iterator(test::source_dir() / "models/digits/images")) {
    images.push_back(entry.path());
  }
  std::sort(images.begin(), images.end());
  return images.front().string();
}

TEST_F(Cli, BuildInspectRun) {
  const Outcome built = medlar(build_arguments("d.engine", "nv_small"));
  ASSERT_EQ(built.exit_code, 0) << built.text;
  EXPECT_NE(built.text.find("softmax"), std::string::npos) << "the fallback is reported: " << built.text;

  const Outcome inspected = medlar("inspect --json " + path("d.engine"));
  ASSERT_EQ(inspected.exit_code, 0) << inspected.text;
  const auto json = nlohmann::json::parse(inspected.text);
  EXPECT_EQ(json["device"], "nvdla-nv_small");
  EXPECT_EQ(json["nodes"].size(), 17u);

  const std::string image = first_image();
  const Outcome ran = medlar("run " + path("d.engine") + " --input " + image + " --top 1 --layers --labels " +
                             digits("labels.txt") + " --output-dir " + path("out"));
  ASSERT_EQ(ran.exit_code, 0) << ran.text;
  const std::string label = fs::path(image).filename().string().substr(0, 1);
  EXPECT_NE(ran.text.find("class " + label), std::string::npos) << ran.text;
  EXPECT_NE(ran.text.find("modelled"), std::string::npos);
  const auto bytes = read_file(path("out/probabilities.npy"));
  ASSERT_TRUE(bytes);
  EXPECT_EQ(sample::parse_npy(*bytes, "out")->shape, (graph::Shape{1, 10}));
}

TEST_F(Cli, RawAndNumpyInputsGiveTheSameAnswer) {
  ASSERT_EQ(medlar(build_arguments("r.engine", "nv_small")).exit_code, 0);
  const std::vector<float> values(784, 0.5f);
  ASSERT_TRUE(write_file(path("x.f32"), as_bytes_view(values)));
  ASSERT_TRUE(write_file(path("x.npy"), *sample::npy_bytes(graph::make_tensor(graph::DataType::kFloat32, {1, 1, 28, 28}, values))));
  ASSERT_EQ(medlar("run " + path("r.engine") + " --input image=" + path("x.f32") + " --output-dir " + path("raw")).exit_code, 0);
  ASSERT_EQ(medlar("run " + path("r.engine") + " --input " + path("x.npy") + " --output-dir " + path("npy")).exit_code, 0);
  EXPECT_EQ(*read_file(path("raw/probabilities.npy")), *read_file(path("npy/probabilities.npy")));
}

TEST_F(Cli, AnotherDeviceIsRefused) {
  ASSERT_EQ(medlar(build_arguments("s.engine", "nv_small")).exit_code, 0);
  const Outcome outcome = medlar("run " + path("s.engine") + " --device nv_full --input " + first_image());
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.text.find("was built for nvdla-nv_small"), std::string::npos) << outcome.text;
}

TEST_F(Cli, ErrorsNameTheThing) {
  EXPECT_EQ(medlar("").exit_code, 2);
  EXPECT_EQ(medlar("build").exit_code, 2);
  EXPECT_EQ(medlar("run --no-such-flag").exit_code, 2);
  EXPECT_EQ(medlar("--help").exit_code, 0);
  const Outcome missing = medlar("build nowhere.onnx -o x.engine --fp16");
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_NE(missing.text.find("nowhere.onnx"), std::string::npos);
  const Outcome uncalibrated = medlar("build " + digits("digits.onnx") + " -o " + path("u.engine") + " --int8");
  EXPECT_EQ(uncalibrated.exit_code, 1);
  EXPECT_NE(uncalibrated.text.find("--calib"), std::string::npos);
  const Outcome device = medlar("build " + digits("digits.onnx") + " -o " + path("u.engine") + " --device nv_tiny");
  EXPECT_NE(device.text.find("nv_small"), std::string::npos) << "the known devices are listed: " << device.text;
  const Outcome strict = medlar(build_arguments("u.engine", "nv_small") + " --no-fallback");
  EXPECT_EQ(strict.exit_code, 1);
  EXPECT_NE(strict.text.find("softmax"), std::string::npos);
  ASSERT_TRUE(write_file(path("t.engine"), ByteBuffer{'M', 'E', 'D', 'L', 'A', 'R', 0, 1, 9}));
  const Outcome truncated = medlar("inspect " + path("t.engine"));
  EXPECT_EQ(truncated.exit_code, 1);
  EXPECT_NE(truncated.text.find("t.engine"), std::string::npos);
}

TEST_F(Cli, LogIsTheKernelsWithModelledTime) {
  const Outcome boot = medlar("log --device orin-nx-16gb --disable-core 1");
  EXPECT_EQ(boot.exit_code, 0) << boot.text;
  EXPECT_NE(boot.text.find("modelled device time"), std::string::npos);
  EXPECT_NE(boot.text.find("[    0.000000] nvdla 15880000.nvdla0: probed\n"), std::string::npos) << boot.text;
  EXPECT_NE(boot.text.find("nvdla 158c0000.nvdla1: disabled in the device tree"), std::string::npos);
  EXPECT_NE(boot.text.find("cma: Reserved 256 MiB"), std::string::npos);
  EXPECT_NE(boot.text.find("64 MiB optee"), std::string::npos);
  EXPECT_EQ(medlar("log --device orin-nano-8gb --disable-core 4").exit_code, 1);
}

TEST_F(Cli, SysfsHasTheFilesOfTheBoard) {
  EXPECT_EQ(medlar("sysfs /dev --device orin-nx-16gb").text, "nvhost-nvdla0\nnvhost-nvdla1\n");
  EXPECT_EQ(medlar("sysfs /sys/kernel/debug/bpmp/debug/regulator/dlaa/name").text, "dlaa\n");
  const Outcome names = medlar("sysfs '/sys/kernel/debug/bpmp/debug/regulator/*/name' --device orin-nx-16gb");
  EXPECT_NE(names.text.find("regulator/dlab/name: dlab"), std::string::npos) << names.text;
  const Outcome clocks = medlar("sysfs /sys/kernel/debug/clk/clk_summary --device agx-orin-64gb --power-mode MAXN");
  EXPECT_NE(clocks.text.find("1600000000"), std::string::npos) << clocks.text;
  EXPECT_EQ(medlar("sysfs '/sys/kernel/debug/cma/linux,cma/count' --cma-bytes 8M").text, "2048\n");
  const Outcome missing = medlar("sysfs /sys/nothing");
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_NE(missing.text.find("/sys/nothing: no such file"), std::string::npos);
}

TEST_F(Cli, PowerGoesAfterTheRun) {
  ASSERT_EQ(medlar(build_arguments("o.engine", "orin-nano-8gb")).exit_code, 0);
  const std::string summary = "sysfs /sys/kernel/debug/pm_genpd/pm_genpd_summary --run " + path("o.engine");
  EXPECT_NE(medlar(summary + " --idle 0").text.find("clock-gated "), std::string::npos);
  const Outcome later = medlar(summary);
  EXPECT_NE(later.text.find("off  "), std::string::npos) << later.text;
  const Outcome log = medlar("log " + path("o.engine"));
  EXPECT_NE(log.text.find("power domain dlaa on after 200 us"), std::string::npos) << log.text;
  EXPECT_NE(log.text.find("power domain dlaa off"), std::string::npos) << log.text;
  EXPECT_EQ(medlar("log " + path("o.engine") + " --idle 0").text.find("power domain dlaa off"),
            std::string::npos);
}

/// Writes the files of one case of the archive below `folder`; false when there is no such case.
bool extract_case(const fs::path& archive, const std::string& prefix, const fs::path& folder) {
  bool found = false;
  fs::create_directories(folder);
  const Status status =
      sample::visit_archive(archive, [&](const std::string& name, const ByteBuffer& bytes) -> Result<bool> {
        if (name.starts_with(prefix)) {
          MEDLAR_TRY(write_file(folder / fs::path(name).filename(), bytes));
          found = true;
        }
        return true;
      });
  return status.has_value() && found;
}

TEST_F(Cli, DoctorSaysCauseEvidenceAndCure) {
  const Outcome well = medlar("doctor");
  EXPECT_EQ(well.exit_code, 0) << well.text;
  const Outcome hidden = medlar("doctor --disable-core 0");
  EXPECT_EQ(hidden.exit_code, 1);
  EXPECT_NE(hidden.text.find("DLA not detected             FAILED"), std::string::npos) << hidden.text;
  EXPECT_NE(hidden.text.find("device tree"), std::string::npos);
  const Outcome small = medlar("doctor --cma-bytes 1M");
  EXPECT_EQ(small.exit_code, 1);
  EXPECT_NE(small.text.find("cause:    CMA is exhausted"), std::string::npos) << small.text;
  const Outcome model = medlar("doctor " + digits("digits.onnx"));
  EXPECT_EQ(model.exit_code, 0) << "warnings are no failures";
  EXPECT_NE(model.text.find("Engine build fails           WARNING\n  evidence: 1 node does not run on the "
                            "DLA, the first: MDL2001"),
            std::string::npos)
      << model.text;
  EXPECT_NE(model.text.find("Slower than the GPU          WARNING\n  evidence: one inference takes"), std::string::npos)
      << model.text;
  EXPECT_NE(model.text.find("; its GPU alone would take"), std::string::npos) << model.text;
  EXPECT_NE(model.text.find("cure:     run it on the GPU alone"), std::string::npos) << model.text;
}

TEST_F(Cli, DoctorSaysWhyNothingWasBuilt) {
  ASSERT_TRUE(write_file(path("bad.onnx"), ByteBuffer{'g', 'a', 'r', 'b', 'a', 'g', 'e'}));
  const Outcome damaged = medlar("doctor " + path("bad.onnx"));
  EXPECT_EQ(damaged.exit_code, 1);
  EXPECT_NE(damaged.text.find("Engine build fails           FAILED"), std::string::npos) << damaged.text;
  EXPECT_NE(damaged.text.find("cause:    the file is damaged"), std::string::npos) << damaged.text;
  EXPECT_NE(damaged.text.find("DLA not detected             ok"), std::string::npos)
      << "the device is examined all the same";
  const Outcome missing = medlar("doctor " + path("nowhere.engine"));
  EXPECT_NE(missing.text.find("nowhere.engine"), std::string::npos) << missing.text;
  EXPECT_NE(missing.text.find("cause:    a file cannot be read"), std::string::npos) << missing.text;
}

TEST_F(Cli, DoctorComparesWithFp32) {
  ASSERT_EQ(medlar(build_arguments("h.engine", "nv_small")).exit_code, 0);
  const std::string samples = " --samples " + digits("images");
  const std::string model = " --model " + digits("digits.onnx");
  const Outcome healthy = medlar("doctor " + path("h.engine") + samples + model);
  EXPECT_NE(healthy.text.find("Accuracy degradation (INT8)  ok\n  evidence: int8: worst 2-norm"),
            std::string::npos)
      << healthy.text;
  const Outcome built = medlar("doctor " + digits("digits.onnx") + samples);
  EXPECT_NE(built.text.find("over 8 samples"), std::string::npos) << built.text;
  // Calibrated on what no picture looks like.
  graph::Tensor black{graph::DataType::kFloat32, {1, 1, 28, 28}, ByteBuffer(28 * 28 * sizeof(float)), {}};
  store_le(black.bytes.data(), 0.01f);
  ASSERT_TRUE(write_file(path("black.npy"), *sample::npy_bytes(black)));
  ASSERT_EQ(medlar("build " + digits("digits.onnx") + " -o " + path("b.engine") +
                   " --device nv_small --int8 --calib " + path("black.npy"))
                .exit_code,
            0);
  const Outcome ill = medlar("doctor " + path("b.engine") + samples + model);
  EXPECT_NE(ill.text.find("Accuracy degradation (INT8)  WARNING"), std::string::npos) << ill.text;
  EXPECT_NE(ill.text.find("cure:     calibrate with more representative samples"), std::string::npos)
      << ill.text;
}

TEST_F(Cli, DoctorExaminesLoadables) {
  MEDLAR_REFERENCE_DATA(archive, "nvdla/loadables_fp16.tar.xz");
  ASSERT_TRUE(extract_case(archive, "loadables/softmax/", path("softmax")));
  const Outcome examined = medlar("doctor " + path("softmax/loadable.nvdla"));
  EXPECT_EQ(examined.exit_code, 0) << examined.text;
  EXPECT_NE(examined.text.find("1 tasks on the DLA, 1 on the CPU"), std::string::npos) << examined.text;
  EXPECT_NE(examined.text.find("ms for one run (modelled)"), std::string::npos) << examined.text;
  ASSERT_TRUE(write_file(path("short.nvdla"), ByteBuffer{1, 2, 3}));
  const Outcome damaged = medlar("doctor " + path("short.nvdla"));
  EXPECT_EQ(damaged.exit_code, 1);
  EXPECT_NE(damaged.text.find("cause:    the file is damaged"), std::string::npos) << damaged.text;
}

TEST_F(Cli, DevicesCarryTheirLabel) {
  const auto devices = nlohmann::json::parse(medlar("devices --json").text);
  int exact = 0;
  for (const auto& device : devices) {
    const bool nvdla = device["name"].get<std::string>().starts_with("nvdla-");
    EXPECT_EQ(device["label"], nvdla ? "bit-exact" : "modelled");
    exact += nvdla ? 1 : 0;
  }
  EXPECT_EQ(exact, 7);
  EXPECT_EQ(devices[0]["default"], true);
}

TEST_F(Cli, LoadablesFindTheirChipAndNeedNoInputWhereTheyHaveNone) {
  MEDLAR_REFERENCE_DATA(archive, "nvdla/nvdla_sw_regression.tar.xz");
  for (const char* name : {"CONV_D_L0_0_fbuf", "CONV_D_L0_0_large_fbuf", "CONV_D_L0_0_small_fbuf"}) {
    ASSERT_TRUE(extract_case(archive, std::string("flatbufs/kmd/CONV/") + name, path("regression")));
    const Outcome ran = medlar("run " + path("regression/") + name + " --output-dir " + path(name));
    EXPECT_EQ(ran.exit_code, 0) << ran.text;
    EXPECT_TRUE(fs::exists(path(std::string(name) + "/m6_SDPDst_i6.npy")));
  }
  const Outcome wrong = medlar("run " + path("regression/CONV_D_L0_0_large_fbuf") + " --device nv_full");
  EXPECT_NE(wrong.text.find("D_ENTRY_PER_SLICE"), std::string::npos) << wrong.text;
}

TEST_F(Cli, OfficialLoadablesAreInspectedAndRun) {
  MEDLAR_REFERENCE_DATA(archive, "nvdla/loadables_fp16.tar.xz");
  ASSERT_TRUE(extract_case(archive, "loadables/lenet/", path("lenet")));
  const std::string file = path("lenet/loadable.nvdla");
  EXPECT_EQ(medlar("inspect " + file).exit_code, 0);
  const auto json = nlohmann::json::parse(medlar("inspect --json " + file).text);
  EXPECT_EQ(json["tasks"].size(), 2u);  // the network, then softmax on the CPU
  EXPECT_FALSE(json["tensors"].empty());

  const Outcome ran = medlar("run " + file + " --input " + path("lenet/input.f32") + " --output-dir " + path("lenet_out"));
  ASSERT_EQ(ran.exit_code, 0) << ran.text;
  const graph::Tensor ours = *sample::parse_npy(*read_file(path("lenet_out/prob.npy")), "prob");
  const ByteBuffer wanted = *read_file(path("lenet/output_prob.f32"));
  ASSERT_EQ(ours.bytes.size(), wanted.size());
  double difference = 0;
  double norm = 0;
  for (size_t i = 0; i < wanted.size(); i += 4) {
    const double want = load_le<float>(wanted.data() + i);
    difference += std::pow(load_le<float>(ours.bytes.data() + i) - want, 2);
    norm += want * want;
  }
  EXPECT_LE(std::sqrt(difference / norm), 1e-2);
}

}  // namespace
}  // namespace medlar

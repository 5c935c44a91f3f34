// SPDX-License-Identifier: Apache-2.0
// Calibration flags, `medlar accuracy` and `medlar debug` from the command line.

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/files.hpp"
#include "support/command.hpp"
#include "support/test_data.hpp"

namespace medlar {
namespace {

namespace fs = std::filesystem;
using test::Outcome;

Outcome medlar(const std::string& arguments, test::Errors errors = test::Errors::kWithOutput) {
  return test::run_command(std::string(MEDLAR_BINARY) + " " + arguments, errors);
}

class AccuracyCli : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new fs::path(fs::path(testing::TempDir()) / ("medlar_accuracy_cli_" + std::to_string(::getpid())));
    fs::create_directories(*folder_);
    fs::copy_file(digits("digits.onnx"), path("model.onnx"));
    fs::copy_file(digits("digits.preprocess.json"), path("model.preprocess.json"));
  }
  static void TearDownTestSuite() {
    fs::remove_all(*folder_);
    delete folder_;
  }
  static std::string path(const std::string& name) { return (*folder_ / name).string(); }
  static std::string digits(const std::string& name) { return (test::source_dir() / "models/digits" / name).string(); }
  static Outcome build(const std::string& output, const std::string& flags) {
    return medlar("build " + path("model.onnx") + " -o " + path(output) + " " + flags);
  }

  static fs::path* folder_;
};
fs::path* AccuracyCli::folder_ = nullptr;

TEST_F(AccuracyCli, PrintsRatesBesideTheReference) {
  ASSERT_EQ(build("a.engine", "--device nv_small --int8 --calib " + digits("calibration")).exit_code, 0);
  const Outcome json = medlar("accuracy " + path("a.engine") + " --images " + digits("images") + " --json", test::Errors::kDropped);
  ASSERT_EQ(json.exit_code, 0) << json.text;
  const auto report = nlohmann::json::parse(json.text);
  for (const char* key : {"top1", "top5", "reference_top1", "reference_top5", "agreement"}) {
    EXPECT_GE(report[key].get<double>(), 90.0) << key;
    EXPECT_LE(report[key].get<double>(), 100.0) << key;
  }
  EXPECT_EQ(report["images"], 20);
  const Outcome text = medlar("accuracy " + path("a.engine") + " --images " + digits("images") + " --limit 5");
  EXPECT_NE(text.text.find("top-1"), std::string::npos) << text.text;
  EXPECT_NE(text.text.find("5 images"), std::string::npos) << text.text;
}

TEST_F(AccuracyCli, AMissingReferenceIsNamed) {
  fs::copy_file(path("model.onnx"), path("gone.onnx"));
  const Outcome built = medlar("build " + path("gone.onnx") + " -o " + path("gone.engine") + " --device nv_small --int8 --preprocess " +
                               path("model.preprocess.json") + " --calib " + digits("calibration"));
  ASSERT_EQ(built.exit_code, 0) << built.text;
  fs::remove(path("gone.onnx"));
  const std::string check = "accuracy " + path("gone.engine") + " --images " + digits("images") + " --limit 1";
  const Outcome missing = medlar(check);
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_NE(missing.text.find("--model"), std::string::npos) << missing.text;
  EXPECT_EQ(medlar(check + " --model " + path("model.onnx")).exit_code, 0);
}

TEST_F(AccuracyCli, TheModelIsLookedForWhereTheEngineLiesAndInTheEnvironmentsFolders) {
  fs::create_directories(path("models"));
  fs::create_directories(path("engines"));
  for (const std::string file : {"model.onnx", "model.preprocess.json"}) {
    fs::copy_file(path(file), path("models/" + file));
  }
  ASSERT_EQ(medlar("build " + path("models/model.onnx") + " -o " + path("engines/x.engine") + " --device nv_small --int8 --calib " +
                   digits("calibration"))
                .exit_code,
            0);
  const std::string check = "accuracy " + path("engines/x.engine") + " --images " + digits("images") + " --limit 1";
  EXPECT_EQ(medlar(check).exit_code, 0) << "where it was built from";
  fs::rename(path("models"), path("moved"));
  const Outcome lost = medlar(check);
  EXPECT_EQ(lost.exit_code, 1);
  EXPECT_NE(lost.text.find(path("engines/model.onnx") + " is not there"), std::string::npos) << lost.text;
  EXPECT_NE(lost.text.find("MEDLAR_MODEL_PATH, or name it with --model"), std::string::npos) << lost.text;
  ASSERT_EQ(setenv("MEDLAR_MODEL_PATH", ("/nowhere:" + path("moved")).c_str(), 1), 0);
  EXPECT_EQ(medlar(check).exit_code, 0);
  ASSERT_TRUE(write_file(path("moved/model.onnx"), ByteBuffer{1, 2, 3}));
  const Outcome changed = medlar(check);
  EXPECT_NE(changed.text.find("is not the file that the engine was built from"), std::string::npos) << changed.text;
  unsetenv("MEDLAR_MODEL_PATH");
}

TEST_F(AccuracyCli, CachesAreWrittenAndReadBack) {
  for (const std::string cache : {"cache.txt", "cache.json"}) {
    const Outcome first = build("first.engine", "--device nv_small --int8 --calibrator entropy --calib " + digits("calibration") +
                                                    " --save-calib " + path(cache));
    ASSERT_EQ(first.exit_code, 0) << first.text;
    const auto text = read_text_file(path(cache));
    ASSERT_TRUE(text);
    EXPECT_EQ(text->starts_with(cache == "cache.json" ? "{" : "TRT-8601-EntropyCalibration2\n"), true);
    const Outcome second = build("second.engine", "--device nv_small --int8 --calib " + path(cache));
    ASSERT_EQ(second.exit_code, 0) << second.text;
    const Outcome json = medlar("accuracy " + path("second.engine") + " --images " + digits("images") + " --json", test::Errors::kDropped);
    EXPECT_GE(nlohmann::json::parse(json.text)["agreement"].get<double>(), 95.0) << cache;
  }
}

TEST_F(AccuracyCli, CalibratorsAreChosenByName) {
  for (const std::string flags : {"--calibrator mse", "--calibrator percentile --percentile 99.9", "--calibrator max"}) {
    EXPECT_EQ(build("c.engine", "--device nv_small --int8 --calib " + digits("calibration") + " " + flags).exit_code, 0) << flags;
  }
  EXPECT_EQ(build("c.engine", "--device nv_small --int8 --calib x --calibrator kl").exit_code, 2);
}

TEST_F(AccuracyCli, LayerPrecisionsAreRefusedWithAReason) {
  const std::string calib = " --int8 --calib " + digits("calibration") + " ";
  const Outcome none = build("p.engine", "--device nv_small" + calib + "--layerPrecisions '*:fp16'");
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_NE(none.text.find("int8 alone"), std::string::npos) << none.text;
  EXPECT_NE(build("p.engine", "--device nv_full" + calib + "--layerPrecisions nobody:fp16").text.find("nobody"), std::string::npos);
  EXPECT_NE(build("p.engine", "--device nv_full" + calib + "--layerPrecisions conv1:fp64").text.find("fp64"), std::string::npos);
  EXPECT_EQ(build("p.engine", "--device nv_full" + calib + "--layerPrecisions '*:fp16'").exit_code, 0);
}

TEST_F(AccuracyCli, DebugListsTensorsAndACure) {
  const std::string base = "debug " + path("model.onnx") + " --device nv_small --int8 --calib " + digits("calibration");
  const Outcome strict = medlar(base + " --tolerance 0.000001");
  ASSERT_EQ(strict.exit_code, 0) << strict.text;
  EXPECT_NE(strict.text.find("first divergence"), std::string::npos) << strict.text;
  EXPECT_NE(strict.text.find("cure:"), std::string::npos) << strict.text;
  const Outcome json = medlar(base + " --json", test::Errors::kDropped);
  ASSERT_EQ(json.exit_code, 0) << json.text;
  EXPECT_GT(nlohmann::json::parse(json.text)["layers"].size(), 2u);
  EXPECT_EQ(medlar("debug " + path("model.onnx")).exit_code, 1) << "samples are wanted";
}

}  // namespace
}  // namespace medlar

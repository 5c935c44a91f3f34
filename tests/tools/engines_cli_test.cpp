// SPDX-License-Identifier: Apache-2.0
// profile, simulate, stats and trtexec as a user meets them.
#include "base/files.hpp"
#include "support/command.hpp"
#include "support/test_data.hpp"

#include <set>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace medlar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::Outcome;

Outcome medlar(const std::string& arguments) {
  return test::run_command(std::string(MEDLAR_BINARY) + " " + arguments);
}
Outcome trtexec(const std::string& arguments) {
  return test::run_command(std::string(TRTEXEC_BINARY) + " " + arguments);
}

class Engines : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new fs::path(fs::path(testing::TempDir()) / ("medlar_engines_" + std::to_string(::getpid())));
    fs::create_directories(*folder_);
  }
  static void TearDownTestSuite() {
    fs::remove_all(*folder_);
    delete folder_;
  }
  static std::string path(const std::string& name) { return (*folder_ / name).string(); }
  static std::string digits() { return (test::source_dir() / "models/digits/digits.onnx").string(); }
  static std::string calibration() { return (test::source_dir() / "models/digits/calibration").string(); }
  static std::string scenario(const std::string& name) {
    return (test::source_dir() / "examples/scenarios" / name).string();
  }
  static Json read_json(const std::string& file) {
    const auto text = read_text_file(file);
    return text ? Json::parse(*text, nullptr, false) : Json();
  }

  static fs::path* folder_;
};
fs::path* Engines::folder_ = nullptr;

/// What Perfetto and chrome://tracing ask of an event, by its phase.
void check_trace(const Json& trace, const std::set<std::string>& wanted_tracks) {
  ASSERT_TRUE(trace.contains("traceEvents"));
  std::set<std::string> tracks;
  std::set<int> named;
  for (const Json& event : trace["traceEvents"]) {
    ASSERT_TRUE(event.contains("name") && event.contains("ph") && event.contains("pid")) << event.dump();
    const std::string phase = event["ph"];
    if (phase == "M") {
      ASSERT_TRUE(event.contains("args"));
      if (event["name"] == "thread_name") {
        tracks.insert(event["args"]["name"]);
        named.insert(event["tid"].get<int>());
      }
      continue;
    }
    ASSERT_TRUE(event.contains("ts") && event["ts"].is_number() && event["ts"] >= 0) << event.dump();
    if (phase == "X") {
      ASSERT_TRUE(event.contains("dur") && event["dur"] >= 0) << event.dump();
    } else if (phase == "i") {
      ASSERT_EQ(event["s"], "t");
    } else {
      ASSERT_EQ(phase, "C") << event.dump();
      continue;
    }
    ASSERT_TRUE(named.contains(event["tid"].get<int>())) << "a track without a name: " << event.dump();
  }
  for (const std::string& track : wanted_tracks) {
    EXPECT_TRUE(tracks.contains(track)) << track;
  }
}

TEST_F(Engines, ProfileAccountsForEveryLayer) {
  const Outcome outcome =
      medlar("profile " + digits() + " --fp16 --device nv_full --json --advise --timeline " + path("t.json"));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.text;
  const Json json = Json::parse(outcome.text);
  EXPECT_EQ(json["label"], "bit-exact");
  double layers = 0;
  for (const Json& layer : json["layers"]) {
    layers += layer["modelled_ms"].get<double>();
    EXPECT_FALSE(layer["bound"].get<std::string>().empty());
  }
  EXPECT_NEAR(layers + json["transition_ms"].get<double>() + json["submit_ms"].get<double>(),
              json["modelled_ms"].get<double>(), 1e-9);
  EXPECT_NEAR(json["dla_ms"].get<double>() + json["gpu_ms"].get<double>() + json["cpu_ms"].get<double>(),
              layers, 1e-9);
  EXPECT_EQ(json["advice"]["recommendations"].size(), 3u);
  for (const Json& finding : json["advice"]["findings"]) {
    for (const char* key : {"finding", "evidence", "cure", "gain"}) {
      EXPECT_FALSE(finding[key].get<std::string>().empty()) << key;
    }
  }
  check_trace(read_json(path("t.json")),
              {"DLA CONV", "DLA SDP", "DLA PDP", "DLA DMA", "GPU", "CPU", "Fences", "Transitions"});
}

// One inference in a scenario takes the time and the joules that the profile of the same engine says.
TEST_F(Engines, SimulationAndProfileAgreeOnTimeAndEnergy) {
  const Outcome built =
      medlar("build " + digits() + " --fp16 --device orin-nano-8gb -o " + path("c.engine"));
  ASSERT_EQ(built.exit_code, 0) << built.text;
  const Json profile = Json::parse(medlar("profile " + path("c.engine") + " --json").text);
  constexpr int kFrames = 7;
  const std::string yaml =
      "scenario: one by one\ndevice: orin-nano-8gb\nengines: {dla0: {gate_after: never}}\n"
      "models: {digits: {engine: " + path("c.engine") + "}}\n"
      "streams: [{name: s, fps: 50, frames: " + std::to_string(kFrames) +
      ", pipeline: [{name: run, model: digits, on: dla0}]}]\n";
  ASSERT_TRUE(write_file(path("one.yaml"),
                         ByteView(reinterpret_cast<const uint8_t*>(yaml.data()), yaml.size())));
  const Outcome simulated = medlar("simulate --json " + path("one.yaml"));
  ASSERT_EQ(simulated.exit_code, 0) << simulated.text;
  const Json json = Json::parse(simulated.text);
  double joules = json["dram"]["joules"];
  for (const Json& engine : json["engines"]) {
    const double on = engine["seconds"]["working"].get<double>() + engine["seconds"]["idle"].get<double>();
    const double idle_watts = engine["joules"]["static"].get<double>() / on;
    joules += engine["joules"]["dynamic"].get<double>() + idle_watts * engine["busy_seconds"].get<double>();
  }
  const double expected = profile["energy_mj"].get<double>() / 1e3;
  EXPECT_NEAR(joules / kFrames, expected, 1e-3 * expected);
  EXPECT_NEAR(json["streams"][0]["latency_ms"]["mean"].get<double>(), profile["modelled_ms"].get<double>(), 1e-3);
}

TEST_F(Engines, EveryExampleScenarioRuns) {
  for (const auto& entry : fs::directory_iterator(test::source_dir() / "examples/scenarios")) {
    const Outcome first = medlar("simulate --json " + entry.path().string());
    ASSERT_EQ(first.exit_code, 0) << entry.path() << first.text;
    const Json json = Json::parse(first.text);
    for (const Json& stream : json["streams"]) {
      EXPECT_GT(stream["completed"], 0) << entry.path();
      EXPECT_EQ(stream["missed_deadlines"], 0) << entry.path() << " " << stream["name"];
    }
    EXPECT_EQ(medlar("simulate --json " + entry.path().string()).text, first.text)
        << "two runs are the same bytes";
  }
}

TEST_F(Engines, ExecutionBesideTheSimulationRunsEveryFrame) {
  const std::string command = "simulate " + scenario("01_dla_only.yaml") + " --execute --frames 20";
  const Outcome first = medlar(command);
  ASSERT_EQ(first.exit_code, 0) << first.text;
  EXPECT_NE(first.text.find("executed camera/classify on dla0: 20 inferences"), std::string::npos)
      << first.text;
  const auto checksum = [](const std::string& text) { return text.substr(text.find("outputs ")); };
  EXPECT_EQ(checksum(first.text), checksum(medlar(command).text));
}

TEST_F(Engines, ScenarioTimelineOpens) {
  ASSERT_EQ(
      medlar("simulate " + scenario("03_dla_with_fallback.yaml") + " --timeline " + path("s.json")).exit_code,
      0);
  check_trace(read_json(path("s.json")), {"dla0", "gpu", "Transitions"});
}

TEST_F(Engines, SearchBeatsTheUsualWays) {
  const Outcome outcome = medlar("simulate --json " + scenario("06_two_models.yaml"));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.text;
  const Json assignments = Json::parse(outcome.text)["search"]["assignments"];
  ASSERT_EQ(assignments.size(), 4u);
  EXPECT_EQ(assignments[3]["name"], "optimised");
  for (const Json& assignment : assignments) {
    EXPECT_LE(assignments[3]["score"], assignment["score"]) << assignment["name"];
  }
}

TEST_F(Engines, StatsPrintALineAnInterval) {
  const Outcome outcome = medlar("stats " + scenario("04_always_on.yaml") + " --count 3");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.text;
  EXPECT_EQ(std::count(outcome.text.begin(), outcome.text.end(), '\n'), 3);
  for (const char* word : {"RAM", "EMC", "dla0", "MHz", "VDD_IN"}) {
    EXPECT_NE(outcome.text.find(word), std::string::npos) << word;
  }
}

TEST_F(Engines, TrtexecBuildsRunsAndExports) {
  const std::string files = " --exportTimes=" + path("times.json") +
                            " --exportProfile=" + path("profile.json") +
                            " --exportOutput=" + path("output.json") +
                            " --exportLayerInfo=" + path("layers.json") + " --saveEngine=" + path("d.engine");
  const Outcome outcome =
      trtexec("--onnx=" + digits() +
              " --useDLACore=0 --fp16 --allowGPUFallback --verbose --iterations=5 --duration=0.01" +
              std::string(" --dumpProfile --dumpOutput") + files);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.text;
  for (const char* line :
       {"&&&& RUNNING", "---------- Layers Running on DLA ----------", "[DlaLayer] {ForeignNode[conv1",
        "Device: DLA", "(fallback)", "[DLA] Layer conv1: ", "DLA utilization: ", "Throughput: ",
        "Latency: min = ", "GPU Compute Time: min = ", "percentile(99%)", "(modelled)",
        "(host: this computer)", "Total", "&&&& PASSED TensorRT.trtexec"}) {
    EXPECT_NE(outcome.text.find(line), std::string::npos) << line << "\n" << outcome.text;
  }
  const Json profile = read_json(path("profile.json"));
  EXPECT_TRUE(profile[0].contains("count"));
  double percentage = 0;
  for (size_t i = 1; i < profile.size(); ++i) {
    percentage += profile[i]["percentage"].get<double>();
  }
  EXPECT_NEAR(percentage, 100, 1e-6);
  for (const char* key : {"startEnqMs", "endComputeMs", "h2dMs", "computeMs", "d2hMs", "latencyMs"}) {
    EXPECT_TRUE(read_json(path("times.json"))[0].contains(key)) << key;
  }
  EXPECT_EQ(read_json(path("output.json"))[0]["values"].size(), 10u);
  EXPECT_FALSE(read_json(path("layers.json"))["Layers"].empty());
  const Outcome loaded =
      trtexec("--loadEngine=" + path("d.engine") +
              " --useDLACore=0 --iterations=3 --duration=0 --timeDeserialize --infStreams=2");
  EXPECT_EQ(loaded.exit_code, 0) << loaded.text;
  EXPECT_NE(loaded.text.find("Engine deserialized"), std::string::npos);
}

// The line of stats over a whole scenario has the watts of its simulation, and the memory of what is loaded.
TEST_F(Engines, StatsAgreeWithTheSimulation) {
  for (const char* name : {"02_dla_gpu_pipeline.yaml", "04_always_on.yaml"}) {
    const Json json = Json::parse(medlar("simulate --json " + scenario(name)).text);
    const std::string line = medlar("stats --count 0 --interval 3600000 " + scenario(name)).text;
    const size_t at = line.find("VDD_IN ");
    ASSERT_NE(at, std::string::npos) << line;
    EXPECT_NEAR(std::stod(line.substr(at + 7)), 1e3 * json["watts"].get<double>(), 0.6) << name;
    const size_t ram = line.find("RAM ");
    ASSERT_NE(ram, std::string::npos) << line;
    EXPECT_GT(std::stod(line.substr(ram + 4)), 1073.7) << "the system's share and the models";
  }
}

TEST_F(Engines, TheTableOfCompiledEnginesNamesAMissingTopology) {
  const Outcome outcome = medlar("accuracy engines " + path("nowhere"));
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_NE(outcome.text.find("resnet50.onnx"), std::string::npos) << outcome.text;
}

TEST_F(Engines, TrtexecForwardsPoolsPrecisionsAndFormats) {
  const std::string base = "--onnx=" + digits() + " --useDLACore=0 --allowGPUFallback --skipInference --dumpLayerInfo";
  const Outcome outcome =
      trtexec(base + " --int8 --calib=" + calibration() +
              " --layerPrecisions='conv1:fp16' --precisionConstraints=obey --memPoolSize=dlaSRAM:1,dlaLocalDRAM:64");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.text;
  EXPECT_NE(outcome.text.find("Layers:\n"), std::string::npos) << outcome.text;
  EXPECT_NE(outcome.text.find("Bindings:\n"), std::string::npos) << outcome.text;
  EXPECT_NE(trtexec(base + " --fp16 --memPoolSize=dlaSRAM:64").text.find("SRAM"), std::string::npos);
  EXPECT_NE(trtexec(base + " --int8 --calib=" + calibration() + " --layerPrecisions=nobody:fp16").text.find("nobody"),
            std::string::npos);
  EXPECT_EQ(trtexec(base + " --fp16 --layerPrecisions=conv1:fp16").exit_code, 0);
  EXPECT_NE(trtexec(base + " --fp16 --layerPrecisions=conv1:int8").text.find("INT8 build"), std::string::npos);
  const Outcome linear = trtexec(base + " --fp16 --outputIOFormats=fp16:dla_linear");
  EXPECT_NE(linear.exit_code, 0);
  EXPECT_NE(linear.text.find("dla_linear"), std::string::npos) << linear.text;
}

TEST_F(Engines, TrtexecTimesInt8WithoutCalibrationAndSaysWhatThatIsWorth) {
  const Outcome outcome = trtexec("--onnx=" + digits() + " --int8 --useDLACore=0 --allowGPUFallback --iterations=1 --duration=0");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.text;
  EXPECT_NE(outcome.text.find("[W] INT8 without calibration data: every range is assumed"), std::string::npos) << outcome.text;
  EXPECT_NE(outcome.text.find("&&&& PASSED"), std::string::npos) << outcome.text;
}

/// Commands as tutorials write them.
TEST_F(Engines, TrtexecTakesFlagsWithoutEffectAndSaysSo) {
  const Outcome outcome = trtexec("--onnx=" + digits() + " --fp16 --useDLACore=0 --allowGPUFallback --iterations=1 --duration=0 --useSpinWait"
                                  " --separateProfileRun --workspace=1024 --builderOptimizationLevel=5 --timingCacheFile=x.cache");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.text;
  for (const std::string flag : {"--useSpinWait", "--workspace", "--builderOptimizationLevel", "--timingCacheFile"}) {
    EXPECT_NE(outcome.text.find(flag + " has no effect: "), std::string::npos) << flag;
  }
}

TEST_F(Engines, TrtexecHasOneShapeAnEngine) {
  const std::string base = "--onnx=" + digits() + " --fp16 --useDLACore=0 --allowGPUFallback --iterations=1 --duration=0";
  const auto profile = [](const std::string& least, const std::string& most) {
    return " --minShapes=image:" + least + " --optShapes=image:" + most + " --maxShapes=image:" + most;
  };
  const std::string same = profile("1x1x28x28", "1x1x28x28");
  EXPECT_EQ(trtexec(base + same).exit_code, 0) << trtexec(base + same).text;
  const Outcome open = trtexec(base + profile("1x1x28x28", "4x1x28x28"));
  EXPECT_NE(open.exit_code, 0);
  EXPECT_NE(open.text.find("--minShapes=image:1x1x28x28 and --optShapes=image:4x1x28x28 differ"), std::string::npos) << open.text;
}

TEST_F(Engines, TrtexecComputesLayersInFp32OnTheHost) {
  const Outcome outcome = trtexec("--onnx=" + digits() + " --fp16 --useDLACore=0 --allowGPUFallback --iterations=1 --duration=0 --verbose"
                                  " --layerPrecisions=*:fp16,conv1:fp32");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.text;
  EXPECT_NE(outcome.text.find("[GpuLayer] CONV: conv1"), std::string::npos) << outcome.text;
}

TEST_F(Engines, TrtexecRefusesByNameWithAReason) {
  const auto message = [](const std::string& arguments) {
    const Outcome outcome = trtexec(arguments);
    EXPECT_NE(outcome.exit_code, 0) << arguments;
    return outcome.text;
  };
  const std::string onnx = "--onnx=" + digits();
  EXPECT_NE(message(onnx + " --safe").find("--safe is refused: there is no safety runtime"),
            std::string::npos);
  EXPECT_NE(message(onnx + " --noSuchFlag").find("unknown option: --noSuchFlag"), std::string::npos);
  EXPECT_NE(message(onnx + " --percentile=101").find("'101' is no number of 0 to 100"), std::string::npos);
  EXPECT_NE(message(onnx + " --useDLACore=7 --allowGPUFallback --iterations=1").find("DLA core 7"),
            std::string::npos);
  EXPECT_NE(message(onnx + " --fp16 --useDLACore=0").find("softmax"), std::string::npos)
      << "no fallback, no engine";
  EXPECT_NE(message(onnx + " --fp16 --buildDLAStandalone").find("--inputIOFormats"), std::string::npos);
  const std::string formats = " --inputIOFormats=fp16:chw16 --outputIOFormats=fp16:chw16";
  EXPECT_NE(message(onnx + " --fp16 --useDLACore=0 --buildDLAStandalone --allowGPUFallback" + formats)
                .find("exclude each other"),
            std::string::npos);
  EXPECT_NE(message(onnx + " --loadEngine=x.engine").find("either --onnx=FILE or --loadEngine=FILE"),
            std::string::npos);
  EXPECT_EQ(trtexec("--help").exit_code, 0);
}

}  // namespace
}  // namespace medlar

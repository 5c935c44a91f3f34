// SPDX-License-Identifier: Apache-2.0
#include "sample/source.hpp"

#include "base/files.hpp"
#include "sample/archive.hpp"
#include "sample/npy.hpp"
#include "support/test_data.hpp"

namespace medlar::sample {
namespace {

namespace fs = std::filesystem;

class Source : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              (std::string("medlar_source_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path save(const std::string& name, const graph::Tensor& tensor) const {
    EXPECT_TRUE(write_file(folder_ / name, *npy_bytes(tensor)));
    return folder_ / name;
  }

  fs::path folder_;
  const InputSpec input_{"x", graph::DataType::kFloat32, {1, 2}};
};

graph::Tensor pair(float a, float b) {
  return graph::make_tensor<float>(graph::DataType::kFloat32, {1, 2}, {a, b});
}

TEST_F(Source, FoldersAreReadInNameOrder) {
  save("b.npy", pair(3, 4));
  save("a.npy", pair(1, 2));
  ASSERT_TRUE(write_file(folder_ / "notes.txt", ByteBuffer{1}));
  std::vector<float> firsts;
  ASSERT_TRUE(visit_samples(folder_, {input_}, std::nullopt, [&](Sample sample) -> Result<bool> {
    firsts.push_back(sample.inputs.at("x").as<float>()[0]);
    return true;
  }));
  EXPECT_EQ(firsts, (std::vector<float>{1, 3}));
  EXPECT_EQ(*count_samples(folder_), 2u);
}

TEST_F(Source, AnEmptyFolderIsAnError) {
  const Status status = visit_samples(folder_, {input_}, std::nullopt, [](Sample) -> Result<bool> { return true; });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kNotFound);
}

TEST_F(Source, ShapesAndTypesAreChecked) {
  const auto path = save("a.npy", graph::make_tensor<float>(graph::DataType::kFloat32, {2, 1}, {1, 2}));
  const auto tensor = load_tensor(path, input_, std::nullopt);
  ASSERT_FALSE(tensor);
  EXPECT_NE(tensor.error().message.find("[2,1]"), std::string::npos);
  EXPECT_NE(tensor.error().message.find("'x'"), std::string::npos);
}

TEST_F(Source, RawFloatsFillTheShape) {
  const std::vector<float> values{1.5f, -2};
  ASSERT_TRUE(write_file(folder_ / "a.f32", as_bytes_view(values)));
  EXPECT_EQ(*load_tensor(folder_ / "a.f32", input_, std::nullopt), pair(1.5f, -2));
  ASSERT_TRUE(write_file(folder_ / "b.f32", ByteBuffer(7)));
  EXPECT_FALSE(load_tensor(folder_ / "b.f32", input_, std::nullopt));
  // As trtexec's --loadInputs takes them.
  ASSERT_TRUE(write_file(folder_ / "a.bin", as_bytes_view(values)));
  EXPECT_EQ(*load_tensor(folder_ / "a.bin", input_, std::nullopt), pair(1.5f, -2));
  const InputSpec integer{"n", graph::DataType::kInt64, {1}};
  EXPECT_EQ(load_tensor(folder_ / "a.bin", integer, std::nullopt)->bytes.size(), 8U);
  EXPECT_FALSE(load_tensor(folder_ / "a.f32", integer, std::nullopt)) << ".f32 states a type";
  const auto short_one = load_tensor(folder_ / "b.f32", {"n", graph::DataType::kInt64, {2}}, std::nullopt);
  ASSERT_FALSE(short_one);
  EXPECT_NE(short_one.error().message.find("16 bytes"), std::string::npos) << short_one.error().message;
}

TEST_F(Source, ImagesInATarAreStreamed) {
  MEDLAR_REFERENCE_DATA(tar, "images/mnist_200.tar");
  const InputSpec image{"Input3", graph::DataType::kFloat32, {1, 1, 28, 28}};
  int count = 0;
  const Status status = visit_samples(tar, {image}, std::nullopt, [&](Sample sample) -> Result<bool> {
    EXPECT_EQ(sample.inputs.at("Input3").bytes.size(), 28u * 28 * 4);
    return ++count < 5;
  });
  ASSERT_TRUE(status) << status.error().to_string();
  EXPECT_EQ(count, 5);
  EXPECT_EQ(*count_samples(tar), 200u);
}

TEST_F(Source, BrokenArchivesAreNamed) {
  ASSERT_TRUE(write_file(folder_ / "x.tar", ByteBuffer(700, 0x5a)));
  const Status status = visit_archive(folder_ / "x.tar", [](const std::string&, ByteBuffer) -> Result<bool> { return true; });
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("x.tar"), std::string::npos);
}

}  // namespace
}  // namespace medlar::sample

// SPDX-License-Identifier: Apache-2.0
// A simulated kernel with a log, and a proof that its device works.
#pragma once

#include "driver/client.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <string>

namespace medlar::driver::test {

inline constexpr uint64_t kCube = 2048;  // 8 x 8 x 32 INT8

class Sim : public testing::Test {
 protected:
  void start(KernelOptions options) {
    options.log = [this](Severity, std::string_view line) {
      const std::lock_guard lock(log_mutex);
      log.emplace_back(line);
    };
    auto created = Kernel::create(std::move(options));
    ASSERT_TRUE(created) << created.error().to_string();
    kernel = std::move(*created);
  }
  void SetUp() override { start(small_module("nv_large")); }

  const medlar_kernel* seam() { return kernel->seam(); }
  bool logged(std::string_view part) {
    const std::lock_guard lock(log_mutex);
    return std::any_of(log.begin(), log.end(),
                       [&](const std::string& line) { return line.find(part) != line.npos; });
  }

  /// One SDP operation that passes 8 x 8 x 32 INT8 values through.
  static TaskBuilder pass_through() {
    TaskBuilder builder(2);
    builder.add_sdp();
    return builder;
  }
  static void fill(std::span<uint8_t> bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<uint8_t>(i * 31 + i / 256);
    }
  }
  /// Proves that the device works.
  static void expect_correct_inference(Client& client) {
    Client::Memory src = client.create(kCube);
    Client::Memory dst = client.create(kCube);
    fill(src.bytes);
    TaskBuilder builder = pass_through();
    EXPECT_EQ(client.run(builder, {src, dst}), 0) << client.last_error().message;
    EXPECT_EQ(std::memcmp(src.bytes.data(), dst.bytes.data(), kCube), 0);
    client.destroy(src);
    client.destroy(dst);
  }

  std::mutex log_mutex;
  std::vector<std::string> log;
  std::unique_ptr<Kernel> kernel;
};

}  // namespace medlar::driver::test

// SPDX-License-Identifier: Apache-2.0
// The engine file: everything that `build` decided, ready to run on one device.
//
//   offset  0  8 bytes  "MEDLAR\0\1"   magic, format generation
//           8  u32      version        kEngineVersion of the writer
//          12  u32      zero
//          16  u64      size of the body in bytes
//          24  u64      XXH3-64 of the body
//          32           body: the FlatBuffer of engine.fbs
#pragma once

#include <filesystem>
#include <string>

#include "base/bytes.hpp"
#include "compiler/plan.hpp"
#include "hw/device.hpp"

namespace medlar::engine {

inline constexpr uint32_t kEngineVersion = 2;

struct Engine {
  std::string model;       ///< File name of the ONNX model, without its folder.
  std::filesystem::path source;  ///< Absolute path of that file at build time: where to look for it first.
  uint64_t source_hash = 0;  ///< hash64 of its bytes: tells the model from another file of its name.
  std::string device;      ///< Canonical device name.
  uint64_t fingerprint = 0;  ///< device_fingerprint() at build time.
  std::string precision;   ///< "int8" or "fp16".
  std::string preprocess;  ///< JSON of the preprocess file; empty when there was none.
  compiler::Plan plan;
};

/// True when the bytes start as an engine file does, whatever follows.
bool is_engine(ByteView bytes);

/// Deterministic: equal engines give equal bytes.
ByteBuffer serialize(const Engine& engine);

/// Verifies magic, version, size, checksum and structure. `name` appears in errors.
Result<Engine> deserialize(ByteView bytes, std::string_view name);

/// Reads and deserializes a file.
Result<Engine> load(const std::filesystem::path& file);

/// Changes whenever an engine built for the device could stop being valid for it: configuration and memory.
uint64_t device_fingerprint(const hw::DeviceProfile& device);

/// kDeviceMismatch unless the engine was built for `device`.
Status check_device(const Engine& engine, const hw::DeviceProfile& device, std::string_view name);

}  // namespace medlar::engine

// SPDX-License-Identifier: Apache-2.0
// NVIDIA's regression loadables through the C interface, driver, SMMU and chip, against NVIDIA's goldens.
#include "driver/client.hpp"
#include "loadable/corpus.hpp"
#include "loadable/loadable.hpp"
#include "loadable/upgrade.hpp"

#include <cstring>

namespace medlar::driver::test {
namespace {

/// A golden image: elements in the order channel, row, column, taken from device memory in the image's own
/// format.
struct Header {
  uint32_t format, width, height, channels, line_stride, surface_stride, size;
};
struct Golden : Header {
  ByteView elements;
};

Golden parse_golden(const ByteBuffer& file) {
  EXPECT_EQ(std::memcmp(file.data(), "DIMG", 4), 0);
  return {load_le<Header>(file.data() + 8), ByteView(file).subspan(36)};
}

/// The device buffer as the golden's program walked it: 32 bytes of channels a surface (regression file
/// formats 40: INT8, 41: INT16, 42: FP16).
ByteBuffer walk(const Golden& golden, std::span<const uint8_t> memory) {
  const uint32_t element = golden.format == 40 ? 1 : 2;
  const uint32_t channels = 32 / element;
  ByteBuffer result;
  for (uint32_t c = 0; c < golden.channels; ++c) {
    for (uint32_t y = 0; y < golden.height; ++y) {
      for (uint32_t x = 0; x < golden.width; ++x) {
        const uint64_t at = uint64_t{c / channels} * golden.surface_stride +
                            uint64_t{y} * golden.line_stride + uint64_t{x} * 32 + c % channels * element;
        for (uint32_t byte = 0; byte < element; ++byte) {
          result.push_back(at + byte < memory.size() ? memory[at + byte] : 0);
        }
      }
    }
  }
  return result;
}

const char* chip_of(const std::string& name) {
  return name.ends_with("_small") ? "nv_small" : name.ends_with("_large") ? "nv_large" : "nv_full";
}

void run_golden(const std::string& name, ByteView file, const ByteBuffer& golden_file) {
  SCOPED_TRACE(name);
  auto read = loadable::read(file, name);
  ASSERT_TRUE(read) << read.error().to_string();
  auto loadable = loadable::upgrade(std::move(*read));
  ASSERT_TRUE(loadable) << loadable.error().to_string();
  auto kernel = Kernel::create(small_module(chip_of(name)));
  ASSERT_TRUE(kernel);
  Client client((*kernel)->seam());
  std::vector<Client::Memory> memories;
  size_t output = 0;
  for (const loadable::Memory& memory : loadable->memories) {
    memories.push_back(client.create(memory.size));
    for (const loadable::Content& content : memory.contents) {
      if (const loadable::Blob* blob = loadable::find_blob(*loadable, content.blob)) {
        std::memcpy(memories.back().bytes.data() + content.offset, blob->data.data(), blob->data.size());
      }
    }
    output = memory.has(loadable::kMemoryOutput) ? memories.size() - 1 : output;
  }
  for (const loadable::Task& task : loadable->tasks) {
    std::vector<medlar_address> addresses;
    for (const uint16_t id : task.addresses) {
      const loadable::Address& address = loadable->addresses[id];
      addresses.push_back({memories[address.memory].handle, 0, address.offset});
    }
    const int fence = client.submit(addresses);
    ASSERT_GE(fence, 0) << client.last_error().message;
    ASSERT_EQ(client.finish(fence), 0) << client.last_error().message;
  }
  const Golden golden = parse_golden(golden_file);
  const ByteBuffer got = walk(golden, memories[output].bytes);
  ASSERT_EQ(got.size(), golden.elements.size());
  size_t wrong = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    wrong += got[i] != golden.elements[i];
  }
  EXPECT_EQ(wrong, 0u) << "of " << got.size() << " bytes";
}

TEST(Goldens, RegressionLoadablesReproduceTheirs) {
  MEDLAR_OFFICIAL_LOADABLES(loadables);
  MEDLAR_REFERENCE_DATA(archive, medlar::test::kRegressionArchive);
  const auto files = medlar::test::read_archive(archive);
  ASSERT_TRUE(files);
  int count = 0;
  for (const auto& [path, bytes] : *files) {
    const size_t start = path.find("golden/");
    if (start == std::string::npos || !path.ends_with(".dimg")) {
      continue;
    }
    const std::string directory = path.substr(start + 7, path.find('/', start + 7) - start - 7);
    const std::string name = directory.substr(0, directory.rfind('_'));
    if (loadables.contains(name) &&
        !name.starts_with("NN_")) {  // NN has CPU tasks: not the kernel's business
      run_golden(name, loadables.at(name), bytes);
      ++count;
    }
  }
  EXPECT_EQ(count, 14);
}

}  // namespace
}  // namespace medlar::driver::test

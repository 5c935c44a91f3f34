// SPDX-License-Identifier: Apache-2.0
// Reading, writing and dumping NVIDIA's own loadables.
#include "base/files.hpp"
#include "hw/descriptors.hpp"
#include "loadable/corpus.hpp"
#include "loadable/loadable.hpp"
#include "loadable/task_view.hpp"
#include "loadable/upgrade.hpp"
#include "support/test_data.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <sstream>

#include <gtest/gtest.h>

namespace medlar::loadable {
namespace {

constexpr size_t kRegressionFiles = 15;
constexpr size_t kFp16Files = 15;

TEST(Read, EveryOfficialFileParsesVerifiesAndRoundTrips) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  ASSERT_EQ(files.size(), kRegressionFiles + kFp16Files);
  for (const auto& [name, bytes] : files) {
    const auto first = read(bytes, name);
    ASSERT_TRUE(first) << first.error().to_string();
    const ByteBuffer written = write(*first);
    EXPECT_EQ(std::string(written.begin() + 4, written.begin() + 8), "NVDA") << name;
    EXPECT_EQ(written, write(*first)) << name;
    const auto second = read(written, name);
    ASSERT_TRUE(second) << second.error().to_string();
    EXPECT_EQ(*first, *second) << name;
    EXPECT_EQ(to_text(*first), to_text(*second)) << name;
    EXPECT_EQ(to_text(*first).find("broken"), std::string::npos) << name;
  }
}

TEST(Read, KnownFactsOfRegressionFiles) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  const auto conv = read(files.at("CONV_D_L0_0_small"), "CONV_D_L0_0_small");
  ASSERT_TRUE(conv) << conv.error().to_string();
  const auto view = dla_task(*conv, 0);
  ASSERT_TRUE(view) << view.error().to_string();
  EXPECT_EQ(view->version, (Version{0, 10, 0}));
  EXPECT_EQ(view->records, 2u);
  const auto op = view->op_body(0).conv_op;
  EXPECT_EQ(op.data_bank, 2);
  EXPECT_EQ(op.weight_bank, 9);
  EXPECT_EQ(op.entry_per_slice, 128);
  EXPECT_EQ(conv->tensors.at(0).strides[1], 64u);

  const auto mnist = read(files.at("NN_L0_0"), "NN_L0_0");
  ASSERT_TRUE(mnist) << mnist.error().to_string();
  ASSERT_EQ(mnist->tasks.size(), 3u);
  EXPECT_EQ(mnist->tasks[0].interface, Interface::kEmu1);
  EXPECT_EQ(mnist->tasks[1].interface, Interface::kDla1);
  EXPECT_EQ(mnist->events.size(), 5u);
  const std::string text = to_text(*mnist);
  EXPECT_NE(text.find("tensor 1 'prob' memory=12"), std::string::npos) << text.substr(0, 2000);
  EXPECT_NE(text.find("blob 'tb-13' size=800000"), std::string::npos);
}

/// Lines of the decoder's listing of one file.
std::vector<std::string> section(const std::string& listing, const std::string& name) {
  std::vector<std::string> lines;
  std::istringstream in(listing);
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("=== ")) {
      inside = line.ends_with("/" + name + "_fbuf");
    } else if (inside) {
      lines.push_back(line);
    }
  }
  return lines;
}

/// What was compared of each kind.
struct Compared {
  int blobs = 0, addresses = 0, memories = 0, ops = 0;
  uint32_t record =
      0;  ///< Of the next operation: the listing shows the index field, which old files leave odd.
};

/// Compares one line of the listing with the loadable, if it is of a kind that is compared.
void compare(const Loadable& l, const std::string& line, Compared& compared) {
  std::array<char, 128> text{};
  unsigned a = 0, b = 0, c = 0, d = 0, e = 0;
  if (std::sscanf(line.c_str(), "    %127s size=%u if=%u sub=%u ver=[%u, %u", text.data(), &a, &b, &c, &d,
                  &e) == 6) {
    const Blob* blob = find_blob(l, text.data());
    ASSERT_NE(blob, nullptr) << line;
    EXPECT_EQ(blob->data.size(), a) << line;
    EXPECT_EQ(static_cast<uint32_t>(blob->interface), b) << line;
    EXPECT_EQ(blob->sub_interface, c) << line;
    EXPECT_EQ(blob->version.minor, e) << line;
    ++compared.blobs;
  } else if (std::sscanf(line.c_str(), "    {'id': %u, 'mem_id': %u, 'offset': %u, 'size': %u}", &a, &b, &c,
                         &d) == 4) {
    EXPECT_EQ(l.addresses.at(a), (Address{static_cast<uint16_t>(b), c, d})) << line;
    ++compared.addresses;
  } else if (std::sscanf(line.c_str(),
                         "    {'id': %u, 'domain': %u, 'flags': %u, 'size': %u, 'alignment': %u", &a, &b, &c,
                         &d, &e) == 5) {
    const Memory& memory = l.memories.at(a);
    EXPECT_EQ(memory.flags, c) << line;
    EXPECT_EQ(memory.size, d) << line;
    EXPECT_EQ(memory.alignment, e) << line;
    ++compared.memories;
  } else if (std::sscanf(line.c_str(), "  op %u %127s dep %u", &a, text.data(), &b) == 3) {
    const size_t task = l.tasks[0].interface == Interface::kDla1 ? 0 : 1;
    const auto op = dla_task(l, task).value().op(compared.record++);
    std::string type(hw::op_type_name(op.op_type));
    std::ranges::transform(type, type.begin(), [](unsigned char x) { return std::toupper(x); });
    EXPECT_EQ(type, text.data()) << line;
    EXPECT_EQ(op.dependency_count, b) << line;
    ++compared.ops;
  }
}

TEST(Read, AgreesWithTheIndependentDecodersListing) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  MEDLAR_REFERENCE_DATA(path, "nvdla/regression_fbufs_decoded.txt");
  const std::string listing = read_text_file(path).value();
  Compared compared;
  for (const auto& [name, bytes] : files) {
    const auto l = read(bytes, name);
    ASSERT_TRUE(l) << l.error().to_string();
    compared.record = 0;
    for (const std::string& line : section(listing, name)) {
      SCOPED_TRACE(name);
      compare(*l, line, compared);
    }
  }
  EXPECT_GT(compared.blobs, 80);
  EXPECT_GT(compared.addresses, 100);
  EXPECT_GT(compared.memories, 100);
  EXPECT_GE(compared.ops, 28);
}

TEST(Read, DescriptorsOfTheCurrentLayout) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  const auto loadable = read(files.at("lenet"), "lenet");
  ASSERT_TRUE(loadable) << loadable.error().to_string();
  const auto view = dla_task(*loadable, 0);
  ASSERT_TRUE(view) << view.error().to_string();
  ASSERT_EQ(view->records, 10u);
  const auto conv = load_le<hw::SurfaceContainer>(view->surface(3).data()).conv_surface;
  EXPECT_EQ(conv.weight_data.address, 1);
  EXPECT_EQ(uint32_t{conv.weight_data.offset}, 65536u);
  EXPECT_EQ(conv.src_data.address, 2);
  EXPECT_EQ(uint32_t{conv.src_data.offset}, 65536u);
  const auto sdp = load_le<hw::SurfaceContainer>(view->surface(9).data()).sdp_surface;
  EXPECT_EQ(sdp.dst_data.offset, 90112u);
  EXPECT_EQ(sdp.src_data.type, NVDLA_MEM_TYPE_HW);
}

TEST(Read, RefusesWhatIsNotALoadable) {
  EXPECT_EQ(read({}, "empty.nvdla").error().code, Code::kCorrupt);
  const ByteBuffer zeros(4096, 0);
  const auto result = read(zeros, "zeros.nvdla");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("zeros.nvdla"), std::string::npos);
}

TEST(Read, AcceptsAnUnalignedBuffer) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  ByteBuffer bytes = files.at("bn");
  const auto expected = read(bytes, "bn");
  bytes.insert(bytes.begin(), 0);
  const auto shifted = read(ByteView(bytes).subspan(1), "bn");
  ASSERT_TRUE(expected);
  ASSERT_TRUE(shifted) << shifted.error().to_string();
  EXPECT_EQ(*expected, *shifted);
}

/// One corruption each; verify() must name it.
struct Case {
  const char* what;
  void (*corrupt)(Loadable&);
  const char* message;
};

const Case kCases[] = {
    {"task address", [](Loadable& l) { l.tasks[0].addresses[2] = 999; }, "address 999"},
    {"event", [](Loadable& l) { l.tasks[0].post_actions = {77}; }, "event 77"},
    {"submit", [](Loadable& l) { l.submits[0].tasks = {9}; }, "task 9"},
    {"no submits", [](Loadable& l) { l.submits.clear(); }, "0 submits"},
    {"memory id", [](Loadable& l) { l.addresses[3].memory = 200; }, "memory 200"},
    {"address end", [](Loadable& l) { l.addresses[2].offset = UINT64_MAX; }, "exceeds memory 2"},
    {"content name", [](Loadable& l) { l.memories[1].contents[0].blob = "nothing"; }, "'nothing'"},
    {"content fit", [](Loadable& l) { l.memories[1].contents[0].offset = UINT64_MAX; }, "does not fit"},
    {"bind id gap", [](Loadable& l) { l.memories[3].bind_id = 4; }, "bind ids reach 4"},
    {"tensor", [](Loadable& l) { l.memories[3].tensor_desc = 5; }, "tensor 5 of 2"},
    {"tensor of another", [](Loadable& l) { l.memories[3].tensor_desc = 1; }, "says memory 4"},
    {"tensor dims", [](Loadable& l) { l.tensors[0].c = -4; }, "dimensions 1x-4"},
    {"reloc", [](Loadable& l) { l.relocs[0].offset = 1u << 30; }, "exceeds memory"},
    {"blob name twice", [](Loadable& l) { l.blobs[1].name = l.blobs[0].name; }, "used twice"},
    {"interface", [](Loadable& l) { l.tasks[0].interface = Interface::kNone; }, "interface 0"},
    {"flags", [](Loadable& l) { l.memories[0].flags = 0x100; }, "flags 0x100"},
    {"short list", [](Loadable& l) { l.blobs[4].data.resize(600); }, "needs 1288"},
    {"list index", [](Loadable& l) { l.blobs[0].data[2] = 0x60; }, "index 96"},
    {"cube address", [](Loadable& l) { l.blobs[4].data[96 + 2] = 0x50; }, "index 80"},
    {"op type", [](Loadable& l) { l.blobs[1].data[3] = 9; }, "type 9"},
};

TEST(Verify, RefusesDescriptorsOfTheFuture) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  auto l = read(files.at("power1"), "power1").value();
  l.blobs[dla_task(l, 0)->root.blob].version = {0, 13, 0};
  const Status status = verify(l);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kVersionMismatch);
  EXPECT_EQ(status.error().message, "task 0: descriptors of version 0.13.0, known are versions up to 0.12");
}

TEST(Verify, NamesEveryBrokenReference) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  const auto good = read(files.at("power1"), "power1");
  ASSERT_TRUE(good) << good.error().to_string();
  ASSERT_EQ(good->blobs[4].name, "task-0-surf_list");
  for (const Case& c : kCases) {
    Loadable bad = *good;
    c.corrupt(bad);
    const Status status = verify(bad);
    ASSERT_FALSE(status) << c.what;
    EXPECT_EQ(status.error().code, Code::kCorrupt) << c.what;
    EXPECT_NE(status.error().message.find(c.message), std::string::npos)
        << c.what << ": " << status.error().message;
  }
}

}  // namespace
}  // namespace medlar::loadable

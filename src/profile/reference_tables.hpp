// SPDX-License-Identifier: Apache-2.0
// The tables themselves: references, and the model's answer to each.
#pragma once

#include "profile/accuracy_table.hpp"

#include <filesystem>
#include <vector>

namespace medlar::profile {

/// Cycles of NVIDIA's RTL (nv_full under Verilator) for the runs that ship with the program, and for those below `data`
/// when it is not empty: rtl_cycles.tsv with rtl_traces.tar.xz (and nvdla_hw_traces_v1.tar.xz) beside it, or in nvdla/.
/// kNotFound names a file that is absent.
Result<AccuracyTable> rtl_table(const std::filesystem::path& data);

/// ResNet-50 on the seven cores of NVIDIA's primer: frames a second and average milliwatts.
AccuracyTable primer_speed_table();
AccuracyTable primer_power_table();
/// The twelve utilisations behind NVIDIA's DLA table for Jetson AGX Orin.
AccuracyTable utilisation_table();
/// The seven rows of the described device: latency bands, watts, and what follows from them.
AccuracyTable seed_latency_table();
AccuracyTable seed_power_table();
AccuracyTable seed_claims_table();

/// All of them, in the page's order.
Result<std::vector<AccuracyTable>> all_tables(const std::filesystem::path& data);

}  // namespace medlar::profile

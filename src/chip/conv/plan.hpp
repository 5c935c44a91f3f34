// SPDX-License-Identifier: Apache-2.0
// From the registers of the convolution blocks to a verified ConvJob. Pure: looks at no memory and keeps nothing.
#pragma once

#include "base/status.hpp"
#include "chip/conv/conv.hpp"
#include "chip/conv/job.hpp"

namespace medlar::chip {

/// Error kFault: names block, register, value and limit.
Result<ConvJob> plan_convolution(const hw::HwConfig& config, const ConvRegisters& registers);

/// CBUF entries that one line of a feature cube takes.
uint64_t feature_entries_per_slice(const ConvJob& job);

/// Bytes of the uncompressed weight blob before its padding to a CBUF entry.
uint64_t weight_blob_bytes(const ConvJob& job);

}  // namespace medlar::chip

// SPDX-License-Identifier: Apache-2.0
// Flags of NVIDIA's trtexec that do nothing here: those that programs and scripts pass by habit, and those that are refused.
#pragma once

#include <span>
#include <string_view>

namespace medlar::trtexec {

struct OtherFlag {
  std::string_view name;
  std::string_view why;
};

/// They would change how long a build or this computer takes, never a result or a modelled time: with or without a value, they are
/// taken and said to have no effect.
std::span<const OtherFlag> flags_without_effect();
/// They would change what is built or measured.
std::span<const OtherFlag> refused_flags();

/// Null: not among them.
const OtherFlag* find_flag(std::span<const OtherFlag> flags, std::string_view name);

}  // namespace medlar::trtexec

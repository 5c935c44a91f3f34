// SPDX-License-Identifier: Apache-2.0
#include "runtime/report.hpp"

namespace medlar::runtime {

std::string_view hand_over_name(HandOver hand_over) {
  switch (hand_over) {
    case HandOver::kInPlace:
      return "in place";
    case HandOver::kConverted:
      return "converted";
    case HandOver::kCopied:
      return "copied";
  }
  return "";
}

}  // namespace medlar::runtime

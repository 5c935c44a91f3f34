// SPDX-License-Identifier: Apache-2.0
// Greedy assignment of steps to X1, X2 and Y; order is fixed, so greedy is exact.
#include "compiler/fuse/stages.hpp"

#include "compiler/functions.hpp"

namespace medlar::compiler {
namespace {

bool is_add(const Step& step) { return step.kind == StepKind::kAffine && !step.add.empty(); }
bool is_scale(const Step& step) { return step.kind == StepKind::kAffine && !step.mul.empty(); }

bool on_alu(const Step& step) {
  switch (step.kind) {
    case StepKind::kMin:
    case StepKind::kMax:
    case StepKind::kAddTensor:
    case StepKind::kMaxTensor:
    case StepKind::kMinTensor: return true;
    case StepKind::kAffine: return is_add(step) && !is_scale(step);
    default: return false;
  }
}

bool on_mul(const Step& step) {
  return step.kind == StepKind::kPrelu || step.kind == StepKind::kMulTensor || (is_scale(step) && !is_add(step));
}

class Planner {
 public:
  explicit Planner(const StageQuestion& question) : question_(question), left_(question.steps.size()) {
    integer_ = question.precision != hw::Precision::kFp16;
  }

  std::optional<StagePlan> run() {
    take_saturation();
    if (question_.config->sdp_bs()) {
      plan_x1();
    } else if (question_.from_conv && integer_) {
      return std::nullopt;
    }
    if (question_.config->sdp_bn() && !plan_.x2.used()) {
      plan_x(plan_.x2);
    }
    if (question_.config->sdp_ew()) {
      plan_y();
    }
    return next_ == left_ ? std::optional(plan_) : std::nullopt;
  }

 private:
  const Step& step() const { return question_.steps[next_]; }
  bool more() const { return next_ < left_; }
  int index() const { return static_cast<int>(next_); }

  bool relu_follows() const { return next_ + 1 < left_ && question_.steps[next_ + 1].kind == StepKind::kRelu; }

  void take_saturation() {
    if (integer_ && question_.may_saturate && left_ > 0 && question_.steps.back().kind == StepKind::kMin && question_.steps.back().add[0] > 0.0f) {
      plan_.saturates = true;
      --left_;
    }
  }

  void take_relu(StageSteps& stage) {
    if (more() && step().kind == StepKind::kRelu) {
      stage.relu = true;
      ++next_;
    }
  }

  void plan_x1() {
    if (!integer_) {
      plan_x(plan_.x1);
      return;
    }
    if (question_.from_conv) {
      // ALU adds the bias to the accumulator, MUL brings it to the next scale.
      if (more() && is_add(step()) && !is_scale(step())) {
        plan_.x1.alu = index();
        ++next_;
      }
      take_relu(plan_.x1);
      return;
    }
    if (more() && step().kind == StepKind::kAffine) {
      // From memory the stream is 8 bits wide: an addend keeps its precision only after the multiplication.
      plan_.x1.mul = is_scale(step()) ? index() : -1;
      plan_.x2.alu = is_add(step()) ? index() : -1;
      if (plan_.x2.alu >= 0 && !question_.config->sdp_bn()) {
        return;
      }
      ++next_;
      take_relu(plan_.x2.alu >= 0 ? plan_.x2 : plan_.x1);
      return;
    }
    take_relu(plan_.x1);
  }

  void plan_x(StageSteps& stage) {
    if (more() && is_add(step()) && is_scale(step()) && !integer_ && &stage == &plan_.x1 && question_.config->sdp_bn()) {
      plan_.x1.mul = index();  // x * mul in X1, + add in X2
      plan_.x2.alu = index();
      ++next_;
      take_relu(plan_.x2);
      return;
    }
    if (more() && is_add(step()) && is_scale(step()) && !integer_ && &stage == &plan_.x2 && question_.config->sdp_ew() && !relu_follows()) {
      plan_.x2.mul = index();  // x * mul in X2, + add in Y
      plan_.y.alu = index();
      ++next_;
      return;
    }
    if (more() && on_alu(step())) {
      stage.alu = index();
      ++next_;
    } else if (more() && on_mul(step())) {
      stage.mul = index();
      ++next_;
    }
    take_relu(stage);
  }

  /// Y has no ReLU. Its integer operands would need converters, so there it takes only bounds.
  void plan_y() {
    if (!more()) {
      return;
    }
    const bool bound = step().kind == StepKind::kMin || step().kind == StepKind::kMax;
    if (plan_.y.alu >= 0) {
      // taken by what X2 has left
    } else if (bound || (!integer_ && on_alu(step()))) {
      plan_.y.alu = index();
      ++next_;
    } else if (!integer_ && on_mul(step())) {
      plan_.y.mul = index();
      ++next_;
    }
    // With an entry for each stored value a table reads these alone.
    const bool fits = !integer_ || !more() || !by_stored_values(step()) || (next_ == 0 && !question_.from_conv);
    if (more() && step().kind == StepKind::kTable && question_.config->sdp_lut && fits) {
      plan_.y.table = index();
      ++next_;
    }
  }

  const StageQuestion& question_;
  StagePlan plan_;
  size_t next_ = 0, left_ = 0;
  bool integer_ = true;
};

}  // namespace

std::optional<StagePlan> plan_stages(const StageQuestion& question) { return Planner(question).run(); }

}  // namespace medlar::compiler

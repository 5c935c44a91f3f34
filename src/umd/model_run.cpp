// SPDX-License-Identifier: Apache-2.0
// Running: device tasks go to the kernel, chained by fences; host (EMU) tasks run here, between them.
#include "base/checked.hpp"
#include "umd/emu.hpp"
#include "umd/model_state.hpp"

#include <algorithm>
#include <functional>
#include <future>
#include <system_error>
#include <utility>

namespace medlar::umd {
namespace {

Status check_slice(const Context& context, const BindingInfo& info, const BufferSlice& slice) {
  if (!slice.buffer) {
    return fail(Code::kInvalidArgument, "'{}' is not bound", info.name);
  }
  if (&slice.buffer->context() != &context) {
    return fail(Code::kInvalidArgument, "'{}': the buffer belongs to another context, export and import it",
                info.name);
  }
  if (!range_inside(slice.offset, info.bytes, slice.buffer->size())) {
    return fail(Code::kInvalidArgument, "'{}': needs {} bytes at offset {}, the buffer has {}", info.name,
                info.bytes, slice.offset, slice.buffer->size());
  }
  return {};
}

Status check_bindings(const Context& context, const std::vector<BindingInfo>& infos,
                      const std::vector<BufferSlice>& slices, std::string_view what) {
  if (slices.size() != infos.size()) {
    return fail(Code::kInvalidArgument, "{} {} bound, the model has {}", slices.size(), what, infos.size());
  }
  for (size_t i = 0; i < infos.size(); ++i) {
    if (auto status = check_slice(context, infos[i], slices[i]); !status) {
      return tl::unexpected<Error>(std::move(status).error().in(what));
    }
  }
  return {};
}

/// The buffer behind a memory of the model in this run; null where there is none.
BufferSlice slice_of(const LoadedMemory& memory, const Bindings& bindings) {
  if (memory.input >= 0) {
    return bindings.inputs[static_cast<size_t>(memory.input)];
  }
  if (memory.output >= 0) {
    return bindings.outputs[static_cast<size_t>(memory.output)];
  }
  return {memory.buffer, 0};
}

Result<SubmittedTask> submit_device(Context& context, const std::vector<LoadedMemory>& memories,
                                    const LoadedTask& task, const Bindings& bindings,
                                    TaskSubmission submission) {
  std::vector<medlar_address> addresses;
  addresses.reserve(task.addresses.size());
  for (const TaskAddress& address : task.addresses) {
    const BufferSlice slice = slice_of(memories[address.memory], bindings);
    addresses.push_back({.handle = slice.buffer ? slice.buffer->handle() : 0,
                         .reserved = 0,
                         .offset = slice.buffer ? slice.offset + address.offset : 0});
  }
  submission.addresses = addresses;
  return context.submit(submission);
}

Status run_host(const std::vector<LoadedMemory>& memories, const LoadedTask& task, const Bindings& bindings) {
  EmuMemory memory(task.addresses.size());
  const auto open = [&](int16_t index) -> Status {
    const TaskAddress& address = task.addresses[static_cast<size_t>(index)];
    const BufferSlice slice = slice_of(memories[address.memory], bindings);
    if (slice.buffer) {
      MEDLAR_ASSIGN(const MutableBytes bytes, slice.buffer->map());
      memory[static_cast<size_t>(index)] = bytes.subspan(slice.offset + address.offset);
    }
    return {};
  };
  for (const loadable::EmuOp& op : task.ops) {  // decode_emu_task() checked the indices.
    MEDLAR_TRY(open(op.src.address));
    MEDLAR_TRY(open(op.dst.address));
  }
  return run_emu_task(task.ops, memory);
}

std::vector<int> device_fences(const std::vector<Fence>& fences) {
  std::vector<int> fds;
  for (const Fence& fence : fences) {
    if (fence.fd() >= 0) {
      fds.push_back(fence.fd());
    }
  }
  return fds;
}

bool all_on_device(const std::vector<Fence>& fences) {
  return std::ranges::all_of(fences, [](const Fence& fence) { return fence.fd() >= 0; });
}

Status wait_all(const std::vector<Fence>& fences) {
  for (const Fence& fence : fences) {
    MEDLAR_TRY(fence.wait());
  }
  return {};
}

/// One run of a model.
struct ModelRun {
  const std::shared_ptr<Context>& context;
  const std::vector<LoadedMemory>& memories;
  std::mutex& submit_mutex;
  const Bindings& bindings;
  uint64_t timeout_ns = 0;
  uint32_t loadable = 0;
  std::vector<int> in_fences{};

  /// Submits device tasks, each waiting for the one before it. The last one, not yet done.
  Result<SubmittedTask> submit(std::span<const LoadedTask> tasks) const {
    const std::lock_guard lock(submit_mutex);
    SubmittedTask previous;
    for (const LoadedTask& task : tasks) {
      const std::vector<int> waits =
          previous.fence.valid() ? std::vector<int>{previous.fence.get()} : in_fences;
      MEDLAR_ASSIGN(previous, submit_device(*context, memories, task, bindings,
                                            {.addresses = {},
                                             .in_fences = waits,
                                             .timeout_ns = timeout_ns,
                                             .loadable = loadable}));
    }
    return previous;
  }

  /// Runs all tasks to the end.
  Status run(std::span<const LoadedTask> tasks) const {
    while (!tasks.empty()) {
      const bool host = tasks[0].host;
      const auto end = std::ranges::find_if(tasks, [&](const LoadedTask& t) { return t.host != host; });
      const auto group = tasks.first(static_cast<size_t>(end - tasks.begin()));
      if (host) {
        for (const LoadedTask& task : group) {
          MEDLAR_TRY(run_host(memories, task, bindings));
        }
      } else {
        MEDLAR_ASSIGN(SubmittedTask last, submit(group));
        MEDLAR_TRY(Fence(context, std::move(last)).wait());
      }
      tasks = tasks.subspan(group.size());
    }
    return {};
  }
};

/// Starts `work` on a thread of its own.
Result<Fence> launch(std::function<Status()> work) {
  try {
    return Fence(std::async(std::launch::async, std::move(work)).share());
  } catch (const std::system_error& error) {
    return fail(Code::kResourceExhausted, "cannot start a thread for host tasks: {}", error.what());
  }
}

}  // namespace

Result<Fence> LoadedModel::submit(const Bindings& bindings, const SubmitOptions& options) const {
  MEDLAR_TRY(check_bindings(*state_->context, state_->inputs, bindings.inputs, "inputs"));
  MEDLAR_TRY(check_bindings(*state_->context, state_->outputs, bindings.outputs, "outputs"));
  const auto timeout = static_cast<uint64_t>(std::max<int64_t>(options.timeout.count(), 0));
  if (!state_->has_host_tasks && all_on_device(options.wait_for)) {
    const ModelRun run{state_->context, state_->memories, state_->submit_mutex,
                       bindings,        timeout,          state_->loadable,     device_fences(options.wait_for)};
    MEDLAR_ASSIGN(SubmittedTask last, run.submit(state_->tasks));
    return Fence(state_->context, std::move(last),
                 std::make_shared<std::pair<LoadedModel, Bindings>>(*this, bindings), state_->layers);
  }
  // The host has a part in it: a thread of its own sees the run through, and keeps model and bindings alive.
  return state_->host_queue.take([&](uint64_t ticket) {
    return launch([state = state_, bindings, timeout, wait_for = options.wait_for, ticket]() -> Status {
      Status status = wait_all(wait_for);
      state->host_queue.wait_turn(ticket);
      if (status) {
        status = ModelRun{state->context, state->memories, state->submit_mutex, bindings, timeout, state->loadable}.run(
            state->tasks);
      }
      state->host_queue.done();
      return status;
    });
  });
}

}  // namespace medlar::umd

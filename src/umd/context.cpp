// SPDX-License-Identifier: Apache-2.0
#include "umd/context.hpp"

#include <algorithm>

namespace medlar::umd {

Result<std::shared_ptr<Context>> Context::create(std::shared_ptr<Device> device, Priority priority) {
  MEDLAR_ASSIGN(KernelFd fd, device->reopen());
  std::shared_ptr<Context> context(new Context(std::move(device), std::move(fd)));
  medlar_context args{};
  args.priority = static_cast<uint32_t>(priority);
  if (const int error = context->fd_.call(MEDLAR_CREATE_CONTEXT, args); error < 0) {
    return kernel_error(fmt::format("{}: create context (limit {})", context->device_->info().node,
                                    context->device_->info().max_contexts),
                        error);
  }
  context->id_ = args.context;
  return context;
}

Context::~Context() {
  if (id_ != 0) {
    medlar_context args{};
    args.context = id_;
    fd_.call(MEDLAR_DESTROY_CONTEXT, args);
  }
}

Result<uint32_t> Context::add_loadable(std::span<const std::string> layers) {
  std::string names;
  for (const std::string& layer : layers) {
    names.append(layer.c_str()).push_back('\0');
  }
  medlar_loadable args{};
  args.context = id_;
  if (!names.empty() && names.size() <= MEDLAR_MAX_NAMES_SIZE) {  // the log does without longer ones
    args.names = reinterpret_cast<uintptr_t>(names.data());
    args.names_size = names.size();
  }
  const std::lock_guard lock(submit_mutex_);
  if (const int error = fd_.call(MEDLAR_ADD_LOADABLE, args); error < 0) {
    return kernel_error(fmt::format("{}: load a network (limit {} loadables on a core)", device_->info().node,
                                    device_->info().max_loadables),
                        error);
  }
  return args.loadable;
}

void Context::remove_loadable(uint32_t loadable) {
  medlar_loadable args{};
  args.context = id_;
  args.loadable = loadable;
  fd_.call(MEDLAR_REMOVE_LOADABLE, args);
}

Result<SubmittedTask> Context::submit(const TaskSubmission& task) {
  if (task.in_fences.size() > MEDLAR_MAX_IN_FENCES) {
    return fail(Code::kInvalidArgument, "{} fences to wait for, the limit is {}", task.in_fences.size(),
                MEDLAR_MAX_IN_FENCES);
  }
  medlar_submit args{};
  args.context = id_;
  args.addresses = reinterpret_cast<uintptr_t>(task.addresses.data());
  args.num_addresses = static_cast<uint32_t>(task.addresses.size());
  args.address_size = sizeof(medlar_address);
  args.in_fences = task.in_fences.empty() ? 0 : reinterpret_cast<uintptr_t>(task.in_fences.data());
  args.num_in_fences = static_cast<uint32_t>(task.in_fences.size());
  args.timeout_ns = task.timeout_ns;
  args.loadable = task.loadable;
  const std::lock_guard lock(submit_mutex_);
  if (const int error = fd_.call(MEDLAR_SUBMIT, args); error < 0) {
    if (auto reason = last_error(0)) {
      return tl::unexpected<Error>(*std::move(reason));
    }
    return kernel_error(fmt::format("{}: submit", device_->info().node), error);
  }
  return SubmittedTask{KernelFd(fd_.kernel(), args.out_fence), args.serial};
}

medlar_query_error Context::last_failure() const {
  medlar_query_error args{};
  if (fd_.call(MEDLAR_QUERY_ERROR, args) < 0) {
    args = {};
  }
  return args;
}

std::optional<Error> Context::last_error(uint64_t serial) const {
  const medlar_query_error args = last_failure();
  if (args.kind == MEDLAR_ERROR_NONE || args.serial != serial) {
    return std::nullopt;
  }
  const std::string message(args.message, std::find(args.message, args.message + sizeof(args.message), '\0'));
  const Code code = args.kind == MEDLAR_ERROR_DESCRIPTOR ? Code::kCorrupt : errno_code(args.error);
  return Error{code, fmt::format("{}: {}", device_->info().node, message)};
}

}  // namespace medlar::umd

// SPDX-License-Identifier: Apache-2.0
#include "medlar/device.hpp"

#include "api/public/device_state.hpp"
#include "api/public/errors.hpp"
#include "hw/device.hpp"

#include <cstdlib>
#include <cstring>
#include <mutex>

namespace medlar {
namespace {

/// The device that code without a Device argument uses. One for the process, as a board has one.
struct Current {
  std::mutex mutex;
  std::optional<std::string> wanted;
  std::shared_ptr<ModuleState> module;
};

Current& current_device() {
  static Current current;
  return current;
}

}  // namespace

// --- Buffers

BufferState::~BufferState() {
  if (module) {
    module->forget(*this);
  }
}

std::shared_ptr<BufferState> ModuleState::own(std::shared_ptr<runtime::DeviceMemory> memory, size_t bytes) {
  const MutableBytes mapped = door::take(memory->map());
  auto buffer = std::make_shared<BufferState>();
  buffer->memory = std::move(memory);
  buffer->data = mapped.data();
  buffer->size = bytes;
  {
    const std::lock_guard lock(mutex_);
    ranges_.insert({buffer->data, {bytes, buffer->memory, buffer.get()}});
  }
  buffer->module = shared_from_this();  // from here on its destructor takes the range out again
  return buffer;
}

void ModuleState::forget(const BufferState& buffer) {
  const std::lock_guard lock(mutex_);
  std::erase_if(ranges_, [&](const auto& range) { return range.second.owner == &buffer; });
}

std::optional<ModuleState::Place> ModuleState::find(const void* address) const {
  const auto* at = static_cast<const uint8_t*>(address);
  const std::lock_guard lock(mutex_);
  if (at == nullptr) {
    return std::nullopt;
  }
  const auto first = ranges_.lower_bound(at);  // the last begin at or before the address
  for (auto range = first; range != ranges_.end() && range->first == first->first; ++range) {
    const auto offset = static_cast<uint64_t>(at - range->first);
    auto memory = range->second.memory.lock();
    if (memory && offset < range->second.size) {
      return Place{std::move(memory), offset, range->second.size - offset};
    }
  }
  return std::nullopt;
}

uint64_t ModuleState::allocated() const {
  const std::lock_guard lock(mutex_);
  uint64_t bytes = 0;
  for (const auto& [begin, range] : ranges_) {
    bytes += range.size;
  }
  return bytes;
}

void ModuleState::add_stream(const std::shared_ptr<StreamState>& stream) {
  const std::lock_guard lock(mutex_);
  std::erase_if(streams_, [](const auto& weak) { return weak.expired(); });
  streams_.push_back(stream);
}

std::vector<std::shared_ptr<StreamState>> ModuleState::live_streams() {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<StreamState>> live;
  for (const auto& weak : streams_) {
    if (auto stream = weak.lock()) {
      live.push_back(std::move(stream));
    }
  }
  return live;
}

void* Buffer::data() const {
  if (!state_) {
    door::raise(ErrorCode::kInvalidArgument, "an empty buffer has no data");
  }
  return state_->data;
}

size_t Buffer::size() const noexcept {
  return state_ ? state_->size : 0;
}

int Buffer::exportFd() const {
  data();
  return door::take(state_->memory->export_fd());
}

// --- Device

std::string Device::defaultName() {
  {
    Current& current = current_device();
    const std::lock_guard lock(current.mutex);
    if (current.wanted) {
      return *current.wanted;
    }
  }
  const char* name = std::getenv("MEDLAR_DEVICE");
  return name != nullptr && *name != '\0' ? std::string(name) : std::string(hw::default_device().name);
}

Device Device::open(std::string_view name) {
  const std::string wanted = name.empty() ? defaultName() : std::string(name);
  auto state = std::make_shared<ModuleState>();
  state->module = door::take(api::Module::boot(*door::take(hw::find_device(wanted))));
  state->name = state->module->device().name;
  return Device(std::move(state));
}

Device Device::current() {
  Current& current = current_device();
  {
    const std::lock_guard lock(current.mutex);
    if (current.module) {
      return Device(current.module);
    }
  }
  const Device opened = open();
  const std::lock_guard lock(current.mutex);
  if (!current.module) {
    current.module = opened.state();
  }
  return Device(current.module);
}

void Device::setCurrent(std::string_view name) {
  const std::string canonical(door::take(hw::find_device(name))->name);
  Current& current = current_device();
  const std::lock_guard lock(current.mutex);
  current.wanted = canonical;
  if (current.module && current.module->name != canonical) {
    current.module.reset();
  }
}

std::vector<std::string> Device::names() {
  std::vector<std::string> names;
  for (const hw::DeviceProfile& device : hw::devices()) {
    names.emplace_back(device.name);
  }
  return names;
}

const std::string& Device::name() const noexcept {
  return state_->name;
}

std::string Device::label() const {
  return std::string(hw::label_name(state_->module->device().label));
}

int Device::numDLACores() const noexcept {
  return static_cast<int>(state_->module->cores());
}

MemoryInfo Device::memory() const {
  return {.totalBytes = state_->module->device().dram_bytes, .allocatedBytes = state_->allocated()};
}

Buffer Device::allocate(size_t bytes) const {
  if (bytes == 0) {
    door::raise(ErrorCode::kInvalidArgument, "a buffer of 0 bytes");
  }
  return Buffer(state_->own(door::take(state_->module->allocate(bytes)), bytes));
}

Buffer Device::importFd(int fd, bool readOnly) const {
  if (fd < 0) {
    door::raise(ErrorCode::kInvalidArgument, "file descriptor {}", fd);
  }
  auto memory = door::take(state_->module->import_fd(fd, readOnly));
  const uint64_t bytes = memory->size();
  return Buffer(state_->own(std::move(memory), bytes));
}

void Device::closeFd(int fd) const {
  door::take(state_->module->close_fd(fd));
}

void Device::checkRange(const void* address, size_t bytes) const {
  const auto place = state_->find(address);
  if (!place) {
    door::raise(ErrorCode::kOutOfRange, "address {} is no device memory of {} (never allocated, or freed)",
                address, state_->name);
  }
  if (place->room < bytes) {
    door::raise(ErrorCode::kOutOfRange, "{} bytes at {}: the buffer ends after {}", bytes, address,
                place->room);
  }
}

Stream Device::createStream() const {
  auto stream = std::make_shared<StreamState>();
  stream->module = state_;
  stream->queue = door::take(runtime::Stream::create());
  state_->add_stream(stream);
  return Stream(std::move(stream));
}

Event Device::createEvent() const {
  return Event(std::make_shared<EventState>());
}

void Device::synchronize() const {
  for (const auto& stream : state_->live_streams()) {
    Stream(stream).synchronize();
  }
}

// --- Streams and events

runtime::Event StreamState::push(Work work) {
  return door::take(queue->enqueue_host(
      [this, work = std::move(work)](const runtime::Cancellation& cancellation) -> Status {
        try {
          return work(cancellation);
        } catch (...) {
          const std::lock_guard lock(error_mutex);
          if (!error) {
            error = std::current_exception();
          }
        }
        return {};
      }));
}

namespace {

StreamState& checked(const std::shared_ptr<StreamState>& state) {
  if (!state) {
    door::raise(ErrorCode::kInvalidArgument, "an empty stream");
  }
  return *state;
}

EventState& checked(const std::shared_ptr<EventState>& state) {
  if (!state) {
    door::raise(ErrorCode::kInvalidArgument, "an empty event");
  }
  return *state;
}

void check_copy(const void* to, const void* from, size_t bytes) {
  if (bytes != 0 && (to == nullptr || from == nullptr)) {
    door::raise(ErrorCode::kInvalidArgument, "a copy of {} bytes {} a null pointer", bytes,
                to == nullptr ? "to" : "from");
  }
}

}  // namespace

void Stream::synchronize() const {
  StreamState& state = checked(state_);
  const Status status = state.queue->synchronize();
  std::exception_ptr thrown;
  {
    const std::lock_guard lock(state.error_mutex);
    thrown = std::exchange(state.error, nullptr);
  }
  if (thrown) {
    std::rethrow_exception(thrown);
  }
  door::take(status);
}

bool Stream::done() const {
  return checked(state_).queue->pending() == 0;
}

void Stream::wait(const Event& event) const {
  StreamState& state = checked(state_);
  if (const auto mark = checked(event.state()).current()) {
    door::take(state.queue->wait_for(mark->done));
  }
}

void Stream::copy(void* to, const void* from, size_t bytes) const {
  check_copy(to, from, bytes);
  checked(state_).push([to, from, bytes](const runtime::Cancellation&) -> Status {
    std::memmove(to, from, bytes);
    return {};
  });
}

void Stream::fill(void* to, int value, size_t bytes) const {
  check_copy(to, to, bytes);
  checked(state_).push([to, value, bytes](const runtime::Cancellation&) -> Status {
    std::memset(to, value, bytes);
    return {};
  });
}

void Stream::host(std::function<void()> work) const {
  if (!work) {
    door::raise(ErrorCode::kInvalidArgument, "no function to run");
  }
  checked(state_).push([work = std::move(work)](const runtime::Cancellation&) -> Status {
    door::guarded("a stream's host function", work);
    return {};
  });
}

void Event::record(const Stream& stream) const {
  EventState& state = checked(state_);
  StreamState& queue = checked(stream.state());
  auto mark = std::make_shared<EventState::Mark>();
  mark->module = queue.module.get();
  mark->done = queue.push([&queue, raw = std::weak_ptr(mark)](const runtime::Cancellation&) -> Status {
    if (const auto live = raw.lock()) {
      live->modelled_ms = queue.modelled_ms;
      live->host = std::chrono::steady_clock::now();
    }
    return {};
  });
  const std::lock_guard lock(state.mutex);
  state.mark = std::move(mark);
}

void Event::synchronize() const {
  if (const auto mark = checked(state_).current()) {
    door::take(mark->done.wait());
  }
}

bool Event::done() const {
  const auto mark = checked(state_).current();
  return !mark || mark->done.done();
}

namespace {

/// Marks of two events that are recorded and done.
std::pair<std::shared_ptr<EventState::Mark>, std::shared_ptr<EventState::Mark>> marks(const Event& start,
                                                                                      const Event& end) {
  auto first = checked(start.state()).current();
  auto last = checked(end.state()).current();
  if (!first || !last) {
    door::raise(ErrorCode::kInvalidArgument, "the {} event was never recorded", first ? "second" : "first");
  }
  if (!first->done.done() || !last->done.done()) {
    door::raise(ErrorCode::kBusy, "an event is not done yet: synchronise first");
  }
  return {std::move(first), std::move(last)};
}

}  // namespace

double Event::modelledMsSince(const Event& start) const {
  const auto [first, last] = marks(start, *this);
  return last->modelled_ms - first->modelled_ms;
}

double Event::hostMsSince(const Event& start) const {
  const auto [first, last] = marks(start, *this);
  return std::chrono::duration<double, std::milli>(last->host - first->host).count();
}

}  // namespace medlar

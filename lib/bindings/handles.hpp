#pragma once
// Handles that may be wrong: closed, foreign, used by two threads at once. None of it touches memory that is
// not ours.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace ersatz::c {

/// Objects behind numbers that look like pointers and are never given out twice: tag in the lowest three bits
/// (a pointer to anything of others has zeros there), then a place, then how often the place was used. Places
/// are never freed, so that a closed handle can be told from an open one without a lock. Has no destructor:
/// handles may be used while a process ends.
template <class Object, std::uintptr_t tag>
class HandleTable {
  static_assert(tag > 0 && tag < 8 && sizeof(std::uintptr_t) == 8);

  struct Place {
    std::atomic<std::uintptr_t> handle{0};  ///< that is open here; 0: none
    std::atomic<bool> taken{false};
    std::shared_ptr<Object> object;  ///< of whoever has taken the place
    std::uintptr_t number = 0, uses = 0;
    Place* next = nullptr;  ///< in the list of free ones
  };

 public:
  /// The object of an open handle, to the exclusion of all others.
  class Lease {
   public:
    Lease() = default;
    explicit Lease(Place& place) : place_(&place) {}
    Lease(Lease&& other) noexcept : place_(std::exchange(other.place_, nullptr)) {}
    Lease& operator=(Lease&& other) noexcept {
      std::swap(place_, other.place_);
      return *this;
    }
    ~Lease() {
      if (place_) place_->taken.store(false, std::memory_order_release);
    }
    explicit operator bool() const { return place_ != nullptr; }
    Object& operator*() const { return *place_->object; }
    Object* operator->() const { return place_->object.get(); }
    const std::shared_ptr<Object>& share() const { return place_->object; }

   private:
    friend class HandleTable;
    Place* place_ = nullptr;
  };

  std::uintptr_t insert(std::shared_ptr<Object> object) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!free_) grow();
    Place& place = *std::exchange(free_, free_->next);
    place.object = std::move(object);
    const std::uintptr_t handle = ++place.uses << (place_bits + 3) | place.number << 3 | tag;
    place.handle.store(handle, std::memory_order_release);
    return handle;
  }

  bool is_open(std::uintptr_t handle) const {
    const Place* place = find(handle);
    return place && place->handle.load(std::memory_order_acquire) == handle;
  }

  /// An empty lease if the handle is not open, or if it is taken and `wait` is false.
  Lease take(std::uintptr_t handle, bool wait) {
    if (!is_open(handle)) return {};
    Place& place = *find(handle);
    while (place.taken.exchange(true, std::memory_order_acquire)) {
      if (!wait) return {};
      std::this_thread::yield();
    }
    Lease lease(place);
    if (place.handle.load(std::memory_order_relaxed) != handle) return {};  // closed meanwhile
    return lease;
  }

  /// Closes the handle; the object lives for as long as others share it.
  void remove(Lease lease) {
    Place& place = *lease.place_;
    const std::shared_ptr<Object> last = std::move(place.object);
    place.handle.store(0, std::memory_order_release);
    { const Lease done = std::move(lease); }
    const std::lock_guard<std::mutex> lock(mutex_);
    place.next = std::exchange(free_, &place);
  }

 private:
  static constexpr int place_bits = 21;
  static constexpr std::uintptr_t block_size = 256, blocks = (std::uintptr_t{1} << place_bits) / block_size;

  Place* find(std::uintptr_t handle) const {
    if ((handle & 7) != tag) return nullptr;
    const std::uintptr_t number = (handle >> 3) & ((std::uintptr_t{1} << place_bits) - 1);
    Place* block = blocks_[number / block_size].load(std::memory_order_acquire);
    return block ? block + number % block_size : nullptr;
  }

  void grow() {
    if (made_ == blocks) throw std::bad_alloc();
    auto* block = new Place[block_size];
    for (std::uintptr_t i = block_size; i-- > 0;) {
      block[i].number = made_ * block_size + i;
      block[i].next = std::exchange(free_, block + i);
    }
    blocks_[made_++].store(block, std::memory_order_release);
  }

  std::mutex mutex_;  ///< of the free list and of growing
  Place* free_ = nullptr;
  std::uintptr_t made_ = 0;
  std::array<std::atomic<Place*>, blocks> blocks_{};
};

}  // namespace ersatz::c

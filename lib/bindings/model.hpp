#pragma once
// What the handles of the C interface stand for, and what a call works with.

#include <cstdint>
#include <memory>
#include <vector>

#include "bindings/handles.hpp"
#include "bindings/status.hpp"
#include "ersatz/emulator/emulator.hpp"

namespace ersatz::c {

struct Model {
  explicit Model(Emulator e);
  Emulator emulator;
  std::vector<Index> offsets;  ///< of the outputs in a row
  Index row = 0;               ///< doubles of all outputs
  Index rank = 0;              ///< directions of the covariance
};
using ModelPtr = std::shared_ptr<const Model>;

/// What a workspace of the C interface is: memory, and the model that it was last used with, so that the next
/// call with it need not touch what other threads touch.
struct Scratch {
  Workspace memory;
  std::uintptr_t handle = 0;
  ModelPtr model;
};

using ModelTable = HandleTable<const Model, 5>;
using ScratchTable = HandleTable<Scratch, 3>;
ModelTable& models();
ScratchTable& scratches();

/// Throws Failure where a handle is not open, or the workspace is in use.
ModelPtr find(const ersatz_emulator* emulator);
ScratchTable::Lease take(ersatz_workspace* workspace);
ersatz_emulator* insert(ModelPtr model);

/// The model and the memory of one call: those of the workspace, or of its own where that is null.
class Call {
 public:
  Call(const ersatz_emulator* emulator, ersatz_workspace* workspace);
  const Model& model() const { return *model_; }
  const Emulator& emulator() const { return model_->emulator; }
  Workspace& memory() const { return *memory_; }

 private:
  ScratchTable::Lease lease_;
  ModelPtr own_model_;
  std::unique_ptr<Workspace> own_memory_;
  const Model* model_;
  Workspace* memory_;
};

/// Throws Failure unless a pointer for one value (or a text) is there.
void check_pointer(const void* pointer, const char* name);
/// Throws Failure unless there is a buffer of at least `needed` (`exactly`: of just so many) elements of
/// eight bytes.
void check_buffer(const void* buffer, const char* name, std::int64_t size, std::int64_t needed,
                  bool exactly = false);
/// a · b. Throws Failure where that overflows.
std::int64_t product(std::int64_t a, std::int64_t b);
/// Throws Failure where two buffers share memory.
void check_apart(const void* a, const char* a_name, std::int64_t a_size, const void* b, const char* b_name,
                 std::int64_t b_size);
/// Throws Failure unless 0 <= number < count.
void check_number(std::int64_t number, std::int64_t count, const char* what);

}  // namespace ersatz::c

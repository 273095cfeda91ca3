#include "bindings/model.hpp"

#include <utility>

namespace ersatz::c {
namespace {

std::uintptr_t number_of(const void* handle) { return reinterpret_cast<std::uintptr_t>(handle); }

std::string not_open(const void* handle, const char* what, bool is_other, const char* other) {
  if (!handle) return text("the handle of the ", what, " is null");
  if (is_other) return text("the handle of the ", what, " is that of ", other);
  return text("the handle of the ", what, " is not open: it was closed, or is none of Ersatz's");
}

}  // namespace

Model::Model(Emulator e) : emulator(std::move(e)) {
  for (const OutputSpec& output : emulator.outputs()) {
    offsets.push_back(row);
    row += output.width();
  }
  for (const Decoding& decoding : emulator.decodings())
    for (const Index c : decoding.channels) {
      const Basis& basis = *emulator.channels()[static_cast<std::size_t>(c)].basis;
      if (!basis.entrywise()) rank += basis.coefficients() + basis.residual_modes().rows();
    }
}

ModelTable& models() {
  static ModelTable table;
  return table;
}

ScratchTable& scratches() {
  static ScratchTable table;
  return table;
}

ModelPtr find(const ersatz_emulator* emulator) {
  const auto handle = number_of(emulator);
  const ModelTable::Lease lease = models().take(handle, true);
  if (!lease)
    throw Failure(ERSATZ_BAD_HANDLE,
                  not_open(emulator, "emulator", scratches().is_open(handle), "a workspace"));
  return lease.share();
}

ScratchTable::Lease take(ersatz_workspace* workspace) {
  const auto handle = number_of(workspace);
  ScratchTable::Lease lease = scratches().take(handle, false);
  if (lease) return lease;
  if (scratches().is_open(handle))
    throw Failure(ERSATZ_BUSY, "the workspace is in use by another call: every thread needs one of its own");
  throw Failure(ERSATZ_BAD_HANDLE, not_open(workspace, "workspace", models().is_open(handle), "an emulator"));
}

ersatz_emulator* insert(ModelPtr model) {
  return reinterpret_cast<ersatz_emulator*>(models().insert(std::move(model)));
}

Call::Call(const ersatz_emulator* emulator, ersatz_workspace* workspace) {
  if (!workspace) {
    own_model_ = find(emulator);
    own_memory_ = std::make_unique<Workspace>();
    model_ = own_model_.get();
    memory_ = own_memory_.get();
    return;
  }
  ScratchTable::Lease lease = take(workspace);
  const auto handle = number_of(emulator);
  if (lease->handle != handle || !models().is_open(handle)) {
    lease->handle = 0;
    lease->model.reset();
    lease->model = find(emulator);
    lease->handle = handle;
  }
  model_ = lease->model.get();
  memory_ = &lease->memory;
  lease_ = std::move(lease);
}

void check_pointer(const void* pointer, const char* name) {
  if (!pointer) throw Failure(ERSATZ_BAD_POINTER, text("'", name, "' is null"));
}

void check_buffer(const void* buffer, const char* name, std::int64_t size, std::int64_t needed,
                  bool exactly) {
  if (size < needed || (exactly && size != needed))
    throw Failure(ERSATZ_BAD_SIZE,
                  text("the size of '", name, "' is ", size, ", ", exactly ? "" : "at least ", needed,
                       exactly ? " is expected" : " is needed"));
  if (needed == 0) return;
  check_pointer(buffer, name);
  if (number_of(buffer) % 8 != 0)
    throw Failure(ERSATZ_BAD_POINTER,
                  text("'", name, "' does not point to an address that is a multiple of 8"));
}

std::int64_t product(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result) || result > std::int64_t{1} << 59)
    throw Failure(ERSATZ_BAD_SIZE, text(a, " times ", b, " numbers are more than any machine holds"));
  return result;
}

void check_apart(const void* a, const char* a_name, std::int64_t a_size, const void* b, const char* b_name,
                 std::int64_t b_size) {
  const auto bytes = [](std::int64_t size) { return static_cast<std::uintptr_t>(size) * 8; };
  if (number_of(a) < number_of(b) + bytes(b_size) && number_of(b) < number_of(a) + bytes(a_size))
    throw Failure(ERSATZ_BAD_POINTER, text("'", a_name, "' and '", b_name, "' share memory"));
}

void check_number(std::int64_t number, std::int64_t count, const char* what) {
  if (number < 0 || number >= count)
    throw Failure(ERSATZ_BAD_NAME,
                  text("there is no ", what, " number ", number, ", they count from 0 to ", count - 1));
}

}  // namespace ersatz::c

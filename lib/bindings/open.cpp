// Handles of models and workspaces.

#include <limits>
#include <string>
#include <utility>

#include "bindings/model.hpp"
#include "ersatz/emulator/contract.hpp"
#include "ersatz/emulator/model_info.hpp"

using namespace ersatz;
using namespace ersatz::c;

namespace {

/// A file that is whole may still hold a model that makes no sense.
template <class Open>
ersatz_emulator* opened(Open&& open) {
  try {
    return insert(std::make_shared<const Model>(open()));
  } catch (const Error& e) {
    throw Failure(ERSATZ_BAD_FILE, e.what());
  }
}

}  // namespace

ersatz_status ersatz_open(const char* path, ersatz_emulator** emulator) {
  return guarded([&] {
    check_pointer(emulator, "emulator");
    *emulator = nullptr;
    check_pointer(path, "path");
    *emulator = opened([&] { return open_emulator(path); });
  });
}

ersatz_status ersatz_open_memory(const void* bytes, int64_t size, ersatz_emulator** emulator) {
  return guarded([&] {
    check_pointer(emulator, "emulator");
    *emulator = nullptr;
    if (size < 1 || size > std::numeric_limits<std::int64_t>::max() / 2)
      throw Failure(ERSATZ_BAD_SIZE, text("a model file of ", size, " bytes can not be"));
    check_pointer(bytes, "bytes");
    const h5::Bytes image(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
    *emulator = opened([&] { return Emulator::load(open_model_image(image, "model in memory").root()); });
  });
}

ersatz_status ersatz_copy(const ersatz_emulator* emulator, ersatz_emulator** copy) {
  return guarded([&] {
    check_pointer(copy, "copy");
    *copy = nullptr;
    *copy = insert(find(emulator));
  });
}

ersatz_status ersatz_restrict(const ersatz_emulator* emulator, const char* axis, const int64_t* bins,
                              int64_t count, ersatz_emulator** restricted) {
  return guarded([&] {
    check_pointer(restricted, "restricted");
    *restricted = nullptr;
    const ModelPtr model = find(emulator);
    check_pointer(axis, "axis");
    const Axis* found = nullptr;
    std::string known;
    for (const Axis& a : model->emulator.axes()) {
      if (a.name == axis) found = &a;
      known += (known.empty() ? "" : ", ") + a.name;
    }
    if (!found) throw Failure(ERSATZ_BAD_NAME, text("there is no axis '", axis, "', the model has ", known));
    if (count < 1) throw Failure(ERSATZ_BAD_SIZE, text(count, " bins are asked for, it takes one at least"));
    check_buffer(bins, "bins", count, count);
    for (std::int64_t i = 0; i < count; ++i) check_number(bins[i], found->values.size(), "bin");
    *restricted = insert(std::make_shared<const Model>(
        model->emulator.restricted(axis, std::vector<Index>(bins, bins + count))));
  });
}

ersatz_status ersatz_close(ersatz_emulator* emulator) {
  return guarded([&] {
    if (!emulator) return;
    auto lease = models().take(reinterpret_cast<std::uintptr_t>(emulator), true);
    if (!lease) find(emulator);  // says why
    models().remove(std::move(lease));
  });
}

ersatz_status ersatz_check_replacement(const ersatz_emulator* current, const ersatz_emulator* replacement) {
  return guarded([&] {
    const ModelPtr a = find(current), b = find(replacement);
    std::string all;
    for (const std::string& one : incompatibilities(a->emulator, b->emulator))
      all += (all.empty() ? "" : "; ") + one;
    if (!all.empty())
      throw Failure(ERSATZ_NOT_COMPATIBLE, "the model cannot take the place of the other: " + all);
  });
}

ersatz_status ersatz_workspace_open(ersatz_workspace** workspace) {
  return guarded([&] {
    check_pointer(workspace, "workspace");
    *workspace = nullptr;
    *workspace = reinterpret_cast<ersatz_workspace*>(scratches().insert(std::make_shared<Scratch>()));
  });
}

ersatz_status ersatz_workspace_close(ersatz_workspace* workspace) {
  return guarded([&] {
    if (workspace) scratches().remove(take(workspace));
  });
}

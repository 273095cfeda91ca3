#pragma once
// Model files that the tests of the C and Fortran interfaces share.

#include <string>

#include "ersatz/core/error.hpp"
#include "ersatz/emulator/model_info.hpp"
#include "ersatz/emulator/train.hpp"
#include "ersatz/storage/hdf5.hpp"
#include "unit/emulator/small.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz::testing {

inline void write_model(const std::string& path, const Emulator& emulator, bool with_variance = true) {
  h5::AtomicFile file(path);
  emulator.save(file.root());
  for (std::size_t c = 0; c < emulator.channels().size() && !with_variance; ++c)
    file.root().group(text("channels/channel", c, "/predictor")).set("has_variance", std::int64_t{0});
  save_model_info(file.root(), {});
  file.commit();
}

/// The small archive with its outputs of one name alone.
inline Archive with_output(Archive archive, const std::string& name) {
  for (std::size_t o = archive.outputs.size(); o-- > 0;)
    if (archive.outputs[o].name != name) {
      archive.outputs.erase(archive.outputs.begin() + static_cast<std::ptrdiff_t>(o));
      archive.values.erase(archive.values.begin() + static_cast<std::ptrdiff_t>(o));
      archive.axes.erase(archive.axes.begin() + static_cast<std::ptrdiff_t>(o));
    }
  return archive;
}

/// gp.h5: outputs of three kinds. next.h5: the same from other runs. spectrum.h5, spectrum-next.h5: one
/// output. steps.h5: k nearest neighbours, all alike, so no derivatives. silent.h5: no standard deviations.
/// other.h5: another unit, and no HDF5 in text.h5.
inline void write_models(const std::string& folder) {
  const auto at = [&](const char* name) { return folder + "/" + name; };
  const Archive archive = small_archive(30);
  write_model(at("gp.h5"), train_emulator(archive, recipe_with("gp")).emulator);
  write_model(at("next.h5"), train_emulator(small_archive(32, 8), recipe_with("gp")).emulator);
  write_model(at("spectrum.h5"), train_emulator(with_output(archive, "flux"), recipe_with("gp")).emulator);
  write_model(at("spectrum-next.h5"),
              train_emulator(with_output(small_archive(32, 8), "flux"), recipe_with("gp")).emulator);
  Settings alike;
  alike.set("weights", "uniform");
  write_model(at("steps.h5"), train_emulator(archive, recipe_with("knn", alike)).emulator);
  write_model(at("silent.h5"), train_emulator(archive, recipe_with("ridge")).emulator, false);
  Archive other = archive;
  other.outputs[1].unit = "erg";
  write_model(at("other.h5"), train_emulator(other, recipe_with("ridge")).emulator);
  spill(at("text.h5"), "This is no model.\n");
}

}  // namespace ersatz::testing

#include "prediction_file.hpp"

#include <map>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/hdf5.hpp"
#include "ersatz/storage/table.hpp"

namespace ersatz::driver {
namespace {

bool ends_with(const std::string& s, const std::string& end) {
  return s.size() >= end.size() && s.compare(s.size() - end.size(), end.size(), end) == 0;
}

std::size_t choose_output(const Emulator& emulator, const std::string& name, const std::string& file) {
  std::string known;
  for (std::size_t o = 0; o < emulator.outputs().size(); ++o) {
    if (emulator.outputs()[o].name == name) return o;
    known += (o ? ", " : "") + emulator.outputs()[o].name;
  }
  if (name.empty() && emulator.outputs().size() == 1) return 0;
  if (name.empty()) throw UsageError(text(file, ": holds one output; choose it with --output: ", known));
  throw UsageError(text("--output: there is no output '", name, "'; there are: ", known));
}

class Hdf5Predictions final : public PredictionFile {
 public:
  Hdf5Predictions(const std::string& path, const Emulator& emulator, Index points, const std::string& only,
                  bool std)
      : file_(path), std_(std) {
    const h5::Group root = file_.root();
    root.set("format", "ersatz-prediction");
    root.set("version", std::int64_t{1});
    parameters_ = file_.reserve(root, "parameters", points, emulator.space().size());
    root.set_on("parameters", "names", emulator.space().names());
    inside_ = file_.reserve_integers(root, "inside_domain", points);
    const h5::Group axes = root.create_group("axes");
    for (const Axis& a : emulator.axes()) {
      axes.write(a.name, a.values);
      axes.set_on(a.name, "unit", a.unit);
    }
    const h5::Group outputs = root.create_group("outputs");
    for (std::size_t o = 0; o < emulator.outputs().size(); ++o) {
      const OutputSpec& spec = emulator.outputs()[o];
      if (!only.empty() && spec.name != only) continue;
      const h5::Group group = outputs.create_group(spec.name);
      group.set("axis", spec.axis);
      group.set("unit", spec.unit);
      const auto reserve = [&](const char* name) {
        return file_.reserve(group, name, points, spec.width(), spec.complex);
      };
      places_[o].mean = reserve("mean");
      if (std_) places_[o].std = reserve("std");
    }
    file_.lay_out();
  }
  void write(Index first, ConstMatrixRef X, const Prediction& block) override {
    const Matrix points = X;
    file_.write_rows(parameters_, first, X.rows(), points.data());
    const std::vector<std::int64_t> inside(block.inside_domain.begin(), block.inside_domain.end());
    file_.write_rows(inside_, first, X.rows(), inside.data());
    for (const auto& [o, place] : places_) {
      file_.write_rows(place.mean, first, X.rows(), block.mean[o].data());
      if (std_) file_.write_rows(place.std, first, X.rows(), block.std[o].data());
    }
  }
  void commit() override { file_.commit(); }
  bool with_std() const override { return std_; }

 private:
  struct Place {
    std::size_t mean = 0, std = 0;
  };
  h5::StreamedFile file_;
  bool std_;
  std::size_t parameters_ = 0, inside_ = 0;
  std::map<std::size_t, Place> places_;
};

class NpyPredictions final : public PredictionFile {
 public:
  NpyPredictions(const std::string& path, const OutputSpec& spec, std::size_t output, Index points)
      : file_(path, points, spec.width(), spec.complex), output_(output) {}
  void write(Index first, ConstMatrixRef, const Prediction& block) override {
    file_.write_rows(first, block.mean[output_]);
  }
  void commit() override { file_.commit(); }

 private:
  NpyFile file_;
  std::size_t output_;
};

// Lines have no place until those before them are written: what comes early waits in memory.
class CsvPredictions final : public PredictionFile {
 public:
  CsvPredictions(const std::string& path, std::size_t output) : file_(path), output_(output) {}
  void write(Index first, ConstMatrixRef, const Prediction& block) override {
    early_.emplace(first, block.mean[output_]);
    for (auto next = early_.find(written_); next != early_.end(); next = early_.find(written_)) {
      file_.append(next->second);
      written_ += next->second.rows();
      early_.erase(next);
    }
  }
  void commit() override { file_.commit(); }

 private:
  CsvFile file_;
  std::size_t output_;
  Index written_ = 0;
  std::map<Index, Matrix> early_;
};

}  // namespace

void check_prediction_format(const std::string& path) {
  for (const char* ending : {".txt", ".dat", ".tsv"})
    if (ends_with(path, ending))
      throw UsageError(text(path, ": predictions are written as .h5, .csv or .npy"));
}

std::unique_ptr<PredictionFile> make_prediction_file(const std::string& path, const Emulator& emulator,
                                                     Index points, const std::string& only, bool with_std) {
  const bool csv = ends_with(path, ".csv"), npy = ends_with(path, ".npy");
  const std::size_t one = csv || npy || !only.empty() ? choose_output(emulator, only, path) : 0;
  const OutputSpec& spec = emulator.outputs()[one];
  if (csv && spec.complex)
    throw UsageError(
        text(path, ": output '", spec.name, "' is complex, which CSV cannot hold; write .npy or .h5"));
  if (csv) return std::make_unique<CsvPredictions>(path, one);
  if (npy) return std::make_unique<NpyPredictions>(path, spec, one, points);
  return std::make_unique<Hdf5Predictions>(path, emulator, points, only, with_std && emulator.has_std());
}

}  // namespace ersatz::driver

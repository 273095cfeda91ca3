#include "ersatz/transform/transform.hpp"

#include <algorithm>

#include "ersatz/core/error.hpp"
#include "transform/column_maps.hpp"
#include "transform/diagonal.hpp"
#include "transform/periodic.hpp"

namespace ersatz {
namespace {

/// Steps one after the other.
class Chain final : public Transform {
 public:
  Chain(std::vector<TransformPtr> steps, Index width) : steps_(std::move(steps)), width_(width) {
    widest_ = width;
    for (const auto& s : steps_) widest_ = std::max({widest_, s->inputs(), s->outputs()});
    if (!steps_.empty()) joined_ = DiagonalTransform::joined(steps_);
  }
  std::string kind() const override { return "chain"; }
  Index inputs() const override { return width_; }
  Index outputs() const override { return steps_.empty() ? width_ : steps_.back()->outputs(); }
  bool entrywise() const override {
    return std::all_of(steps_.begin(), steps_.end(), [](const auto& s) { return s->entrywise(); });
  }

  void forward(const double* y, double* z) const override {
    run(y, z, inputs(), [&](std::size_t i, const double* a, double* b) { steps_[i]->forward(a, b); });
  }
  void inverse(const double* z, double* y) const override {
    if (joined_) return joined_->inverse(z, y);
    run(z, y, outputs(), [&](std::size_t i, const double* a, double* b) { at_back(i).inverse(a, b); });
  }
  void push_forward(const double* y, const double* dy, double* dz) const override {
    Scratch point(widest_), next(widest_);
    std::copy(y, y + inputs(), point.data());
    run(dy, dz, inputs(), [&](std::size_t i, const double* a, double* b) {
      steps_[i]->push_forward(point.data(), a, b);
      if (i + 1 == steps_.size()) return;
      steps_[i]->forward(point.data(), next.data());
      point.swap(next);
    });
  }
  void push_inverse(const double* z, const double* dz, double* dy) const override {
    if (joined_) return joined_->push_inverse(z, dz, dy);
    Scratch point(widest_), next(widest_);
    std::copy(z, z + outputs(), point.data());
    run(dz, dy, outputs(), [&](std::size_t i, const double* a, double* b) {
      at_back(i).push_inverse(point.data(), a, b);
      if (i + 1 == steps_.size()) return;
      at_back(i).inverse(point.data(), next.data());
      point.swap(next);
    });
  }
  void inverse_and_slopes(const double* z, double* y, double* slopes) const override {
    if (joined_) return joined_->inverse_and_slopes(z, y, slopes);
    std::fill(slopes, slopes + inputs(), 1.0);
    Scratch more(widest_);
    run(z, y, outputs(), [&](std::size_t i, const double* a, double* b) {
      at_back(i).inverse_and_slopes(a, b, more.data());
      for (Index j = 0; j < inputs(); ++j) slopes[j] *= more.data()[j];
    });
  }
  void variance_inverse(const double* z, const double* var_z, double* var_y) const override {
    if (joined_) return joined_->variance_inverse(z, var_z, var_y);
    Scratch point(widest_), next(widest_);
    std::copy(z, z + outputs(), point.data());
    run(var_z, var_y, outputs(), [&](std::size_t i, const double* a, double* b) {
      at_back(i).variance_inverse(point.data(), a, b);
      if (i + 1 == steps_.size()) return;
      at_back(i).inverse(point.data(), next.data());
      point.swap(next);
    });
  }
  TransformPtr restricted(const std::vector<Index>& entries) const override {
    std::vector<TransformPtr> steps;
    for (const auto& step : steps_) steps.push_back(step->restricted(entries));
    return chain(std::move(steps), static_cast<Index>(entries.size()));
  }
  void save(const h5::Group& group) const override {
    group.set("width", static_cast<std::int64_t>(width_));
    group.set("steps", static_cast<std::int64_t>(steps_.size()));
    for (std::size_t i = 0; i < steps_.size(); ++i)
      save_transform(group.create_group(text("step", i)), *steps_[i]);
  }
  static TransformPtr load(const h5::Group& group) {
    std::vector<TransformPtr> steps;
    for (std::int64_t i = 0; i < group.get_integer("steps"); ++i)
      steps.push_back(load_transform(group.group(text("step", i))));
    try {
      return chain(std::move(steps), group.get_integer("width"));
    } catch (const UsageError& e) {
      throw StorageError(text(group.where(), ": ", e.what()));
    }
  }

 private:
  /// A row of scratch from a pool that each thread keeps, so that repeated calls do not allocate.
  class Scratch {
   public:
    explicit Scratch(Index n) {
      auto& p = pool();
      if (!p.empty()) {
        values_.swap(p.back());
        p.pop_back();
      }
      if (values_.size() < static_cast<std::size_t>(n)) values_.resize(static_cast<std::size_t>(n));
    }
    ~Scratch() { pool().push_back(std::move(values_)); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    double* data() { return values_.data(); }
    void swap(Scratch& other) { values_.swap(other.values_); }

   private:
    static std::vector<std::vector<double>>& pool() {
      thread_local std::vector<std::vector<double>> p;
      return p;
    }
    std::vector<double> values_;
  };

  const Transform& at_back(std::size_t i) const { return *steps_[steps_.size() - 1 - i]; }

  template <class Step>
  void run(const double* in, double* out, Index width_in, const Step& step) const {
    const std::size_t n = steps_.size();
    if (n == 0) {
      std::copy(in, in + width_in, out);
    } else if (n == 1) {
      step(0, in, out);
    } else {
      Scratch a(widest_), b(widest_);
      step(0, in, a.data());
      for (std::size_t i = 1; i + 1 < n; ++i) {
        step(i, a.data(), b.data());
        a.swap(b);
      }
      step(n - 1, a.data(), out);
    }
  }

  std::vector<TransformPtr> steps_;
  std::shared_ptr<const DiagonalTransform> joined_;  ///< the way back in one pass, where there is such
  Index width_;
  Index widest_ = 0;
};

struct Loader {
  const char* kind;
  TransformPtr (*load)(const h5::Group&);
};
constexpr Loader loaders[] = {
    {"chain", Chain::load},
    {"diagonal", DiagonalTransform::load},
    {"periodic", PeriodicTransform::load},
    {"logarithm", load_on_columns<LogarithmMap>},
    {"effective-spins", load_on_columns<EffectiveSpinsMap>},
    {"polar", load_on_columns<PolarMap>},
    {"rotational-symmetry", load_on_columns<RotationalSymmetryMap>},
    {"exchange-symmetry", load_on_columns<ExchangeMap>},
};

}  // namespace

TransformPtr Transform::restricted(const std::vector<Index>&) const {
  throw UsageError(
      text("transform ", kind(), " mixes the entries of a row: it can not be restricted to some"));
}

void Transform::inverse_and_slopes(const double*, double*, double*) const {
  throw UsageError(
      text("transform ", kind(), " mixes the entries of a row: they have no slopes of their own"));
}

Matrix forward_rows(const Transform& transform, ConstMatrixRef rows) {
  if (rows.cols() != transform.inputs())
    throw UsageError(text("transform: rows have ", rows.cols(), " values, expected ", transform.inputs()));
  Matrix result(rows.rows(), transform.outputs());
  for (Index i = 0; i < rows.rows(); ++i) transform.forward(rows.row(i).data(), result.row(i).data());
  return result;
}

Matrix inverse_rows(const Transform& transform, ConstMatrixRef rows) {
  if (rows.cols() != transform.outputs())
    throw UsageError(text("transform: rows have ", rows.cols(), " values, expected ", transform.outputs()));
  Matrix result(rows.rows(), transform.inputs());
  for (Index i = 0; i < rows.rows(); ++i) transform.inverse(rows.row(i).data(), result.row(i).data());
  return result;
}

TransformPtr chain(std::vector<TransformPtr> steps, Index width) {
  Index next = width;
  for (const auto& s : steps) {
    if (s->inputs() != next)
      throw UsageError(text("a chain of transforms does not fit together: ", s->kind(), " takes ",
                            s->inputs(), " values and is given ", next));
    next = s->outputs();
  }
  if (steps.size() == 1) return steps.front();
  return std::make_shared<Chain>(std::move(steps), width);
}

void save_transform(const h5::Group& group, const Transform& transform) {
  group.set("kind", transform.kind());
  transform.save(group);
}

TransformPtr load_transform(const h5::Group& group) {
  const std::string kind = group.get_string("kind");
  for (const Loader& l : loaders)
    if (kind == l.kind) return l.load(group);
  throw StorageError(text(group.where(), ": this version of Ersatz knows no transform of kind '", kind, "'"));
}

}  // namespace ersatz

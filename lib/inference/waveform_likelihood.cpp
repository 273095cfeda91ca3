#include <algorithm>
#include <boost/math/tools/minima.hpp>
#include <cmath>
#include <memory>
#include <mutex>
#include <optional>

#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/inference/likelihood.hpp"
#include "inference/node_form.hpp"
#include "inference/observed_entries.hpp"
#include "inference/overlap.hpp"
#include "selection/noise_band.hpp"
#include "transform/fft.hpp"

namespace ersatz {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double two_pi = 6.28318530717958647692;
constexpr double most_lags = 200000.0;

/// Transforms for whoever comes: one each at a time.
class FftPool {
 public:
  explicit FftPool(Index size) : size_(size) {}
  /// Calls `use` with a transform that nobody else has.
  template <class Use>
  void with(const Use& use) const {
    std::unique_ptr<Fft> fft;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!free_.empty()) {
        fft = std::move(free_.back());
        free_.pop_back();
      }
    }
    if (!fft) fft = std::make_unique<Fft>(size_);
    use(*fft);
    const std::lock_guard<std::mutex> lock(mutex_);
    free_.push_back(std::move(fft));
  }

 private:
  Index size_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Fft>> free_;
};

class WaveformLikelihood final : public Likelihood {
 public:
  WaveformLikelihood(ForwardModelPtr model, const Observation& observation, const WaveformOptions& options);

  const ForwardModel& model() const override { return *model_; }
  const std::vector<NuisanceParameter>& nuisance() const override { return nuisance_; }
  bool has_gradient() const override { return model_->has_gradient(); }
  LikelihoodValue evaluate(const double* theta, double* gradient, Workspace& workspace) const override;
  LikelihoodScales scales(const double* theta, Workspace& workspace) const override;
  std::string describe() const override;

 private:
  using Series = ComplexSeries;

  void use_series(const Observation& observation);
  void use_band(double step);
  void use_lags();
  void use_nodes(double tolerance);
  Index add_nuisance(const char* name, const std::string& unit, double lower, double neutral);
  Series transformed(const double* rows) const;
  Series crossed(const Series& spectra) const;
  Complex at_shift(const Series& cross, double shift) const;
  Series overlaps_on_grid(const Series& cross) const;
  Overlap overlap_of(const Series& cross, const double* theta) const;
  Series phases_of(const Overlap& overlap) const;
  double of_rows(const double* theta, const Vector& rows, double* gradient, Vector* by_row) const;
  double of_nodes(const double* theta, const Vector& values, double* gradient, Vector* by_value) const;

  ForwardModelPtr model_;
  WaveformOptions options_;
  std::vector<NuisanceParameter> nuisance_;
  Index amplitude_ = -1, phase_ = -1, shift_ = -1;  ///< where each stands in theta; -1: not in use
  std::vector<ObservedRun> runs_;
  Index series_ = 0, size_ = 0;  ///< how many, bins of each
  Axis axis_;
  Vector taper_;  ///< empty: none
  std::unique_ptr<FftPool> ffts_;
  Index padded_ = 0;
  double length_ = 0.0;              ///< of the series, in the axis' unit
  std::vector<Index> bins_;          ///< of the transform, that count
  std::vector<double> frequencies_;  ///< theirs, in turns per unit of the axis
  std::vector<double> weights_;      ///< theirs: ⟨a, b⟩ = Re Σ weight a* b
  Series data_;                      ///< series_ × bins
  double data_norm_ = 0.0;
  std::vector<double> lags_;  ///< grid of the shift
  double lag_step_ = 0.0;
  /// Reduced-order quadrature: with z = (1, values at the nodes), ⟨h, h⟩ = zᵀ norms_ z, and the overlaps at
  /// the shifts (one, or the grid) are zᵀ overlaps_, real and imaginary parts in turn.
  std::optional<NodeForm> nodes_;
  Matrix norms_, overlaps_;
};

WaveformLikelihood::WaveformLikelihood(ForwardModelPtr model, const Observation& observation,
                                       const WaveformOptions& options)
    : model_(std::move(model)),
      options_(options),
      runs_(observed_runs(observed_entries(observation, model_->outputs()))) {
  if (options_.outside == Outside::widen)
    throw UsageError(
        "likelihood: outside = \"widen\" widens the emulator's covariance, which waveforms leave out");
  check_reduced_quadrature(options_.reduced_quadrature);
  if (options_.reduced_quadrature > 0.0 && options_.amplitude)
    throw UsageError(
        "likelihood: reduced_quadrature goes without an amplitude: its error would be that many times as "
        "large");
  if (options_.reduced_quadrature > 0.0 &&
      (options_.time == Unknown::parameter || options_.time == Unknown::maximise))
    throw UsageError(
        "likelihood: reduced_quadrature goes with time = \"none\" or \"marginalise\": its sums are made for "
        "given shifts");
  use_series(observation);
  const double unit = seconds_per_unit("likelihood", options_.noise, options_.total_mass, axis_);
  check_band("likelihood", options_.noise, options_.low, options_.high);
  if (options_.noise.flat() != (options_.deviation > 0.0))
    throw UsageError(
        options_.noise.flat()
            ? "likelihood: flat noise needs deviation = …, of each value's real and imaginary part"
            : "likelihood: a noise curve says how large the noise is; leave 'deviation' out");
  use_band(equal_step(axis_) * unit);
  data_ = transformed(observation.values.data());
  for (std::size_t k = 0; k < data_.size(); ++k)
    data_norm_ += weights_[k % bins_.size()] * std::norm(data_[k]);
  length_ = equal_step(axis_) * static_cast<double>(size_);
  const bool grid = options_.time == Unknown::marginalise || options_.time == Unknown::maximise;
  if (grid != (options_.time_range > 0.0))
    throw UsageError(text("likelihood: a time_range of ", options_.time_range,
                          grid ? "; to marginalise or maximise over shifts it must be positive"
                               : " is for time = \"marginalise\" or \"maximise\""));
  if (!(options_.time_range <= length_))
    throw UsageError(text("likelihood: a time_range of ", options_.time_range,
                          " is longer than the series, which is ", length_));
  if (grid) use_lags();
  if (options_.reduced_quadrature > 0.0 && model_->emulator()) use_nodes(options_.reduced_quadrature);
  if (options_.amplitude) amplitude_ = add_nuisance("amplitude", "", 0.0, 1.0);
  if (options_.phase == Unknown::parameter) phase_ = add_nuisance("phase", "rad", -infinity, 0.0);
  if (options_.time == Unknown::parameter) shift_ = add_nuisance("time_shift", axis_.unit, -infinity, 0.0);
}

Index WaveformLikelihood::add_nuisance(const char* name, const std::string& unit, double lower,
                                       double neutral) {
  nuisance_.push_back({name, unit, lower, infinity, neutral});
  return model_->space().size() + static_cast<Index>(nuisance_.size()) - 1;
}

void WaveformLikelihood::use_series(const Observation& observation) {
  if (observation.parts.empty()) throw UsageError("likelihood: there are no data");
  if (observation.deviations.size() > 0 || observation.covariance.size() > 0)
    throw UsageError(
        "likelihood: the data have errors of their own; how large a waveform's noise is, its noise curve or "
        "its deviation says");
  for (const Observation::Part& part : observation.parts) {
    const OutputSpec& output = *std::find_if(model_->outputs().begin(), model_->outputs().end(),
                                             [&](const OutputSpec& o) { return o.name == part.output; });
    if (!output.complex)
      throw UsageError(text("likelihood: output '", output.name, "' is real; waveforms are complex series"));
    bool whole = static_cast<Index>(part.entries.size()) == output.width();
    for (std::size_t j = 0; whole && j < part.entries.size(); ++j)
      whole = part.entries[j] == static_cast<Index>(j);
    if (!whole)
      throw UsageError(text("likelihood: of output '", output.name,
                            "' all bins are needed, in order; a waveform in noise has no gaps"));
    for (const Axis& a : model_->axes())
      if (a.name == output.axis && series_ == 0) axis_ = a;
    if (output.axis != axis_.name)
      throw UsageError(text("likelihood: outputs on two axes, '", axis_.name, "' and '", output.axis, "'"));
    ++series_;
  }
  size_ = axis_.values.size();
  if (is_frequency(axis_))
    throw UsageError(text("likelihood: axis '", axis_.name,
                          "' is a frequency; this likelihood is for series in time (series in frequency have "
                          "independent errors: kind = \"gaussian\")"));
  if (observation.size() != 2 * series_ * size_ || !observation.values.allFinite())
    throw UsageError(text("likelihood: ", observation.size(), " values for ", series_, " series of ", size_,
                          " complex bins, or some of them are not finite"));
}

/// step: of the axis, in the noise's unit of time.
void WaveformLikelihood::use_band(double step) {
  if (options_.taper.shape != Taper::Shape::none) taper_ = window(options_.taper, size_);
  padded_ = Fft::good_size(2 * size_);
  ffts_ = std::make_unique<FftPool>(padded_);
  const double n = static_cast<double>(padded_), own_step = equal_step(axis_);
  for (Index k = 0; k < padded_; ++k) {
    const auto turns = static_cast<double>(k <= padded_ / 2 ? k : k - padded_);
    const double f = std::abs(turns) / (n * step);
    if (f < options_.low || f > options_.high) continue;
    // White noise of deviation σ has the density 2 σ² dt.
    const double density =
        options_.noise.flat() ? 2.0 * options_.deviation * options_.deviation * step : options_.noise(f);
    const double weight = 2.0 * step / (n * density);
    if (!(weight > 0.0)) continue;
    bins_.push_back(k);
    frequencies_.push_back(turns / (n * own_step));
    weights_.push_back(weight);
  }
  if (bins_.empty())
    throw UsageError(text("likelihood: no frequency of the series counts; they go up to ", 0.5 / step));
}

/// A grid half as wide as the narrowest peak that a signal like the data can have.
void WaveformLikelihood::use_lags() {
  double one = 0.0, two = 0.0;
  for (std::size_t k = 0; k < data_.size(); ++k) {
    const double power = weights_[k % bins_.size()] * std::norm(data_[k]), f = frequencies_[k % bins_.size()];
    one += power * f;
    two += power * f * f;
  }
  const bool free_phase = options_.phase == Unknown::marginalise || options_.phase == Unknown::maximise;
  const double mean = free_phase ? one / data_norm_ : 0.0;
  const double spread = std::sqrt(std::max(two / data_norm_ - mean * mean, 1e-12 * two / data_norm_));
  const double width = 1.0 / (two_pi * spread * std::sqrt(std::max(data_norm_, 1.0)));
  const double count = std::ceil(2.0 * options_.time_range / (0.5 * width)) + 1.0;
  if (!(count <= most_lags))
    throw UsageError(text("likelihood: ", count,
                          " shifts would be needed to resolve the data's peak within ±", options_.time_range,
                          "; narrow time_range, or give time_shift a prior in [nuisance]"));
  const auto lags = std::max<Index>(static_cast<Index>(count), 3);
  lag_step_ = 2.0 * options_.time_range / static_cast<double>(lags - 1);
  for (Index l = 0; l < lags; ++l) lags_.push_back(-options_.time_range + lag_step_ * static_cast<double>(l));
}

/// Everything that is linear in the model, or a product of two, for the nodes once and for all.
void WaveformLikelihood::use_nodes(double tolerance) {
  const std::size_t n = bins_.size();
  const Index m = 2 * series_ * size_;
  // By Parseval's theorem no difference is longer than in white noise as low as this noise is where it is
  // lowest.
  const double largest = *std::max_element(weights_.begin(), weights_.end());
  std::vector<ObservedEntry> entries;
  for (const ObservedRun& run : runs_)
    for (Index j = 0; j < run.count; ++j) entries.push_back({run.output, run.entry + j});
  const auto product = [&](const Series& a, const Series& b) {
    double sum = 0.0;
    for (std::size_t k = 0; k < a.size(); ++k) sum += weights_[k % n] * conj_times(a[k], b[k]).real();
    return sum;
  };
  nodes_.emplace(
      *model_->emulator(), entries,
      Vector::Constant(m, 1.0 / std::sqrt(largest * static_cast<double>(padded_))),
      [&](const Vector& difference) {
        const Series spectrum = transformed(difference.data());
        return std::sqrt(product(spectrum, spectrum));
      },
      tolerance);
  const LinearModel& linear = nodes_->linear();
  const Index count = 1 + linear.coefficients();
  std::vector<Series> spectra{transformed(linear.offset.data())};
  for (Index a = 1; a < count; ++a) spectra.push_back(transformed(linear.rows.row(a - 1).data()));
  norms_.resize(count, count);
  overlaps_.resize(count, 2 * std::max<Index>(static_cast<Index>(lags_.size()), 1));
  for (Index a = 0; a < count; ++a) {
    const Series& spectrum = spectra[static_cast<std::size_t>(a)];
    for (Index b = 0; b <= a; ++b)
      norms_(a, b) = norms_(b, a) = product(spectrum, spectra[static_cast<std::size_t>(b)]);
    const Series cross = crossed(spectrum);
    const Series c = lags_.empty() ? Series{at_shift(cross, 0.0)} : overlaps_on_grid(cross);
    for (std::size_t l = 0; l < c.size(); ++l) {
      overlaps_(a, 2 * static_cast<Index>(l)) = c[l].real();
      overlaps_(a, 2 * static_cast<Index>(l) + 1) = c[l].imag();
    }
  }
}

LikelihoodScales WaveformLikelihood::scales(const double* theta, Workspace& /*workspace*/) const {
  LikelihoodScales s;
  if (amplitude_ >= 0) s.amplitude = theta[amplitude_];
  return s;
}

std::string WaveformLikelihood::describe() const {
  const auto what = [](Unknown u) {
    switch (u) {
      case Unknown::none:
        return "as it is";
      case Unknown::parameter:
        return "a parameter";
      case Unknown::marginalise:
        return "marginalised";
      case Unknown::maximise:
        return "maximised";
    }
    return "";
  };
  return text("waveform, ", series_, " series of ", size_, " bins, noise ", options_.noise.name(), ", ",
              bins_.size(), " frequencies, phase ", what(options_.phase), ", time ", what(options_.time),
              ", signal-to-noise ratio of the data ", brief(std::sqrt(data_norm_)),
              nodes_ ? text(" (", nodes_->nodes(), " values evaluated, from which the others follow to ",
                            brief(nodes_->error()), " deviations)")
                     : "");
}

/// Rows of all series, one after the other, to their bins.
ComplexSeries WaveformLikelihood::transformed(const double* rows) const {
  Series result(static_cast<std::size_t>(series_) * bins_.size());
  ffts_->with([&](Fft& fft) {
    Series work(static_cast<std::size_t>(padded_));
    for (std::size_t s = 0; s < static_cast<std::size_t>(series_); ++s) {
      const auto* row = reinterpret_cast<const Complex*>(rows) + s * static_cast<std::size_t>(size_);
      std::fill(work.begin() + size_, work.end(), Complex(0.0));
      for (Index j = 0; j < size_; ++j)
        work[static_cast<std::size_t>(j)] = taper_.size() > 0 ? taper_[j] * row[j] : row[j];
      fft.forward(work.data());
      for (std::size_t k = 0; k < bins_.size(); ++k)
        result[s * bins_.size() + k] = work[static_cast<std::size_t>(bins_[k])];
    }
  });
  return result;
}

/// Weight times conjugate data times model, summed over the series, for each frequency.
ComplexSeries WaveformLikelihood::crossed(const Series& spectra) const {
  const std::size_t n = bins_.size();
  Series cross(n, 0.0);
  for (std::size_t k = 0; k < spectra.size(); ++k)
    cross[k % n] += weights_[k % n] * conj_times(data_[k], spectra[k]);
  return cross;
}

Complex WaveformLikelihood::at_shift(const Series& cross, double shift) const {
  Complex c = 0.0;
  for (std::size_t k = 0; k < cross.size(); ++k)
    c += times(cross[k], std::polar(1.0, two_pi * frequencies_[k] * shift));
  return c;
}

ComplexSeries WaveformLikelihood::overlaps_on_grid(const Series& cross) const {
  Series c(lags_.size(), 0.0);
  for (std::size_t k = 0; k < cross.size(); ++k) {
    const Complex turn = std::polar(1.0, two_pi * frequencies_[k] * lag_step_);
    Complex z = times(cross[k], std::polar(1.0, two_pi * frequencies_[k] * lags_.front()));
    for (Complex& sum : c) {
      sum += z;
      z = times(z, turn);
    }
  }
  return c;
}

Overlap WaveformLikelihood::overlap_of(const Series& cross, const double* theta) const {
  const double phase = phase_ >= 0 ? theta[phase_] : 0.0;
  const auto at = [&](double shift) {
    return overlap_at(at_shift(cross, shift), shift, options_.phase, phase);
  };
  if (options_.time == Unknown::none) return at(0.0);
  if (options_.time == Unknown::parameter) {
    const double shift = theta[shift_];
    if (!(std::abs(shift) <= length_)) {  // the transform is periodic, the data are not
      Overlap none;
      none.shifts = {shift};
      none.slopes = {0.0};
      return none;
    }
    Overlap result = at(shift);
    Complex slope = 0.0;
    for (std::size_t k = 0; k < cross.size(); ++k)
      slope += two_pi * frequencies_[k] * times(cross[k], std::polar(1.0, two_pi * frequencies_[k] * shift));
    result.by_shift = -times(slope, result.slopes[0]).imag();
    return result;
  }
  const Series c = overlaps_on_grid(cross);
  if (options_.time == Unknown::marginalise) return overlap_over(c, lags_, options_.phase, phase);
  std::vector<double> values;
  for (const Complex& each : c) values.push_back(overlap_at(each, 0.0, options_.phase, phase).value);
  const auto top = static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
  const double low = std::max(lags_[top] - lag_step_, -options_.time_range);
  const double high = std::min(lags_[top] + lag_step_, options_.time_range);
  return at(
      boost::math::tools::brent_find_minima([&](double shift) { return -at(shift).value; }, low, high, 40)
          .first);
}

/// Σ slope exp(2πi f τ) over the shifts, for each frequency.
ComplexSeries WaveformLikelihood::phases_of(const Overlap& overlap) const {
  Series result(bins_.size(), 0.0);
  for (std::size_t k = 0; k < bins_.size(); ++k) {
    const Complex turn = std::polar(1.0, two_pi * frequencies_[k] * lag_step_);
    Complex z = std::polar(1.0, two_pi * frequencies_[k] * overlap.shifts.front());
    for (const Complex& slope : overlap.slopes) {
      result[k] += times(slope, z);
      z = times(z, turn);
    }
  }
  return result;
}

LikelihoodValue WaveformLikelihood::evaluate(const double* theta, double* gradient,
                                             Workspace& workspace) const {
  if (gradient && !has_gradient())
    throw UsageError("likelihood: the model gives no derivatives; sample without gradients");
  LikelihoodValue result{-infinity, model_->domain_score(theta, workspace) <= 1.0};
  const double a = amplitude_ >= 0 ? theta[amplitude_] : 1.0;
  if (!result.inside_domain || !(a >= 0.0)) return result;
  Vector values, by_value;  // of all bins, or of the nodes
  const auto log_likelihood = [&](Vector* by) {
    return nodes_ ? of_nodes(theta, values, gradient, by) : of_rows(theta, values, gradient, by);
  };
  if (!gradient) {
    if (nodes_ ? nodes_->evaluate(theta, values, workspace)
               : evaluate_entries(*model_, runs_, theta, values, workspace))
      result.log = log_likelihood(nullptr);
    return result;
  }
  double value = -infinity;
  const auto weigh = [&]() -> const double* {
    value = log_likelihood(&by_value);
    return std::isfinite(value) ? by_value.data() : nullptr;
  };
  if (nodes_ ? nodes_->evaluate(theta, values, weigh, gradient, workspace)
             : evaluate_entries(*model_, runs_, theta, values, weigh, gradient, workspace))
    result.log = value;
  return result;
}

/// The same as of_rows from the values at the nodes.
double WaveformLikelihood::of_nodes(const double* theta, const Vector& values, double* gradient,
                                    Vector* by_value) const {
  const Index count = norms_.rows(), width = overlaps_.cols();
  Vector z(count), norm_slopes(count), sums(width);
  z << 1.0, values;
  norm_slopes.noalias() = norms_ * z;
  const double norm = z.dot(norm_slopes);
  kernels::table().rows_product(z.data(), 1, count, overlaps_.data(), width, nullptr, 0, sums.data());
  Series c(static_cast<std::size_t>(width / 2));
  for (std::size_t l = 0; l < c.size(); ++l)
    c[l] = Complex(sums[2 * static_cast<Index>(l)], sums[2 * static_cast<Index>(l) + 1]);
  const double phase = phase_ >= 0 ? theta[phase_] : 0.0;
  const Overlap overlap = lags_.empty() ? overlap_at(c[0], 0.0, options_.phase, phase)
                                        : overlap_over(c, lags_, options_.phase, phase);
  const double value = overlap.value - 0.5 * (norm + data_norm_);
  if (!std::isfinite(value)) return -infinity;
  if (!gradient) return value;
  Vector slopes(width), by_z(count);
  for (std::size_t l = 0; l < c.size(); ++l) {
    slopes[2 * static_cast<Index>(l)] = overlap.slopes[l].real();
    slopes[2 * static_cast<Index>(l) + 1] = -overlap.slopes[l].imag();
  }
  by_z.noalias() = overlaps_ * slopes;
  *by_value = (by_z - norm_slopes).tail(count - 1);
  if (phase_ >= 0) gradient[phase_] = overlap.by_phase;
  return value;
}

/// The value for the model's rows; with a gradient, its part of the parameters that are not the model's, and
/// the derivatives by the rows.
double WaveformLikelihood::of_rows(const double* theta, const Vector& rows, double* gradient,
                                   Vector* by_row) const {
  const double a = amplitude_ >= 0 ? theta[amplitude_] : 1.0;
  const Series model = transformed(rows.data());
  const std::size_t n = bins_.size();
  Series cross = crossed(model);
  for (Complex& c : cross) c *= a;
  double norm = 0.0;
  for (std::size_t k = 0; k < model.size(); ++k) norm += weights_[k % n] * std::norm(model[k]);
  const Overlap overlap = overlap_of(cross, theta);
  const double value = overlap.value - 0.5 * (a * a * norm + data_norm_);
  if (!std::isfinite(value)) return -infinity;
  if (!gradient) return value;

  // d ln L = Re Σ slope d(a model), and back through the transform to the bins in time.
  const Series phases = phases_of(overlap);
  Series slopes(model.size());
  double by_amplitude = 0.0;
  for (std::size_t k = 0; k < model.size(); ++k) {
    slopes[k] = weights_[k % n] * (conj_times(data_[k], phases[k % n]) - a * std::conj(model[k]));
    by_amplitude += times(slopes[k], model[k]).real();
  }
  by_row->resize(rows.size());
  ffts_->with([&](Fft& fft) {
    Series work(static_cast<std::size_t>(padded_));
    for (std::size_t s = 0; s < static_cast<std::size_t>(series_); ++s) {
      std::fill(work.begin(), work.end(), Complex(0.0));
      for (std::size_t k = 0; k < n; ++k) work[static_cast<std::size_t>(bins_[k])] = slopes[s * n + k];
      fft.forward(work.data());
      for (Index j = 0; j < size_; ++j) {
        const Complex z = (a * (taper_.size() > 0 ? taper_[j] : 1.0)) * work[static_cast<std::size_t>(j)];
        const Index entry = 2 * (static_cast<Index>(s) * size_ + j);
        (*by_row)[entry] = z.real();
        (*by_row)[entry + 1] = -z.imag();
      }
    }
  });
  if (amplitude_ >= 0) gradient[amplitude_] = by_amplitude;
  if (phase_ >= 0) gradient[phase_] = overlap.by_phase;
  if (shift_ >= 0) gradient[shift_] = overlap.by_shift;
  return value;
}

}  // namespace

Unknown unknown_from_string(std::string_view name) {
  if (name == "none") return Unknown::none;
  if (name == "marginalise") return Unknown::marginalise;
  if (name == "maximise") return Unknown::maximise;
  throw UsageError(text("unknown treatment '", name,
                        "'; there are: none, marginalise, maximise (and a prior in [nuisance])"));
}

LikelihoodPtr waveform_likelihood(ForwardModelPtr model, const Observation& observation,
                                  const WaveformOptions& options) {
  return std::make_shared<WaveformLikelihood>(std::move(model), observation, options);
}

}  // namespace ersatz

#include <algorithm>
#include <boost/math/special_functions/bessel.hpp>
#include <boost/math/tools/minima.hpp>
#include <cmath>
#include <memory>
#include <mutex>

#include "ersatz/core/error.hpp"
#include "ersatz/inference/likelihood.hpp"
#include "inference/observed_entries.hpp"
#include "selection/noise_band.hpp"
#include "transform/fft.hpp"

namespace ersatz {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double two_pi = 6.28318530717958647692;
constexpr double most_lags = 200000.0;

/// (a* b) and (a b) without the search for infinities that std::complex makes.
inline Complex conj_times(Complex a, Complex b) {
  return {a.real() * b.real() + a.imag() * b.imag(), a.real() * b.imag() - a.imag() * b.real()};
}
inline Complex times(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// ln I0(x) and its derivative I1(x) / I0(x), x >= 0. From 500 on by the asymptotic series (Abramowitz &
/// Stegun 9.7.1).
struct LogBessel {
  double value, slope;
};
LogBessel log_bessel(double x) {
  if (x < 500.0) {
    const double i0 = boost::math::cyl_bessel_i(0, x);
    return {std::log(i0), boost::math::cyl_bessel_i(1, x) / i0};
  }
  const double y = 1.0 / (8.0 * x);
  const double i0 = 1.0 + y * (1.0 + y * (9.0 / 2.0 + y * 225.0 / 6.0));
  const double i1 = 1.0 - y * (3.0 + y * (15.0 / 2.0 + y * 315.0 / 6.0));
  return {x - 0.5 * std::log(two_pi * x) + std::log(i0), i1 / i0};
}

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
  std::string describe() const override;

 private:
  using Series = std::vector<Complex>;
  /// The logarithm of the sum over shifts and phases of exp Re(c(τ) exp(iφ)), and its derivative: by c(τ) at
  /// each of the shifts in use, as Re(Σ slope dc).
  struct Overlap {
    double value = 0.0;
    std::vector<double> shifts;
    Series slopes;
    double by_phase = 0.0, by_shift = 0.0;
  };

  void use_series(const Observation& observation);
  void use_band(double step);
  void use_lags();
  Index add_nuisance(const char* name, const std::string& unit, double lower, double neutral);
  Series transformed(const double* rows) const;
  Complex overlap_at(const Series& cross, double shift) const;
  Series overlaps_on_grid(const Series& cross) const;
  /// What is left of c when the phase is dealt with, and its derivative.
  double of_phase(Complex c, double phase, Complex& slope) const;
  Overlap overlap_of(const Series& cross, const double* theta) const;
  Series phases_of(const Overlap& overlap) const;
  double of_rows(const double* theta, const Vector& rows, double* gradient, Vector* by_row) const;

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
  std::vector<Index> bins_;          ///< of the transform, that count
  std::vector<double> frequencies_;  ///< theirs, in turns per unit of the axis
  std::vector<double> weights_;      ///< theirs: ⟨a, b⟩ = Re Σ weight a* b
  Series data_;                      ///< series_ × bins
  double data_norm_ = 0.0;
  std::vector<double> lags_;  ///< grid of the shift
  double lag_step_ = 0.0;
};

WaveformLikelihood::WaveformLikelihood(ForwardModelPtr model, const Observation& observation,
                                       const WaveformOptions& options)
    : model_(std::move(model)),
      options_(options),
      runs_(observed_runs(observed_entries(observation, model_->outputs()))) {
  if (options_.outside == Outside::widen)
    throw UsageError(
        "likelihood: outside = \"widen\" widens the emulator's covariance, which waveforms leave out");
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
  const bool grid = options_.time == Unknown::marginalise || options_.time == Unknown::maximise;
  if (grid != (options_.time_range > 0.0))
    throw UsageError(text("likelihood: a time_range of ", options_.time_range,
                          grid ? "; to marginalise or maximise over shifts it must be positive"
                               : " is for time = \"marginalise\" or \"maximise\""));
  if (grid) use_lags();
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
              ", signal-to-noise ratio of the data ", brief(std::sqrt(data_norm_)));
}

/// Rows of all series, one after the other, to their bins.
WaveformLikelihood::Series WaveformLikelihood::transformed(const double* rows) const {
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

Complex WaveformLikelihood::overlap_at(const Series& cross, double shift) const {
  Complex c = 0.0;
  for (std::size_t k = 0; k < cross.size(); ++k)
    c += times(cross[k], std::polar(1.0, two_pi * frequencies_[k] * shift));
  return c;
}

WaveformLikelihood::Series WaveformLikelihood::overlaps_on_grid(const Series& cross) const {
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

double WaveformLikelihood::of_phase(Complex c, double phase, Complex& slope) const {
  switch (options_.phase) {
    case Unknown::none:
      slope = 1.0;
      return c.real();
    case Unknown::parameter:
      slope = std::polar(1.0, phase);
      return times(c, slope).real();
    case Unknown::maximise:
    case Unknown::marginalise:
      break;
  }
  const double size = std::abs(c);
  const Complex direction = size > 0.0 ? std::conj(c) / size : Complex(0.0);
  if (options_.phase == Unknown::maximise) {
    slope = direction;
    return size;
  }
  const LogBessel bessel = log_bessel(size);
  slope = bessel.slope * direction;
  return bessel.value;
}

WaveformLikelihood::Overlap WaveformLikelihood::overlap_of(const Series& cross, const double* theta) const {
  Overlap result;
  const double phase = phase_ >= 0 ? theta[phase_] : 0.0;
  result.slopes.resize(1);
  const auto at = [&](double shift) {
    const Complex c = overlap_at(cross, shift);
    result.shifts = {shift};
    result.value = of_phase(c, phase, result.slopes[0]);
    if (phase_ >= 0) result.by_phase = -times(c, result.slopes[0]).imag();
  };
  if (options_.time == Unknown::none || options_.time == Unknown::parameter) {
    const double shift = shift_ >= 0 ? theta[shift_] : 0.0;
    at(shift);
    if (shift_ >= 0) {
      Complex slope = 0.0;
      for (std::size_t k = 0; k < cross.size(); ++k)
        slope +=
            two_pi * frequencies_[k] * times(cross[k], std::polar(1.0, two_pi * frequencies_[k] * shift));
      result.by_shift = -times(slope, result.slopes[0]).imag();
    }
    return result;
  }
  const Series c = overlaps_on_grid(cross);
  std::vector<double> values(c.size());
  Series slopes(c.size());
  for (std::size_t l = 0; l < c.size(); ++l) values[l] = of_phase(c[l], phase, slopes[l]);
  const auto top = static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
  if (options_.time == Unknown::maximise) {
    Complex ignored;
    const double low = std::max(lags_[top] - lag_step_, -options_.time_range);
    const double high = std::min(lags_[top] + lag_step_, options_.time_range);
    at(boost::math::tools::brent_find_minima(
           [&](double shift) { return -of_phase(overlap_at(cross, shift), phase, ignored); }, low, high, 40)
           .first);
    return result;
  }
  // Mean over the range, by the trapezoid rule.
  double sum = 0.0;
  std::vector<double> share(c.size());
  for (std::size_t l = 0; l < c.size(); ++l) {
    share[l] = (l == 0 || l + 1 == c.size() ? 0.5 : 1.0) * std::exp(values[l] - values[top]);
    sum += share[l];
  }
  result.value = values[top] + std::log(sum / static_cast<double>(c.size() - 1));
  result.shifts = lags_;
  result.slopes.resize(c.size());
  for (std::size_t l = 0; l < c.size(); ++l) {
    result.slopes[l] = share[l] / sum * slopes[l];
    if (phase_ >= 0) result.by_phase -= times(c[l], result.slopes[l]).imag();
  }
  return result;
}

/// Σ slope exp(2πi f τ) over the shifts, for each frequency.
WaveformLikelihood::Series WaveformLikelihood::phases_of(const Overlap& overlap) const {
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
  Vector rows, by_row;
  if (!gradient) {
    if (evaluate_entries(*model_, runs_, theta, rows, workspace))
      result.log = of_rows(theta, rows, nullptr, nullptr);
  } else {
    double value = -infinity;
    const auto weigh = [&]() -> const double* {
      value = of_rows(theta, rows, gradient, &by_row);
      return std::isfinite(value) ? by_row.data() : nullptr;
    };
    if (evaluate_entries(*model_, runs_, theta, rows, weigh, gradient, workspace)) result.log = value;
  }
  return result;
}

/// The value for the model's rows; with a gradient, its part of the parameters that are not the model's, and
/// the derivatives by the rows.
double WaveformLikelihood::of_rows(const double* theta, const Vector& rows, double* gradient,
                                   Vector* by_row) const {
  const double a = amplitude_ >= 0 ? theta[amplitude_] : 1.0;
  const Series model = transformed(rows.data());
  const std::size_t n = bins_.size();
  Series cross(n, 0.0);  // with the model times the amplitude
  double norm = 0.0;
  for (std::size_t k = 0; k < model.size(); ++k) {
    cross[k % n] += a * weights_[k % n] * conj_times(data_[k], model[k]);
    norm += weights_[k % n] * std::norm(model[k]);
  }
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

#include "ersatz/transform/conditioning.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/core/executor.hpp"

namespace ersatz {
namespace {

constexpr double pi = 3.14159265358979323846;

/// The fade at a share u of its length from the zero side.
double fade(Taper::Shape shape, double u) {
  if (u <= 0.0) return 0.0;
  if (u >= 1.0) return 1.0;
  if (shape == Taper::Shape::tukey) return 0.5 * (1.0 - std::cos(pi * u));
  return 1.0 / (std::exp(1.0 / u - 1.0 / (1.0 - u)) + 1.0);
}

void check(const Taper& taper) {
  if (!(taper.start >= 0.0) || !(taper.end >= 0.0) || !(taper.start + taper.end <= 1.0))
    throw UsageError(text("taper: the fades take ", taper.start, " and ", taper.end,
                          " of the duration; both must be at least 0, together at most 1"));
}

double share_from(std::string_view piece, std::string_view whole) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(piece.data(), piece.data() + piece.size(), value);
  if (error != std::errc() || end != piece.data() + piece.size())
    throw UsageError(
        text("taper '", whole, "': '", piece, "' is not a number; write planck:0.05 or tukey:0.1:0.02"));
  return value;
}

/// Columns of the transform: exp(-2πi f_k t_j) w_j step, as times × frequencies.
ComplexMatrix kernel(const Vector& time, const Vector& weights, const double* frequencies, Index count) {
  ComplexMatrix e(time.size(), count);
  for (Index j = 0; j < time.size(); ++j)
    for (Index k = 0; k < count; ++k) e(j, k) = std::polar(weights[j], -2.0 * pi * frequencies[k] * time[j]);
  return e;
}

}  // namespace

Taper taper_from_string(std::string_view whole) {
  const auto colon = whole.find(':');
  const std::string_view name = whole.substr(0, colon);
  Taper taper;
  if (name == "none" && colon == std::string_view::npos) return taper;
  if (name == "planck")
    taper.shape = Taper::Shape::planck;
  else if (name == "tukey")
    taper.shape = Taper::Shape::tukey;
  else
    throw UsageError(
        text("there is no taper '", whole, "'; there are: none, planck:START:END, tukey:START:END"));
  if (colon == std::string_view::npos)
    throw UsageError(
        text("taper '", whole, "': say what share of the duration it takes, as in ", name, ":0.05"));
  const std::string_view shares = whole.substr(colon + 1);
  const auto second = shares.find(':');
  taper.start = share_from(shares.substr(0, second), whole);
  taper.end = second == std::string_view::npos ? taper.start : share_from(shares.substr(second + 1), whole);
  check(taper);
  return taper;
}

std::string to_string(const Taper& taper) {
  if (taper.shape == Taper::Shape::none) return "no taper";
  return text(taper.shape == Taper::Shape::planck ? "Planck" : "Tukey", " taper over ", taper.start, " and ",
              taper.end, " of the duration");
}

Vector window(const Taper& taper, Index size) {
  check(taper);
  Vector w = Vector::Ones(size);
  if (taper.shape == Taper::Shape::none || size < 2) return w;
  const double last = static_cast<double>(size - 1);
  for (Index j = 0; j < size; ++j) {
    const double u = static_cast<double>(j) / last;
    if (u < taper.start) w[j] *= fade(taper.shape, u / taper.start);
    if (1.0 - u < taper.end) w[j] *= fade(taper.shape, (1.0 - u) / taper.end);
  }
  return w;
}

double equal_step(const Axis& axis) {
  const Vector& t = axis.values;
  if (t.size() < 2)
    throw DataError(text("axis '", axis.name, "' has ", t.size(), " value; a series takes at least two"));
  const double step = (t[t.size() - 1] - t[0]) / static_cast<double>(t.size() - 1);
  if (!(step > 0.0)) throw DataError(text("axis '", axis.name, "' does not ascend"));
  for (Index j = 1; j < t.size(); ++j)
    if (const double own = t[j] - t[j - 1]; !(std::abs(own - step) <= 1e-6 * step))
      throw DataError(text("axis '", axis.name, "': the step to bin ", j, " (", t[j], ") is ", own,
                           ", the others ", step, " on average; a series in time needs equal steps"));
  return step;
}

bool is_frequency(const Axis& axis) {
  return axis.unit == "Hz" || axis.unit.rfind("1/", 0) == 0 || axis.name == "frequency";
}

Matrix to_frequencies(ConstMatrixRef rows, bool complex, const Axis& time, const Conditioning& c) {
  const double step = equal_step(time);
  const Index times = time.values.size(), count = c.frequencies.size();
  if (rows.cols() != (complex ? 2 : 1) * times)
    throw UsageError(text("rows of ", rows.cols(), " numbers do not fit the axis '", time.name, "' of ",
                          times, " values"));
  const double nyquist = 0.5 / step;
  for (Index k = 0; k < count; ++k) {
    if (k > 0 && !(c.frequencies[k] > c.frequencies[k - 1]))
      throw UsageError(text("frequency ", k, " (", c.frequencies[k], ") follows ", c.frequencies[k - 1],
                            "; frequencies must ascend"));
    if (!(std::abs(c.frequencies[k]) <= nyquist * (1.0 + 1e-12)))
      throw UsageError(
          text("frequency ", c.frequencies[k], " lies beyond half the sampling rate, ", nyquist));
  }
  const Vector weights = step * window(c.taper, times);
  ComplexMatrix h(rows.rows(), times);
  for (Index i = 0; i < rows.rows(); ++i)
    for (Index j = 0; j < times; ++j)
      h(i, j) = complex ? Complex(rows(i, 2 * j), rows(i, 2 * j + 1)) : Complex(rows(i, j), 0.0);
  ComplexMatrix x(rows.rows(), count);
  constexpr Index block = 256;  // bounds the memory of the kernel
  for (Index k = 0; k < count; k += block) {
    const Index width = std::min(block, count - k);
    x.middleCols(k, width).noalias() = h * kernel(time.values, weights, c.frequencies.data() + k, width);
  }
  if (c.align_at) {
    // The phase at the frequency and its slope: d ln x / df = -2πi ∫ t h exp / ∫ h exp.
    const double f = *c.align_at;
    const ComplexMatrix at = kernel(time.values, weights, &f, 1);
    for (Index i = 0; i < rows.rows(); ++i) {
      Complex value = 0.0, moment = 0.0;
      double size = 0.0;
      for (Index j = 0; j < times; ++j) {
        const Complex term = h(i, j) * at(j, 0);
        value += term;
        moment += time.values[j] * term;
        size += std::abs(term);
      }
      if (!(std::abs(value) > 1e-12 * size))
        throw DataError(text("series ", i, " has no power at frequency ", f, ", where it should be aligned"));
      const double slope = -2.0 * pi * (moment / value).real(), phase = std::arg(value);
      for (Index k = 0; k < count; ++k) x(i, k) *= std::polar(1.0, -(phase + slope * (c.frequencies[k] - f)));
    }
  }
  return interleaved(x);
}

Archive condition(const Archive& archive, const std::vector<std::string>& outputs, const Conditioning& c,
                  Index threads) {
  if (c.frequencies.size() < 2)
    throw UsageError(text("conditioning: ", c.frequencies.size(), " frequencies; it takes at least two"));
  std::vector<std::size_t> wanted;
  for (const std::string& name : outputs) {
    const auto o = static_cast<std::size_t>(archive.output_index(name));
    if (std::find(wanted.begin(), wanted.end(), o) != wanted.end())
      throw UsageError(text("output '", name, "' is named twice"));
    wanted.push_back(o);
  }
  if (outputs.empty())
    for (std::size_t o = 0; o < archive.outputs.size(); ++o)
      if (archive.outputs[o].complex) wanted.push_back(o);
  if (wanted.empty())
    throw DataError("the archive has no complex output; name the real ones to be transformed");
  const Axis& time = archive.axis(archive.outputs[wanted[0]].axis);
  if (is_frequency(time)) throw DataError(text("axis '", time.name, "' is a frequency already"));

  Archive result = archive;
  result.axes = {{"frequency",
                  time.unit == "s"    ? "Hz"
                  : time.unit.empty() ? ""
                                      : "1/" + time.unit,
                  c.frequencies}};
  result.outputs.clear();
  result.values.clear();
  const auto executor = make_executor(threads);
  const double step = equal_step(time);
  const Vector w = window(c.taper, time.values.size());
  const Index count = c.frequencies.size();
  constexpr Index block = 32;  // rows of a task: sums do not depend on the threads
  for (const std::size_t o : wanted) {
    const OutputSpec& spec = archive.outputs[o];
    if (spec.axis != time.name)
      throw DataError(text("output '", spec.name, "' stands on axis '", spec.axis, "', '",
                           archive.outputs[wanted[0]].name, "' on '", time.name,
                           "'; outputs of one call share an axis"));
    const Matrix& rows = archive.values[o];
    Matrix x = Matrix::Constant(rows.rows(), 2 * count, std::nan(""));
    std::vector<Index> done;
    for (Index i = 0; i < rows.rows(); ++i)
      if (archive.status[static_cast<std::size_t>(i)] == RunStatus::done) done.push_back(i);
    const Index n = static_cast<Index>(done.size());
    const auto blocks = executor->map((n + block - 1) / block, [&](Index b) {
      const Index from = b * block, size = std::min(block, n - from);
      Matrix some(size, rows.cols());
      for (Index i = 0; i < size; ++i) some.row(i) = rows.row(done[static_cast<std::size_t>(from + i)]);
      const Matrix y = to_frequencies(some, spec.complex, time, c);
      return to_bytes({y.data(), y.data() + y.size()});
    });
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      const std::vector<double> y = doubles_from_bytes(blocks[b]);
      for (std::size_t i = 0; i < y.size() / static_cast<std::size_t>(2 * count); ++i)
        x.row(done[b * static_cast<std::size_t>(block) + i]) = Eigen::Map<const Eigen::RowVectorXd>(
            y.data() + i * static_cast<std::size_t>(2 * count), 2 * count);
    }
    // Power between the frequencies asked for, by the trapezoid rule, against all of it (Parseval).
    for (const Index i : done) {
      double inside = 0.0, all = 0.0;
      for (Index k = 1; k < count; ++k)
        inside += 0.5 * (c.frequencies[k] - c.frequencies[k - 1]) *
                  (x.row(i).segment(2 * k, 2).squaredNorm() + x.row(i).segment(2 * k - 2, 2).squaredNorm());
      const Index parts = spec.complex ? 2 : 1;
      for (Index j = 0; j < w.size(); ++j)
        all += step * w[j] * w[j] * rows.row(i).segment(parts * j, parts).squaredNorm();
      if (!(inside >= 0.01 * all))
        throw DataError(text("output '", spec.name, "', run ", i, ": only ", brief(100.0 * inside / all, 2),
                             "% of its power lies between frequencies ", c.frequencies[0], " and ",
                             c.frequencies[count - 1],
                             " (a mode exp(-i ω t), as m > 0, has it at negative frequencies: ask for those, "
                             "or for the mode with -m)"));
    }
    result.outputs.push_back({spec.name, "", "frequency", count, true});
    result.values.push_back(std::move(x));
  }
  return result;
}

}  // namespace ersatz

#include "ersatz/regression/polynomial_features.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr Index most_features = 1000000;
constexpr int highest_power = 64;

// All exponents over `inputs` with a given total degree that a truncation allows, in decreasing lexicographic
// order; stops when `visit` says so.
class Enumeration {
 public:
  Enumeration(const std::vector<Index>& inputs, Index all_inputs, const Truncation& truncation)
      : inputs_(inputs),
        q_(truncation.q_norm),
        most_(std::pow(static_cast<double>(truncation.degree), q_) * (1.0 + 1e-12)),
        current_(static_cast<std::size_t>(all_inputs), 0) {}

  template <class Visit>
  bool of_degree(int degree, const Visit& visit) {
    return inputs_.empty() || append(0, degree, 0.0, visit);
  }

 private:
  // Σ e^q is smallest when one input takes all that is left.
  bool fits(int left, double used) const { return used + std::pow(left, q_) <= most_; }

  template <class Visit>
  bool append(std::size_t from, int left, double used, const Visit& visit) {
    int& here = current_[static_cast<std::size_t>(inputs_[from])];
    bool go_on = true;
    if (from + 1 == inputs_.size() || left == 0) {
      here = left;
      go_on = visit(current_);
      here = 0;
      return go_on;
    }
    for (int e = left; e >= 0 && go_on; --e) {
      const double more = used + (e > 0 ? std::pow(e, q_) : 0.0);
      if (!fits(left - e, more)) continue;
      here = e;
      go_on = append(from + 1, left - e, more, visit);
    }
    here = 0;
    return go_on;
  }

  const std::vector<Index>& inputs_;
  double q_, most_;
  std::vector<int> current_;
};

void check_truncation(const Truncation& t) {
  if (t.degree < 0 || t.degree > highest_power)
    throw UsageError(text("polynomial degree ", t.degree, " is outside of 0 to ", highest_power));
  if (!(t.q_norm > 0.0 && t.q_norm <= 1.0))
    throw UsageError(text("polynomial features: q_norm is ", t.q_norm, ", expected more than 0, up to 1"));
}

// Three-term recurrences; slopes may be null.
void powers(double z, Index degree, double* f, double* slope) {
  f[0] = 1.0;
  for (Index e = 1; e <= degree; ++e) f[e] = f[e - 1] * z;
  if (!slope) return;
  slope[0] = 0.0;
  for (Index e = 1; e <= degree; ++e) slope[e] = static_cast<double>(e) * f[e - 1];
}

// (e + 1) P_(e+1) = (2e + 1) z P_e - e P_(e-1), P'_(e+1) = P'_(e-1) + (2e + 1) P_e (Abramowitz &
// Stegun 22.7).
void legendre(double z, Index degree, double* f, double* slope) {
  f[0] = 1.0;
  if (degree > 0) f[1] = z;
  for (Index e = 1; e < degree; ++e) {
    const double n = static_cast<double>(e);
    f[e + 1] = ((2.0 * n + 1.0) * z * f[e] - n * f[e - 1]) / (n + 1.0);
  }
  if (slope) {
    slope[0] = 0.0;
    if (degree > 0) slope[1] = 1.0;
    for (Index e = 1; e < degree; ++e)
      slope[e + 1] = slope[e - 1] + (2.0 * static_cast<double>(e) + 1.0) * f[e];
  }
  for (Index e = 1; e <= degree; ++e) {
    const double norm = std::sqrt(2.0 * static_cast<double>(e) + 1.0);
    f[e] *= norm;
    if (slope) slope[e] *= norm;
  }
}

// He_(e+1) = z He_e - e He_(e-1), divided by sqrt((e + 1)!); the slope of the normalised is sqrt(e) h_(e-1).
void hermite(double z, Index degree, double* f, double* slope) {
  f[0] = 1.0;
  if (degree > 0) f[1] = z;
  for (Index e = 1; e < degree; ++e) {
    const double n = static_cast<double>(e);
    f[e + 1] = (z * f[e] - std::sqrt(n) * f[e - 1]) / std::sqrt(n + 1.0);
  }
  if (!slope) return;
  slope[0] = 0.0;
  for (Index e = 1; e <= degree; ++e) slope[e] = std::sqrt(static_cast<double>(e)) * f[e - 1];
}

constexpr std::string_view family_names[] = {"powers", "legendre", "hermite"};

}  // namespace

std::string_view to_string(PolynomialFamily family) { return family_names[static_cast<int>(family)]; }

PolynomialFamily polynomial_family_from_string(std::string_view name) {
  for (const auto f : {PolynomialFamily::powers, PolynomialFamily::legendre, PolynomialFamily::hermite})
    if (name == to_string(f)) return f;
  throw UsageError(
      text("unknown family of polynomials '", name, "'; known: \"powers\", \"legendre\", \"hermite\""));
}

PolynomialFeatures::PolynomialFeatures(Standardisation inputs, Exponents exponents,
                                       std::vector<PolynomialFamily> families)
    : inputs_(std::move(inputs)), families_(std::move(families)), exponents_(std::move(exponents)) {
  if (families_.empty()) families_.assign(static_cast<std::size_t>(inputs_.size()), PolynomialFamily::powers);
  if (static_cast<Index>(families_.size()) != inputs_.size())
    throw UsageError(
        text("polynomial features: families of ", families_.size(), " inputs, expected ", inputs_.size()));
  if (exponents_.cols() != inputs_.size())
    throw UsageError(
        text("polynomial features: exponents of ", exponents_.cols(), " inputs, expected ", inputs_.size()));
  begin_.push_back(0);
  for (Index t = 0; t < exponents_.rows(); ++t) {
    int total = 0;
    for (Index k = 0; k < exponents_.cols(); ++k) {
      const int e = exponents_(t, k);
      if (e < 0 || e > highest_power)
        throw UsageError(text("polynomial features: feature ", t, " has exponent ", e, " of input ", k,
                              ", expected 0 to ", highest_power));
      if (e == 0) continue;
      if (!inputs_.varies(k))
        throw UsageError(
            text("polynomial features: feature ", t, " needs input ", k, ", which does not vary"));
      factors_.push_back({k, e});
      total += e;
    }
    if (total == 0)
      throw UsageError(text("polynomial features: feature ", t, " is constant; the intercept is separate"));
    degree_ = std::max<Index>(degree_, total);
    begin_.push_back(factors_.size());
  }
}

Index PolynomialFeatures::truncated_size(Index varying_inputs, const Truncation& truncation) {
  check_truncation(truncation);
  Index size = 0;
  if (truncation.q_norm == 1.0) {
    size = 1;
    for (Index g = 1; g <= truncation.degree; ++g) {
      size = size * (varying_inputs + g) / g;  // C(v + g, g), exact
      if (size > most_features) return -1;
    }
    return size - 1;
  }
  std::vector<Index> varying(static_cast<std::size_t>(varying_inputs));
  std::iota(varying.begin(), varying.end(), Index{0});
  Enumeration all(varying, varying_inputs, truncation);
  for (int g = 1; g <= truncation.degree && !varying.empty(); ++g)
    if (!all.of_degree(g, [&](const std::vector<int>&) { return ++size <= most_features; })) return -1;
  return size;
}

PolynomialFeatures PolynomialFeatures::truncated(const Standardisation& inputs, const Truncation& truncation,
                                                 const std::vector<PolynomialFamily>& families) {
  std::vector<Index> varying;
  for (Index k = 0; k < inputs.size(); ++k)
    if (inputs.varies(k)) varying.push_back(k);
  const Index size = truncated_size(static_cast<Index>(varying.size()), truncation);
  if (size < 0)
    throw UsageError(text("a polynomial of degree ", truncation.degree, " in ", varying.size(),
                          " inputs has more than a million terms; lower the degree"));
  Exponents exponents(size, inputs.size());
  Enumeration all(varying, inputs.size(), truncation);
  Index t = 0;
  for (int g = 1; g <= truncation.degree && !varying.empty(); ++g)
    all.of_degree(g, [&](const std::vector<int>& powers) {
      std::copy(powers.begin(), powers.end(), exponents.row(t++).data());
      return true;
    });
  return PolynomialFeatures(inputs, std::move(exponents), families);
}

PolynomialFeatures PolynomialFeatures::total_degree(const Standardisation& inputs, Index degree) {
  return truncated(inputs, {degree, 1.0});
}

bool PolynomialFeatures::orthonormal() const {
  return std::all_of(factors_.begin(), factors_.end(), [&](const Factor& f) {
    return families_[static_cast<std::size_t>(f.input)] != PolynomialFamily::powers;
  });
}

void PolynomialFeatures::tabulate(const double* x, double* values, double* slopes) const {
  for (Index k = 0; k < inputs(); ++k) {
    const double z = (x[k] - inputs_.centre[k]) * inputs_.inverse_scale[k];
    const Index row = k * (degree_ + 1);
    double* slope = slopes ? slopes + row : nullptr;
    switch (families_[static_cast<std::size_t>(k)]) {
      case PolynomialFamily::powers:
        powers(z, degree_, values + row, slope);
        break;
      case PolynomialFamily::legendre:
        legendre(z, degree_, values + row, slope);
        break;
      case PolynomialFamily::hermite:
        hermite(z, degree_, values + row, slope);
        break;
    }
  }
}

void PolynomialFeatures::evaluate(const double* x, double* features, Workspace& workspace) const {
  if (degree_ == 1) {  // single inputs: no table
    for (std::size_t t = 0; t < factors_.size(); ++t) {
      const Index k = factors_[t].input;
      const double z = (x[k] - inputs_.centre[k]) * inputs_.inverse_scale[k];
      features[t] =
          families_[static_cast<std::size_t>(k)] == PolynomialFamily::legendre ? z * std::sqrt(3.0) : z;
    }
    return;
  }
  const Workspace::Frame frame(workspace);
  double* table = workspace.take(inputs() * (degree_ + 1));
  tabulate(x, table, nullptr);
  for (std::size_t t = 0; t + 1 < begin_.size(); ++t) {
    double product = 1.0;
    for (std::size_t f = begin_[t]; f < begin_[t + 1]; ++f)
      product *= table[factors_[f].input * (degree_ + 1) + factors_[f].power];
    features[t] = product;
  }
}

Matrix PolynomialFeatures::evaluate(ConstMatrixRef X) const {
  Matrix F(X.rows(), size());
  Workspace workspace;
  for (Index i = 0; i < X.rows(); ++i)
    evaluate(X.data() + i * X.outerStride(), F.data() + i * size(), workspace);
  return F;
}

void PolynomialFeatures::derivatives(const double* x, double* derivatives, Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  double* table = workspace.take(inputs() * (degree_ + 1));
  double* slopes = workspace.take(inputs() * (degree_ + 1));
  tabulate(x, table, slopes);
  std::fill(derivatives, derivatives + inputs() * size(), 0.0);
  for (std::size_t t = 0; t + 1 < begin_.size(); ++t)
    for (std::size_t f = begin_[t]; f < begin_[t + 1]; ++f) {
      const Index k = factors_[f].input;
      double product = slopes[k * (degree_ + 1) + factors_[f].power];
      for (std::size_t g = begin_[t]; g < begin_[t + 1]; ++g)
        if (g != f) product *= table[factors_[g].input * (degree_ + 1) + factors_[g].power];
      derivatives[k * size() + static_cast<Index>(t)] = product * inputs_.inverse_scale[k];
    }
}

PolynomialFeatures PolynomialFeatures::subset(const std::vector<Index>& features) const {
  Exponents chosen(static_cast<Index>(features.size()), inputs());
  for (Index t = 0; t < chosen.rows(); ++t)
    chosen.row(t) = exponents_.row(features[static_cast<std::size_t>(t)]);
  return PolynomialFeatures(inputs_, std::move(chosen), families_);
}

std::vector<std::string> PolynomialFeatures::names(const std::vector<std::string>& input_names) const {
  std::vector<std::string> names;
  for (std::size_t t = 0; t + 1 < begin_.size(); ++t) {
    std::string name;
    for (std::size_t f = begin_[t]; f < begin_[t + 1]; ++f) {
      const auto k = static_cast<std::size_t>(factors_[f].input);
      if (!name.empty()) name += ' ';
      const std::string input = k < input_names.size() ? input_names[k] : text("x", k);
      const int e = factors_[f].power;
      switch (families_[k]) {
        case PolynomialFamily::powers:
          name += e > 1 ? text(input, '^', e) : input;
          break;
        case PolynomialFamily::legendre:
          name += text('P', e, '(', input, ')');
          break;
        case PolynomialFamily::hermite:
          name += text("He", e, '(', input, ')');
          break;
      }
    }
    names.push_back(name);
  }
  return names;
}

}  // namespace ersatz

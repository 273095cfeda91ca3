#include "unit/selection/report_samples.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

namespace ersatz::samples {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Rows {
  Matrix truth, mean, std;  ///< std 0 × 0 without error bars
};

double quantile(std::vector<double> v, double q) {
  std::sort(v.begin(), v.end());
  return v[static_cast<std::size_t>(q * static_cast<double>(v.size() - 1) + 0.5)];
}

/// Probability below z of the standard normal distribution.
double phi(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

/// Adds scores and diagnostics of one output to a validation.
void add_output(Validation& v, const OutputSpec& spec, const Vector& axis, const std::string& axis_unit,
                const Rows& rows, const Matrix& parameters) {
  const Index n = rows.truth.rows(), m = rows.truth.cols();
  const bool bars = rows.std.rows() == n;
  OutputScores s;
  OutputDiagnostics d;
  s.name = spec.name;
  d.spec = spec;
  d.axis = axis;
  d.axis_unit = axis_unit;
  const Eigen::RowVectorXd centre = rows.truth.colwise().mean();
  const Matrix error = rows.mean - rows.truth;
  const Matrix centred = rows.truth.rowwise() - centre;
  const double spread = std::sqrt(centred.squaredNorm() / static_cast<double>(n * m));
  s.rmse = std::sqrt(error.squaredNorm() / static_cast<double>(n * m));
  s.nrmse = spread > 0 ? s.rmse / spread : kNaN;
  s.r2 = 1 - s.nrmse * s.nrmse;
  s.max_abs = error.cwiseAbs().maxCoeff();
  const double root = std::sqrt(static_cast<double>(n));
  d.rmse = error.colwise().norm().transpose() / root;
  d.spread = centred.colwise().norm().transpose() / root;
  if (bars) d.mean_std = rows.std.colwise().norm().transpose() / root;
  d.relative_l2 = error.rowwise().norm().cwiseQuotient(rows.truth.rowwise().norm());
  const std::vector<double> relative(d.relative_l2.begin(), d.relative_l2.end());
  s.median_relative_l2 = quantile(relative, 0.5);
  s.p95_relative_l2 = quantile(relative, 0.95);
  s.mismatch_median = s.mismatch_p95 = kNaN;
  if (spec.complex) {
    d.mismatch.resize(n);
    for (Index i = 0; i < n; ++i)
      d.mismatch[i] =
          1 - rows.truth.row(i).dot(rows.mean.row(i)) / (rows.truth.row(i).norm() * rows.mean.row(i).norm());
    const std::vector<double> mismatch(d.mismatch.begin(), d.mismatch.end());
    s.mismatch_median = quantile(mismatch, 0.5);
    s.mismatch_p95 = quantile(mismatch, 0.95);
  }
  s.coverage_68 = s.coverage_95 = s.crps = s.log_score = kNaN;
  if (spread == 0) s.constant_bins = spec.size;
  if (bars && spread > 0) {
    std::vector<double> z;
    s.crps = s.log_score = 0;
    d.pit = Vector::Zero(20);
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < m; ++j) {
        const double sigma = rows.std(i, j), t = -error(i, j) / sigma;
        z.push_back(std::abs(t));
        d.pit[std::clamp<Index>(static_cast<Index>(20 * phi(t)), 0, 19)] += 1.0;
        const double density = std::exp(-0.5 * t * t) / std::sqrt(2 * M_PI);
        s.crps += sigma * (t * (2 * phi(t) - 1) + 2 * density - 1 / std::sqrt(M_PI));
        s.log_score += 0.5 * t * t + std::log(sigma * std::sqrt(2 * M_PI));
      }
    const double count = static_cast<double>(z.size());
    s.crps /= count;
    s.log_score /= count;
    d.pit /= count;
    std::sort(z.begin(), z.end());
    const auto covered = [&](double level) {
      const auto inside =
          std::count_if(z.begin(), z.end(), [&](double t) { return 2 * phi(t) - 1 <= level; });
      return static_cast<double>(inside) / count;
    };
    s.coverage_68 = covered(0.68);
    s.coverage_95 = covered(0.95);
    d.nominal = Vector::LinSpaced(19, 0.05, 0.95);
    d.observed = d.nominal.unaryExpr(covered);
  }
  if (spread > 0) {
    std::mt19937_64 random(7);
    const Index drawn = std::min<Index>(600, n * m);
    d.scatter_truth.resize(drawn);
    d.scatter_mean.resize(drawn);
    if (bars) d.scatter_std.resize(drawn);
    for (Index k = 0; k < drawn; ++k) {
      const Index at = drawn == n * m ? k : static_cast<Index>(random() % static_cast<std::uint64_t>(n * m));
      d.scatter_truth[k] = rows.truth(at / m, at % m);
      d.scatter_mean[k] = rows.mean(at / m, at % m);
      if (bars) d.scatter_std[k] = rows.std(at / m, at % m);
    }
  }
  std::vector<Index> order(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
  std::sort(order.begin(), order.end(),
            [&](Index a, Index b) { return d.relative_l2[a] < d.relative_l2[b]; });
  const auto make_case = [&](Index i) {
    HeldOutCase c;
    c.row = i;
    c.parameters = parameters.row(i).transpose();
    c.error = d.relative_l2[i];
    c.truth = rows.truth.row(i).transpose();
    c.mean = rows.mean.row(i).transpose();
    if (bars) c.std = rows.std.row(i).transpose();
    return c;
  };
  d.median = make_case(order[static_cast<std::size_t>(n / 2)]);
  d.worst = make_case(order.back());
  v.n = n;
  v.outputs.push_back(s);
  v.diagnostics.push_back(d);
}

/// Predictions: truth plus a smooth error of the given size per entry; error bars `honesty` times that size.
Rows predicted(const Matrix& truth, const std::function<double(Index, Index)>& size, double honesty,
               std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  Rows rows{truth, truth, honesty > 0 ? Matrix(truth) : Matrix()};
  const Index m = truth.cols();
  for (Index i = 0; i < truth.rows(); ++i) {
    const double a[] = {normal(random), normal(random), normal(random), normal(random)};
    for (Index j = 0; j < m; ++j) {
      const double u = static_cast<double>(j) / static_cast<double>(std::max<Index>(1, m));
      const double wave = m == 1 ? a[0]
                                 : (a[0] * std::cos(9 * u) + a[1] * std::sin(9 * u) +
                                    a[2] * std::cos(41 * u) + a[3] * std::sin(41 * u)) /
                                       std::sqrt(2.0);
      rows.mean(i, j) += size(i, j) * wave;
      if (honesty > 0) rows.std(i, j) = honesty * size(i, j);
    }
  }
  return rows;
}

Vector decaying(Index n, double rate, double floor) {
  Vector v(n);
  for (Index i = 0; i < n; ++i)
    v[i] = 300 * std::exp(-rate * std::pow(static_cast<double>(i), 0.8)) +
           floor / (1 + 0.1 * static_cast<double>(i));
  return v;
}

Matrix sample(const ParameterSpace& space, Index n) {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> uniform;
  Matrix X(n, space.size());
  Vector u(space.size());
  for (Index i = 0; i < n; ++i) {
    for (double& v : u) v = uniform(random);
    space.from_unit(u.data(), X.row(i).data());
  }
  return X;
}

void describe(ReportData& d, const std::string& title) {
  d.title = title;
  d.model_file = title + ".h5";
  d.created = "2026-03-14T15:09:26Z";
  d.version = "0.1.0";
  d.recipe_hash = "8c1f0e5d92ab47c3";
  d.data_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
}

}  // namespace

ReportData supernova() {
  ReportData d;
  describe(d, "supernova-6");
  d.recipe =
      "[input]\nstandardise = true\n\n[[channel]]\nname = \"spectrum\"\ntransform = [\"log\", "
      "\"standardise\"]\nbasis = { method = \"pod\", tolerance = 1e-4 }\nregressor = { name = \"gp\", kernel "
      "= "
      "\"matern52\", starts = 10 }\n";
  d.training_runs = 300;
  d.failed_runs = 4;
  d.training_seconds = 41.7;
  d.simulator_seconds = 83.0;
  d.provenance = "sims.h5: supernova-6, made by 64 ranks on 2026-03-12";
  d.space = ParameterSpace({{"temperature", "K", 8000, 16000, Scale::linear},
                            {"velocity", "km/s", 8000, 14000, Scale::linear},
                            {"log_density", "", -14.5, -12.5, Scale::linear},
                            {"silicon", "", 1e-3, 0.6, Scale::log},
                            {"calcium", "", 1e-4, 0.1, Scale::log},
                            {"time", "d", 8, 20, Scale::linear}},
                           {}, {{(Vector(6) << 0, 0, 0, 1, 1, 0).finished(), 0.65}});
  const Index n = 60, m = 1000;
  const Matrix X = sample(d.space, n);
  const Vector wavelength = Vector::LinSpaced(m, 3000, 10000);
  struct Feature {
    double at, depth, width;
  };
  const Feature features[] = {{3945, 0.6, 16}, {4481, 0.35, 14}, {5000, 0.4, 22},  {5454, 0.25, 9},
                              {5640, 0.28, 9}, {6355, 0.55, 15}, {7774, 0.25, 16}, {8542, 0.6, 18}};
  Matrix truth(n, m);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j) {
      const double l = wavelength[j];
      double flux = 8e-3 * std::pow(l / 5000, -5) / (std::exp(1.4388e8 / (l * X(i, 0))) - 1);
      for (const Feature& f : features) {
        const double shift = f.at * (1 - X(i, 1) / 299792.458), width = f.width * X(i, 1) / 1800;
        const double strength = f.depth * (0.7 + 0.12 * std::log10(X(i, 3) / 0.02) + 0.15 * (X(i, 2) + 13.5));
        flux *= 1 - strength * std::exp(-0.5 * std::pow((l - shift) / width, 2)) +
                0.6 * strength * std::exp(-0.5 * std::pow((l - f.at) / width / 1.2, 2));
      }
      truth(i, j) = 1e-12 * flux;
    }
  std::mt19937_64 random(3);
  const auto size = [&](Index i, Index j) {
    const double blue = 1 + 4 * std::exp(-(wavelength[j] - 3000) / 900);
    return 0.004 * truth(i, j) * blue *
           (1 + 2.5 * std::exp(-0.5 * std::pow((wavelength[j] - 6150) / 120, 2)));
  };
  d.validation.source = "60 of 364 runs set aside";
  d.validation.outside_domain = 2;
  d.validation.predict_seconds = 11.6e-6;
  d.validation.batch_seconds = 2.13e-6;
  add_output(d.validation, {"flux", "erg/s/cm²/Å", "wavelength", m, false}, wavelength, "Å",
             predicted(truth, size, 1.05, random), X);
  ChannelSummary c;
  c.name = "spectrum";
  c.transform = "log, standardise";
  c.basis = "pod, 23 elements";
  c.regressor = "gp, matern52";
  c.coefficients = c.elements = 23;
  c.singular_values = decaying(120, 0.62, 1e-6);
  c.projection_error = 8.7e-5;
  c.facts = {{"Hyperparameters", "6 lengthscales, nugget; 10 starts"}, {"Log likelihood", "2 841.3"}};
  d.channels = {c};
  d.decoder = "identity";
  d.comparison = {
      {"gp", "matern52", 0.0203, 0.0011, 38.2, 11.6, true, "smallest error; 7 standard errors below ridge"},
      {"ridge", "degree 3", 0.0712, 0.0042, 0.8, 2.9, false, "3.5 times the error of gp"},
      {"linear", "", 0.241, 0.013, 0.02, 1.1, false, "too rigid"},
      {"lasso", "degree 3", 0.0745, 0.0047, 6.1, 2.2, false, "no better than ridge"},
      {"knn", "k = 8, weights 1/distance", 0.388, 0.021, 0.004, 5.3, false, "too few runs for 6 parameters"}};
  return d;
}

ReportData waveform() {
  ReportData d;
  describe(d, "bbh-precessing-7");
  d.recipe = "[[channel]]\nname = \"h22\"\n";
  d.training_runs = 1490;
  d.failed_runs = 38;
  d.training_seconds = 1260;
  d.simulator_seconds = kNaN;
  d.provenance = "catalogue.h5";
  d.space = ParameterSpace({{"q", "", 1, 8, Scale::log},
                            {"chi1x", "", -0.8, 0.8, Scale::linear},
                            {"chi1y", "", -0.8, 0.8, Scale::linear},
                            {"chi1z", "", -0.8, 0.8, Scale::linear},
                            {"phase", "rad", 0, 6.283185307179586, Scale::periodic}},
                           {{{1, 2, 3}, 0.8}});
  const Index n = 80, m = 2000;
  const Matrix X = sample(d.space, n);
  const Vector t = Vector::LinSpaced(m, -2000, 100);
  std::mt19937_64 random(5);
  const struct {
    const char* name;
    int mode;
    double size, error, honesty;
  } modes[] = {{"h22", 2, 0.4, 0.004, 1.0},
               {"h21", 1, 0.05, 0.02, 1.1},
               {"h33", 3, 0.06, 0.03, 0.5},
               {"h32", 2, 0.02, 0.12, 1.6},
               {"h44", 4, 0.015, 0.42, 1.0}};
  for (const auto& mode : modes) {
    Matrix truth(n, 2 * m);
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < m; ++j) {
        const double late = std::max(-t[j], 1.0), q = X(i, 0);
        const double inspiral = std::pow(late + 30, -0.25) * std::pow(30.0, 0.25);
        const double size =
            mode.size * 4 * q / (1 + q) / (1 + q) * (t[j] < 0 ? inspiral : std::exp(-t[j] / (14 + q)));
        const double phase = mode.mode * (X(i, 4) - 1.9 * std::pow(late + 30, 0.625) * (1 + 0.1 * X(i, 3)) +
                                          (t[j] > 0 ? 0.27 * t[j] : 0.0));
        truth(i, 2 * j) = size * std::cos(phase);
        truth(i, 2 * j + 1) = -size * std::sin(phase);
      }
    const auto size = [&](Index i, Index j) {
      const double amplitude = std::hypot(truth(i, j / 2 * 2), truth(i, j / 2 * 2 + 1));
      const double late = static_cast<double>(j) / static_cast<double>(2 * m);
      return mode.error * amplitude * (0.3 + 1.4 * late * late) * (i % 9 == 0 ? 3.0 : 1.0);
    };
    add_output(d.validation, {mode.name, "", "time", m, true}, t, "M",
               predicted(truth, size, mode.honesty, random), X);
    ChannelSummary c;
    c.name = std::string(mode.name) + " coorbital frame";
    c.transform = "standardise";
    c.basis = "greedy, 31 elements";
    c.regressor = "gp, matern52, sparse 512";
    c.coefficients = 62;
    c.elements = 31;
    c.singular_values = decaying(34, 0.8, 1e-9);
    c.projection_error = 2.1e-6;
    BasisView& view = c.basis_view;
    view.axis = "time";
    view.axis_unit = "M";
    view.bins = t;
    view.elements.resize(3, m);
    for (Index e = 0; e < 3; ++e)
      for (Index j = 0; j < m; ++j)
        view.elements(e, j) = 0.03 * std::sin(0.0015 * static_cast<double>(e + 1) * (t[j] + 2000));
    view.nodes = Vector::LinSpaced(31, -2000, 100);
    view.rank = Vector::LinSpaced(32, 0, 31);
    view.training_error = (-0.4 * view.rank.array()).exp();
    view.validation_error = 1.5 * view.training_error.array() + 1e-6;
    view.errors = {2e-6, 9e-6, 3e-6, 2e-5};
    if (mode.mode == 4)
      c.warnings = {"the nugget ended at its upper bound: the runs are noisier than the kernel allows"};
    d.channels.push_back(c);
  }
  d.validation.groups = {{"h", {"h22", "h21", "h33", "h32", "h44"}, 3.1e-5, 4.4e-4}};
  GroupScores& group = d.validation.groups[0];
  const OutputDiagnostics& largest = d.validation.diagnostics[0];
  group.mismatch = largest.mismatch;
  group.dominant = "h22";
  group.worst = largest.worst;
  group.worst.error = group.mismatch.maxCoeff();
  d.validation.mismatch = {"advanced-ligo", "time and phase", "frequencies 20 to 512, 60 solar masses"};
  d.validation.source = "held-out file catalogue-test.h5";
  d.validation.predict_seconds = 0.87e-3;
  d.validation.batch_seconds = 0.31e-3;
  d.decoder = "frame and phase to five modes";
  d.warnings = {"38 simulations failed (2.5%): most of them have q > 7.5; there the emulator extrapolates"};
  return d;
}

ReportData scalar() {
  ReportData d;
  describe(d, "peak-luminosity");
  d.training_runs = 40;
  d.training_seconds = 0.42;
  d.simulator_seconds = 5400;
  d.space =
      ParameterSpace({{"mass", "Msun", 0.1, 1.2, Scale::linear}, {"opacity", "cm²/g", 0.01, 10, Scale::log}});
  const Index n = 16;
  const Matrix X = sample(d.space, n);
  Matrix truth(n, 1);
  for (Index i = 0; i < n; ++i) truth(i, 0) = 3e42 * std::pow(X(i, 0), 0.8) * std::pow(X(i, 1), -0.6);
  std::mt19937_64 random(4);
  add_output(d.validation, {"luminosity", "erg/s", "", 1, false}, Vector(), "",
             predicted(
                 truth, [&](Index i, Index) { return 0.05 * truth(i, 0); }, 0.45, random),
             X);
  d.validation.source = "16 of 56 training runs set aside";
  d.validation.predict_seconds = 0.9e-6;
  d.validation.batch_seconds = 0.2e-6;
  ChannelSummary c;
  c.name = "luminosity";
  c.transform = "log";
  c.regressor = "gp, squared exponential";
  c.coefficients = 1;
  c.projection_error = 0;
  d.channels = {c};
  d.comparison = {
      {"ridge", "degree 2", 0.051, 0.02, 0.001, 0.2, false, "within one standard error, but biased"},
      {"gp", "squared exponential", 0.047, 0.018, 0.4, 0.9, true, "smallest error"},
      {"lasso", "", kNaN, kNaN, 0.1, kNaN, false, "failed: did not converge"}};
  return d;
}

ReportData neighbours() {
  ReportData d;
  describe(d, "knn");
  d.training_runs = 500;
  d.simulator_seconds = kNaN;
  d.space = ParameterSpace({{"a", "", 0, 1, Scale::linear}, {"b", "", 0, 1, Scale::linear}});
  const Index n = 100, m = 12;
  const Matrix X = sample(d.space, n);
  Matrix truth(n, m);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j)
      truth(i, j) = 2 + std::sin(3 * X(i, 0) + 0.4 * static_cast<double>(j)) + X(i, 1);
  std::mt19937_64 random(8);
  const Vector frequency = (Vector::LinSpaced(m, std::log(10.0), std::log(4000.0))).array().exp();
  add_output(d.validation, {"power", "Jy", "frequency", m, false}, frequency, "Hz",
             predicted(
                 truth, [](Index, Index) { return 0.06; }, 0, random),
             X);
  const Matrix constant = Matrix::Constant(n, 3, 2.5);
  add_output(d.validation, {"floor", "", "band", 3, false}, Vector::LinSpaced(3, 1, 3), "",
             {constant, constant, {}}, X);
  d.validation.source = "100 of 600 training runs set aside";
  ChannelSummary c;
  c.name = "all";
  c.regressor = "knn, k = 5";
  c.coefficients = 15;
  c.projection_error = kNaN;
  d.channels = {c};
  return d;
}

ReportData many() {
  ReportData d = waveform();
  d.title = "many";
  d.validation = {};
  const Index n = 4, m = 20000;
  const Matrix X = sample(d.space, n);
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  Matrix truth(n, 2 * m);
  for (double& v : truth.reshaped()) v = normal(random);
  const Rows rows = predicted(
      truth, [](Index, Index) { return 0.1; }, 1.0, random);
  add_output(d.validation, {"noise0", "", "time", m, true}, Vector::LinSpaced(m, 0, 1), "s", rows, X);
  for (int k = 1; k < 40; ++k) {
    d.validation.outputs.push_back(d.validation.outputs[0]);
    d.validation.diagnostics.push_back(d.validation.diagnostics[0]);
    d.validation.outputs.back().name = d.validation.diagnostics.back().spec.name =
        "noise" + std::to_string(k);
  }
  return d;
}

ReportData empty() {
  ReportData d;
  d.title = "empty";
  d.simulator_seconds = kNaN;
  return d;
}

ReportData hostile() {
  ReportData d = waveform();
  const std::string evil = "<script>alert('x')</script> & \"quoted\" \x01 \xff\xfe ü";
  d.title = d.model_file = d.created = d.version = d.recipe = d.recipe_hash = d.data_hash = evil;
  d.provenance = d.decoder = evil;
  d.warnings = {evil, ""};
  d.space = ParameterSpace({{evil, evil, 0, 1, Scale::linear},
                            {evil + "2", evil, 1, 2, Scale::log},
                            {"c", "", 0, 1, Scale::linear},
                            {"d", "", 0, 1, Scale::linear},
                            {"e", "", 0, 1, Scale::linear}},
                           {{{0, 2, 3}, 0.5}}, {{(Vector(5) << 1, -2.5, 0, 0, 0).finished(), 3}});
  const double inf = std::numeric_limits<double>::infinity();
  for (ChannelSummary& c : d.channels) {
    c.name = c.transform = c.basis = c.regressor = evil;
    c.facts = {{evil, evil}};
    c.warnings = {evil};
    c.projection_error = inf;
    c.singular_values[3] = kNaN;
    c.singular_values[4] = 0;
    c.basis_view.axis = c.basis_view.axis_unit = evil;
    c.basis_view.training_error[2] = kNaN;
    c.basis_view.training_error[3] = 0;
    c.basis_view.errors = {kNaN, inf, inf, kNaN};
    if (&c == &d.channels[0]) c.basis_view.elements(0, 3) = kNaN;
    if (&c == &d.channels[1]) c.basis_view.nodes.setConstant(kNaN);
    if (&c == &d.channels[2]) c.basis_view.bins.resize(3);
  }
  d.training_seconds = kNaN;
  d.simulator_seconds = inf;
  Validation& v = d.validation;
  v.source = evil;
  v.predict_seconds = kNaN;
  v.batch_seconds = inf;
  v.groups[0].name = v.groups[0].missing = evil;
  v.groups[0].members = {evil};
  v.groups[0].mismatch_median = kNaN;
  v.groups[0].mismatch_p95 = inf;
  v.groups[0].dominant = evil;
  v.groups[0].mismatch[1] = kNaN;
  v.groups[0].worst.mean[5] = inf;
  v.groups.push_back({evil, {evil}, kNaN, inf});

  v.mismatch = {evil, evil, evil};
  for (OutputScores& o : v.outputs) o.name = evil;
  v.outputs[0] = {evil, kNaN, kNaN, kNaN, inf, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, 0, kNaN, kNaN};
  for (OutputDiagnostics& o : v.diagnostics) o.spec.name = o.spec.unit = o.spec.axis = o.axis_unit = evil;
  v.diagnostics[0].rmse[3] = v.diagnostics[0].spread[5] = kNaN;
  v.diagnostics[0].worst.mean[7] = inf;
  v.diagnostics[0].worst.std[9] = inf;
  v.diagnostics[0].relative_l2[2] = kNaN;
  v.diagnostics[0].scatter_std[2] = kNaN;
  v.diagnostics[0].scatter_truth[3] = inf;
  v.diagnostics[1].axis[1] = kNaN;
  v.diagnostics[1].rmse.setConstant(kNaN);
  v.diagnostics[1].relative_l2.setConstant(kNaN);
  v.diagnostics[1].mismatch.setZero();
  v.diagnostics[2].worst = {};
  v.diagnostics[2].pit.setZero();
  v.diagnostics[3].axis.resize(0);
  v.diagnostics[3].worst.truth.setConstant(kNaN);
  v.diagnostics[4].scatter_truth.resize(0);
  OutputDiagnostics bare, single;
  bare.spec = {"bare", "", "", 5, false};
  single.spec = {"single", "", "", 1, true};
  v.diagnostics.push_back(bare);
  v.diagnostics.push_back(single);
  d.comparison = {{evil, evil, kNaN, inf, inf, kNaN, true, evil},
                  {evil, evil, 0.0, 0.0, 0.0, 0.0, false, evil}};
  return d;
}

}  // namespace ersatz::samples

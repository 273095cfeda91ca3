#include "ersatz/regression/chaos.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/sobol_indices.hpp"
#include "regression/feature_options.hpp"
#include "regression/feature_table.hpp"
#include "regression/polynomial_facts.hpp"
#include "regression/polynomial_predictor.hpp"
#include "regression/sparse_expansion.hpp"
#include "regression/training_data.hpp"

namespace ersatz {
namespace {

constexpr Index most_values = 50000000;  ///< of a table of candidates
constexpr Index outputs_told = 4;

// One output: the best so far, and where it stands.
struct Output {
  SparseExpansion best;
  Exponents exponents;  // of the best's terms
  Truncation truncation{0, 1.0};
  Index worse = 0;  // truncations in a row, of one q_norm, that were no better than `last`
  double last = 0.0;
  bool open = true;
};

class Fitting {
 public:
  Fitting(const TrainingData& data, const FitContext& context, const ChaosOptions& options)
      : data_(data),
        options_(options),
        executor_(context.executor ? *context.executor : serial_),
        inputs_(feature_inputs(data, options.features)),
        scaling_(Standardisation::of(data.y)),
        y_(scaling_.apply(data.y)),
        outputs_(static_cast<std::size_t>(data.y.cols())) {}

  Fit operator()() {
    Fit fit;
    warn_about_data(data_, inputs_, scaling_, fit.summary);
    warn_about_bounds(fit.summary);
    if (points() > 1) {
      expand_to({0, 1.0});  // the average
      search();
    }
    fit.predictor = std::make_shared<PolynomialPredictor>(state());
    summarise(fit);
    return fit;
  }

 private:
  Index points() const { return data_.x.rows(); }

  void warn_about_bounds(FitSummary& summary) const {
    if (data_.input_lower.size() == 0 || options_.features != PolynomialFamily::legendre) return;
    Index outside = 0;
    for (Index i = 0; i < points(); ++i) {
      bool out = false;
      for (Index k = 0; k < inputs_.size(); ++k)
        out = out || (inputs_.varies(k) &&
                      std::abs((data_.x(i, k) - inputs_.centre[k]) * inputs_.inverse_scale[k]) > 1.0 + 1e-9);
      outside += out;
    }
    if (outside > 0)
      summary.warnings.push_back(
          text(outside, " of ", points(),
               " points lie outside of the inputs' bounds, where the polynomials are not "
               "orthonormal: Sobol indices are those inside"));
  }

  void search() {
    std::vector<Index> degrees = options_.degrees;
    const bool adaptive = degrees.empty();
    if (adaptive)
      for (Index g = 1; g <= options_.max_degree; ++g) degrees.push_back(g);
    const Index limit = std::min(options_.max_candidates, most_values / points());
    for (const double q : options_.q_norms) {
      for (Output& o : outputs_) {
        o.open = true;
        o.worse = 0;
        o.last = o.best.error;
      }
      Index before = -1;
      for (const Index degree : degrees) {
        const Index size = PolynomialFeatures::truncated_size(inputs_.varying(), {degree, q});
        if (size == before) continue;  // nothing new: no input varies
        if (size < 0 || size > std::max<Index>(limit, inputs_.varying())) {
          limited_ = text("degree ", degree, q < 1.0 ? text(", q_norm ", brief(q)) : std::string(),
                          " and above: ", size < 0 ? std::string("over a million") : text(size),
                          " candidates, the limit is ", limit);
          break;
        }
        before = size;
        expand_to({degree, q});
        if (!adaptive) continue;
        bool any = false;
        for (Output& o : outputs_) {
          if (o.worse >= 2 || o.best.error < 1e-20) o.open = false;
          any = any || o.open;
        }
        if (!any) break;
      }
    }
  }

  void expand_to(const Truncation& truncation) {
    const PolynomialFeatures features = features_of(inputs_, truncation, options_.features);
    const Eigen::MatrixXd columns = column_major(features.evaluate(data_.x));
    std::vector<std::size_t> open;
    for (std::size_t j = 0; j < outputs_.size(); ++j)
      if (outputs_[j].open) open.push_back(j);
    const auto results = executor_.map(static_cast<Index>(open.size()), [&](Index task) {
      const auto j = static_cast<Index>(open[static_cast<std::size_t>(task)]);
      return to_bytes(sparse_expansion(columns, y_.col(j), options_.max_terms));
    });
    for (std::size_t task = 0; task < open.size(); ++task) {
      Output& o = outputs_[open[task]];
      SparseExpansion found = expansion_from_bytes(results[task], points());
      candidates_ = std::max(candidates_, features.size());
      o.worse = truncation.degree == 0 || found.error < o.last ? 0 : o.worse + 1;
      o.last = found.error;
      if (truncation.degree > 0 && !(found.error < o.best.error * (1.0 - 1e-10))) continue;
      o.exponents.resize(static_cast<Index>(found.terms.size()), inputs_.size());
      for (Index t = 0; t < o.exponents.rows(); ++t)
        o.exponents.row(t) = features.exponents().row(found.terms[static_cast<std::size_t>(t)]);
      o.truncation = truncation;
      o.best = std::move(found);
    }
  }

  // The terms that some output has, in the order of polynomial_features.hpp, and where each output's stand.
  PolynomialFeatures merged(std::vector<std::vector<Index>>& places) const {
    struct Row {
      const int* powers;
      std::size_t output;
      Index term;
    };
    std::vector<Row> rows;
    for (std::size_t j = 0; j < outputs_.size(); ++j)
      for (Index t = 0; t < outputs_[j].exponents.rows(); ++t)
        rows.push_back({outputs_[j].exponents.row(t).data(), j, t});
    const Index d = inputs_.size();
    const auto total = [&](const int* e) { return std::accumulate(e, e + d, 0); };
    const auto compare = [&](const int* a,
                             const int* b) {  // by total degree, then high powers of early inputs
      if (total(a) != total(b)) return total(a) < total(b);
      return std::lexicographical_compare(b, b + d, a, a + d);
    };
    std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
      if (compare(a.powers, b.powers)) return true;
      if (compare(b.powers, a.powers)) return false;
      return a.output < b.output;
    });
    places.assign(outputs_.size(), {});
    for (std::size_t j = 0; j < outputs_.size(); ++j)
      places[j].resize(static_cast<std::size_t>(outputs_[j].exponents.rows()));
    Exponents all(static_cast<Index>(rows.size()), d);
    Index used = 0;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (r == 0 || !std::equal(rows[r].powers, rows[r].powers + d, rows[r - 1].powers))
        std::copy(rows[r].powers, rows[r].powers + d, all.row(used++).data());
      places[rows[r].output][static_cast<std::size_t>(rows[r].term)] = used - 1;
    }
    all.conservativeResize(used, d);
    return PolynomialFeatures(inputs_, std::move(all),
                              std::vector<PolynomialFamily>(static_cast<std::size_t>(d), options_.features));
  }

  double residual_variance(std::size_t j) const {
    const SparseExpansion& e = outputs_[j].best;
    const double scale = scaling_.scale(static_cast<Index>(j));
    return e.correction * (e.left.array() * e.leave_one_out.array().square()).mean() * scale * scale;
  }

  PolynomialState state() const {
    std::vector<std::vector<Index>> places;
    PolynomialState s;
    s.features = merged(places);
    const Index n = points(), m = s.features.size(), p = data_.y.cols();
    s.centre = Vector::Zero(m);
    Workspace workspace;
    Vector row(m);
    for (Index i = 0; i < n && m > 0; ++i) {
      s.features.evaluate(data_.x.data() + i * data_.x.cols(), row.data(), workspace);
      s.centre += row / static_cast<double>(n);
    }
    s.intercept = scaling_.centre;
    s.coefficients = Matrix::Zero(m, p);
    s.has_variance = n > 1;
    if (!s.has_variance) return s;
    s.offset = 1.0 / static_cast<double>(n);
    s.residual.resize(p);
    Index directions = 0;
    for (Index j = 0; j < p; ++j) {
      const auto at = static_cast<std::size_t>(j);
      const SparseExpansion& e = outputs_[at].best;
      directions += e.root.cols();
      s.level.push_back(j);
      s.residual[j] = residual_variance(at);
      for (std::size_t t = 0; t < places[at].size(); ++t)
        s.coefficients(places[at][t], j) = e.coefficients[static_cast<Index>(t)] * scaling_.scale(j);
    }
    s.observed = s.residual;
    s.latent = (s.observed - mean_noise_variance(data_)).cwiseMax(0.0);
    if (m == 0) return s;
    // Each output has directions of its own, and weight on no others'.
    s.inverse_scale = Vector::Zero(m);  // nothing counts outside of them
    s.directions = Matrix::Zero(m, directions);
    s.weights = Matrix::Zero(p, directions + 1);
    Index from = 0;
    for (Index j = 0; j < p; ++j) {
      const auto at = static_cast<std::size_t>(j);
      const Eigen::MatrixXd& root = outputs_[at].best.root;
      for (Index t = 0; t < root.rows(); ++t)
        s.directions.row(places[at][static_cast<std::size_t>(t)]).segment(from, root.cols()) = root.row(t);
      s.weights.row(j).segment(from, root.cols()).setOnes();
      from += root.cols();
    }
    return s;
  }

  void summarise(Fit& fit) const {
    FitSummary& summary = fit.summary;
    const Index n = points(), p = data_.y.cols();
    std::vector<double> degrees, terms, norms;
    double total = 0.0;
    Index most = 0;
    for (const Output& o : outputs_) {
      degrees.push_back(static_cast<double>(o.truncation.degree));
      norms.push_back(o.truncation.q_norm);
      terms.push_back(static_cast<double>(o.exponents.rows()));
      total += o.best.error;
      most = std::max(most, o.exponents.rows());
    }
    summary.facts.emplace_back("degree", list_of(degrees));
    if (options_.q_norms.size() > 1) summary.facts.emplace_back("q_norm", list_of(norms));
    summary.facts.emplace_back("terms (without the constant)", list_of(terms));
    summary.facts.emplace_back("candidates", text(candidates_));
    if (!limited_.empty()) {
      summary.facts.emplace_back("not tried", limited_);
      if (!options_.degrees.empty() || candidates_ == 0)
        summary.warnings.push_back("not tried: " + limited_ +
                                   "; lower degree or q_norm, or raise max_candidates");
    }
    if (data_.noise_std.size() > 0)
      summary.facts.emplace_back("noise",
                                 "known deviations enter the latent variance; points have equal weights");
    if (n > 1) {
      summary.facts.emplace_back("corrected leave-one-out error over standard deviation",
                                 brief(std::sqrt(total / static_cast<double>(p))));
      summary.leave_one_out.resize(n, p);
      summary.leave_one_out_std.resize(n, p);
      for (Index j = 0; j < p; ++j) {
        const SparseExpansion& e = outputs_[static_cast<std::size_t>(j)].best;
        summary.leave_one_out.col(j) = e.leave_one_out * scaling_.scale(j);
        summary.leave_one_out_std.col(j) =
            (residual_variance(static_cast<std::size_t>(j)) / e.left.array()).sqrt();
      }
    }
    const SobolIndices sobol = sobol_indices(*fit.predictor);
    for (Index j = 0; j < std::min(p, outputs_told); ++j) {
      if (!(sobol.variance[j] > 0.0)) continue;
      summary.facts.emplace_back(text("mean and standard deviation of output ", j),
                                 text(brief(sobol.mean[j]), ", ", brief(std::sqrt(sobol.variance[j]))));
      summary.facts.emplace_back(text("Sobol indices of output ", j),
                                 describe_sobol(sobol, j, data_.input_names));
    }
    add_coefficient_facts(*fit.predictor, data_, summary);
    summary.message = text("chaos: up to ", most, " of ", candidates_, " terms from ", n, " points");
  }

  const TrainingData& data_;
  const ChaosOptions& options_;
  SerialExecutor serial_;
  Executor& executor_;
  Standardisation inputs_, scaling_;
  Eigen::MatrixXd y_;
  std::vector<Output> outputs_;
  Index candidates_ = 0;
  std::string limited_;
};

class ChaosRegressor final : public Regressor {
 public:
  explicit ChaosRegressor(ChaosOptions options) : options_(std::move(options)) {}
  std::string name() const override { return "chaos"; }
  std::string settings() const override {
    return text(options_.degrees.size() == 1 ? text("degree ", options_.degrees[0])
                                             : std::string("degree by leave-one-out"),
                options_.q_norms.size() > 1 ? std::string(", q_norm by leave-one-out")
                : options_.q_norms[0] < 1.0 ? text(", q_norm ", brief(options_.q_norms[0]))
                                            : std::string(),
                ", ", to_string(options_.features));
  }
  Fit fit(const TrainingData& data, const FitContext& context) const override {
    const auto start = std::chrono::steady_clock::now();
    data.check();
    Fit fit = Fitting(data, context, options_)();
    fit.summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return fit;
  }

 private:
  ChaosOptions options_;
};

}  // namespace

RegressorPtr make_chaos_regressor(const ChaosOptions& options) {
  const auto refuse = [](const char* setting, double value, const char* expected) {
    throw UsageError(text("regressor chaos: ", setting, " is ", value, ", expected ", expected));
  };
  for (const Index degree : options.degrees)
    if (degree < 1 || degree > 64) refuse("degree", static_cast<double>(degree), "1 to 64");
  if (options.max_degree < 1 || options.max_degree > 64)
    refuse("max_degree", static_cast<double>(options.max_degree), "1 to 64");
  if (options.q_norms.empty()) throw UsageError("regressor chaos: no q_norm to choose from");
  for (const double q : options.q_norms)
    if (!(q > 0.0 && q <= 1.0)) refuse("q_norm", q, "more than 0, up to 1");
  if (options.features == PolynomialFamily::powers)
    throw UsageError(
        "regressor chaos: features is 'powers', expected \"legendre\" or \"hermite\": powers are not "
        "orthonormal (regressors ridge and lasso take them)");
  if (options.max_terms < 0)
    refuse("max_terms", static_cast<double>(options.max_terms), "0 (no limit) or more");
  if (options.max_candidates < 1)
    refuse("max_candidates", static_cast<double>(options.max_candidates), "1 or more");
  ChaosOptions meant = options;
  std::sort(meant.degrees.begin(), meant.degrees.end());
  return std::make_shared<ChaosRegressor>(meant);
}

RegressorPtr make_chaos_regressor(const Settings& settings) {
  settings.check_known("regressor chaos",
                       {"degree", "max_degree", "q_norm", "features", "max_terms", "max_candidates"});
  ChaosOptions options;
  const auto degree = settings.values().find("degree");
  if (degree != settings.values().end()) {
    if (const auto* word = std::get_if<std::string>(&degree->second)) {
      if (*word != "auto")
        throw UsageError(
            text("regressor chaos: degree is '", *word, "', expected whole numbers or \"auto\""));
    } else {
      for (const double g : settings.get("degree", std::vector<double>{})) {
        if (g != std::floor(g) || std::abs(g) > 1e6)
          throw UsageError(text("regressor chaos: degree is ", g, ", expected a whole number"));
        options.degrees.push_back(static_cast<Index>(g));
      }
    }
  }
  options.max_degree = settings.get("max_degree", options.max_degree);
  options.q_norms = settings.get("q_norm", options.q_norms);
  options.features = family_setting(settings, "chaos", options.features);
  options.max_terms = settings.get("max_terms", options.max_terms);
  options.max_candidates = settings.get("max_candidates", options.max_candidates);
  return make_chaos_regressor(options);
}

}  // namespace ersatz

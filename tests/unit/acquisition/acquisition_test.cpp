// Acquisitions against refits with the same hyperparameters, Monte Carlo and brute force.
#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "acquisition/acquisitions.hpp"
#include "acquisition/latent_posterior.hpp"
#include "core/gaussian.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/design/design.hpp"
#include "ersatz/emulator/train.hpp"
#include "ersatz/regression/gp/diagnostics.hpp"
#include "ersatz/regression/gp/update.hpp"
#include "regression/gp/predictor.hpp"
#include "unit/emulator/small.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::recipe_with;
using testing::small_archive;

/// One number, over the unit square; only `runs` of it.
Archive square(const Matrix& X) {
  Archive a;
  a.space = ParameterSpace({{"a", "", 0.0, 1.0}, {"b", "", 0.0, 1.0}});
  a.parameters = X;
  a.axes = {{"one", "", Vector::Zero(1)}};
  a.outputs = {{"y", "", "one", 1, false}};
  a.values.emplace_back(X.rows(), 1);
  for (Index i = 0; i < X.rows(); ++i) {
    a.values[0](i, 0) = 5.0 + 3.0 * std::sin(4.0 * X(i, 0)) + X(i, 1) * X(i, 1);
    a.status.push_back(RunStatus::done);
    a.messages.emplace_back();
    a.seconds.push_back(1.0);
  }
  return a;
}

Matrix sobol(Index n, std::uint64_t seed) {
  DesignOptions shift;
  shift.digital_shift = true;
  return make_design(DesignMethod::sobol, square(Matrix::Zero(1, 2)).space, n, RandomStream(seed), shift);
}

Settings fixed() { return {{"kernel", std::string("matern52-product(length=0.5)")}, {"nugget", 1e-4}}; }

Knowledge known(const Emulator& emulator, const Archive& runs) {
  return {emulator, runs, Matrix(0, runs.space.size()), error_weights(runs), {}, {}};
}

Vector scores_of(const std::string& name, const Knowledge& knowledge, const Matrix& candidates,
                 const FitContext& context = {}) {
  return make_acquisition(name)->start(knowledge, candidates, context)->scores();
}

/// Variances (of the function) of channel 0 at X after `points` were run, with the hyperparameters and the
/// process variance as they are.
Vector variance_after(const Emulator& emulator, const Matrix& points, const Matrix& X) {
  const Predictor& predictor = *emulator.channels()[0].predictor;
  const auto map = [&](const Matrix& P) { return forward_rows(emulator.input_map(), P); };
  const auto process = [](const Predictor& p) {
    return dynamic_cast<const gp::GpPredictor&>(p).state().outputs[0].process_variance;
  };
  Workspace workspace;
  Matrix mean(X.rows(), 1), variance(X.rows(), 1);
  if (points.rows() == 0) {
    predictor.mean_and_variance(map(X), mean, variance, Noise::latent, workspace);
    return variance.col(0);
  }
  const PredictorPtr more = gp::append(predictor, map(points), Matrix::Constant(points.rows(), 1, 0.3));
  more->mean_and_variance(map(X), mean, variance, Noise::latent, workspace);
  return variance.col(0) * process(predictor) / process(*more);
}

/// What one unit of the latent variance is worth: the output is linear in the latent one here.
double unit_of(const Emulator& emulator, const Archive& runs) {
  const Matrix x = runs.parameters.topRows(1).array() * 0.5 + 0.2;
  const double std = emulator.predict(x, true).std[0](0, 0);
  return error_weights(runs)[0] * std * std /
         (emulator.channels()[0].variance_scale[0] * variance_after(emulator, Matrix(0, 2), x)[0]);
}

TEST(Acquisition, IntegratedVarianceIsWhatARefitGains) {
  const Archive runs = square(sobol(24, 1));
  const Emulator emulator = train_emulator(runs, recipe_with("gp", fixed())).emulator;
  const Matrix candidates = sobol(15, 2);
  FitContext context;
  context.random = RandomStream(9);
  DesignOptions shift;
  shift.digital_shift = true;
  const Matrix reference =
      make_design(DesignMethod::sobol, runs.space, 500, context.random.split("reference"), shift);
  const double unit = unit_of(emulator, runs) * emulator.channels()[0].variance_scale[0];
  const auto mean_variance = [&](const Matrix& points) {
    return unit * variance_after(emulator, points, reference).mean();
  };
  const auto scoring =
      make_acquisition("integrated-variance")->start(known(emulator, runs), candidates, context);
  const double before = mean_variance(Matrix(0, 2));
  for (Index c = 0; c < candidates.rows(); ++c) {
    const double gain = before - mean_variance(candidates.row(c));
    EXPECT_NEAR(scoring->scores()[c], gain, 1e-6 * before) << c;
    EXPECT_GT(gain, 1e-4 * before);
  }
  // With others pending: joint variances.
  scoring->pend(3);
  scoring->pend(8);
  Matrix points(3, 2);
  points.topRows(2) << candidates.row(3), candidates.row(8);
  const double pending = mean_variance(points.topRows(2));
  for (Index c = 0; c < candidates.rows(); ++c) {
    if (c == 3 || c == 8) continue;
    points.row(2) = candidates.row(c);
    EXPECT_NEAR(scoring->scores()[c], pending - mean_variance(points), 1e-6 * before) << c;
  }
}

TEST(Acquisition, PointsUnderWayCountAsIfTheyWerePending) {
  const Archive runs = square(sobol(20, 1));
  const Emulator emulator = train_emulator(runs, recipe_with("gp", fixed())).emulator;
  const Matrix candidates = sobol(12, 2);
  for (const char* name : {"integrated-variance", "largest-variance"}) {
    const auto pended = make_acquisition(name)->start(known(emulator, runs), candidates, {});
    pended->pend(5);
    Knowledge knowledge = known(emulator, runs);
    knowledge.under_way = candidates.row(5);
    const Vector scores = scores_of(name, knowledge, candidates);
    for (Index c = 0; c < candidates.rows(); ++c)
      if (c != 5) {
        EXPECT_NEAR(scores[c], pended->scores()[c], 1e-9 * scores.maxCoeff()) << name << " " << c;
      }
  }
}

TEST(Acquisition, LargestVarianceIsTheEmulatorsOwn) {
  const Archive runs = square(sobol(20, 1));
  const Emulator emulator = train_emulator(runs, recipe_with("gp", fixed())).emulator;
  const Matrix candidates = sobol(40, 3);
  const Vector scores = scores_of("largest-variance", known(emulator, runs), candidates);
  const Matrix std = emulator.predict(candidates, true).std[0];
  const double weight = error_weights(runs)[0];
  for (Index c = 0; c < candidates.rows(); ++c)
    EXPECT_NEAR(scores[c], weight * std(c, 0) * std(c, 0), 1e-9 * scores.maxCoeff());
  // After one is chosen: as a refit has it.
  const auto scoring = make_acquisition("largest-variance")->start(known(emulator, runs), candidates, {});
  scoring->pend(7);
  const Vector after = variance_after(emulator, candidates.row(7), candidates) * unit_of(emulator, runs) *
                       emulator.channels()[0].variance_scale[0];
  for (Index c = 0; c < candidates.rows(); ++c)
    EXPECT_NEAR(scoring->scores()[c], after[c], 1e-6 * scores.maxCoeff()) << c;
}

/// Rough where a < 0.3.
Archive rough(Index n) {
  Archive runs = square(sobol(n, 1));
  for (Index i = 0; i < n; ++i)
    if (runs.parameters(i, 0) < 0.3)
      runs.values[0](i, 0) += std::sin(31.0 * runs.parameters(i, 0) + 17.0 * runs.parameters(i, 1));
  return runs;
}

TEST(Acquisition, LocalVariancesFollowTheResidualsOfTheNearestRuns) {
  const Archive runs = rough(60);
  const Emulator emulator = train_emulator(runs, recipe_with("gp", fixed())).emulator;
  const Matrix candidates = sobol(200, 3);
  const Vector plain = scores_of("largest-variance", known(emulator, runs), candidates);
  const Vector local = make_acquisition("largest-variance", {{"local", true}})
                           ->start(known(emulator, runs), candidates, {})
                           ->scores();
  const gp::LeftOut left = gp::leave_one_out(*emulator.channels()[0].predictor, 0);
  Vector ratio = left.residual.cwiseQuotient(left.deviation).cwiseAbs2();
  ratio /= ratio.mean();
  const Matrix U = forward_rows(emulator.input_map(), candidates),
               there = forward_rows(emulator.input_map(), runs.parameters);
  std::vector<double> there_rough, there_smooth;
  for (Index c = 0; c < candidates.rows(); ++c) {
    std::vector<std::pair<double, Index>> near;
    for (Index i = 0; i < 60; ++i) near.emplace_back((there.row(i) - U.row(c)).squaredNorm(), i);
    std::sort(near.begin(), near.end());
    double sum = 1.0, weight = 1.0;
    for (std::size_t m = 0; m < 10; ++m) {
      sum += (1.0 - near[m].first / near[10].first) * ratio[near[m].second];
      weight += 1.0 - near[m].first / near[10].first;
    }
    EXPECT_NEAR(local[c] / plain[c], sum / weight, 1e-9 * sum / weight) << c;
    if (candidates(c, 0) < 0.2) there_rough.push_back(local[c] / plain[c]);
    if (candidates(c, 0) > 0.6) there_smooth.push_back(local[c] / plain[c]);
  }
  const auto mean = [](const std::vector<double>& v) {
    return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
  };
  EXPECT_GT(mean(there_rough), 5.0 * mean(there_smooth));
}

TEST(Acquisition, LocalIntegratedVarianceLooksWhereTheFunctionIsRough) {
  const Archive runs = rough(60);
  const Emulator emulator = train_emulator(runs, recipe_with("gp", fixed())).emulator;
  const Matrix candidates = sobol(500, 3);
  const auto in_rough = [&](bool local) {
    const auto rule = make_acquisition("integrated-variance", {{"local", local}});
    Index count = 0;
    for (const Choice& c : choose_batch(*rule, known(emulator, runs), candidates, 12))
      count += candidates(c.candidate, 0) < 0.35;
    return count;
  };
  EXPECT_GE(in_rough(true), 9);
  EXPECT_LE(in_rough(false), 6);
}

double matern52(double a, double b, double length) {
  const double r = std::sqrt(5.0) * std::abs(a - b) / length;
  return (1.0 + r + r * r / 3.0) * std::exp(-r);
}

// Each candidate against a Gaussian process on the others, built anew.
TEST(Acquisition, MiceDividesByWhatTheOtherCandidatesLeave) {
  const Archive runs = square(sobol(20, 1));
  const Emulator emulator = train_emulator(runs, recipe_with("gp", fixed())).emulator;
  const Matrix candidates = sobol(40, 3), U = forward_rows(emulator.input_map(), candidates);
  const Vector plain = scores_of("largest-variance", known(emulator, runs), candidates);
  for (const auto& [others, nugget] : {std::pair<Index, double>{300, 1.0}, {300, 1e-3}, {12, 1.0}}) {
    const auto rule = make_acquisition("mice", {{"others", static_cast<double>(others)}, {"nugget", nugget}});
    const Vector scores = rule->start(known(emulator, runs), candidates, {})->scores();
    for (Index c = 0; c < 40; ++c) {
      std::vector<Index> those;
      for (Index i = 0; i < std::min<Index>(others, 40); ++i)
        if (i != c) those.push_back(i);
      const auto correlation = [&](Index a, Index b) {
        return matern52(U(a, 0), U(b, 0), 0.5) * matern52(U(a, 1), U(b, 1), 0.5);
      };
      const auto m = static_cast<Index>(those.size());
      Eigen::MatrixXd R(m, m);
      Eigen::VectorXd k(m);
      for (Index i = 0; i < m; ++i) {
        k[i] = correlation(c, those[static_cast<std::size_t>(i)]);
        for (Index j = 0; j < m; ++j)
          R(i, j) = correlation(those[static_cast<std::size_t>(i)], those[static_cast<std::size_t>(j)]) +
                    (i == j ? nugget : 0.0);
      }
      const double left = 1.0 - k.dot(R.ldlt().solve(k));
      EXPECT_NEAR(plain[c] / scores[c], left, 1e-8) << others << " " << nugget << " " << c;
    }
  }
}

// Among so many candidates and runs most variances are only bounded: the choice is that of all variances.
TEST(Acquisition, BoundsDoNotChangeWhatIsChosen) {
  const Archive runs = square(sobol(420, 1));
  const Emulator emulator = train_emulator(runs, recipe_with("gp", fixed())).emulator;
  const Matrix candidates = sobol(12000, 3);
  const auto batch =
      choose_batch(*make_acquisition("largest-variance"), known(emulator, runs), candidates, 3);
  const double unit = unit_of(emulator, runs) * emulator.channels()[0].variance_scale[0];
  Matrix chosen(0, 2);
  for (const Choice& c : batch) {
    const Vector variance = variance_after(emulator, chosen, candidates);
    EXPECT_NEAR(c.score, unit * variance[c.candidate], 1e-6 * c.score);
    EXPECT_GE(variance[c.candidate], (1.0 - 1e-6) * variance.maxCoeff());
    chosen.conservativeResize(chosen.rows() + 1, Eigen::NoChange);
    chosen.bottomRows(1) = candidates.row(c.candidate);
  }
  // Most are bounds, and none is too small.
  const auto scoring = make_acquisition("largest-variance")->start(known(emulator, runs), candidates, {});
  const Index best = scoring->best(std::vector<bool>(12000, false));
  const Vector exact = unit * variance_after(emulator, Matrix(0, 2), candidates);
  EXPECT_EQ(best, batch[0].candidate);
  Index above = 0;
  for (Index c = 0; c < 12000; ++c) {
    EXPECT_GE(scoring->scores()[c], (1.0 - 1e-6) * exact[c]) << c;
    above += scoring->scores()[c] > 1.01 * exact[c];
  }
  EXPECT_GT(above, 5000);
}

// Transforms, bases, complex outputs: the sum of weighted variances of all outputs, but for what bases leave
// out.
TEST(Acquisition, VariancesArePhysicalOnes) {
  for (const bool shared : {false, true}) {
    const Archive runs = small_archive(30);
    Recipe recipe = recipe_with("gp", {{"nugget", 1e-6}, {"shared", shared}});
    recipe.channel.basis.settings.set("tolerance", 1e-9);
    const Emulator emulator = train_emulator(runs, recipe).emulator;
    RandomStream random(4);
    const Matrix candidates = runs.space.sample(25, random);
    const Vector scores = scores_of("largest-variance", known(emulator, runs), candidates);
    const Prediction prediction = emulator.predict(candidates, true);
    const Vector weights = error_weights(runs);
    Vector expected = Vector::Zero(25);
    for (std::size_t o = 0; o < 3; ++o)
      expected += weights[static_cast<Index>(o)] * prediction.std[o].rowwise().squaredNorm();
    for (Index c = 0; c < 25; ++c) EXPECT_NEAR(scores[c] / expected[c], 1.0, 0.02) << c << shared;
  }
}

// Coefficients that share a correlation are computed together: against the covariances of each of them.
TEST(Acquisition, IntegratedVarianceSumsOverAllCoefficients) {
  for (const bool shared : {false, true}) {
    const Archive runs = small_archive(25);
    const Emulator emulator =
        train_emulator(runs, recipe_with("gp", {{"nugget", 1e-3}, {"shared", shared}})).emulator;
    RandomStream random(4);
    const Matrix candidates = runs.space.sample(12, random);
    FitContext context;
    context.random = RandomStream(9);
    const Index r = 40;
    Settings settings;
    settings.set("reference", static_cast<double>(r));
    const auto rule = make_acquisition("integrated-variance", settings);
    const auto scoring = rule->start(known(emulator, runs), candidates, context);
    const Vector alone = scoring->scores();
    scoring->pend(5);

    DesignOptions shift;
    shift.digital_shift = true;
    const Matrix reference =
        make_design(DesignMethod::sobol, runs.space, r, context.random.split("reference"), shift);
    Matrix X(candidates.rows() + r, 2);
    X << candidates, reference;
    const Matrix U = forward_rows(emulator.input_map(), X);
    SerialExecutor executor;
    Matrix means(r, 0);
    Workspace workspace;
    for (const Channel& channel : emulator.channels()) {
      Matrix part(r, channel.basis->coefficients());
      channel.predictor->mean(U.bottomRows(r), part, workspace);
      Matrix wider(r, means.cols() + part.cols());
      wider << means, part;
      means = wider;
    }
    const Matrix weights =
        acquisition::sensitivity(emulator, reference, means, error_weights(runs), executor);
    Vector gain = Vector::Zero(candidates.rows()), after = gain;
    Index coefficient = 0;
    for (const Channel& channel : emulator.channels())
      for (Index k = 0; k < channel.basis->coefficients(); ++k, ++coefficient) {
        Matrix latent(U.rows(), U.rows()), observed(U.rows(), U.rows());
        channel.predictor->covariance(U, k, latent, Noise::latent, workspace);
        channel.predictor->covariance(U, k, observed, Noise::observed, workspace);
        latent *= channel.variance_scale[k];
        const double noise = channel.variance_scale[k] * observed(0, 0) - latent(0, 0);
        const auto add = [&](Vector& sum) {
          for (Index c = 0; c < sum.size(); ++c)
            sum[c] += latent.row(c).tail(r).cwiseAbs2().dot(weights.col(coefficient).transpose()) /
                      static_cast<double>(r) / (latent(c, c) + noise);
        };
        add(gain);
        const Vector column = latent.col(5);
        latent -= column * column.transpose() / (column[5] + noise);
        add(after);
      }
    EXPECT_GT(coefficient, 6);
    for (Index c = 0; c < gain.size(); ++c) {
      EXPECT_NEAR(alone[c], gain[c], 1e-6 * gain.maxCoeff()) << c << shared;
      EXPECT_NEAR(scoring->scores()[c], after[c], 1e-6 * gain.maxCoeff()) << c << shared;
    }
  }
}

TEST(Acquisition, WeightsMakeTheMeanOfSquaresTheMeanOfNrmse) {
  const Archive runs = small_archive(30);
  const Vector weights = error_weights(runs);
  for (std::size_t o = 0; o < 3; ++o) {  // an error as large as the spread is 1/3 of the whole
    const Matrix& y = runs.values[o];
    const double spread = (y.rowwise() - y.colwise().mean()).rowwise().squaredNorm().mean();
    EXPECT_NEAR(weights[static_cast<Index>(o)] * spread, 1.0 / 3.0, 1e-12);
  }
  Archive flat = square(sobol(5, 1));
  flat.values[0].setConstant(0.1);
  EXPECT_EQ(error_weights(flat)[0], 0.0);
}

TEST(Acquisition, ABatchDoesNotAskTheSameTwice) {
  // Runs on the left; two candidates at the same place on the right, one elsewhere.
  Matrix X = sobol(20, 1);
  X.col(0) *= 0.4;
  const Archive runs = square(X);
  const Emulator emulator = train_emulator(runs, recipe_with("gp", fixed())).emulator;
  Matrix candidates(3, 2);
  candidates << 0.95, 0.5, 0.95, 0.5, 0.2, 0.99;
  for (const char* name : {"integrated-variance", "largest-variance", "space-filling"}) {
    const auto batch = choose_batch(*make_acquisition(name), known(emulator, runs), candidates, 2);
    EXPECT_EQ(batch[0].candidate, 0) << name;
    EXPECT_EQ(batch[1].candidate, 2) << name;
    EXPECT_GT(batch[0].score, batch[1].score) << name;
  }
}

TEST(Acquisition, PenaltiesSpreadABatchWithoutCovariances) {
  Matrix X = sobol(30, 1);
  X.col(0) *= 0.4;
  const Archive runs = square(X);
  Recipe recipe = recipe_with("knn");
  const Emulator emulator = train_emulator(runs, recipe).emulator;
  Knowledge knowledge = known(emulator, runs);
  for (const auto& part : {runs.subset({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}),
                           runs.subset({15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29})})
    knowledge.committee.push_back(train_emulator(part, recipe).emulator);
  const Matrix pool = sobol(50, 2);
  const Vector scores = scores_of("committee", knowledge, pool);
  Index best = 0;
  scores.maxCoeff(&best);
  Matrix candidates(52, 2);
  candidates << pool, pool.row(best), pool.row(best);
  const auto batch = choose_batch(*make_acquisition("committee"), knowledge, candidates, 3);
  EXPECT_EQ(batch[0].candidate, best);
  EXPECT_LT(batch[1].candidate, 50);
  EXPECT_LT(batch[2].candidate, 50);
}

TEST(Acquisition, VariancesWithoutCovariancesArePenalised) {
  const Archive runs = square(sobol(30, 1) * 0.5);
  const Emulator emulator = train_emulator(runs, recipe_with("linear")).emulator;
  Matrix candidates(4, 2);
  candidates << 0.2, 0.2, 1.0, 1.0, 1.0, 1.0, 0.9, 0.2;
  const auto batch =
      choose_batch(*make_acquisition("largest-variance"), known(emulator, runs), candidates, 2);
  EXPECT_EQ(batch[0].candidate, 1);
  EXPECT_EQ(batch[1].candidate, 3);
}

TEST(Acquisition, CommitteeIsTheVarianceAmongItsMembers) {
  const Archive runs = square(sobol(30, 1));
  const Emulator emulator = train_emulator(runs, recipe_with("linear")).emulator;
  Knowledge knowledge = known(emulator, runs);
  for (const std::vector<Index>& rows :
       {std::vector<Index>{0, 3, 5, 7, 9, 11}, {1, 2, 4, 6, 8, 10}, {20, 21, 22, 23}})
    knowledge.committee.push_back(train_emulator(runs.subset(rows), recipe_with("linear")).emulator);
  const Matrix candidates = sobol(10, 4);
  const Vector scores = scores_of("committee", knowledge, candidates);
  for (Index c = 0; c < 10; ++c) {
    Vector y(3);
    for (Index m = 0; m < 3; ++m)
      y[m] = knowledge.committee[static_cast<std::size_t>(m)].predict(candidates.row(c), false).mean[0](0, 0);
    const double variance = (y.array() - y.mean()).square().sum() / 2.0;
    EXPECT_NEAR(scores[c], error_weights(runs)[0] * variance, 1e-10 * scores.maxCoeff());
  }
}

TEST(Acquisition, ExpectedImprovementIsTheMeanOfWhatMonteCarloFinds) {
  RandomStream random(2);
  for (const auto& [best, mean, deviation] :
       {std::array<double, 3>{1.0, 1.2, 0.5}, {0.0, -0.3, 0.1}, {2.0, 2.0, 3.0}, {0.0, 1.0, 0.5}}) {
    constexpr int draws = 400000;
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < draws; ++i) {
      const double gain = std::max(0.0, best - (mean + deviation * random.normal()));
      sum += gain / draws;
      squares += gain * gain / draws;
    }
    const double error = std::sqrt((squares - sum * sum) / draws);
    EXPECT_NEAR(expected_improvement(best, mean, deviation), sum, 4.0 * error);
  }
  EXPECT_EQ(expected_improvement(1.0, 0.25, 0.0), 0.75);
  EXPECT_EQ(expected_improvement(1.0, 2.0, 0.0), 0.0);
}

TEST(Acquisition, ExpectedImprovementLooksBothWays) {
  const Archive runs = square(sobol(25, 1));
  const Emulator emulator = train_emulator(runs, recipe_with("gp", fixed())).emulator;
  const Matrix candidates = sobol(200, 3);
  const Matrix mean = emulator.predict(candidates, false).mean[0];
  const auto best_of = [&](bool maximise) {
    const auto rule = make_acquisition("expected-improvement", {{"maximise", maximise}});
    return choose_batch(*rule, known(emulator, runs), candidates, 1)[0].candidate;
  };
  EXPECT_GT(mean(best_of(true), 0), runs.values[0].maxCoeff() - 0.5);
  EXPECT_LT(mean(best_of(false), 0), runs.values[0].minCoeff() + 0.5);
}

TEST(Acquisition, SpaceFillingIsGreedyMaximin) {
  const Archive runs = square(sobol(5, 1));
  const Emulator emulator = train_emulator(runs, recipe_with("linear")).emulator;
  const Matrix candidates = sobol(60, 3);
  const auto batch = choose_batch(*make_acquisition("space-filling"), known(emulator, runs), candidates, 6);
  Matrix there = forward_rows(emulator.input_map(), runs.parameters);
  const Matrix U = forward_rows(emulator.input_map(), candidates);
  for (const Choice& choice : batch) {
    double largest = -1.0;
    Index farthest = 0;
    for (Index c = 0; c < U.rows(); ++c) {
      const double least = (there.rowwise() - U.row(c)).rowwise().squaredNorm().minCoeff();
      if (least > largest) {
        largest = least;
        farthest = c;
      }
    }
    EXPECT_EQ(choice.candidate, farthest);
    there.conservativeResize(there.rows() + 1, Eigen::NoChange);
    there.bottomRows(1) = U.row(farthest);
  }
}

TEST(Acquisition, ResidualLooksWhereTheNearestRunWasPredictedBadly) {
  const Archive runs = square(sobol(8, 1));
  const Emulator emulator = train_emulator(runs, recipe_with("linear")).emulator;
  Knowledge knowledge = known(emulator, runs);
  knowledge.residual = Vector::LinSpaced(8, 1.0, 8.0);
  const Matrix candidates = sobol(30, 5);
  const Vector scores = scores_of("residual", knowledge, candidates);
  const Matrix U = forward_rows(emulator.input_map(), candidates),
               there = forward_rows(emulator.input_map(), runs.parameters);
  for (Index c = 0; c < 30; ++c) {
    Index nearest = 0;
    const double squared = (there.rowwise() - U.row(c)).rowwise().squaredNorm().minCoeff(&nearest);
    EXPECT_NEAR(scores[c], knowledge.residual[nearest] * squared, 1e-12);
  }
  knowledge.residual.resize(3);
  EXPECT_THROW(scores_of("residual", knowledge, candidates), UsageError);
}

TEST(Acquisition, SameScoresOnAnyNumberOfThreads) {
  const Archive runs = small_archive(25);
  const Emulator emulator = train_emulator(runs, recipe_with("gp")).emulator;
  RandomStream random(6);
  const Matrix candidates = runs.space.sample(3000, random);
  for (const auto& name : {"integrated-variance", "largest-variance", "mice", "random", "space-filling"}) {
    std::vector<std::vector<Choice>> batches;
    for (const Index threads : {1, 2, 3}) {
      const auto executor = make_executor(threads);
      FitContext context;
      context.executor = executor.get();
      batches.push_back(choose_batch(*make_acquisition(name), known(emulator, runs), candidates, 4, context));
    }
    for (std::size_t t = 1; t < batches.size(); ++t)
      for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(batches[t][i].candidate, batches[0][i].candidate) << name;
        EXPECT_EQ(batches[t][i].score, batches[0][i].score) << name;
      }
  }
}

TEST(Acquisition, SaysWhatIsWrong) {
  EXPECT_NE(message_of<UsageError>([] { make_acquisition("alm"); }).find("known: integrated-variance"),
            std::string::npos);
  EXPECT_THROW(make_acquisition("random", {{"reference", 5.0}}), UsageError);
  EXPECT_THROW(make_acquisition("integrated-variance", {{"reference", 0.0}}), UsageError);
  EXPECT_THROW(make_acquisition("mice", {{"others", 0.0}}), UsageError);
  EXPECT_THROW(make_acquisition("mice", {{"nugget", 0.0}}), UsageError);
  for (const auto& name : acquisition_names()) EXPECT_EQ(make_acquisition(name)->name(), name);

  const Archive runs = square(sobol(20, 1));
  const Emulator emulator = train_emulator(runs, recipe_with("gp", fixed())).emulator;
  const auto rule = make_acquisition("largest-variance");
  EXPECT_THROW(choose_batch(*rule, known(emulator, runs), sobol(5, 1), 0), UsageError);
  EXPECT_THROW(choose_batch(*rule, known(emulator, runs), sobol(5, 1), 6), UsageError);
  EXPECT_THROW(choose_batch(*rule, known(emulator, runs), Matrix::Zero(5, 3), 1), UsageError);
  const Emulator without = train_emulator(runs, recipe_with("linear")).emulator;
  const std::string message = message_of<UsageError>(
      [&] { choose_batch(*make_acquisition("integrated-variance"), known(without, runs), sobol(5, 1), 1); });
  EXPECT_NE(message.find("needs predictors with covariances"), std::string::npos) << message;
  const std::string local = message_of<UsageError>([&] {
    choose_batch(*make_acquisition("largest-variance", {{"local", true}}), known(without, runs), sobol(5, 1),
                 1);
  });
  const std::string mice = message_of<UsageError>(
      [&] { choose_batch(*make_acquisition("mice"), known(without, runs), sobol(5, 1), 1); });
  EXPECT_NE(mice.find("needs exact Gaussian processes"), std::string::npos) << mice;
  EXPECT_NE(local.find("local = true looks at leave-one-out residuals"), std::string::npos) << local;
  EXPECT_THROW(make_acquisition("largest-variance", {{"local", 1.0}}), UsageError);
}

}  // namespace
}  // namespace ersatz

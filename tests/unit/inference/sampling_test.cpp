// Samplers against closed forms, and against themselves on other executors and after interruptions.
#include "ersatz/inference/sampling.hpp"

#include <gtest/gtest.h>

#include <Eigen/LU>
#include <cmath>

#include "core/gaussian.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/inference/chain_file.hpp"
#include "ersatz/inference/maximum.hpp"
#include "ersatz/storage/hdf5.hpp"
#include "inference/trajectory.hpp"
#include "unit/inference/densities.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::banana_density;
using testing::bounded_density;
using testing::correlated;
using testing::message_of;
using testing::normal_density;

Matrix starts_for(const LogDensity& density, Index n, double centre, double spread) {
  Matrix starts(n, density.size());
  RandomStream random(5);
  for (Index i = 0; i < starts.size(); ++i) starts.data()[i] = centre + spread * random.normal();
  return starts;
}

Chains drawn(const LogDensity& density, SamplingMethod method, Index steps, const Matrix& starts,
             std::uint64_t seed = 1) {
  SamplingOptions o;
  o.method = method;
  o.chains = starts.rows();
  o.warmup = method == SamplingMethod::nuts ? 500 : 300;
  o.steps = steps;
  o.seed = seed;
  Chains chains = begin_chains(density, o, starts);
  EXPECT_EQ(run_chains(density, chains, {}), SamplingEnd::finished);
  return chains;
}

/// Mean and standard deviation against what they should be, in standard errors of both.
void expect_moments(const Chains& chains, const Vector& mean, const Vector& deviation, double limit = 4.0) {
  const auto found = summaries(chains);
  for (Index i = 0; i < chains.size(); ++i) {
    const MarginalSummary& s = found[static_cast<std::size_t>(i)];
    // Of many short walkers the means scatter more.
    EXPECT_LT(s.r_hat, chains.options.method == SamplingMethod::nuts ? 1.02 : 1.05) << i;
    EXPECT_GT(s.bulk_size, 200.0) << i;
    EXPECT_NEAR(s.mean, mean[i], limit * deviation[i] / std::sqrt(s.bulk_size)) << i;
    // The squares of what is far out have a longer memory and heavier tails than the draws.
    EXPECT_NEAR(s.deviation, deviation[i], 2.0 * limit * deviation[i] / std::sqrt(s.tail_size)) << i;
  }
}

TEST(Sampling, correlated_normal) {
  const Index d = 5;
  const Vector mean = Vector::LinSpaced(d, -2.0, 2.0);
  const Matrix covariance = correlated(d);
  const auto density = normal_density(mean, covariance);
  const Vector deviation = covariance.diagonal().cwiseSqrt();
  for (const auto method : {SamplingMethod::nuts, SamplingMethod::ensemble}) {
    const bool nuts = method == SamplingMethod::nuts;
    const Chains chains =
        drawn(density, method, nuts ? 800 : 3000, starts_for(density, nuts ? 4 : 30, 0.0, 3.0));
    expect_moments(chains, mean, deviation);
    const Matrix all = chains.all();
    const Matrix centred = all.rowwise() - all.colwise().mean();
    const Matrix found = centred.transpose() * centred / static_cast<double>(all.rows() - 1);
    for (Index i = 0; i < d; ++i)
      for (Index j = 0; j < d; ++j)
        EXPECT_NEAR(found(i, j) / (deviation[i] * deviation[j]),
                    covariance(i, j) / (deviation[i] * deviation[j]), 0.12)
            << to_string(method) << i << j;
  }
}

TEST(Sampling, banana) {
  const auto density = banana_density();
  const Vector mean{{0.0, 1.0}}, deviation{{1.0, std::sqrt(2.0 + 0.09)}};
  expect_moments(drawn(density, SamplingMethod::nuts, 4000, starts_for(density, 4, 0.0, 1.0)), mean,
                 deviation);
  expect_moments(drawn(density, SamplingMethod::ensemble, 6000, starts_for(density, 40, 0.0, 1.0)), mean,
                 deviation);
}

TEST(Sampling, bounds_of_every_kind) {
  const auto density = bounded_density();
  // Of a normal cut at 0: mean + s r and s² (1 + a r - r²), a the mean's distance, r the hazard there.
  const auto cut = [](double m, double s) {
    const double a = m / s;
    const double r = std::exp(-0.5 * a * a) / std::sqrt(2.0 * M_PI) / normal_cdf(a);
    return std::pair{m + s * r, s * std::sqrt(1.0 - a * r - r * r)};
  };
  const auto [m0, s0] = cut(0.2, 1.0);
  const auto [m3, s3] = cut(-1.0, 2.0);
  const Vector mean{{m0, 3.0, 0.5, -m3}}, deviation{{s0, 3.0, 3.0 / std::sqrt(12.0), s3}};
  for (const auto method : {SamplingMethod::nuts, SamplingMethod::ensemble}) {
    const bool nuts = method == SamplingMethod::nuts;
    const Index n = nuts ? 4 : 40;
    Matrix starts(n, 4);
    RandomStream random(3);
    for (Index k = 0; k < n; ++k)
      starts.row(k) << random.uniform(), 5.0 * random.uniform(), 3.0 * random.uniform() - 1.0,
          -3.0 * random.uniform();
    const Chains chains = drawn(density, method, nuts ? 2000 : 4000, starts);
    expect_moments(chains, mean, deviation);
    const Matrix all = chains.all();
    EXPECT_GE(all.col(0).minCoeff(), 0.0);
    EXPECT_GE(all.col(2).minCoeff(), -1.0);
    EXPECT_LE(all.col(2).maxCoeff(), 2.0);
    // The exponential's tail: P(x > 9) = exp(-3).
    EXPECT_NEAR((all.col(1).array() > 9.0).cast<double>().mean(), std::exp(-3.0), 0.012) << to_string(method);
    // What lies within 5% of the edges of the uniform one, and the domain flag of the density.
    const EdgeShare share = edge_share(chains.draws(2), -1.0, 2.0);
    EXPECT_NEAR(share.at_lower, 0.05, 0.012);
    EXPECT_NEAR(share.at_upper, 0.05, 0.012);
    EXPECT_TRUE(share.leans());
    EXPECT_NEAR(figures(chains).outside_domain, (all.col(0).array() >= 0.5).cast<double>().mean(), 1e-12);
  }
}

// A density that is zero beyond a wall that no bound tells of: trajectories stop there.
TEST(Sampling, wall) {
  const auto function = [](const double* x, double* g) {
    if (x[0] + x[1] > 0.0) return -testing::infinite;
    if (g) g[0] = -x[0], g[1] = -x[1];
    return -0.5 * (x[0] * x[0] + x[1] * x[1]);
  };
  const testing::Density<decltype(function)> density(testing::free_parameters(2), function);
  Matrix starts(4, 2);
  starts << -1, -1, -2, 0, 0, -2, -0.5, -1;
  const Chains chains = drawn(density, SamplingMethod::nuts, 3000, starts);
  // Along the diagonal half a normal: mean -sqrt(2 / pi); each coordinate has 1/sqrt(2) of it.
  const double mean = -std::sqrt(2.0 / M_PI) / std::sqrt(2.0);
  expect_moments(chains, Vector{{mean, mean}}, Vector::Constant(2, std::sqrt(1.0 - 1.0 / M_PI)));
  EXPECT_GT(figures(chains).stopped, 0);
  EXPECT_EQ(figures(chains).diverged, 0);
}

TEST(Sampling, divergences_are_counted) {
  // Neal's funnel: no step size fits its neck.
  const auto function = [](const double* x, double* g) {
    double sum = -x[0] * x[0] / 18.0;
    double slope = -x[0] / 9.0;
    for (int i = 1; i < 5; ++i) {
      const double e = x[i] * x[i] * std::exp(-x[0]);
      sum -= 0.5 * e + 0.5 * x[0];
      slope += 0.5 * e - 0.5;
      if (g) g[i] = -x[i] * std::exp(-x[0]);
    }
    if (g) g[0] = slope;
    return sum;
  };
  const testing::Density<decltype(function)> density(testing::free_parameters(5), function);
  const Chains chains = drawn(density, SamplingMethod::nuts, 1000, starts_for(density, 4, 0.0, 1.0));
  EXPECT_GT(figures(chains).diverged, 0);
  const auto warnings = sampling_warnings(chains, summaries(chains));
  bool said = false;
  for (const auto& w : warnings) said = said || w.find("diverged") != std::string::npos;
  EXPECT_TRUE(said);
}

TEST(Sampling, chains_that_disagree_are_told) {
  // Two maxima far apart.
  const auto function = [](const double* x, double* g) {
    const double a = -0.5 * (x[0] - 20.0) * (x[0] - 20.0), b = -0.5 * (x[0] + 20.0) * (x[0] + 20.0);
    if (g) g[0] = a > b ? 20.0 - x[0] : -20.0 - x[0];
    return std::max(a, b);
  };
  const testing::Density<decltype(function)> density(testing::free_parameters(1), function);
  Matrix starts(4, 1);
  starts << 20, -20, 20, -20;
  const Chains chains = drawn(density, SamplingMethod::nuts, 500, starts);
  const auto warnings = sampling_warnings(chains, summaries(chains));
  ASSERT_FALSE(warnings.empty());
  EXPECT_NE(warnings[0].find("the chains disagree"), std::string::npos) << warnings[0];
}

TEST(Sampling, same_bits_on_any_executor) {
  const auto density = banana_density();
  for (const auto method : {SamplingMethod::nuts, SamplingMethod::ensemble}) {
    SamplingOptions o;
    o.method = method;
    o.chains = 6;
    o.warmup = 60;
    o.steps = 90;
    o.seed = 4;
    std::vector<std::vector<double>> rows;
    for (const Index threads : {1, 2, 5}) {
      const auto executor = make_executor(threads);
      Chains chains = begin_chains(density, o, starts_for(density, 6, 0.0, 1.0));
      SamplingContext context;
      context.executor = executor.get();
      run_chains(density, chains, context);
      std::vector<double> all;
      for (const Trace& t : chains.samples) all.insert(all.end(), t.rows().begin(), t.rows().end());
      rows.push_back(all);
    }
    EXPECT_EQ(rows[0].size(), 6u * 90u * 8u);
    EXPECT_EQ(rows[0], rows[1]);
    EXPECT_EQ(rows[0], rows[2]);
  }
}

// Stopped after every part, written, read and gone on with: the file of a run that never stopped.
TEST(Sampling, stop_and_resume) {
  const testing::Scratch scratch;
  const auto density = normal_density(Vector::Zero(2), correlated(2));
  for (const auto method : {SamplingMethod::nuts, SamplingMethod::ensemble}) {
    SamplingOptions o;
    o.method = method;
    o.chains = 6;
    o.warmup = 60;
    o.steps = 3000;
    o.target_size = 100.0;
    const auto write = [&](const Chains& chains, const std::string& name) {
      ChainFile file;
      file.chains = chains;
      write_chain_file(scratch(name), file, {});
    };
    Chains whole = begin_chains(density, o, starts_for(density, 6, 0.0, 1.0));
    const SamplingEnd end = run_chains(density, whole, {});
    EXPECT_EQ(end, SamplingEnd::converged);
    EXPECT_LT(whole.steps(), 3000);
    write(whole, "whole.h5");

    Chains parts = begin_chains(density, o, starts_for(density, 6, 0.0, 1.0));
    const std::atomic<bool> stop{true};
    SamplingContext context;
    context.stop = &stop;
    context.save = [&](const Chains& chains) { write(chains, "part.h5"); };
    int rounds = 0;
    SamplingEnd how = SamplingEnd::stopped;
    while ((how = run_chains(density, parts, context)) == SamplingEnd::stopped) {
      parts = read_chain_file(scratch("part.h5")).chains;
      ++rounds;
      // A run begins with one step: let it get further now and then.
      if (rounds % 4 == 0) {
        SamplingContext free;
        Chains more = parts;
        more.options.steps = more.steps() + 61;
        run_chains(density, more, free);
        more.options = parts.options;
        parts = more;
      }
    }
    EXPECT_GT(rounds, 8);
    EXPECT_EQ(how, end);
    write(parts, "part.h5");
    EXPECT_EQ(h5::File::open(scratch("part.h5")).root().get_string("checksum"),
              h5::File::open(scratch("whole.h5")).root().get_string("checksum"));
  }
}

TEST(Sampling, more_steps_go_on_with_the_same_draws) {
  const auto density = banana_density();
  SamplingOptions o;
  o.chains = 2;
  o.warmup = 50;
  o.steps = 40;
  Chains shorter = begin_chains(density, o, starts_for(density, 2, 0.0, 1.0));
  run_chains(density, shorter, {});
  shorter.options.steps = 70;
  run_chains(density, shorter, {});
  o.steps = 70;
  Chains longer = begin_chains(density, o, starts_for(density, 2, 0.0, 1.0));
  run_chains(density, longer, {});
  EXPECT_EQ(shorter.samples[1].rows(), longer.samples[1].rows());
}

TEST(Sampling, bad_options) {
  const auto density = banana_density();
  const Matrix starts = starts_for(density, 4, 0.0, 1.0);
  SamplingOptions o;
  const auto message = [&](const LogDensity& d, const Matrix& s) {
    return message_of<UsageError>([&] { begin_chains(d, o, s); });
  };
  o.chains = 5;
  EXPECT_NE(message(density, starts).find("4 x 2 for 5 chains"), std::string::npos);
  o.method = SamplingMethod::ensemble;
  EXPECT_NE(message(density, starts).find("even number of at least 4 walkers, got 5"), std::string::npos);
  o.chains = 4;
  o.stretch = 1.0;
  EXPECT_NE(message(density, starts).find("above 1, got 1"), std::string::npos);
  o = {};
  o.steps = 0;
  EXPECT_NE(message(density, starts).find("0 steps"), std::string::npos);
  o = {};
  o.acceptance = 1.0;
  EXPECT_NE(message(density, starts).find("between 0 and 1, got 1"), std::string::npos);
  o = {};
  EXPECT_NE(message(normal_density(Vector::Zero(2), Matrix::Identity(2, 2), false), starts)
                .find("use the ensemble"),
            std::string::npos);
  EXPECT_NE(message(bounded_density(), Matrix::Constant(4, 4, -1.0)).find("zero at start 0"),
            std::string::npos);
  EXPECT_NE(message_of<UsageError>([] { sampling_method_from_string("gibbs"); }).find("nuts, ensemble"),
            std::string::npos);
}

TEST(Trajectory, leapfrog_is_reversible_and_of_second_order) {
  const auto density = banana_density();
  const UnconstrainedDensity target(density);
  Workspace workspace;
  const Eigen::MatrixXd mass = (Eigen::MatrixXd(2, 2) << 1.0, 0.3, 0.3, 0.5).finished();
  const Hamiltonian hamiltonian(target, mass, workspace);
  PhasePoint start;
  start.u = Vector{{0.4, 0.3}};
  ASSERT_TRUE(hamiltonian.update(start));
  start.momentum = Vector{{0.7, -1.1}};
  const double energy = hamiltonian.energy(start);
  double before = 0.0;
  for (const int steps : {50, 100, 200}) {
    PhasePoint point = start;
    double worst = 0.0;
    for (int i = 0; i < steps; ++i) {
      hamiltonian.leapfrog(point, 2.0 / steps);
      worst = std::max(worst, std::abs(hamiltonian.energy(point) - energy));
    }
    if (before > 0.0) {
      EXPECT_NEAR(before / worst, 4.0, 0.5) << steps;
    }
    before = worst;
    point.momentum = -point.momentum;
    for (int i = 0; i < steps; ++i) hamiltonian.leapfrog(point, 2.0 / steps);
    EXPECT_LT((point.u - start.u).cwiseAbs().maxCoeff(), 1e-10);
    EXPECT_LT((point.momentum + start.momentum).cwiseAbs().maxCoeff(), 1e-10);
  }
  EXPECT_LT(before, 1e-3);
}

// The leapfrog keeps volumes of phase space: its Jacobian, by differences, has determinant 1.
TEST(Trajectory, leapfrog_keeps_volume) {
  const auto density = banana_density();
  const UnconstrainedDensity target(density);
  Workspace workspace;
  const Hamiltonian hamiltonian(target, Eigen::MatrixXd::Identity(2, 2), workspace);
  const auto moved = [&](const Eigen::Vector4d& z) {
    PhasePoint p;
    p.u = z.head(2);
    hamiltonian.update(p);
    p.momentum = z.tail(2);
    for (int i = 0; i < 5; ++i) hamiltonian.leapfrog(p, 0.1);
    Eigen::Vector4d to;
    to << p.u, p.momentum;
    return to;
  };
  const Eigen::Vector4d at(0.4, 0.3, 0.7, -1.1);
  Eigen::Matrix4d jacobian;
  for (int i = 0; i < 4; ++i) {
    Eigen::Vector4d step = Eigen::Vector4d::Zero();
    step[i] = 1e-5;
    jacobian.col(i) = (moved(at + step) - moved(at - step)) / 2e-5;
  }
  EXPECT_NEAR(jacobian.determinant(), 1.0, 1e-8);
}

TEST(Trajectory, momenta_have_the_mass_matrix_for_covariance) {
  const auto density = banana_density();
  const UnconstrainedDensity target(density);
  Workspace workspace;
  const Eigen::MatrixXd covariance = (Eigen::MatrixXd(2, 2) << 2.0, 0.9, 0.9, 0.5).finished();
  const Hamiltonian hamiltonian(target, covariance, workspace);
  RandomStream random(2);
  PhasePoint point;
  point.u = Vector::Zero(2);
  Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(2, 2);
  constexpr int n = 20000;
  for (int i = 0; i < n; ++i) {
    hamiltonian.draw_momentum(point, random);
    sum += point.momentum * point.momentum.transpose() / n;
  }
  // sum is about the inverse of covariance.
  EXPECT_LT((sum * covariance - Eigen::MatrixXd::Identity(2, 2)).cwiseAbs().maxCoeff(), 0.15);
}

}  // namespace
}  // namespace ersatz

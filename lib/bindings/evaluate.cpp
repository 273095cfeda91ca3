// Predictions into the caller's memory.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "bindings/model.hpp"

using namespace ersatz;
using namespace ersatz::c;

namespace {

constexpr Index block_size = 64;  ///< points that go through scratch memory together

/// Points, checked.
Eigen::Map<const Matrix> points_of(const Model& model, std::int64_t points, const double* x,
                                   std::int64_t x_size) {
  if (points < 0) throw Failure(ERSATZ_BAD_SIZE, text("the number of points is ", points));
  const Index d = model.emulator.space().size();
  check_buffer(x, "x", x_size, product(points, d), true);
  return {x, points, d};
}

/// A buffer for results: `width` doubles for each point, in rows that hold all outputs side by side, each
/// with `depth` doubles to an entry.
struct Results {
  const char* name;
  double* data = nullptr;  ///< null: not asked for
  std::int64_t size = 0;
  Index depth = 1;
};

void check_results(const Results& results, const Model& model, const double* x, std::int64_t x_size,
                   std::int64_t points) {
  const std::int64_t needed = product(product(points, model.row), results.depth);
  check_buffer(results.data, results.name, results.size, needed);
  check_apart(x, "x", x_size, results.data, results.name, needed);
}

/// Memory for blocks of the outputs, one after the other, and pointers to them.
double** blocks_of(const Model& model, const Results& results, Index points, Workspace& memory) {
  const auto& outputs = model.emulator.outputs();
  auto** blocks = reinterpret_cast<double**>(memory.take(static_cast<std::ptrdiff_t>(outputs.size())));
  for (std::size_t o = 0; o < outputs.size(); ++o)
    blocks[o] = outputs.size() == 1 ? results.data : memory.take(points * outputs[o].width() * results.depth);
  return blocks;
}

/// Copies blocks of the outputs to their places in rows; with a single output they are there already.
void to_rows(const Model& model, const Results& results, double* const* blocks, Index first, Index points) {
  const auto& outputs = model.emulator.outputs();
  if (outputs.size() == 1) return;
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    const Index width = outputs[o].width() * results.depth;
    for (Index i = 0; i < points; ++i)
      std::copy_n(blocks[o] + i * width, width,
                  results.data + ((first + i) * model.row + model.offsets[o]) * results.depth);
  }
}

/// Calls evaluate(X, blocks of `mean`, blocks of `more`) for blocks of points (all of them, where there is
/// one output).
template <class Evaluate>
void in_blocks(const Call& call, ConstMatrixRef X, const Results& mean, const Results& more,
               Evaluate&& evaluate) {
  const Model& model = call.model();
  const Index step = model.emulator.outputs().size() == 1 ? std::max<Index>(X.rows(), 1) : block_size;
  for (Index begin = 0; begin < X.rows(); begin += step) {
    const Index q = std::min(step, X.rows() - begin);
    const Workspace::Frame frame(call.memory());
    double** means = blocks_of(model, mean, q, call.memory());
    double** others = more.data ? blocks_of(model, more, q, call.memory()) : nullptr;
    try {
      evaluate(X.middleRows(begin, q), means, others);
    } catch (const Error&) {
      // The message may count from the block's first point: which one it is, is found out one by one.
      for (Index i = begin; i < begin + q; ++i)
        call.emulator().predict(X.row(i), more.data && call.emulator().has_std(), 1, i);
      throw;
    }
    to_rows(model, mean, means, begin, q);
    if (more.data) to_rows(model, more, others, begin, q);
  }
}

void need_std(const Model& model) {
  if (model.emulator.has_std()) return;
  for (const Channel& c : model.emulator.channels())
    if (!c.has_variance())
      throw Failure(ERSATZ_NOT_AVAILABLE, text("this model gives no standard deviations: the regressor '",
                                               c.predictor->kind(), "' has none"));
  throw Failure(ERSATZ_NOT_AVAILABLE, "this model gives no standard deviations");
}

void need_jacobian(const Model& model) {
  if (model.emulator.has_jacobian()) return;
  for (const Channel& c : model.emulator.channels())
    if (!c.predictor->has_jacobian())
      throw Failure(ERSATZ_NOT_AVAILABLE, text("this model gives no derivatives: the regressor '",
                                               c.predictor->kind(), "' has none"));
  throw Failure(ERSATZ_NOT_AVAILABLE, "this model gives no derivatives");
}

}  // namespace

ersatz_status ersatz_mean(const ersatz_emulator* emulator, ersatz_workspace* workspace, int64_t points,
                          const double* x, int64_t x_size, double* mean, int64_t mean_size) {
  return guarded([&] {
    const Call call(emulator, workspace);
    const auto X = points_of(call.model(), points, x, x_size);
    const Results results{"mean", mean, mean_size};
    check_results(results, call.model(), x, x_size, points);
    in_blocks(call, X, results, {"", nullptr},
              [&](ConstMatrixRef block, double* const* means, double* const*) {
                call.emulator().mean(block, means, call.memory());
              });
  });
}

ersatz_status ersatz_mean_and_std(const ersatz_emulator* emulator, ersatz_workspace* workspace,
                                  int64_t points, const double* x, int64_t x_size, double* mean,
                                  int64_t mean_size, double* std, int64_t std_size) {
  return guarded([&] {
    const Call call(emulator, workspace);
    const auto X = points_of(call.model(), points, x, x_size);
    const Results results{"mean", mean, mean_size}, deviations{"std", std, std_size};
    check_results(results, call.model(), x, x_size, points);
    check_results(deviations, call.model(), x, x_size, points);
    check_apart(mean, "mean", product(points, call.model().row), std, "std",
                product(points, call.model().row));
    need_std(call.model());
    in_blocks(call, X, results, deviations,
              [&](ConstMatrixRef block, double* const* means, double* const* stds) {
                call.emulator().mean_and_std(block, means, stds, call.memory());
              });
  });
}

ersatz_status ersatz_mean_and_jacobian(const ersatz_emulator* emulator, ersatz_workspace* workspace,
                                       int64_t points, const double* x, int64_t x_size, double* mean,
                                       int64_t mean_size, double* jacobian, int64_t jacobian_size) {
  return guarded([&] {
    const Call call(emulator, workspace);
    const auto X = points_of(call.model(), points, x, x_size);
    const Results results{"mean", mean, mean_size}, slopes{"jacobian", jacobian, jacobian_size, X.cols()};
    check_results(results, call.model(), x, x_size, points);
    check_results(slopes, call.model(), x, x_size, points);
    const std::int64_t row = product(points, call.model().row);
    check_apart(mean, "mean", row, jacobian, "jacobian", product(row, X.cols()));
    need_jacobian(call.model());
    in_blocks(call, X, results, slopes,
              [&](ConstMatrixRef block, double* const* means, double* const* jacobians) {
                call.emulator().mean_and_jacobian(block, means, jacobians, call.memory());
              });
  });
}

ersatz_status ersatz_domain_score(const ersatz_emulator* emulator, ersatz_workspace* workspace,
                                  int64_t points, const double* x, int64_t x_size, double* score,
                                  int64_t score_size) {
  return guarded([&] {
    const Call call(emulator, workspace);
    const auto X = points_of(call.model(), points, x, x_size);
    check_buffer(score, "score", score_size, points);
    check_apart(x, "x", x_size, score, "score", points);
    for (Index i = 0; i < X.rows(); ++i)
      for (Index k = 0; k < X.cols(); ++k)
        if (!std::isfinite(X(i, k)))
          throw DataError(text("point ", i, ": ", call.emulator().space()[k].name, " = ", X(i, k),
                               " is not a finite number"));
    for (Index i = 0; i < X.rows(); ++i)
      score[i] = call.emulator().domain_score(X.row(i).data(), call.memory());
  });
}

ersatz_status ersatz_covariance_factors(const ersatz_emulator* emulator, ersatz_workspace* workspace,
                                        const double* x, int64_t x_size, double* factors,
                                        int64_t factors_size, double* diagonal, int64_t diagonal_size) {
  return guarded([&] {
    const Call call(emulator, workspace);
    const Model& model = call.model();
    points_of(model, 1, x, x_size);
    const std::int64_t needed = product(model.rank, model.row);
    check_buffer(factors, "factors", factors_size, needed);
    check_buffer(diagonal, "diagonal", diagonal_size, model.row);
    check_apart(x, "x", x_size, factors, "factors", needed);
    check_apart(x, "x", x_size, diagonal, "diagonal", model.row);
    check_apart(factors, "factors", needed, diagonal, "diagonal", model.row);
    need_std(model);
    std::fill_n(factors, needed, 0.0);
    Eigen::Map<Matrix> all(factors, model.rank, model.row);
    Index first = 0;
    for (const OutputCovariance& part : call.emulator().covariance(x, call.memory())) {
      for (std::size_t k = 0; k < part.outputs.size(); ++k) {
        const Index offset = model.offsets[static_cast<std::size_t>(part.outputs[k])];
        all.block(first, offset, part.factors[k].rows(), part.factors[k].cols()) = part.factors[k];
        std::copy_n(part.diagonal[k].data(), part.diagonal[k].size(), diagonal + offset);
      }
      first += part.factors.front().rows();
    }
  });
}

ersatz_status ersatz_covariance(const ersatz_emulator* emulator, ersatz_workspace* workspace, int64_t output,
                                const double* x, int64_t x_size, double* covariance,
                                int64_t covariance_size) {
  return guarded([&] {
    const Call call(emulator, workspace);
    const auto& outputs = call.emulator().outputs();
    check_number(output, static_cast<std::int64_t>(outputs.size()), "output");
    points_of(call.model(), 1, x, x_size);
    const Index width = outputs[static_cast<std::size_t>(output)].width();
    check_buffer(covariance, "covariance", covariance_size, product(width, width));
    check_apart(x, "x", x_size, covariance, "covariance", width * width);
    need_std(call.model());
    Eigen::Map<Matrix> result(covariance, width, width);
    for (const OutputCovariance& part : call.emulator().covariance(x, call.memory()))
      for (std::size_t k = 0; k < part.outputs.size(); ++k)
        if (part.outputs[k] == output) {
          result.setZero();
          result.selfadjointView<Eigen::Lower>().rankUpdate(part.factors[k].transpose());
          result.triangularView<Eigen::StrictlyUpper>() = result.transpose();
          result.diagonal() += part.diagonal[k];
        }
  });
}

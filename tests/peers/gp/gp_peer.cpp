// Our numbers for comparison with other Gaussian process codes. Text in, text out:
//
//   gp_peer fixed KERNEL DATA POINTS NUGGET LENGTH…          likelihood, prediction at given hyperparameters
//   gp_peer zero-mean KERNEL DATA POINTS NUGGET LENGTH…      prediction without a mean but the data's average
//   gp_peer fit DATA STARTS [KEY=VALUE…]                     seconds, likelihood (profile), hyperparameters
//   gp_peer likelihood KERNEL DATA NUGGET LENGTH…            log likelihood (profile), lengths in user units
//   gp_peer kriging KERNEL DEGREE DATA POINTS NUGGET LENGTH… universal kriging: mean, variance, coefficients
//   gp_peer time-likelihood KERNEL DATA REPEATS [THREADS]    seconds of one likelihood with gradient
//   gp_peer time-predict KERNEL DATA POINTS [THREADS]        seconds of predictions at all points, and at one
//   gp_peer time-append KERNEL DATA                          seconds of one more point, and of all anew
//
// A file holds "rows columns" and then the values; DATA has the outputs' count in front: "outputs rows
// columns", outputs in the last columns.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "ersatz/regression/gp/likelihood.hpp"
#include "ersatz/regression/gp/update.hpp"
#include "peers/peer.hpp"
#include "unit/regression/gp/given.hpp"

namespace {

using namespace ersatz;
using peer::seconds;

Matrix read(std::ifstream& in) {
  Index rows = 0, columns = 0;
  in >> rows >> columns;
  Matrix m(rows, columns);
  for (Index i = 0; i < m.size(); ++i) in >> m.data()[i];
  if (!in) throw DataError("cannot read a matrix");
  return m;
}

Matrix read_points(const char* path) {
  std::ifstream in(path);
  return read(in);
}

TrainingData read_data(const char* path) {
  std::ifstream in(path);
  Index outputs = 0;
  in >> outputs;
  const Matrix all = read(in);
  TrainingData data;
  data.x = all.leftCols(all.cols() - outputs);
  data.y = all.rightCols(outputs);
  return data;
}

void print(const char* name, const double* values, Index n) {
  std::printf("%s", name);
  for (Index i = 0; i < n; ++i) std::printf(" %.17g", values[i]);
  std::printf("\n");
}

/// At given logarithms of hyperparameters, in the inputs' units.
std::shared_ptr<const gp::GpPredictor> predictor_at(const char* kernel, Index degree,
                                                    const TrainingData& data, double nugget,
                                                    const std::vector<double>& theta) {
  gp::ConditionOptions given;
  const Matrix spans = data.x.colwise().maxCoeff() - data.x.colwise().minCoeff();
  const auto hyperparameters = gp::make_kernel(kernel, data.x.cols())->hyperparameters(data.x.rows());
  for (std::size_t p = 0; p < hyperparameters.size(); ++p) {
    const gp::Hyperparameter& h = hyperparameters[p];
    given.theta.push_back(theta.at(p) - (h.scaled && h.input >= 0 ? std::log(spans(0, h.input)) : 0.0));
  }
  given.nugget = nugget;
  given.estimator = gp::Estimator::profile;
  return gp_test::predictor_with(kernel, degree, data, given);
}

void predict(const char* kernel, Index degree, const TrainingData& data, const Matrix& points, double nugget,
             const std::vector<double>& theta) {
  const Index q = points.rows();
  const auto predictor = predictor_at(kernel, degree, data, nugget, theta);
  Workspace workspace;
  Matrix predicted(q, 1), variance(q, 1), covariance(q, q);
  predictor->mean_and_variance(points, predicted, variance, Noise::latent, workspace);
  predictor->covariance(points, 0, covariance, Noise::latent, workspace);
  print("process_variance", &predictor->state().outputs[0].process_variance, 1);
  print("prediction", predicted.data(), q);
  print("prediction_variance", variance.data(), q);
  print("covariance", covariance.data(), q * q);
}

void zero_mean(int argc, char** argv) {
  std::vector<double> theta;
  for (int a = 6; a < argc; ++a) theta.push_back(std::log(std::atof(argv[a])));
  predict(argv[2], gp::Trend::zero, read_data(argv[3]), read_points(argv[4]), std::atof(argv[5]), theta);
}

void fixed(int argc, char** argv) {
  const TrainingData data = read_data(argv[3]);
  const Matrix points = read_points(argv[4]);
  const double nugget = std::atof(argv[5]);
  std::vector<double> theta;
  for (int a = 6; a < argc; ++a) theta.push_back(std::log(std::atof(argv[a])));
  const auto kernel = gp::make_kernel(argv[2], data.x.cols());
  theta.push_back(std::log(nugget));
  gp::ObjectiveOptions options;
  options.estimator = gp::Estimator::profile;
  options.priors = gp::Priors::none();
  gp::Likelihood objective(kernel, data.x, data.y, options);
  std::vector<double> gradient(theta.size());
  double value = 0.0;
  if (!objective.evaluate(theta.data(), &value, gradient.data()))
    throw NumericalError("not positive definite");
  value = -value;
  for (double& g : gradient) g = -g;
  print("log_likelihood", &value, 1);
  print("gradient", gradient.data(), static_cast<Index>(gradient.size()));
  print("mean", objective.concentrated().coefficients.data(), 1);
  print("variance", objective.concentrated().variance.data(), 1);

  theta.pop_back();
  predict(argv[2], 0, data, points, nugget, theta);
}

GpOptions options_from(int argc, char** argv, int first) {
  GpOptions options;
  for (int a = first; a < argc; ++a) {
    const std::string word = argv[a];
    const auto split = word.find('=');
    const std::string key = word.substr(0, split), value = word.substr(split + 1);
    if (key == "kernel")
      options.kernel = value;
    else if (key == "likelihood")
      options.likelihood = value == "profile" ? gp::Estimator::profile : gp::Estimator::restricted;
    else if (key == "prior")
      options.priors.robust = value != "none";
    else if (key == "threads")
      continue;
    else
      throw UsageError("unknown option " + key);
  }
  return options;
}

void fit(int argc, char** argv) {
  const TrainingData data = read_data(argv[2]);
  GpOptions options = options_from(argc, argv, 4);
  options.starts = std::atoi(argv[3]);
  Index threads = 1;
  for (int a = 4; a < argc; ++a)
    if (std::string(argv[a]).rfind("threads=", 0) == 0) threads = std::atoi(argv[a] + 8);
  const auto executor = make_executor(threads);
  FitContext context;
  context.executor = executor.get();
  options.method = "exact";
  const Fit result = make_gp_regressor(options)->fit(data, context);
  const auto& state = dynamic_cast<const gp::GpPredictor&>(*result.predictor).state();
  std::vector<double> lengths;
  for (const Index k : state.active) {
    const auto at = lengths.size();
    lengths.push_back(std::exp(state.correlations.at(0).hyperparameters.at(at)) *
                      state.range[static_cast<Index>(at)]);
    (void)k;
  }
  print("lengths", lengths.data(), static_cast<Index>(lengths.size()));
  print("nugget", &state.correlations.at(0).nugget, 1);
  print("seconds", &result.summary.seconds, 1);
  for (const auto& [key, value] : result.summary.facts)
    std::printf("fact %s: %s\n", key.c_str(), value.c_str());
  for (const auto& w : result.summary.warnings) std::printf("warning %s\n", w.c_str());
}

void likelihood(int argc, char** argv) {
  const TrainingData data = read_data(argv[3]);
  std::vector<double> theta;
  for (int a = 5; a < argc; ++a) theta.push_back(std::log(std::atof(argv[a])));
  gp::ObjectiveOptions options;
  options.estimator = gp::Estimator::profile;
  options.priors = gp::Priors::none();
  options.nugget = std::atof(argv[4]);
  gp::Likelihood objective(gp::make_kernel(argv[2], data.x.cols()), data.x, data.y.leftCols(1), options);
  double value = 0.0;
  if (!objective.evaluate(theta.data(), &value, nullptr)) throw NumericalError("not positive definite");
  value = -value;
  print("log_likelihood", &value, 1);
}

/// With a mean of any degree; the process variance is that of the restricted likelihood.
void kriging(int argc, char** argv) {
  const TrainingData data = read_data(argv[4]);
  const Matrix points = read_points(argv[5]);
  gp::ConditionOptions given;
  const Matrix spans = data.x.colwise().maxCoeff() - data.x.colwise().minCoeff();
  for (int a = 7; a < argc; ++a) given.theta.push_back(std::log(std::atof(argv[a]) / spans(0, a - 7)));
  given.nugget = std::atof(argv[6]);
  const auto predictor = gp_test::predictor_with(argv[2], std::atoi(argv[3]), data, given);
  Workspace workspace;
  Matrix mean(points.rows(), 1), variance(points.rows(), 1);
  predictor->mean_and_variance(points, mean, variance, Noise::latent, workspace);
  print("mean", mean.data(), mean.size());
  print("variance", variance.data(), variance.size());
  print("process_variance", &predictor->state().outputs.at(0).process_variance, 1);
}

void time_likelihood(int argc, char** argv) {
  const TrainingData data = read_data(argv[3]);
  const int repeats = std::atoi(argv[4]);
  gp::ObjectiveOptions options;
  options.threads = argc > 5 ? std::atoi(argv[5]) : 1;
  gp::Likelihood objective(gp::make_kernel(argv[2], data.x.cols()), data.x, data.y.leftCols(1), options);
  std::vector<double> theta(static_cast<std::size_t>(objective.parameters()), 0.0), gradient(theta.size());
  theta.back() = std::log(1e-6);
  double best = 1e300, value = 0.0;
  for (int r = 0; r < repeats; ++r) {
    const double began = seconds();
    if (!objective.evaluate(theta.data(), &value, gradient.data())) throw NumericalError("singular");
    best = std::min(best, seconds() - began);
  }
  print("seconds", &best, 1);
}

void time_predict(int argc, char** argv) {
  const TrainingData data = read_data(argv[3]);
  const Matrix points = read_points(argv[4]);
  GpOptions options;
  options.kernel = argv[2];
  options.starts = 1;
  options.max_iterations = 3;
  options.method = "exact";
  const auto executor = make_executor(argc > 5 ? std::atoi(argv[5]) : 1);
  const PredictorPtr predictor = make_gp_regressor(options)->fit(data, {}).predictor;
  Workspace workspace;
  Matrix mean(points.rows(), data.y.cols()), variance = mean;
  const auto best_of = [&](int repeats, const auto& work) {
    double best = 1e300;
    for (int r = 0; r < repeats; ++r) {
      const double began = seconds();
      work();
      best = std::min(best, seconds() - began);
    }
    return best;
  };
  // A batch is cut into one part for each thread.
  std::vector<Workspace> scratch(static_cast<std::size_t>(executor->workers()));
  const auto in_parts = [&](const auto& work) {
    executor->map(executor->workers(), [&](Index part) {
      const Index begin = points.rows() * part / executor->workers(),
                  end = points.rows() * (part + 1) / executor->workers();
      work(begin, end - begin, scratch[static_cast<std::size_t>(part)]);
      return Bytes();
    });
  };
  const double batch_mean = best_of(5, [&] {
    in_parts([&](Index begin, Index count, Workspace& w) {
      predictor->mean(points.middleRows(begin, count), mean.middleRows(begin, count), w);
    });
  });
  const double batch_both = best_of(5, [&] {
    in_parts([&](Index begin, Index count, Workspace& w) {
      predictor->mean_and_variance(points.middleRows(begin, count), mean.middleRows(begin, count),
                                   variance.middleRows(begin, count), Noise::latent, w);
    });
  });
  const Index singles = std::min<Index>(points.rows(), 200);
  const auto each = [&](const auto& work) {
    return best_of(5,
                   [&] {
                     for (Index i = 0; i < singles; ++i) work(i);
                   }) /
           static_cast<double>(singles);
  };
  const double one_mean =
      each([&](Index i) { predictor->mean(points.middleRows(i, 1), mean.middleRows(i, 1), workspace); });
  const double one_both = each([&](Index i) {
    predictor->mean_and_variance(points.middleRows(i, 1), mean.middleRows(i, 1), variance.middleRows(i, 1),
                                 Noise::latent, workspace);
  });
  Matrix jacobian(data.y.cols(), data.x.cols());
  const double one_jacobian =
      each([&](Index i) { predictor->jacobian(points.row(i).data(), jacobian, workspace); });
  print("batch_mean", &batch_mean, 1);
  print("batch_mean_variance", &batch_both, 1);
  print("one_mean", &one_mean, 1);
  print("one_mean_variance", &one_both, 1);
  print("one_jacobian", &one_jacobian, 1);
}

void time_append(char** argv) {
  const TrainingData data = read_data(argv[3]);
  TrainingData first = data;
  const Index n = data.x.rows() - 1;
  first.x = data.x.topRows(n);
  first.y = data.y.topRows(n);
  const std::vector<double> theta(static_cast<std::size_t>(data.x.cols()), 0.0);
  const auto small = predictor_at(argv[2], 0, first, 1e-6, theta);
  double append = 1e300, anew = 1e300;
  for (int r = 0; r < 5; ++r) {
    double began = seconds();
    gp::append(*small, data.x.bottomRows(1), data.y.bottomRows(1));
    append = std::min(append, seconds() - began);
    if (r > 2) continue;
    began = seconds();
    predictor_at(argv[2], 0, data, 1e-6, theta);
    anew = std::min(anew, seconds() - began);
  }
  print("append", &append, 1);
  print("condition_anew", &anew, 1);
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "fixed" && argc > 6)
    fixed(argc, argv);
  else if (what == "zero-mean" && argc > 6)
    zero_mean(argc, argv);
  else if (what == "fit" && argc > 3)
    fit(argc, argv);
  else if (what == "likelihood" && argc > 5)
    likelihood(argc, argv);
  else if (what == "kriging" && argc > 7)
    kriging(argc, argv);
  else if (what == "time-likelihood" && argc >= 5)
    time_likelihood(argc, argv);
  else if (what == "time-predict" && argc >= 5)
    time_predict(argc, argv);
  else if (what == "time-append" && argc == 4)
    time_append(argv);
  else
    throw UsageError("see the head of gp_peer.cpp for its arguments");
  return 0;
} catch (const Error& e) {
  std::fprintf(stderr, "gp_peer: %s\n", e.what());
  return e.exit_status();
}

// The worked example of docs/how-to-add-a-regressor.md. A test below holds every block of code shown there to
// be in this file, word for word.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "unit/regression/problems.hpp"

#include "ersatz/core/error.hpp"
#include "ersatz/regression/regressor.hpp"
#include "ersatz/regression/standardisation.hpp"

#include <cmath>

namespace {

using namespace ersatz;

// Shepard (1968): the average of all training outputs, weighted with a power of the inverse distance.
class ShepardPredictor final : public Predictor {
 public:
  ShepardPredictor(Standardisation scaling, Matrix points, Matrix values, double power)
      : scaling_(std::move(scaling)), points_(std::move(points)), values_(std::move(values)), power_(power) {}

  std::string kind() const override { return "shepard"; }
  Index inputs() const override { return points_.cols(); }
  Index outputs() const override { return values_.cols(); }

  void mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const override {
    check_points(*this, X, mean);
    const Workspace::Frame frame(workspace);  // gives back what follows, at the end
    double* z = workspace.take(inputs());
    for (Index i = 0; i < X.rows(); ++i) {
      scaling_.apply(X.row(i).data(), z);
      average(z, -1, mean.row(i).data());
    }
    check_predictions(*this, mean);
  }

  // The prediction at z (standardised), without training point `left_out`.
  void average(const double* z, Index left_out, double* out) const {
    double total = 0.0;
    for (Index j = 0; j < outputs(); ++j) out[j] = 0.0;
    for (Index t = 0; t < points_.rows(); ++t) {
      if (t == left_out) continue;
      double r2 = 0.0;
      for (Index k = 0; k < inputs(); ++k) r2 += (z[k] - points_(t, k)) * (z[k] - points_(t, k));
      const double weight = std::pow(r2 + 1e-24, -0.5 * power_);  // finite at a training point, and decisive
      total += weight;
      for (Index j = 0; j < outputs(); ++j) out[j] += weight * values_(t, j);
    }
    for (Index j = 0; j < outputs(); ++j) out[j] /= total;
  }

  void save(const h5::Group& group) const override {
    group.set("power", power_);
    group.write("input_centre", scaling_.centre);
    group.write("input_inverse_scale", scaling_.inverse_scale);
    group.write("points", points_);
    group.write("values", values_);
  }

 private:
  Standardisation scaling_;
  Matrix points_, values_;
  double power_;
};

PredictorPtr load_shepard_predictor(const h5::Group& group) {
  Standardisation scaling{group.read_vector("input_centre"), group.read_vector("input_inverse_scale")};
  Matrix points = group.read_matrix("points", -1, scaling.size());
  Matrix values = group.read_matrix("values", points.rows());
  return std::make_shared<ShepardPredictor>(std::move(scaling), std::move(points), std::move(values),
                                            group.get_double("power"));
}

class ShepardRegressor final : public Regressor {
 public:
  explicit ShepardRegressor(double power) : power_(power) {}
  std::string name() const override { return "shepard"; }
  std::string settings() const override { return text("power ", brief(power_)); }

  Fit fit(const TrainingData& data, const FitContext&) const override {
    data.check();
    const Standardisation scaling = Standardisation::of(data.x);
    const Matrix points = scaling.apply(data.x);
    const auto predictor = std::make_shared<ShepardPredictor>(scaling, points, data.y, power_);

    Fit fit;
    fit.predictor = predictor;
    fit.summary.message = text("shepard: ", points.rows(), " points");
    for (Index k = 0; k < scaling.size(); ++k)
      if (!scaling.varies(k)) fit.summary.warnings.push_back(text("input ", k, " does not vary: ignored"));
    if (points.rows() > 1) {
      Matrix& residuals = fit.summary.leave_one_out;
      residuals.resize(data.y.rows(), data.y.cols());
      for (Index i = 0; i < residuals.rows(); ++i) {
        predictor->average(points.row(i).data(), i, residuals.row(i).data());
        residuals.row(i) = data.y.row(i) - residuals.row(i);
      }
    }
    return fit;
  }

 private:
  double power_;
};

RegressorPtr make_shepard_regressor(const Settings& settings) {
  settings.check_known("regressor shepard", {"power"});
  const double power = settings.get("power", 4.0);
  if (!(power > 0.0)) throw UsageError(text("regressor shepard: power is ", power, ", expected more than 0"));
  return std::make_shared<ShepardRegressor>(power);
}

void register_shepard() {
  register_regressor("shepard", make_shepard_regressor);
  register_predictor("shepard", load_shepard_predictor);
}

// ---- the example at work

class Example : public testing::Test {
 protected:
  static void SetUpTestSuite() { register_shepard(); }
};

TEST_F(Example, FitsPredictsAndSurvivesTheFile) {
  TrainingData data;
  data.x.resize(3, 1);
  data.x << 0.0, 1.0, 2.0;
  data.y.resize(3, 1);
  data.y << 1.0, 3.0, 1.0;

  const Fit fit = make_regressor("shepard", {{"power", 2.0}})->fit(data, {});
  Workspace workspace;
  Matrix X(2, 1), mean(2, 1);
  X << 1.0, 0.5;
  fit.predictor->mean(X, mean, workspace);

  // At a training point its value; half-way, weights 4, 4 and 4/9.
  EXPECT_NEAR(mean(0, 0), 3.0, 1e-12);
  EXPECT_NEAR(mean(1, 0), (4.0 * 1.0 + 4.0 * 3.0 + 4.0 / 9.0 * 1.0) / (8.0 + 4.0 / 9.0), 1e-12);
  EXPECT_NEAR(fit.summary.leave_one_out(1, 0), 2.0, 1e-12);

  const h5::File file = h5::File::in_memory("shepard.h5");
  save_predictor(file.root(), *fit.predictor);
  Matrix again(2, 1);
  load_predictor(file.root())->mean(X, again, workspace);
  EXPECT_EQ(mean, again);
}

TEST_F(Example, NamesAreTakenOnce) {
  EXPECT_THROW(register_shepard(), UsageError);
  EXPECT_THROW(register_predictor("shepard", load_shepard_predictor), UsageError);
  EXPECT_THROW(register_regressor("ridge", make_shepard_regressor), UsageError);
  EXPECT_EQ(regressor_names().back(), "shepard");
  EXPECT_THROW(make_regressor("shepard", {{"power", -1.0}}), UsageError);
}

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(Docs, CodeInThePageIsTheCodeOfThisFile) {
  const std::string root = ERSATZ_SOURCE_DIR;
  const std::string page = read_text(root + "/docs/how-to-add-a-regressor.md");
  const std::string source = read_text(root + "/tests/unit/regression/example_test.cpp");
  const std::string begin = "```cpp\n", end = "```";
  int blocks = 0;
  for (std::size_t at = page.find(begin); at != std::string::npos; at = page.find(begin, at)) {
    at += begin.size();
    const std::string code = page.substr(at, page.find(end, at) - at);
    EXPECT_NE(source.find(code), std::string::npos) << "not in example_test.cpp:\n" << code;
    ++blocks;
  }
  EXPECT_GE(blocks, 5);
}

}  // namespace

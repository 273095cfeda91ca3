#include "ersatz/simulators/test_functions.hpp"

#include <array>
#include <cmath>
#include <utility>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr double pi = 3.14159265358979323846;

class TestFunction final : public Simulator {
 public:
  using Formula = double (*)(const double*);
  TestFunction(std::string name, std::string description, Formula formula, std::string unit,
               std::vector<Parameter> parameters)
      : name_(std::move(name)),
        description_(std::move(description)),
        formula_(formula),
        space_(std::move(parameters)),
        axes_{Axis{"index", "", Vector::Zero(1)}},
        outputs_{OutputSpec{"y", std::move(unit), "index", 1, false}} {}

  std::string name() const override { return name_; }
  std::string description() const override { return description_; }
  const ParameterSpace& space() const override { return space_; }
  const std::vector<Axis>& axes() const override { return axes_; }
  const std::vector<OutputSpec>& outputs() const override { return outputs_; }

  SimulationResult run(const double* x) const override {
    const double y = formula_(x);
    if (!std::isfinite(y)) {
      std::string at;
      for (Index i = 0; i < space_.size(); ++i)
        at += text(i ? ", " : "", space_[i].name, " = ", brief(x[i], 6));
      return SimulationResult::failed(
          text(name_, " is not defined at ", at, " (default space: see its help)"));
    }
    return {{Vector::Constant(1, y)}, {}};
  }

 private:
  std::string name_, description_;
  Formula formula_;
  ParameterSpace space_;
  std::vector<Axis> axes_;
  std::vector<OutputSpec> outputs_;
};

}  // namespace

double borehole(const double* x) {
  const double rw = x[0], r = x[1], Tu = x[2], Hu = x[3], Tl = x[4], Hl = x[5], L = x[6], Kw = x[7];
  const double log_ratio = std::log(r / rw);
  return 2.0 * pi * Tu * (Hu - Hl) /
         (log_ratio * (1.0 + 2.0 * L * Tu / (log_ratio * rw * rw * Kw) + Tu / Tl));
}

double branin(const double* x) {
  const double valley = x[1] - 5.1 / (4.0 * pi * pi) * x[0] * x[0] + 5.0 / pi * x[0] - 6.0;
  return valley * valley + 10.0 * (1.0 - 1.0 / (8.0 * pi)) * std::cos(x[0]) + 10.0;
}

double ishigami(const double* x) {
  const double s2 = std::sin(x[1]);
  const double x3_squared = x[2] * x[2];
  return std::sin(x[0]) * (1.0 + 0.1 * x3_squared * x3_squared) + 7.0 * s2 * s2;
}

double hartmann6(const double* x) {
  static constexpr std::array<double, 4> alpha = {1.0, 1.2, 3.0, 3.2};
  static constexpr double A[4][6] = {{10.0, 3.0, 17.0, 3.5, 1.7, 8.0},
                                     {0.05, 10.0, 17.0, 0.1, 8.0, 14.0},
                                     {3.0, 3.5, 1.7, 10.0, 17.0, 8.0},
                                     {17.0, 8.0, 0.05, 10.0, 0.1, 14.0}};
  static constexpr double P[4][6] = {{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886},
                                     {0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
                                     {0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650},
                                     {0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381}};
  double y = 0.0;
  for (std::size_t i = 0; i < 4; ++i) {
    double exponent = 0.0;
    for (std::size_t k = 0; k < 6; ++k) exponent += A[i][k] * (x[k] - P[i][k]) * (x[k] - P[i][k]);
    y -= alpha[i] * std::exp(-exponent);
  }
  return y;
}

double wing_weight(const double* x) {
  const double Sw = x[0], Wfw = x[1], A = x[2], sweep = x[3] * pi / 180.0, q = x[4], taper = x[5], tc = x[6],
               Nz = x[7], Wdg = x[8], Wp = x[9];
  const double c = std::cos(sweep);
  return 0.036 * std::pow(Sw, 0.758) * std::pow(Wfw, 0.0035) * std::pow(A / (c * c), 0.6) *
             std::pow(q, 0.006) * std::pow(taper, 0.04) * std::pow(100.0 * tc / c, -0.3) *
             std::pow(Nz * Wdg, 0.49) +
         Sw * Wp;
}

double gramacy_lee(const double* x) { return x[0] * std::exp(-x[0] * x[0] - x[1] * x[1]); }

std::shared_ptr<const Simulator> make_test_function(const std::string& name) {
  if (name == "borehole")
    return std::make_shared<TestFunction>(
        name,
        "Water flow through a borehole between two aquifers, 8 parameters (Harper & Gupta 1983; Morris, "
        "Mitchell & Ylvisaker 1993, Technometrics 35, 243). One value, m^3/yr.",
        borehole, "m^3/yr",
        std::vector<Parameter>{{"rw", "m", 0.05, 0.15},
                               {"r", "m", 100.0, 50000.0},
                               {"Tu", "m^2/yr", 63070.0, 115600.0},
                               {"Hu", "m", 990.0, 1110.0},
                               {"Tl", "m^2/yr", 63.1, 116.0},
                               {"Hl", "m", 700.0, 820.0},
                               {"L", "m", 1120.0, 1680.0},
                               {"Kw", "m/yr", 9855.0, 12045.0}});
  if (name == "branin")
    return std::make_shared<TestFunction>(
        name,
        "The Branin function of two inputs with three equal minima of 0.397887 (Branin 1972; Dixon & Szego "
        "1978).",
        branin, "", std::vector<Parameter>{{"x1", "", -5.0, 10.0}, {"x2", "", 0.0, 15.0}});
  if (name == "ishigami")
    return std::make_shared<TestFunction>(
        name,
        "The Ishigami function sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1 of three inputs (Ishigami & Homma "
        "1990).",
        ishigami, "", std::vector<Parameter>{{"x1", "", -pi, pi}, {"x2", "", -pi, pi}, {"x3", "", -pi, pi}});
  if (name == "hartmann6") {
    std::vector<Parameter> parameters;
    for (int i = 1; i <= 6; ++i) parameters.push_back({text("x", i), "", 0.0, 1.0});
    return std::make_shared<TestFunction>(
        name, "The Hartmann function of six inputs, minimum -3.32237 (Hartman 1973; Dixon & Szego 1978).",
        hartmann6, "", std::move(parameters));
  }
  if (name == "wing-weight")
    return std::make_shared<TestFunction>(
        name,
        "Weight of a light aircraft's wing, 10 parameters (Raymer 1989; Forrester, Sobester & Keane 2008, "
        "Engineering Design via Surrogate Modelling, Eq. 1.3). One value, lb.",
        wing_weight, "lb",
        std::vector<Parameter>{{"Sw", "ft^2", 150.0, 200.0},
                               {"Wfw", "lb", 220.0, 300.0},
                               {"A", "", 6.0, 10.0},
                               {"Lambda", "deg", -10.0, 10.0},
                               {"q", "lb/ft^2", 16.0, 45.0},
                               {"taper", "", 0.5, 1.0},
                               {"tc", "", 0.08, 0.18},
                               {"Nz", "", 2.5, 6.0},
                               {"Wdg", "lb", 1700.0, 2500.0},
                               {"Wp", "lb/ft^2", 0.025, 0.08}});
  if (name == "gramacy-lee")
    return std::make_shared<TestFunction>(
        name,
        "x1 exp(-x1^2 - x2^2), flat but for a hill and a valley in one corner of its square (Gramacy & Lee "
        "2008): a local feature.",
        gramacy_lee, "", std::vector<Parameter>{{"x1", "", -2.0, 6.0}, {"x2", "", -2.0, 6.0}});
  throw UsageError(text("unknown test function '", name,
                        "'; known: borehole, branin, ishigami, hartmann6, wing-weight, gramacy-lee"));
}

}  // namespace ersatz

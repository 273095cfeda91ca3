// Correlations with a shape of their own: each instruction set against plain formulas in long double.

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/kernels.hpp"
#include "ersatz/core/random.hpp"

namespace {

using ersatz::RandomStream;
using ersatz::kernels::Size;
using ersatz::kernels::Table;
using Doubles = std::vector<double>;
using Real = long double;

std::vector<const Table*> tables() {
  std::vector<const Table*> found;
  for (const char* name : {"generic", "avx2", "avx512"})
    if (const Table* t = ersatz::kernels::table_named(name)) found.push_back(t);
  return found;
}

Doubles random(RandomStream& stream, Size n, double lower, double upper) {
  Doubles v(static_cast<std::size_t>(n));
  for (auto& e : v) e = lower + (upper - lower) * stream.uniform();
  return v;
}

/// One point against n of d inputs; the first of the n is the point itself.
struct Problem {
  Size n, d, stride;
  Doubles x, points, scale, shape, f;

  Problem(Size n_, Size d_) : n(n_), d(d_), stride(n_ + 3) {
    RandomStream stream(static_cast<std::uint64_t>(n + 1000 * d));
    x = random(stream, d, -1.0, 1.0);
    points = random(stream, stride * d, -1.0, 1.0);
    scale = random(stream, d, 0.1, 3.0);
    shape = random(stream, d, 0.3, 2.0);
    f = random(stream, n, -1.0, 1.0);
    for (Size k = 0; k < d; ++k) points[index(k * stride)] = x[index(k)];
  }
  static std::size_t index(Size i) { return static_cast<std::size_t>(i); }
  Real difference(Size i, Size k) const {
    return static_cast<Real>(x[index(k)]) - points[index(k * stride + i)];
  }
  Real power_of(Size i, Size k) const {
    return std::pow(std::fabs(difference(i, k)) * scale[index(k)], static_cast<Real>(shape[index(k)]));
  }
  Real sum(Size i, Real (*term)(const Problem&, Size, Size)) const {
    Real total = 0;
    for (Size k = 0; k < d; ++k) total += term(*this, i, k);
    return total;
  }
  template <class Term>
  double weighted(Size k, Term term) const {
    Real total = 0;
    for (Size i = 0; i < n; ++i) total += static_cast<Real>(f[index(i)]) * term(i, k);
    return static_cast<double>(total);
  }
};

const Real pi = 3.14159265358979323846264338327950288L;

void expect_near(double got, Real expected, const Table* t, const char* what) {
  EXPECT_NEAR(got, static_cast<double>(expected), 4e-14 * (1.0 + std::abs(static_cast<double>(expected))))
      << t->name << " " << what;
}

template <class Work>
void each_problem(Work work) {
  for (const Size n : {1, 2, 7, 8, 17, 256, 300})
    for (const Size d : {1, 2, 5}) work(Problem(n, d));
}

TEST(KernelShapes, PowerExponential) {
  each_problem([](const Problem& p) {
    for (const Table* t : tables()) {
      Doubles k(p.f.size()), lengths(p.x.size()), powers(p.x.size()), slopes(p.x.size());
      const double *x = p.x.data(), *points = p.points.data(), *scale = p.scale.data(),
                   *power = p.shape.data();
      t->power_exponential(x, points, p.stride, p.n, p.d, scale, power, k.data());
      for (Size i = 0; i < p.n; ++i)
        expect_near(k[p.index(i)],
                    std::exp(-p.sum(i, [](const Problem& q, Size a, Size b) { return q.power_of(a, b); })), t,
                    "row");
      t->power_exponential_weighted(x, points, p.stride, p.n, p.d, scale, power, p.f.data(), lengths.data(),
                                    powers.data());
      t->power_exponential_differences(x, points, p.stride, p.n, p.d, scale, power, p.f.data(),
                                       slopes.data());
      for (Size b = 0; b < p.d; ++b) {
        const auto at = p.index(b);
        const Real e = p.shape[at];
        expect_near(lengths[at], p.weighted(b, [&](Size i, Size j) { return e * p.power_of(i, j); }), t,
                    "lengths");
        expect_near(powers[at],
                    p.weighted(b,
                               [&](Size i, Size j) {
                                 const Real v = p.power_of(i, j);
                                 return v > 0 ? -e * v * std::log(v) : Real(0);
                               }),
                    t, "powers");
        const double slope = p.weighted(
            b, [&](Size i, Size j) { return i == 0 ? Real(0) : e * p.power_of(i, j) / p.difference(i, j); });
        expect_near(slopes[at], slope, t, "slopes");
      }
    }
  });
}

TEST(KernelShapes, Periodic) {
  each_problem([](const Problem& p) {
    for (const Table* t : tables()) {
      Doubles k(p.f.size()), squares(p.x.size()), turned(p.x.size()), products(p.x.size());
      const double *x = p.x.data(), *points = p.points.data(), *frequency = p.shape.data();
      t->periodic(x, points, p.stride, p.n, p.d, p.scale.data(), frequency, k.data());
      const auto turns = [](const Problem& q, Size i, Size b) {
        return q.shape[q.index(b)] * q.difference(i, b);
      };
      for (Size i = 0; i < p.n; ++i) {
        Real sum = 0;
        for (Size b = 0; b < p.d; ++b) {
          const Real s = p.scale[p.index(b)] * std::sin(pi * turns(p, i, b));
          sum += s * s;
        }
        expect_near(k[p.index(i)], std::exp(-2 * sum), t, "row");
      }
      t->periodic_weighted(x, points, p.stride, p.n, p.d, frequency, p.f.data(), squares.data(),
                           turned.data(), products.data());
      for (Size b = 0; b < p.d; ++b) {
        const auto at = p.index(b);
        const auto sine = [&](Size i, Size j) { return std::sin(pi * turns(p, i, j)); };
        const auto product = [&](Size i, Size j) { return sine(i, j) * std::cos(pi * turns(p, i, j)); };
        expect_near(squares[at], p.weighted(b, [&](Size i, Size j) { return sine(i, j) * sine(i, j); }), t,
                    "squares");
        expect_near(products[at], p.weighted(b, product), t, "products");
        expect_near(turned[at], p.weighted(b, [&](Size i, Size j) { return turns(p, i, j) * product(i, j); }),
                    t, "turned");
      }
    }
  });
}

TEST(KernelShapes, RationalQuadratic) {
  RandomStream stream(7);
  Doubles r2 = random(stream, 300, 0.0, 30.0);
  for (const double v : {0.0, 1e-300, 1e-12, 1e-6, 1e8}) r2.push_back(v);
  const auto n = static_cast<Size>(r2.size());
  for (const double shape : {0.05, 1.0, 7.0, 100.0})
    for (const Table* t : tables()) {
      Doubles k = r2, slope = r2, by_shape(r2.size());
      t->rational_quadratic(k.data(), n, shape);
      t->rational_quadratic_slopes(slope.data(), n, shape, by_shape.data());
      for (std::size_t i = 0; i < r2.size(); ++i) {
        const Real u = static_cast<Real>(r2[i]) / (2 * static_cast<Real>(shape)), a = shape;
        const Real value = std::exp(-a * std::log1p(u));
        expect_near(k[i], value, t, "value");
        expect_near(slope[i], value / (1 + u), t, "slope");
        expect_near(by_shape[i], value * a * (u / (1 + u) - std::log1p(u)), t, "by shape");
      }
    }
}

TEST(KernelShapes, FiniteHoweverFarAndWherePointsMeet) {
  const Doubles x = {1e3, -1e160, 1e300}, points = {0, 1e3, 0, -1e160, 0, 1e300}, scale(3, 1e3),
                power(3, 2.0);
  const Doubles zero(2, 0.0);
  for (const Table* t : tables()) {
    Doubles k(2), out(3);
    t->power_exponential(x.data(), points.data(), 2, 2, 3, scale.data(), power.data(), k.data());
    EXPECT_EQ(k[0], 0.0) << t->name;
    EXPECT_EQ(k[1], 1.0) << t->name;
    t->power_exponential_differences(x.data(), points.data(), 2, 2, 3, scale.data(), power.data(),
                                     zero.data(), out.data());
    EXPECT_EQ(out, Doubles(3, 0.0)) << t->name;
    t->periodic(x.data(), points.data(), 2, 2, 3, scale.data(), power.data(), k.data());
    EXPECT_EQ(k[1], 1.0) << t->name;
    EXPECT_TRUE(k[0] >= 0.0 && k[0] <= 1.0) << t->name;
    const double infinite = HUGE_VAL;
    for (double shape : {0.05, 1.0}) {
      double value = infinite, by_shape = 0.0;
      t->rational_quadratic(&value, 1, shape);
      EXPECT_TRUE(value >= 0.0 && value < 1e-10) << t->name << " " << value;
      value = infinite;
      t->rational_quadratic_slopes(&value, 1, shape, &by_shape);
      EXPECT_TRUE(value >= 0.0 && value < 1e-10 && std::isfinite(by_shape)) << t->name;
    }
  }
}

}  // namespace

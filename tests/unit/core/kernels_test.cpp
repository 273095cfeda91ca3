// The hot loops: each instruction set against plain formulas and against the others.

#include "core/kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "ersatz/core/random.hpp"
#include "unit/core/kernel_tables.hpp"

namespace {

using ersatz::RandomStream;
using ersatz::kernels::Size;
using ersatz::kernels::Table;
using ersatz::testing::tables;
using Doubles = std::vector<double>;

std::int64_t ordered_bits(double v) {
  std::int64_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  return bits;
}

Doubles random(RandomStream& stream, Size n, double lower, double upper) {
  Doubles v(static_cast<std::size_t>(n));
  for (auto& e : v) e = lower + (upper - lower) * stream.uniform();
  return v;
}

TEST(Kernels, GenericIsAlwaysThereAndUnknownIsNull) {
  EXPECT_NE(ersatz::kernels::table_named("generic"), nullptr);
  EXPECT_EQ(ersatz::kernels::table_named("abacus"), nullptr);
}

TEST(Kernels, SinesAndCosinesWithinTwoUnitsInTheLastPlace) {
  RandomStream stream(11);
  Doubles in = random(stream, 100000, -4.0, 4.0);
  for (const double v : random(stream, 100000, -1e6, 1e6)) in.push_back(v);
  for (int k = -40; k <= 40; ++k) in.push_back(0.78539816339744830962 * k);  // where quadrants meet
  for (const double v : {0.0, 1e-300, -1e-17}) in.push_back(v);
  for (const Table* t : tables()) {
    Doubles sine(in.size()), cosine(in.size());
    t->sines_cosines(in.data(), static_cast<Size>(in.size()), sine.data(), cosine.data());
    for (std::size_t i = 0; i < in.size(); ++i) {
      // 4.5e-16: two units in the last place of numbers near 1.
      EXPECT_LT(std::abs(sine[i] - std::sin(in[i])), 4.5e-16) << t->name << " " << in[i];
      EXPECT_LT(std::abs(cosine[i] - std::cos(in[i])), 4.5e-16) << t->name << " " << in[i];
      if (std::abs(in[i]) < 0.78) {
        EXPECT_LE(std::abs(ordered_bits(sine[i]) - ordered_bits(std::sin(in[i]))), 2)
            << t->name << " " << in[i];
      }
    }
    const double bad[] = {std::nan(""), HUGE_VAL};
    double s[2], c[2];
    t->sines_cosines(bad, 2, s, c);
    for (int k = 0; k < 2; ++k) EXPECT_TRUE(std::isnan(s[k]) && std::isnan(c[k])) << t->name;
  }
}

TEST(Kernels, ExponentialWithinTwoUnitsInTheLastPlace) {
  RandomStream stream(1);
  Doubles in = random(stream, 100000, -700.0, 700.0);
  for (const double v : random(stream, 100000, -2.0, 2.0)) in.push_back(v);
  for (const double v : {0.0, -0.0, 1.0, -707.9, 1e-300, -1e-17}) in.push_back(v);
  for (const Table* t : tables()) {
    Doubles out(in.size());
    t->exponentials(in.data(), static_cast<Size>(in.size()), out.data());
    std::int64_t worst = 0;
    for (std::size_t i = 0; i < in.size(); ++i)
      worst = std::max(worst, std::abs(ordered_bits(out[i]) - ordered_bits(std::exp(in[i]))));
    EXPECT_LE(worst, 2) << t->name;
    const double low[] = {-709.0, -1e300, -std::numeric_limits<double>::infinity()};
    double zero[3];
    t->exponentials(low, 3, zero);
    for (const double z : zero) EXPECT_EQ(z, 0.0) << t->name;
  }
}

/// Everything a stationary kernel needs, for one point against n of d inputs, one after the other.
Doubles all_results(const Table& t, Size n, Size d) {
  RandomStream stream(static_cast<std::uint64_t>(100 * n + d));
  const Size stride = n + 3;
  const Doubles points = random(stream, stride * d, -1.0, 1.0), x = random(stream, d, -1.0, 1.0);
  const Doubles scale = random(stream, d, 0.1, 5.0), f = random(stream, n, 0.5, 1.0);
  const auto count = static_cast<std::size_t>(n), inputs = static_cast<std::size_t>(d);
  Doubles results;
  const auto keep = [&](const Doubles& v) { results.insert(results.end(), v.begin(), v.end()); };
  Doubles r2(count), k, sums(inputs);
  t.scaled_squared_distances(x.data(), points.data(), stride, n, d, scale.data(), r2.data());
  keep(r2);
  for (const auto& f_in_place : {t.squared_exponential, t.matern12_radial, t.matern32_radial,
                                 t.matern52_radial, t.matern12_slope, t.matern32_slope, t.matern52_slope}) {
    k = r2;
    f_in_place(k.data(), n);
    keep(k);
  }
  k.resize(count);
  for (const auto& product : {t.matern12_product, t.matern32_product, t.matern52_product}) {
    product(x.data(), points.data(), stride, n, d, scale.data(), k.data());
    keep(k);
  }
  t.weighted_squares(x.data(), points.data(), stride, n, d, f.data(), sums.data());
  keep(sums);
  t.weighted_differences(x.data(), points.data(), stride, n, d, f.data(), sums.data());
  keep(sums);
  for (const int power : {1, 2})
    for (const auto& weighted :
         {t.matern12_product_weighted, t.matern32_product_weighted, t.matern52_product_weighted}) {
      weighted(x.data(), points.data(), stride, n, d, scale.data(), f.data(), power, sums.data());
      keep(sums);
    }
  keep({t.dot(r2.data(), f.data(), n)});
  return results;
}

/// The same by plain formulas in long double.
Doubles all_expected(Size n, Size d) {
  RandomStream stream(static_cast<std::uint64_t>(100 * n + d));
  const Size stride = n + 3;
  const Doubles points = random(stream, stride * d, -1.0, 1.0), x = random(stream, d, -1.0, 1.0);
  const Doubles scale = random(stream, d, 0.1, 5.0), f = random(stream, n, 0.5, 1.0);
  using Real = long double;
  const auto at = [](const Doubles& v, Size i) { return static_cast<Real>(v[static_cast<std::size_t>(i)]); };
  const auto difference = [&](Size i, Size k) { return at(x, k) - at(points, k * stride + i); };
  const auto h = [&](Size i, Size k) { return std::fabs(difference(i, k)) * at(scale, k); };
  const auto r2 = [&](Size i) {
    Real sum = 0;
    for (Size k = 0; k < d; ++k) sum += h(i, k) * h(i, k);
    return sum;
  };
  const Real r3 = std::sqrt(Real(3)), r5 = std::sqrt(Real(5));
  const auto m3 = [&](Real r) { return (1 + r3 * r) * std::exp(-r3 * r); };
  const auto m5 = [&](Real r) { return (1 + r5 * r + 5 * r * r / 3) * std::exp(-r5 * r); };
  Doubles out;
  const auto each_point = [&](const std::function<Real(Size)>& g) {
    for (Size i = 0; i < n; ++i) out.push_back(static_cast<double>(g(i)));
  };
  const auto each_input = [&](const std::function<Real(Size, Size)>& g) {
    for (Size k = 0; k < d; ++k) {
      Real sum = 0;
      for (Size i = 0; i < n; ++i) sum += at(f, i) * g(i, k);
      out.push_back(static_cast<double>(sum));
    }
  };
  each_point(r2);
  each_point([&](Size i) { return std::exp(-r2(i) / 2); });
  each_point([&](Size i) { return std::exp(-std::sqrt(r2(i))); });
  each_point([&](Size i) { return m3(std::sqrt(r2(i))); });
  each_point([&](Size i) { return m5(std::sqrt(r2(i))); });
  each_point([&](Size i) { return std::exp(-std::sqrt(r2(i))) / std::sqrt(r2(i)); });
  each_point([&](Size i) { return 3 * std::exp(-r3 * std::sqrt(r2(i))); });
  each_point([&](Size i) {
    const Real r = std::sqrt(r2(i));
    return 5 * (1 + r5 * r) * std::exp(-r5 * r) / 3;
  });
  const auto m1 = [](Real r) { return std::exp(-r); };
  for (const auto& g :
       {std::function<Real(Real)>(m1), std::function<Real(Real)>(m3), std::function<Real(Real)>(m5)})
    each_point([&](Size i) {
      Real product = 1;
      for (Size k = 0; k < d; ++k) product *= g(h(i, k));
      return product;
    });
  each_input([&](Size i, Size k) { return difference(i, k) * difference(i, k); });
  each_input([&](Size i, Size k) { return difference(i, k); });
  for (const int power : {1, 2}) {
    each_input([&](Size i, Size k) { return std::pow(difference(i, k), power) / h(i, k); });
    each_input([&](Size i, Size k) { return 3 / (1 + r3 * h(i, k)) * std::pow(difference(i, k), power); });
    each_input([&](Size i, Size k) {
      const Real v = r5 * h(i, k);
      return 5 * (1 + v) / (3 * (1 + v + v * v / 3)) * std::pow(difference(i, k), power);
    });
  }
  Real sum = 0;
  for (Size i = 0; i < n; ++i) sum += r2(i) * at(f, i);
  out.push_back(static_cast<double>(sum));
  return out;
}

TEST(Kernels, EveryInstructionSetGivesTheFormulas) {
  for (const Size n : {1, 2, 7, 8, 15, 16, 17, 33, 300})
    for (const Size d : {1, 2, 7}) {
      const Doubles expected = all_expected(n, d);
      for (const Table* t : tables()) {
        const Doubles got = all_results(*t, n, d);
        ASSERT_EQ(got.size(), expected.size());
        // Sums over points of either sign may cancel: absolute for those of order one, relative otherwise.
        for (std::size_t i = 0; i < got.size(); ++i)
          ASSERT_NEAR(got[i], expected[i], 2e-14 * std::max(std::abs(expected[i]), 1.0))
              << t->name << " n " << n << " d " << d << " result " << i;
      }
    }
}

TEST(Kernels, InstructionSetsAgree) {
  const Doubles reference = all_results(*tables().front(), 300, 7);
  for (const Table* t : tables()) {
    const Doubles got = all_results(*t, 300, 7);
    for (std::size_t i = 0; i < got.size(); ++i)
      ASSERT_NEAR(got[i], reference[i], 1e-14 * std::max(std::abs(reference[i]), 1.0)) << t->name << " " << i;
  }
}

TEST(Kernels, VanishFarAway) {
  const Doubles x = {1e3, -1e160, 1e300}, points(3 * 9, 0.0), scale(3, 1e3);
  Doubles r2(9), k;
  for (const Table* t : tables()) {
    t->scaled_squared_distances(x.data(), points.data(), 9, 9, 3, scale.data(), r2.data());
    for (const auto& in_place :
         {t->squared_exponential, t->matern12_radial, t->matern32_radial, t->matern52_radial,
          t->matern12_slope, t->matern32_slope, t->matern52_slope}) {
      k = r2;
      in_place(k.data(), 9);
      EXPECT_EQ(k, Doubles(9, 0.0)) << t->name;
    }
    for (const auto& product : {t->matern12_product, t->matern32_product, t->matern52_product}) {
      product(x.data(), points.data(), 9, 9, 3, scale.data(), k.data());
      EXPECT_EQ(k, Doubles(9, 0.0)) << t->name;
    }
  }
}

TEST(Kernels, PanelsProductIsATriangularProductAloneAndInABatch) {
  using namespace ersatz::kernels;
  for (const Size n : {1, 7, 8, 9, 17, 50, 128, 129, 300}) {
    RandomStream stream(3);
    const Size stride = panels_rounded(n) + 8, q = n == 50 ? 77 : 11;
    Doubles panels(static_cast<std::size_t>(panels_size(n)), 0.0);
    for (Size i = 0; i < n; ++i)
      for (Size j = 0; j <= i; ++j) panels[static_cast<std::size_t>(panels_index(i, j))] = stream.normal();
    Doubles b(static_cast<std::size_t>(stride * q), 0.0);
    for (Size v = 0; v < q; ++v)
      for (Size j = 0; j < n; ++j) b[static_cast<std::size_t>(v * stride + j)] = stream.normal();
    for (const Table* t : tables()) {
      Doubles y(b.size()), alone(static_cast<std::size_t>(stride));
      t->panels_product(panels.data(), b.data(), stride, n, q, y.data());
      for (Size v = 0; v < q; ++v) {
        t->panels_product(panels.data(), b.data() + v * stride, stride, n, 1, alone.data());
        for (Size i = 0; i < n; ++i) {
          double expected = 0.0;
          for (Size j = 0; j <= i; ++j)
            expected += panels[static_cast<std::size_t>(panels_index(i, j))] *
                        b[static_cast<std::size_t>(v * stride + j)];
          const double got = y[static_cast<std::size_t>(v * stride + i)];
          EXPECT_NEAR(got, expected, 1e-12) << t->name << " n " << n;
          EXPECT_EQ(got, alone[static_cast<std::size_t>(i)]) << t->name << " n " << n;
        }
      }
    }
  }
}

TEST(Kernels, PanelsTwiceIsTheProductAndThatWithTheTranspose) {
  using namespace ersatz::kernels;
  for (const Size n : {1, 8, 9, 50, 129, 300}) {
    RandomStream stream(4);
    const auto rounded = static_cast<std::size_t>(panels_rounded(n));
    Doubles panels(static_cast<std::size_t>(panels_size(n)), 0.0), b(rounded, 0.0), expected(rounded, 0.0);
    for (Size j = 0; j < n; ++j) b[static_cast<std::size_t>(j)] = stream.normal();
    for (Size i = 0; i < n; ++i) {
      double y = 0.0;
      for (Size j = 0; j <= i; ++j)
        y += (panels[static_cast<std::size_t>(panels_index(i, j))] = stream.normal()) *
             b[static_cast<std::size_t>(j)];
      for (Size j = 0; j <= i; ++j)
        expected[static_cast<std::size_t>(j)] += panels[static_cast<std::size_t>(panels_index(i, j))] * y;
    }
    for (const Table* t : tables()) {
      Doubles product(rounded), y(rounded), z(rounded);
      t->panels_product(panels.data(), b.data(), panels_rounded(n), n, 1, product.data());
      t->panels_twice(panels.data(), b.data(), n, y.data(), z.data());
      EXPECT_EQ(y, product) << t->name << " n " << n;
      for (std::size_t j = 0; j < rounded; ++j)
        EXPECT_NEAR(z[j], expected[j], 1e-11 * static_cast<double>(n)) << t->name << " n " << n;
    }
  }
}

TEST(Kernels, DistanceRowsAreRightAndTheSameAlone) {
  using namespace ersatz::kernels;
  for (const Size n : {distance_points, 5 * distance_points})
    for (const Size d : {1, 3, 17})
      for (const Size q : {1, 3, 8, 13}) {
        RandomStream stream(5);
        const Size stride = n + 3;
        const Doubles points = random(stream, stride * d, -1.0, 1.0), x = random(stream, q * d, -1.0, 1.0);
        for (const Table* t : tables())
          for (const bool square : {true, false}) {
            const auto rows = square ? t->squared_distance_rows : t->absolute_distance_rows;
            Doubles out(static_cast<std::size_t>(q * n)), alone(static_cast<std::size_t>(n));
            rows(x.data(), q, points.data(), stride, n, d, out.data());
            for (Size v = 0; v < q; ++v) {
              rows(x.data() + v * d, 1, points.data(), stride, n, d, alone.data());
              for (Size i = 0; i < n; ++i) {
                long double expected = 0.0L;
                for (Size k = 0; k < d; ++k) {
                  const long double h = static_cast<long double>(x[static_cast<std::size_t>(v * d + k)]) -
                                        points[static_cast<std::size_t>(k * stride + i)];
                  expected += square ? h * h : std::abs(h);
                }
                const double got = out[static_cast<std::size_t>(v * n + i)];
                // The scan for neighbours relies on this bound.
                ASSERT_NEAR(got, static_cast<double>(expected),
                            4e-16 * static_cast<double>(d + 2) * static_cast<double>(expected))
                    << t->name << " n " << n << " d " << d;
                ASSERT_EQ(got, alone[static_cast<std::size_t>(i)]) << t->name;
              }
            }
          }
      }
}

}  // namespace

// Small products by rows: each instruction set against long double, and the same bits whatever is beside.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/kernels.hpp"
#include "ersatz/core/random.hpp"
#include "unit/core/kernel_tables.hpp"

namespace {

using ersatz::RandomStream;
using ersatz::kernels::Size;
using ersatz::kernels::Table;
using ersatz::testing::tables;
using Doubles = std::vector<double>;

Doubles random(RandomStream& stream, Size n) {
  Doubles v(static_cast<std::size_t>(n));
  for (auto& e : v) e = 2.0 * stream.uniform() - 1.0;
  return v;
}

double at(const Doubles& v, Size i) { return v[static_cast<std::size_t>(i)]; }

TEST(KernelProducts, OfRowsAndOfTheirSquares) {
  RandomStream stream(1);
  for (const Size r : {0, 1, 5, 20})
    for (const Size m : {1, 3, 8, 37, 100}) {
      const Size q = 17;
      const Doubles a = random(stream, q * r), rows = random(stream, r * m), offset = random(stream, m);
      for (const Table* t : tables())
        for (const bool squares : {false, true})
          for (const Size shifted : {Size{0}, Size{1}, Size{9}, q}) {
            const auto product = squares ? t->squares_product : t->rows_product;
            Doubles out(static_cast<std::size_t>(q * m), 7.0);
            product(a.data(), q, r, rows.data(), m, shifted > 0 ? offset.data() : nullptr, shifted,
                    out.data());
            for (Size v = 0; v < q; ++v)
              for (Size j = 0; j < m; ++j) {
                long double sum = v < shifted ? at(offset, j) : 0.0, size = std::fabs(sum);
                for (Size k = 0; k < r; ++k) {
                  const long double row = at(rows, k * m + j);
                  const long double term = at(a, v * r + k) * (squares ? row * row : row);
                  sum += term;
                  size += std::fabs(term);
                }
                EXPECT_LE(std::fabs(at(out, v * m + j) - sum),
                          4e-16L * static_cast<long double>(r + 1) * size)
                    << t->name << " " << r << " " << m;
              }
            for (Size count = 1; count < 16; ++count) {
              Doubles part(static_cast<std::size_t>(count * m));
              product(a.data() + r, count, r, rows.data(), m, offset.data(), std::max<Size>(shifted - 1, 0),
                      part.data());
              EXPECT_TRUE(std::equal(part.begin(), part.end(), out.begin() + m)) << t->name << " " << count;
            }
          }
    }
}

TEST(KernelProducts, ScalarProducts) {
  RandomStream stream(2);
  for (const Size n : {0, 1, 7, 64, 101}) {
    const Size p = 11, q = 7, stride_a = n + 3, stride_b = n + 1;
    const Doubles a = random(stream, p * stride_a), b = random(stream, q * stride_b);
    for (const Table* t : tables()) {
      Doubles out(static_cast<std::size_t>(q * (p + 2)), 7.0);
      t->dots(a.data(), p, stride_a, b.data(), q, stride_b, n, out.data(), p + 2);
      for (Size v = 0; v < q; ++v) {
        for (Size o = 0; o < p; ++o) {
          long double sum = 0.0;
          for (Size i = 0; i < n; ++i)
            sum += static_cast<long double>(at(a, o * stride_a + i)) * at(b, v * stride_b + i);
          EXPECT_LE(std::fabs(at(out, v * (p + 2) + o) - sum), 2e-16L * static_cast<long double>(n + 1))
              << t->name;
          double alone = 0.0;
          t->dots(a.data() + o * stride_a, 1, stride_a, b.data() + v * stride_b, 1, stride_b, n, &alone, 1);
          EXPECT_EQ(alone, at(out, v * (p + 2) + o)) << t->name << " " << n;
        }
        EXPECT_EQ(at(out, v * (p + 2) + p), 7.0) << "written beside";
      }
    }
  }
}

TEST(KernelProducts, AffineMapsAndTheirExponentials) {
  RandomStream stream(3);
  const Size n = 103;
  const Doubles z = random(stream, n), scale = random(stream, n), shift = random(stream, n);
  for (const Table* t : tables()) {
    Doubles y(static_cast<std::size_t>(n)), e = y;
    t->affine(z.data(), scale.data(), shift.data(), n, y.data());
    t->affine_exponentials(z.data(), scale.data(), shift.data(), n, e.data());
    for (Size i = 0; i < n; ++i) {
      const double expected = at(z, i) * at(scale, i) + at(shift, i);
      EXPECT_NEAR(at(y, i), expected, 3e-16);
      EXPECT_NEAR(at(e, i), std::exp(expected), 1e-15 * std::exp(expected)) << t->name;
    }
    const double far[] = {708.0, 710.0, 1e300, -709.0, -1e300, std::nan("")};
    const double ones[] = {1, 1, 1, 1, 1, 1}, zeros[] = {0, 0, 0, 0, 0, 0};
    double out[6];
    t->affine_exponentials(far, ones, zeros, 6, out);
    EXPECT_NEAR(out[0] / std::exp(708.0), 1.0, 1e-15);
    EXPECT_EQ(out[1], std::numeric_limits<double>::infinity());
    EXPECT_EQ(out[2], std::numeric_limits<double>::infinity());
    EXPECT_EQ(out[3], 0.0);
    EXPECT_EQ(out[4], 0.0);
    EXPECT_TRUE(std::isnan(out[5]));
  }
}

TEST(KernelProducts, InterleavedAndFinite) {
  RandomStream stream(4);
  for (const Size d : {1, 2, 5, 6})
    for (const Size m : {1, 2, 9}) {
      const Doubles a = random(stream, m), rows = random(stream, d * m);
      for (const Table* t : tables()) {
        Doubles out(static_cast<std::size_t>(d * m));
        t->interleaved_products(a.data(), rows.data(), d, m, out.data());
        for (Size j = 0; j < m; ++j)
          for (Size k = 0; k < d; ++k) EXPECT_EQ(at(out, j * d + k), at(a, j) * at(rows, k * m + j));
      }
    }
  for (const Table* t : tables())
    for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
      Doubles v(75, 1e308);
      EXPECT_TRUE(t->finite_row(v.data(), 75));
      for (std::size_t i = 0; i < 75; ++i) {
        v[i] = bad;
        EXPECT_FALSE(t->finite_row(v.data(), 75)) << t->name << " " << i;
        v[i] = -1e-310;
      }
    }
}

// Summed over the points, slopes are what the sums over points are.
TEST(KernelProducts, SlopesOfProductKernels) {
  RandomStream stream(5);
  const Size n = 77, d = 5, stride = n + 2;
  const Doubles x = random(stream, d), points = random(stream, d * stride), f = random(stream, n);
  Doubles scale = random(stream, d);
  for (double& s : scale) s = 1.5 + s;
  for (const Table* t : tables()) {
    const auto compare = [&](auto slopes, auto weighted) {
      Doubles each(static_cast<std::size_t>(d * n)), sums(static_cast<std::size_t>(d));
      (t->*slopes)(x.data(), points.data(), stride, n, d, scale.data(), f.data(), each.data());
      (t->*weighted)(x.data(), points.data(), stride, n, d, scale.data(), f.data(), 1, sums.data());
      for (Size k = 0; k < d; ++k) {
        long double sum = 0.0, size = 0.0;
        for (Size i = 0; i < n; ++i) {
          sum += at(each, k * n + i);
          size += std::fabs(at(each, k * n + i));
        }
        EXPECT_LE(std::fabs(sum - at(sums, k)), 1e-14L * size) << t->name;
      }
    };
    compare(&Table::matern12_product_slopes, &Table::matern12_product_weighted);
    compare(&Table::matern32_product_slopes, &Table::matern32_product_weighted);
    compare(&Table::matern52_product_slopes, &Table::matern52_product_weighted);
  }
}

}  // namespace

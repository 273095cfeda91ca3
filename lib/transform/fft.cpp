#include "transform/fft.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"

// Stockham's autosorting transform with factors 4, 2, 3 and 5 (Van Loan 1992, section 1.7): a stage of factor
// r takes entries s (p + m j) + q, j = 0 … r-1, to s (r p + k) + q; then r times as many are sorted.

namespace ersatz {
namespace {

constexpr double pi = 3.14159265358979323846;

/// A complex number whose product is the plain one: no search for infinities.
struct Value {
  double re, im;
};
inline Value operator+(Value a, Value b) { return {a.re + b.re, a.im + b.im}; }
inline Value operator-(Value a, Value b) { return {a.re - b.re, a.im - b.im}; }
inline Value operator*(Value a, Value b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
inline Value operator*(double c, Value a) { return {c * a.re, c * a.im}; }
inline Value turned(Value a) { return {a.im, -a.re}; }  ///< times -i

inline Value get(const double* x, Index i) { return {x[2 * i], x[2 * i + 1]}; }
inline void put(double* x, Index i, Value v) {
  x[2 * i] = v.re;
  x[2 * i + 1] = v.im;
}

void stage2(Index m, Index s, const double* turn, const double* x, double* y) {
  for (Index p = 0; p < m; ++p) {
    const Value w = get(turn, p);
    for (Index q = 0; q < s; ++q) {
      const Value a = get(x, q + s * p), b = get(x, q + s * (p + m));
      put(y, q + s * 2 * p, a + b);
      put(y, q + s * (2 * p + 1), w * (a - b));
    }
  }
}

void stage3(Index m, Index s, const double* turn, const double* x, double* y) {
  const double sine = std::sin(2.0 * pi / 3.0);
  for (Index p = 0; p < m; ++p) {
    const Value w1 = get(turn, 2 * p), w2 = get(turn, 2 * p + 1);
    for (Index q = 0; q < s; ++q) {
      const Value a = get(x, q + s * p), b = get(x, q + s * (p + m)), c = get(x, q + s * (p + 2 * m));
      const Value sum = b + c, middle = a - 0.5 * sum, side = sine * turned(b - c);
      put(y, q + s * 3 * p, a + sum);
      put(y, q + s * (3 * p + 1), w1 * (middle + side));
      put(y, q + s * (3 * p + 2), w2 * (middle - side));
    }
  }
}

void stage4(Index m, Index s, const double* turn, const double* x, double* y) {
  for (Index p = 0; p < m; ++p) {
    const Value w1 = get(turn, 3 * p), w2 = get(turn, 3 * p + 1), w3 = get(turn, 3 * p + 2);
    for (Index q = 0; q < s; ++q) {
      const Value a = get(x, q + s * p), b = get(x, q + s * (p + m)), c = get(x, q + s * (p + 2 * m)),
                  d = get(x, q + s * (p + 3 * m));
      const Value even = a + c, odd = a - c, other = b + d, side = turned(b - d);
      put(y, q + s * 4 * p, even + other);
      put(y, q + s * (4 * p + 1), w1 * (odd + side));
      put(y, q + s * (4 * p + 2), w2 * (even - other));
      put(y, q + s * (4 * p + 3), w3 * (odd - side));
    }
  }
}

void stage5(Index m, Index s, const double* turn, const double* x, double* y) {
  const double c1 = std::cos(2.0 * pi / 5.0), s1 = std::sin(2.0 * pi / 5.0);
  const double c2 = std::cos(4.0 * pi / 5.0), s2 = std::sin(4.0 * pi / 5.0);
  for (Index p = 0; p < m; ++p) {
    const Value w1 = get(turn, 4 * p), w2 = get(turn, 4 * p + 1), w3 = get(turn, 4 * p + 2),
                w4 = get(turn, 4 * p + 3);
    for (Index q = 0; q < s; ++q) {
      const Value a = get(x, q + s * p), b = get(x, q + s * (p + m)), c = get(x, q + s * (p + 2 * m)),
                  d = get(x, q + s * (p + 3 * m)), e = get(x, q + s * (p + 4 * m));
      const Value be = b + e, cd = c + d, b_e = turned(b - e), c_d = turned(c - d);
      const Value m1 = a + c1 * be + c2 * cd, m2 = a + c2 * be + c1 * cd;
      const Value n1 = s1 * b_e + s2 * c_d, n2 = s2 * b_e - s1 * c_d;
      put(y, q + s * 5 * p, a + be + cd);
      put(y, q + s * (5 * p + 1), w1 * (m1 + n1));
      put(y, q + s * (5 * p + 2), w2 * (m2 + n2));
      put(y, q + s * (5 * p + 3), w3 * (m2 - n2));
      put(y, q + s * (5 * p + 4), w4 * (m1 - n1));
    }
  }
}

}  // namespace

Index Fft::good_size(Index at_least) {
  for (Index n = std::max<Index>(at_least, 1);; ++n) {
    Index rest = n;
    for (const Index factor : {2, 3, 5})
      while (rest % factor == 0) rest /= factor;
    if (rest == 1) return n;
  }
}

Fft::Fft(Index size) : size_(size), other_(static_cast<std::size_t>(std::max<Index>(size, 0))) {
  Index rest = size;
  for (const int factor : {5, 3, 4, 2})
    while (rest > 0 && rest % factor == 0) {
      factors_.push_back(factor);
      rest /= factor;
    }
  if (rest != 1)
    throw UsageError(text("a Fourier transform of ", size,
                          " values: the number must be positive without a prime factor above 5"));
  Index n = size;
  for (const int factor : factors_) {
    const Index m = n / factor;
    for (Index p = 0; p < m; ++p)
      for (int k = 1; k < factor; ++k)
        turns_.push_back(
            std::polar(1.0, -2.0 * pi * static_cast<double>(p * k % n) / static_cast<double>(n)));
    n = m;
  }
}

void Fft::forward(Complex* values) {
  double* x = reinterpret_cast<double*>(values);
  double* y = reinterpret_cast<double*>(other_.data());
  const double* turn = reinterpret_cast<const double*>(turns_.data());
  Index n = size_, s = 1;
  for (const int factor : factors_) {
    const Index m = n / factor;
    (factor == 2 ? stage2 : factor == 3 ? stage3 : factor == 4 ? stage4 : stage5)(m, s, turn, x, y);
    turn += 2 * m * (factor - 1);
    std::swap(x, y);
    n = m;
    s *= factor;
  }
  if (factors_.size() % 2 == 1) std::copy(x, x + 2 * size_, reinterpret_cast<double*>(values));
}

void Fft::backward(Complex* values) {
  for (Index i = 0; i < size_; ++i) values[i] = std::conj(values[i]);
  forward(values);
  for (Index i = 0; i < size_; ++i) values[i] = std::conj(values[i]);
}

}  // namespace ersatz

#pragma once
// The discrete Fourier transform of complex series of one length.

#include <unsupported/Eigen/FFT>
#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// Factors and buffers are made once. Not safe from several threads: one object each.
class Fft {
 public:
  /// `size` must have no prime factor but 2, 3 and 5 (see good_size), else UsageError.
  explicit Fft(Index size);
  /// The smallest number from `at_least` on whose prime factors are 2, 3 and 5.
  static Index good_size(Index at_least);

  Index size() const { return static_cast<Index>(other_.size()); }
  /// In place: x_k becomes Σ_j x_j exp(∓2πi jk/n), without a factor. O(n log n).
  void forward(Complex* x);
  void backward(Complex* x);

 private:
  Eigen::FFT<double> fft_;
  std::vector<Complex> other_;
};

}  // namespace ersatz

#include "transform/fft.hpp"

#include <algorithm>

#include "ersatz/core/error.hpp"

namespace ersatz {

Index Fft::good_size(Index at_least) {
  for (Index n = std::max<Index>(at_least, 1);; ++n) {
    Index rest = n;
    for (const Index factor : {2, 3, 5})
      while (rest % factor == 0) rest /= factor;
    if (rest == 1) return n;
  }
}

Fft::Fft(Index size) {
  if (size < 1 || good_size(size) != size)
    throw UsageError(text("a Fourier transform of ", size,
                          " values: the number must be positive without a prime factor above 5"));
  fft_.SetFlag(Eigen::FFT<double>::Unscaled);
  other_.resize(static_cast<std::size_t>(size));
}

// One value is its own transform, which Eigen's cannot do.

void Fft::forward(Complex* x) {
  if (size() == 1) return;
  std::copy(x, x + size(), other_.begin());
  fft_.fwd(x, other_.data(), size());
}

void Fft::backward(Complex* x) {
  if (size() == 1) return;
  std::copy(x, x + size(), other_.begin());
  fft_.inv(x, other_.data(), size());
}

}  // namespace ersatz

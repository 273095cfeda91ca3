#pragma once
// Decoders at work on runs, one after the other.

#include <vector>

#include "ersatz/core/error.hpp"
#include "ersatz/emulator/decoder.hpp"

namespace ersatz {

/// Calls use(i, x, outputs) for every run; what it throws about data gets the run's number.
template <class Use>
void for_each_run(const DecoderData& data, Use use) {
  std::vector<const double*> outputs(data.values.size());
  for (Index i = 0; i < data.x.rows(); ++i) {
    for (std::size_t o = 0; o < outputs.size(); ++o) outputs[o] = data.values[o].row(i).data();
    try {
      use(i, data.x.row(i).data(), outputs.data());
    } catch (const DataError& e) {
      throw DataError(text("run ", data.run(i), ": ", e.what()));
    }
  }
}

/// The rows of each of the decoder's channels, runs × width.
inline std::vector<Matrix> encoded(const Decoder& decoder, const DecoderData& data) {
  std::vector<Matrix> rows;
  for (const ChannelShape& s : decoder.channels()) rows.emplace_back(data.x.rows(), s.width());
  std::vector<double*> channels(rows.size());
  for_each_run(data, [&](Index i, const double* x, const double* const* outputs) {
    for (std::size_t c = 0; c < rows.size(); ++c) channels[c] = rows[c].row(i).data();
    decoder.encode(x, outputs, channels.data());
  });
  return rows;
}

}  // namespace ersatz

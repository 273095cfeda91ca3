#pragma once

#include "ersatz/emulator/decoder.hpp"

namespace ersatz {

DecoderPtr fit_precessing(const Settings& settings, const DecoderData& data);

}  // namespace ersatz

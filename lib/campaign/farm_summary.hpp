#pragma once
// A summary on its way between processes.

#include "ersatz/campaign/farm.hpp"

namespace ersatz::detail {

Bytes encode(const FarmSummary& summary);
FarmSummary decode_farm_summary(const Bytes& bytes);
Bytes encode(const ProcessUse& use);
ProcessUse decode_process_use(const Bytes& bytes);

}  // namespace ersatz::detail

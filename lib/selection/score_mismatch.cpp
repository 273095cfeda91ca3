#include "selection/score_mismatch.hpp"

#include <algorithm>
#include <map>

#include "ersatz/core/error.hpp"

namespace ersatz {

std::vector<WaveformGroup> waveform_groups(const Emulator& emulator, const std::vector<OutputPair>& pairs) {
  std::vector<WaveformGroup> groups;
  std::map<std::string, std::vector<OutputPair>> by_axis;
  std::vector<bool> taken(emulator.outputs().size(), false);
  const auto pair_of = [&pairs](Index own) {
    return std::find_if(pairs.begin(), pairs.end(),
                        [own](const OutputPair& p) { return p.own == static_cast<std::size_t>(own); });
  };
  for (const Decoding& decoding : emulator.decodings()) {
    std::map<std::string, std::vector<OutputPair>> own_axis;
    for (const Index o : decoding.outputs) {
      const OutputSpec& spec = emulator.outputs()[static_cast<std::size_t>(o)];
      if (const auto it = pair_of(o); spec.complex && it != pairs.end()) own_axis[spec.axis].push_back(*it);
    }
    for (auto& [axis, members] : own_axis) {
      if (members.size() < 2) continue;
      for (const OutputPair& p : members) taken[p.own] = true;
      groups.push_back({"", std::move(members)});
    }
  }
  for (const OutputPair& p : pairs)
    if (const OutputSpec& spec = emulator.outputs()[p.own]; spec.complex && !taken[p.own])
      by_axis[spec.axis].push_back(p);
  for (auto& [axis, members] : by_axis)
    if (members.size() > 1) groups.push_back({"", std::move(members)});
  for (WaveformGroup& g : groups) {
    g.name = "all modes";
    if (groups.size() == 1) break;
    const auto& outputs = emulator.outputs();
    const std::string &axis = outputs[g.members[0].own].axis, &from = outputs[g.members[0].own].name,
                      &to = outputs[g.members.back().own].name;
    const auto same = std::count_if(groups.begin(), groups.end(), [&](const WaveformGroup& other) {
      return outputs[other.members[0].own].axis == axis;
    });
    g.name = same == 1 ? "all modes on " + axis : from + " to " + to;
  }
  return groups;
}

Mismatches mismatches(const MismatchOptions& options, const Emulator& emulator, const Archive& truth,
                      const Prediction& prediction, const std::vector<OutputPair>& members,
                      Executor& executor) {
  const Axis& axis = emulator.axis_of(emulator.outputs()[members[0].own]);
  std::vector<std::string> names;
  for (const OutputPair& p : members) names.push_back(emulator.outputs()[p.own].name);
  try {
    Mismatch(options, axis, names);
  } catch (const DataError& e) {
    return {{}, e.what()};
  }
  const Index n = truth.size();
  constexpr Index block = 32;
  const auto parts = executor.map((n + block - 1) / block, [&](Index part) {
    Mismatch measure(options, axis, names);
    std::vector<double> values;
    std::vector<const double*> a(members.size()), b(members.size());
    for (Index i = part * block; i < std::min(n, (part + 1) * block); ++i) {
      for (std::size_t m = 0; m < members.size(); ++m) {
        a[m] = truth.values[members[m].theirs].row(i).data();
        b[m] = prediction.mean[members[m].own].row(i).data();
      }
      values.push_back(measure(a, b));
    }
    return to_bytes(values);
  });
  Mismatches result;
  result.values.resize(n);
  Index at = 0;
  for (const Bytes& part : parts)
    for (const double value : doubles_from_bytes(part)) result.values[at++] = value;
  return result;
}

Vector largest_mismatches(const MismatchOptions& options, const Emulator& emulator, const Archive& truth,
                          const Prediction& prediction, Executor& executor) {
  std::vector<OutputPair> pairs;
  for (std::size_t own = 0; own < emulator.outputs().size(); ++own)
    for (std::size_t theirs = 0; theirs < truth.outputs.size(); ++theirs)
      if (truth.outputs[theirs].name == emulator.outputs()[own].name) pairs.push_back({own, theirs});
  const std::vector<WaveformGroup> groups = waveform_groups(emulator, pairs);
  std::vector<std::vector<OutputPair>> waveforms;
  std::vector<bool> grouped(emulator.outputs().size(), false);
  for (const WaveformGroup& g : groups) {
    waveforms.push_back(g.members);
    for (const OutputPair& p : g.members) grouped[p.own] = true;
  }
  for (const OutputPair& p : pairs)
    if (emulator.outputs()[p.own].complex && !grouped[p.own]) waveforms.push_back({p});
  Vector largest;
  for (const auto& members : waveforms) {
    const Vector own = mismatches(options, emulator, truth, prediction, members, executor).values;
    if (own.size() > 0) largest = largest.size() > 0 ? Vector(largest.cwiseMax(own)) : own;
  }
  return largest;
}

}  // namespace ersatz

// What is in a model.

#include <algorithm>
#include <string_view>

#include "bindings/model.hpp"

using namespace ersatz;
using namespace ersatz::c;

static_assert(ERSATZ_LINEAR == static_cast<int>(Scale::linear) &&
              ERSATZ_LOG == static_cast<int>(Scale::log) &&
              ERSATZ_PERIODIC == static_cast<int>(Scale::periodic));

namespace {

template <class T, class Value>
void give(T* target, const Value& value) {
  if (target) *target = static_cast<T>(value);
}
void give(const char** target, const std::string& value) {
  if (target) *target = value.c_str();
}

/// The number of what has this name. Throws Failure naming those that are there.
template <class Named>
std::int64_t number_named(const char* name, const std::vector<Named>& all, const char* what) {
  check_pointer(name, "name");
  std::string known;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].name == name) return static_cast<std::int64_t>(i);
    known += (known.empty() ? "" : ", ") + all[i].name;
  }
  throw Failure(ERSATZ_BAD_NAME, text("there is no ", what, " '", name, "', the model has ", known));
}

/// One of `all`, by number.
template <class T>
const T& chosen(const std::vector<T>& all, std::int64_t number, const char* what) {
  check_number(number, static_cast<std::int64_t>(all.size()), what);
  return all[static_cast<std::size_t>(number)];
}

/// A single number about a model.
template <class T, class Ask>
ersatz_status tell(const ersatz_emulator* emulator, T* target, const char* name, Ask&& ask) noexcept {
  return guarded([&] {
    const ModelPtr model = find(emulator);
    check_pointer(target, name);
    *target = static_cast<T>(ask(*model));
  });
}

}  // namespace

ersatz_status ersatz_parameter_count(const ersatz_emulator* emulator, int64_t* count) {
  return tell(emulator, count, "count", [](const Model& m) { return m.emulator.space().size(); });
}

ersatz_status ersatz_parameter(const ersatz_emulator* emulator, int64_t parameter, const char** name,
                               const char** unit, double* lower, double* upper, int* scale) {
  return guarded([&] {
    const ModelPtr model = find(emulator);
    const Parameter& p = chosen(model->emulator.space().parameters(), parameter, "parameter");
    give(name, p.name);
    give(unit, p.unit);
    give(lower, p.lower);
    give(upper, p.upper);
    give(scale, p.scale);
  });
}

ersatz_status ersatz_parameter_number(const ersatz_emulator* emulator, const char* name, int64_t* parameter) {
  return tell(emulator, parameter, "parameter", [&](const Model& m) {
    return number_named(name, m.emulator.space().parameters(), "parameter");
  });
}

ersatz_status ersatz_output_count(const ersatz_emulator* emulator, int64_t* count) {
  return tell(emulator, count, "count", [](const Model& m) { return m.emulator.outputs().size(); });
}

ersatz_status ersatz_output(const ersatz_emulator* emulator, int64_t output, const char** name,
                            const char** unit, int64_t* axis, int64_t* bins, int* is_complex,
                            int64_t* offset) {
  return guarded([&] {
    const ModelPtr model = find(emulator);
    const OutputSpec& o = chosen(model->emulator.outputs(), output, "output");
    give(name, o.name);
    give(unit, o.unit);
    give(axis, &model->emulator.axis_of(o) - model->emulator.axes().data());
    give(bins, o.size);
    give(is_complex, o.complex);
    give(offset, model->offsets[static_cast<std::size_t>(output)]);
  });
}

ersatz_status ersatz_output_number(const ersatz_emulator* emulator, const char* name, int64_t* output) {
  return tell(emulator, output, "output",
              [&](const Model& m) { return number_named(name, m.emulator.outputs(), "output"); });
}

ersatz_status ersatz_row_size(const ersatz_emulator* emulator, int64_t* size) {
  return tell(emulator, size, "size", [](const Model& m) { return m.row; });
}

ersatz_status ersatz_axis_count(const ersatz_emulator* emulator, int64_t* count) {
  return tell(emulator, count, "count", [](const Model& m) { return m.emulator.axes().size(); });
}

ersatz_status ersatz_axis(const ersatz_emulator* emulator, int64_t axis, const char** name, const char** unit,
                          int64_t* bins) {
  return guarded([&] {
    const ModelPtr model = find(emulator);
    const Axis& a = chosen(model->emulator.axes(), axis, "axis");
    give(name, a.name);
    give(unit, a.unit);
    give(bins, a.values.size());
  });
}

ersatz_status ersatz_axis_values(const ersatz_emulator* emulator, int64_t axis, double* values,
                                 int64_t size) {
  return guarded([&] {
    const ModelPtr model = find(emulator);
    const Axis& a = chosen(model->emulator.axes(), axis, "axis");
    check_buffer(values, "values", size, a.values.size());
    std::copy_n(a.values.data(), a.values.size(), values);
  });
}

ersatz_status ersatz_has_std(const ersatz_emulator* emulator, int* has_std) {
  return tell(emulator, has_std, "has_std", [](const Model& m) { return m.emulator.has_std(); });
}

ersatz_status ersatz_has_jacobian(const ersatz_emulator* emulator, int* has_jacobian) {
  return tell(emulator, has_jacobian, "has_jacobian",
              [](const Model& m) { return m.emulator.has_jacobian(); });
}

ersatz_status ersatz_covariance_rank(const ersatz_emulator* emulator, int64_t* rank) {
  return tell(emulator, rank, "rank", [](const Model& m) {
    if (!m.emulator.has_std())
      throw Failure(ERSATZ_NOT_AVAILABLE, "this model gives no standard deviations, and so no covariance");
    return m.rank;
  });
}

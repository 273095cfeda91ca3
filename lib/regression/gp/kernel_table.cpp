#include "regression/gp/kernel_table.hpp"

#include <cctype>
#include <mutex>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/pointwise.hpp"
#include "regression/gp/shaped.hpp"
#include "regression/gp/stationary.hpp"

namespace ersatz::gp {
namespace {

struct Entry {
  std::string name;
  KernelMaker make;
};

const std::vector<Entry>& shaped() {
  // clang-format off
  static const std::vector<Entry> table = {
      {"power-exponential", make_power_exponential_kernel},
      {"rational-quadratic", make_rational_quadratic_kernel},
      {"periodic", make_periodic_kernel},
      {"linear", make_linear_kernel},
      {"constant", make_constant_kernel},
  };
  // clang-format on
  return table;
}

std::mutex& registered_mutex() {
  static std::mutex mutex;
  return mutex;
}
std::vector<Entry>& registered() {
  static std::vector<Entry> table;
  return table;
}

KernelMaker registered_maker(const std::string& name) {
  const std::lock_guard<std::mutex> lock(registered_mutex());
  for (const Entry& entry : registered())
    if (entry.name == name) return entry.make;
  return nullptr;
}

bool is_plain_name(const std::string& name) {
  if (name.empty() || !std::isalpha(static_cast<unsigned char>(name.front()))) return false;
  for (const char c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') return false;
  return true;
}

}  // namespace

KernelPtr make_named_kernel(const std::string& name, Index inputs) {
  if (KernelPtr kernel = make_stationary_kernel(name, inputs)) return kernel;
  for (const Entry& entry : shaped())
    if (entry.name == name) return entry.make(inputs);
  const KernelMaker make = registered_maker(name);
  if (!make) return nullptr;
  KernelPtr kernel = make(inputs);
  if (!kernel || kernel->expression() != name || kernel->inputs() != inputs)
    throw UsageError(
        text("the kernel registered as \"", name, "\" makes ",
             kernel ? text("\"", kernel->expression(), "\" on ", kernel->inputs()) : "nothing on ",
             " inputs; expected \"", name, "\" on ", inputs));
  return kernel;
}

bool is_registered_kernel(const std::string& name) { return registered_maker(name) != nullptr; }

std::vector<std::string> named_kernels() {
  std::vector<std::string> names = stationary_kernel_names();
  for (const Entry& entry : shaped()) names.push_back(entry.name);
  const std::lock_guard<std::mutex> lock(registered_mutex());
  for (const Entry& entry : registered()) names.push_back(entry.name);
  return names;
}

void register_kernel(const std::string& name, KernelMaker maker) {
  if (!maker) throw UsageError("register_kernel: needs a maker");
  if (!is_plain_name(name))
    throw UsageError(text("register_kernel: the name \"", name,
                          "\" is not letters, digits, - and _ with a letter in front"));
  const auto known = named_kernels();
  for (const std::string& taken : known)
    if (name == taken || name == "white")
      throw UsageError(text("register_kernel: the name \"", name, "\" is taken"));
  const std::lock_guard<std::mutex> lock(registered_mutex());
  registered().push_back({name, maker});
}

}  // namespace ersatz::gp

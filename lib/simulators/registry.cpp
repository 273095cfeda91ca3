#include <utility>

#include "core/named_table.hpp"
#include "ersatz/simulators/simulator.hpp"
#include "ersatz/simulators/supernova.hpp"
#include "ersatz/simulators/test_functions.hpp"
#include "ersatz/simulators/waveform.hpp"

namespace ersatz {
namespace {

using Made = std::shared_ptr<const Simulator>;

Made supernova(const std::string&) { return make_supernova(); }
Made supernova6(const std::string&) { return make_supernova6(); }
Made waveform(const std::string&) { return make_waveform(); }
Made waveform_aligned(const std::string&) { return make_waveform_aligned(); }

struct Entry {
  const char* name;
  Made (*make)(const std::string&);
};

// One line per simulator.
constexpr Entry entries[] = {
    {"supernova", supernova},
    {"supernova-6", supernova6},
    {"waveform", waveform},
    {"waveform-aligned", waveform_aligned},
    {"borehole", make_test_function},
    {"branin", make_test_function},
    {"ishigami", make_test_function},
    {"hartmann6", make_test_function},
    {"wing-weight", make_test_function},
    {"gramacy-lee", make_test_function},
};

}  // namespace

std::vector<std::string> simulator_names() { return names_in(entries); }

std::shared_ptr<const Simulator> make_simulator(const std::string& name) {
  return find_named(entries, name, "simulator").make(name);
}

}  // namespace ersatz

#pragma once
// The test functions of the emulation literature, as plain functions and as simulators. Each simulator has
// one dimensionless-axis output `y` of size 1; parameters are those of the function, in the order listed
// here.

#include <memory>
#include <string>

#include "ersatz/simulators/simulator.hpp"

namespace ersatz {

/// Water flow through a borehole [m^3/yr] (Harper & Gupta 1983; Morris, Mitchell & Ylvisaker 1993).
/// x: rw 0.05-0.15 m, r 100-50000 m, Tu 63070-115600 m^2/yr, Hu 990-1110 m, Tl 63.1-116 m^2/yr, Hl 700-820 m,
/// L 1120-1680 m, Kw 9855-12045 m/yr.
double borehole(const double* x);

/// Branin (Branin 1972; Dixon & Szego 1978), x1 in -5 … 10, x2 in 0 … 15. Three minima of 0.397887.
double branin(const double* x);

/// Ishigami & Homma (1990) with a = 7, b = 0.1, three inputs in -pi … pi.
double ishigami(const double* x);

/// Hartmann, six inputs in 0 … 1 (Hartman 1973; Dixon & Szego 1978). Minimum -3.32237 at
/// (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573).
double hartmann6(const double* x);

/// Weight of a light aircraft's wing [lb] (Raymer 1989 in Forrester, Sobester & Keane 2008, Eq. 1.3).
/// x: Sw 150-200 ft^2, Wfw 220-300 lb, A 6-10, Lambda -10-10 deg, q 16-45 lb/ft^2, taper 0.5-1, tc 0.08-0.18,
/// Nz 2.5-6, Wdg 1700-2500 lb, Wp 0.025-0.08 lb/ft^2.
double wing_weight(const double* x);

/// x1 exp(-x1^2 - x2^2), x1 and x2 in -2 … 6 (Gramacy & Lee 2008, J. Am. Stat. Assoc. 103, 1119,
/// section 4.1): flat but for one corner, a sixteenth of the area around a hill and a valley of ±0.428882.
double gramacy_lee(const double* x);

/// "borehole", "branin", "ishigami", "hartmann6", "wing-weight" or "gramacy-lee"; UsageError otherwise.
std::shared_ptr<const Simulator> make_test_function(const std::string& name);

}  // namespace ersatz

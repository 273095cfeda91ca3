#pragma once
// Scores and tables for people and for machines.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ersatz/selection/comparison.hpp"
#include "ersatz/selection/validation.hpp"

namespace ersatz::driver {

nlohmann::ordered_json to_json(const Validation& validation);
nlohmann::ordered_json to_json(const std::vector<ComparisonRow>& rows, const MismatchTerms& terms = {});
std::string to_text(const Validation& validation);
std::string to_text(const std::vector<ComparisonRow>& rows, const MismatchTerms& terms = {});

}  // namespace ersatz::driver

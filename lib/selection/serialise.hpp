#pragma once
// Validation and leaderboard in the model file.

#include <vector>

#include "ersatz/selection/comparison.hpp"
#include "ersatz/selection/validation.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz {

void save_validation(const h5::Group& group, const Validation& validation);
Validation load_validation(const h5::Group& group);
void save_comparison(const h5::Group& group, const std::vector<ComparisonRow>& rows);
std::vector<ComparisonRow> load_comparison(const h5::Group& group);

}  // namespace ersatz

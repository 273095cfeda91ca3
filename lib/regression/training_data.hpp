#pragma once
// What every trainer looks at before it fits.

#include <string>
#include <vector>

#include "ersatz/regression/regressor.hpp"
#include "ersatz/regression/standardisation.hpp"

namespace ersatz {

std::string input_name(const TrainingData& data, Index k);

/// For each row the number of the first row with the same inputs (itself, if none before).
std::vector<Index> first_of_equal_rows(ConstMatrixRef X);

/// Warnings on repeated points, inputs and outputs that do not vary.
void warn_about_data(const TrainingData& data, const Standardisation& inputs, const Standardisation& outputs,
                     FitSummary& summary);

/// Mean square of the known noise of each output (p; 0 where none is known).
Vector mean_noise_variance(const TrainingData& data);

/// "3 1.5 0.2" for few values, "0.1 … 3 (12 values)" for many.
std::string list_of(const std::vector<double>& values);

}  // namespace ersatz

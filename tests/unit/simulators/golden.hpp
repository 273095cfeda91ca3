#pragma once
// Numbers of tests/golden, made by the slow Python programs beside them.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace ersatz::golden {

/// The rows of a CSV of numbers below its header line.
inline std::vector<std::vector<double>> rows(const std::string& file) {
  std::ifstream in(std::string(ERSATZ_SOURCE_DIR) + "/tests/golden/" + file);
  EXPECT_TRUE(in.good()) << file;
  std::vector<std::vector<double>> result;
  std::string line, cell;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::vector<double> row;
    std::istringstream cells(line);
    while (std::getline(cells, cell, ',')) row.push_back(std::stod(cell));
    result.push_back(std::move(row));
  }
  return result;
}

}  // namespace ersatz::golden

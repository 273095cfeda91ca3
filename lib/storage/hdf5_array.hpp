#pragma once
// Arrays of any number of dimensions in HDF5, row major. Not installed.

#include <cstdint>
#include <string_view>
#include <vector>

#include "ersatz/storage/hdf5.hpp"

namespace ersatz::h5 {

/// Throw StorageError(write).
void write_array(const Group& group, std::string_view name, const std::vector<Index>& shape,
                 const double* values);
void write_array(const Group& group, std::string_view name, const std::vector<Index>& shape,
                 const std::int8_t* values);

/// Numbers of any type as doubles. Throws StorageError where the dataset is missing or of another shape.
std::vector<double> read_array(const Group& group, std::string_view name, const std::vector<Index>& shape);

}  // namespace ersatz::h5

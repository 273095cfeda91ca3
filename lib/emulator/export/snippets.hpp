#pragma once
// The C functions that exported files are made of, by theme; snippets() joins them.

#include "emulator/export/c_file.hpp"

namespace ersatz::c {

std::vector<Snippet> arithmetic_snippets();  ///< sums, searches for neighbours
std::vector<Snippet> transform_snippets();
std::vector<Snippet> polynomial_snippets();
std::vector<Snippet> neighbour_snippets();
std::vector<Snippet> kernel_snippets();
std::vector<Snippet> gp_snippets();
std::vector<Snippet> decoder_snippets();
std::vector<Snippet> precessing_snippets();

}  // namespace ersatz::c

#pragma once
// What callers of an exported file see: its comment, its declarations, its program.

#include <string>

#include "emulator/export/c_file.hpp"
#include "ersatz/emulator/export_c.hpp"

namespace ersatz::c {

/// The whole file: comment, declarations, the functions and tables of `file`, which may take `work` doubles,
/// the functions that callers see, and a program that reads points.
std::string interface_of(const Emulator& emulator, const ModelInfo& info, const CExport& options, CFile& file,
                         Index work);

/// Words that neither end a comment nor begin one in it.
std::string comment(std::string words);

}  // namespace ersatz::c

#pragma once
// Whole text files. Not installed.

#include <string>

namespace ersatz {

/// The bytes of a file. Throws StorageError: missing, a folder, a device (pipes and terminals are
/// fine), unreadable.
std::string read_whole_file(const std::string& path);

}  // namespace ersatz

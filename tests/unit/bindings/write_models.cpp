// write_models FOLDER: the model files for programs in C and Fortran.

#include <filesystem>

#include "unit/bindings/models.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::filesystem::create_directories(argv[1]);
  ersatz::testing::write_models(argv[1]);
}

# Install rules: headers, libraries, program, CMake package.

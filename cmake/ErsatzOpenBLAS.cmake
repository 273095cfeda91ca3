# Finds OpenBLAS and offers it as Ersatz::OpenBLAS. Linked directly, not through BLAS alternatives: Debian's
# Ceres brings ATLAS along, and two libraries in one process define dgemm_. Installed beside ErsatzConfig.cmake,
# where static libraries need it again.
find_library(ERSATZ_OPENBLAS_LIBRARY NAMES openblas PATH_SUFFIXES openblas-pthread openblas)
mark_as_advanced(ERSATZ_OPENBLAS_LIBRARY)
if(ERSATZ_OPENBLAS_LIBRARY AND NOT TARGET Ersatz::OpenBLAS)
  add_library(Ersatz::OpenBLAS UNKNOWN IMPORTED)
  set_target_properties(Ersatz::OpenBLAS PROPERTIES IMPORTED_LOCATION "${ERSATZ_OPENBLAS_LIBRARY}")
endif()

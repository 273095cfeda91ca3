# Install rules: headers, libraries, program, documents, CMake package and pkg-config files. The installed tree
# can be moved: no file in it holds an absolute path.
include(CMakePackageConfigHelpers)

set(ersatz_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Ersatz)

install(DIRECTORY include/ersatz DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h")

set_target_properties(ersatz PROPERTIES INSTALL_RPATH "$ORIGIN")
install(TARGETS ersatz EXPORT ErsatzTargets)
install(EXPORT ErsatzTargets NAMESPACE ersatz:: DESTINATION ${ersatz_cmake_dir})
# C and Fortran: shared and static both, as libersatz_c; the package offers one of them as ersatz::c.
install(FILES lib/bindings/ersatz.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
set_target_properties(ersatz-c ersatz-c-static PROPERTIES EXPORT_NAME c)
install(TARGETS ersatz-c EXPORT ErsatzCTargets)
install(EXPORT ErsatzCTargets NAMESPACE ersatz:: DESTINATION ${ersatz_cmake_dir})
install(TARGETS ersatz-c-static EXPORT ErsatzCStaticTargets)
install(EXPORT ErsatzCStaticTargets NAMESPACE ersatz:: DESTINATION ${ersatz_cmake_dir})
# The Fortran module as its source: what compilers make of it fits no other compiler.
set(ERSATZ_FORTRAN_SOURCE ${CMAKE_INSTALL_DATADIR}/ersatz/ersatz.f90)
install(FILES lib/bindings/ersatz.f90 DESTINATION ${CMAKE_INSTALL_DATADIR}/ersatz)
if(ERSATZ_TRAIN)
  set_target_properties(ersatz-train PROPERTIES INSTALL_RPATH "$ORIGIN" EXPORT_NAME train)
  install(TARGETS ersatz-train EXPORT ErsatzTrainTargets)
  install(EXPORT ErsatzTrainTargets NAMESPACE ersatz:: DESTINATION ${ersatz_cmake_dir})
endif()
if(ERSATZ_MPI)
  set_target_properties(ersatz-mpi PROPERTIES INSTALL_RPATH "$ORIGIN" EXPORT_NAME mpi)
  install(TARGETS ersatz-mpi EXPORT ErsatzMpiTargets)
  install(EXPORT ErsatzMpiTargets NAMESPACE ersatz:: DESTINATION ${ersatz_cmake_dir})
endif()
if(ERSATZ_PROGRAM)
  file(RELATIVE_PATH bin_to_lib ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  get_property(programs DIRECTORY drivers PROPERTY BUILDSYSTEM_TARGETS)
  foreach(program IN LISTS programs)
    get_target_property(type ${program} TYPE)
    if(type STREQUAL "EXECUTABLE")
      set_target_properties(${program} PROPERTIES INSTALL_RPATH "$ORIGIN/${bin_to_lib}")
      install(TARGETS ${program})
    endif()
  endforeach()
endif()

if(BUILD_SHARED_LIBS)
  set(ERSATZ_SHARED TRUE)
else()
  set(ERSATZ_SHARED FALSE)
endif()
configure_package_config_file(cmake/ErsatzConfig.cmake.in ErsatzConfig.cmake INSTALL_DESTINATION ${ersatz_cmake_dir}
                              PATH_VARS ERSATZ_FORTRAN_SOURCE NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may break what users compile against.
write_basic_package_version_file(ErsatzConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ErsatzConfig.cmake ${PROJECT_BINARY_DIR}/ErsatzConfigVersion.cmake
              cmake/ErsatzOpenBLAS.cmake cmake/ErsatzScaLAPACK.cmake
        DESTINATION ${ersatz_cmake_dir})

set(pc_files ersatz.pc ersatz-c.pc ersatz-c-static.pc)
if(ERSATZ_TRAIN)
  list(APPEND pc_files ersatz-train.pc)
endif()
if(ERSATZ_MPI)
  list(APPEND pc_files ersatz-mpi.pc)
endif()
file(RELATIVE_PATH ERSATZ_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" ERSATZ_PC_PREFIX "${ERSATZ_PC_PREFIX}")
foreach(pc IN LISTS pc_files)
  configure_file(cmake/${pc}.in ${pc} @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${pc} DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)

# Finds XGBoost's C interface and offers it as Ersatz::XGBoost. Installed beside ErsatzConfig.cmake, where static
# libraries need it again.
find_path(ERSATZ_XGBOOST_INCLUDE xgboost/c_api.h)
find_library(ERSATZ_XGBOOST_LIBRARY NAMES xgboost)
mark_as_advanced(ERSATZ_XGBOOST_INCLUDE ERSATZ_XGBOOST_LIBRARY)
if(ERSATZ_XGBOOST_INCLUDE AND ERSATZ_XGBOOST_LIBRARY AND NOT TARGET Ersatz::XGBoost)
  add_library(Ersatz::XGBoost UNKNOWN IMPORTED)
  set_target_properties(Ersatz::XGBoost PROPERTIES IMPORTED_LOCATION "${ERSATZ_XGBOOST_LIBRARY}"
                        INTERFACE_INCLUDE_DIRECTORIES "${ERSATZ_XGBOOST_INCLUDE}")
endif()

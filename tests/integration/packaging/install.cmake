# Installs BUILD and moves the tree to PREFIX: what works there does not depend on where it was installed.
set(first ${PREFIX}.first)
file(REMOVE_RECURSE ${first} ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${first} OUTPUT_QUIET
                COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${first} ${PREFIX})

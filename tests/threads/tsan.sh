#!/bin/sh
# tsan.sh SOURCE CMAKE MODELS: builds the evaluation library with the thread sanitizer, and replaces a model a thousand
# times while threads evaluate it.
set -eu
source=$1 cmake=$2 models=$3
cd "$source"
"$cmake" --preset tsan --log-level=NOTICE >/dev/null
"$cmake" --build --preset tsan --target hot-replacement >/dev/null
# The sanitizer of GCC 12 wants its own layout of memory, which random placement may take.
fixed=
if setarch -R true 2>/dev/null; then fixed='setarch -R'; fi
TSAN_OPTIONS="halt_on_error=1 exitcode=66 ${TSAN_OPTIONS:-}" $fixed build/tsan/bin/hot-replacement "$models" 1000

#!/bin/sh
# tsan.sh SOURCE BUILD CMAKE MODELS: builds the evaluation library with the thread sanitizer, and replaces a model a thousand
# times while threads evaluate it.
set -eu
source=$1 build=$2 cmake=$3 models=$4
cd "$source"
"$cmake" --preset tsan -B "$build" --log-level=NOTICE >/dev/null
"$cmake" --build "$build" --target hot-replacement >/dev/null
# The sanitizer of GCC 12 wants its own layout of memory, which random placement may take.
fixed=
if setarch -R true 2>/dev/null; then fixed='setarch -R'; fi
TSAN_OPTIONS="halt_on_error=1 exitcode=66 ${TSAN_OPTIONS:-}" $fixed "$build/bin/hot-replacement" "$models" 1000

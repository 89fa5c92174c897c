#!/bin/bash
# planted.sh - shows that the harnesses find bugs: each patch in fuzz/planted plants one, and the
# harness it is named after must find it within 60 seconds.
#
#   fuzz/planted.sh [PATCH...]      default: fuzz/planted/*.patch
#   fuzz/planted.sh --check         only that every patch still applies (in the default run)
#
# NAME.patch and NAME-anything.patch belong to fuzz_NAME.c. The patch is applied to a copy.
set -u
cd "$(dirname "$0")/.." || exit 2
if [ "${1:-}" = --check ]; then
    failed=0
    for patch in fuzz/planted/*.patch; do
        patch -s --dry-run -p1 <"$patch" >/dev/null || { echo "does not apply: $patch"; failed=1; }
    done
    exit $failed
fi
[ $# -gt 0 ] || set -- fuzz/planted/*.patch
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
failed=0
for patch in "$@"; do
    name=$(basename "$patch" .patch)
    name=${name%%-*}
    rm -rf "$copy/tree"
    mkdir -p "$copy/tree" "$copy/new"
    cp -r CMakeLists.txt msrp dpp relay fuzz tests "$copy/tree/"
    if ! patch -s -p1 -d "$copy/tree" <"$patch"; then
        echo "FAIL $(basename "$patch"): does not apply"
        failed=1
        continue
    fi
    if ! { CC=clang-14 cmake -S "$copy/tree" -B "$copy/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug \
        -DMC_FUZZ=ON && cmake --build "$copy/build" --target "fuzz_${name}_lf"; } \
        >"$copy/log" 2>&1; then
        tail -n 20 "$copy/log"
        echo "FAIL $(basename "$patch"): does not build"
        failed=1
        continue
    fi
    began=$(date +%s)
    dict=fuzz/dict/$name.dict
    if "$copy/build/fuzz_${name}_lf" -max_total_time=60 -timeout=5 -rss_limit_mb=2048 \
        -artifact_prefix="$copy/" $([ -f "$dict" ] && echo "-dict=$dict") "$copy/new" \
        "fuzz/corpus/$name" >"$copy/out" 2>&1; then
        echo "FAIL $(basename "$patch"): not found in 60 s"
        failed=1
    else
        echo "PASS $(basename "$patch"): found in $(($(date +%s) - began)) s:" \
            "$(grep -m1 -oE 'ERROR: [A-Za-z]+: .{0,60}|runtime error: .{0,60}' "$copy/out")"
    fi
    rm -rf "$copy/new"
done
exit $failed

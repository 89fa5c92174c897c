#!/bin/bash
# campaign.sh - runs harnesses for a given time and keeps their corpora small.
#
#   fuzz/campaign.sh [--afl] NAME|all SECONDS
#
# NAME is a target as in fuzz/fuzz_NAME.c. Default engine: libFuzzer (clang, ASan and UBSan). --afl:
# AFL++ in persistent mode with a CmpLog instance beside it on the second core. New inputs go to
# build/fuzz/NAME, findings to build/fuzz/NAME-findings; nothing is written into the tree. Exit 1 on
# any finding.
set -u
cd "$(dirname "$0")/.." || exit 2
engine=libfuzzer
[ "${1:-}" = --afl ] && { engine=afl; shift; }
[ $# = 2 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
seconds=$2
if [ "$1" = all ]; then
    names=$(for f in fuzz/fuzz_*.c; do basename "$f" .c | sed 's/^fuzz_//'; done)
else
    names=$1
fi

build() { # build DIR CC TARGET [cmake options]
    local dir=$1 cc=$2 target=$3
    shift 3
    { CC=$cc cmake -S . -B "$dir" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DMC_FUZZ=ON "$@" &&
        cmake --build "$dir" --target "$target"; } >"build/fuzz/$target.log" 2>&1 ||
        { tail -n 20 "build/fuzz/$target.log" >&2; exit 2; }
}

mkdir -p build/fuzz
worst=0
for name in $names; do
    out=build/fuzz/$name
    found=build/fuzz/$name-findings
    rm -rf "$found"
    mkdir -p "$out" "$found"
    dict=fuzz/dict/$name.dict
    if [ $engine = libfuzzer ]; then
        build build/fuzz-clang clang-14 "fuzz_${name}_lf"
        build/fuzz-clang/fuzz_${name}_lf -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 \
            -print_final_stats=1 -artifact_prefix="$found/" -verbosity=1 \
            $([ -f "$dict" ] && echo "-dict=$dict") "$out" "fuzz/corpus/$name" \
            >"build/fuzz/$name.out" 2>&1
        status=$?
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.out")
    else
        export AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1
        build build/fuzz-afl afl-clang-fast "fuzz_${name}_lf"
        AFL_LLVM_CMPLOG=1 build build/fuzz-cmplog afl-clang-fast "fuzz_${name}_lf"
        afl-fuzz -V "$seconds" -S cmplog -c "build/fuzz-cmplog/fuzz_${name}_lf" -m none \
            -i "fuzz/corpus/$name" -o "$out-afl" $([ -f "$dict" ] && echo -x "$dict") \
            -- "build/fuzz-afl/fuzz_${name}_lf" >"build/fuzz/$name-cmplog.out" 2>&1 &
        second=$!
        afl-fuzz -V "$seconds" -M main -m none -i "fuzz/corpus/$name" -o "$out-afl" \
            $([ -f "$dict" ] && echo -x "$dict") \
            -- "build/fuzz-afl/fuzz_${name}_lf" >"build/fuzz/$name.out" 2>&1
        wait "$second"
        cp "$out-afl"/*/crashes/id* "$found/" 2>/dev/null
        status=$(ls "$found" | grep -c .)
        runs=$(sed -n 's/^execs_done *: *//p' "$out-afl"/*/fuzzer_stats | paste -sd+ | bc 2>/dev/null)
    fi
    if [ "$status" = 0 ] && [ -z "$(ls "$found")" ]; then
        echo "PASS $name: ${runs:-?} runs in $seconds s, no finding"
    else
        echo "FAIL $name: see $found and build/fuzz/$name.out"
        worst=1
    fi
done
exit $worst

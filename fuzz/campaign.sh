#!/bin/bash
# campaign.sh - runs harnesses for a given time and keeps their corpora small.
#
#   fuzz/campaign.sh [--afl] [--commit-corpus] NAME|all SECONDS
#
# NAME is a target as in fuzz/fuzz_NAME.c. Default engine: libFuzzer (clang, ASan and UBSan). --afl:
# AFL++ through its own driver (persistent loop, input in shared memory), with a CmpLog instance
# beside it on the second core; fails when it was not persistent or the target is not stable (below
# 99 %). New inputs go to build/fuzz/NAME, findings to build/fuzz/NAME-findings. At the end committed
# and new inputs together are minimised into build/fuzz/NAME.min (libFuzzer: -merge=1; AFL++:
# afl-cmin; where more than 200 files remain, each edge once and the smallest set that covers them).
# SECONDS 0: minimise only. --commit-corpus puts the minimised set in the place of
# fuzz/corpus/NAME; without it nothing is written into the tree. Exit 1 on any finding.
set -u
cd "$(dirname "$0")/.." || exit 2
engine=libfuzzer
commits=no
while :; do
    case "${1:-}" in
    --afl) engine=afl ;;
    --commit-corpus) commits=yes ;;
    *) break ;;
    esac
    shift
done
[ $# = 2 ] || { sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 2; }
seconds=$2
if [ "$1" = all ]; then
    names=$(for f in fuzz/fuzz_*.c; do basename "$f" .c | sed 's/^fuzz_//'; done)
else
    names=$1
fi
files_max=200
input_max=65536 # octets of one committed input

build() { # build DIR CC TARGET
    { CC=$2 cmake -S . -B "$1" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DMC_FUZZ=ON &&
        cmake --build "$1" --target "$3"; } >"build/fuzz/$3.log" 2>&1 ||
        { tail -n 20 "build/fuzz/$3.log" >&2; exit 2; }
}

count() { find "$1" -type f | wc -l; }

stat_of() { sed -n "s/^$2 *: *//p" "$1/fuzzer_stats"; } # stat_of INSTANCE NAME

run_libfuzzer() { # sets status and runs
    build/fuzz-clang/fuzz_${name}_lf -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$found/" -verbosity=1 $lf_dict "$out" \
        "fuzz/corpus/$name" >"build/fuzz/$name.out" 2>&1
    status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.out")
}

run_afl() { # sets status, runs and told
    local afl=build/fuzz/$name-afl target=build/fuzz-afl/fuzz_${name}_lf second mode stability
    rm -rf "$afl"
    afl-fuzz -V "$seconds" -S cmplog -c "build/fuzz-cmplog/fuzz_${name}_lf" -m none -t 5000 \
        -i "fuzz/corpus/$name" -o "$afl" $afl_dict -- "$target" \
        >"build/fuzz/$name-cmplog.out" 2>&1 &
    second=$!
    afl-fuzz -V "$seconds" -M main -m none -t 5000 -i "fuzz/corpus/$name" -o "$afl" $afl_dict \
        -- "$target" >"build/fuzz/$name.out" 2>&1
    status=$?
    wait "$second" || status=1
    cp "$afl"/*/crashes/id* "$afl"/*/hangs/id* "$found/" 2>/dev/null
    [ -s "$afl/main/fuzzer_stats" ] || return
    cp "$afl"/*/queue/id* "$out/" 2>/dev/null
    runs=$(($(stat_of "$afl/main" execs_done) + $(stat_of "$afl/cmplog" execs_done)))
    mode=$(stat_of "$afl/main" target_mode)
    stability=$(stat_of "$afl/main" stability)
    told=", $(stat_of "$afl/main" execs_per_sec) a second, stability $stability, $mode"
    case "$mode" in *persistent*) ;; *) status=1 ;; esac
    awk "BEGIN { exit !(${stability%\%} >= 99) }" || status=1
}

minimise() {
    local min=build/fuzz/$name.min all=build/fuzz/$name.all big
    rm -rf "$min" "$all"
    mkdir -p "$min" "$all"
    # one folder, one file per content
    find "fuzz/corpus/$name" "$out" -type f -size -$((input_max / 512 + 1))b -print0 |
        while IFS= read -r -d '' f; do
            cp "$f" "$all/$(sha1sum <"$f" | cut -c1-40)"
        done
    for edges in "" once; do
        rm -rf "$min"
        if [ $engine = libfuzzer ]; then
            mkdir -p "$min"
            build/fuzz-clang/fuzz_${name}_lf -timeout=20 -rss_limit_mb=2048 \
                $([ -n "$edges" ] && echo -set_cover_merge=1 -use_counters=0 || echo -merge=1) \
                "$min" "$all" >"build/fuzz/$name-min.out" 2>&1 || return 1
        else
            afl-cmin -m none ${edges:+-e} -i "$all" -o "$min" -- "build/fuzz-afl/fuzz_${name}_lf" \
                >"build/fuzz/$name-min.out" 2>&1 || return 1
        fi
        [ "$(count "$min")" -gt $files_max ] || break
    done
    told="$told; $(count "$all") inputs minimised to $(count "$min")"
    rm -rf "$all"
    if [ $commits = yes ]; then
        if [ "$(count "$min")" -gt $files_max ] || [ "$(count "$min")" = 0 ]; then
            told="$told: not committed, at most $files_max may be"
            return 1
        fi
        rm -rf "fuzz/corpus/$name"
        cp -r "$min" "fuzz/corpus/$name"
        rm -rf "fuzz/corpus/$name/.traces"
        told="$told, now in fuzz/corpus/$name"
    fi
}

mkdir -p build/fuzz
worst=0
for name in $names; do
    out=build/fuzz/$name
    found=build/fuzz/$name-findings
    rm -rf "$found"
    mkdir -p "$out" "$found"
    lf_dict= afl_dict= told= status=0 runs=0
    if [ -f "fuzz/dict/$name.dict" ]; then
        lf_dict=-dict=fuzz/dict/$name.dict
        afl_dict="-x fuzz/dict/$name.dict"
    fi
    if [ $engine = libfuzzer ]; then
        build build/fuzz-clang clang-14 "fuzz_${name}_lf"
        [ "$seconds" = 0 ] || run_libfuzzer
    else
        export AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1
        export AFL_NO_AFFINITY=1
        export CCACHE_NAMESPACE=afl # a compiler cache does not know AFL_LLVM_CMPLOG
        build build/fuzz-afl afl-clang-fast "fuzz_${name}_lf"
        AFL_LLVM_CMPLOG=1 CCACHE_NAMESPACE=afl-cmplog build build/fuzz-cmplog afl-clang-fast "fuzz_${name}_lf"
        [ "$seconds" = 0 ] || run_afl
    fi
    minimise || status=1
    if [ "$status" = 0 ] && [ "$(count "$found")" = 0 ]; then
        echo "PASS $name: ${runs:-?} runs in $seconds s, no finding$told"
    else
        echo "FAIL $name: see $found and build/fuzz/$name.out; ${runs:-?} runs$told"
        worst=1
    fi
done
exit $worst

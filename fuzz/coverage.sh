#!/bin/bash
# coverage.sh - line coverage of each target's sources by its committed corpus alone.
#
#   fuzz/coverage.sh [NAME...]      exit 1 when a target stays below 85 %
set -u
cd "$(dirname "$0")/.." || exit 2
declare -A sources=(
    [msrp_reader]="msrp/reader.c msrp/head.c"
    [msrp_uri]="msrp/uri.c msrp/path.c"
    [msrp_mime]="msrp/mime.c"
    [msrp_sdp]="msrp/sdp.c"
    [msrp_digest]="msrp/digest.c"
    [dpp_sds]="dpp/sds/ie.c dpp/sds/msg.c dpp/sds/print.c"
    [dpp_info]="dpp/sds/info.c dpp/xml.c"
    [dpp_kms]="dpp/keys/kms.c dpp/keys/kms_print.c"
    [dpp_frame]="dpp/seal/frame.c"
    [dpp_mikey]="dpp/keys/mikey.c"
    [auth_json]="relay/auth/json.c"
    [auth_jws]="relay/auth/jws.c relay/auth/claims.c relay/auth/iops.c"
    [client_endpoint]="relay/client/ear.c relay/client/arrival.c"
    [core]="$(echo relay/core/*.c)"
)
names=${*:-$(for f in fuzz/fuzz_*.c; do basename "$f" .c | sed 's/^fuzz_//'; done)}
mkdir -p build/fuzz
( CC=clang-14 cmake -S . -B build/cov -G Ninja -DCMAKE_BUILD_TYPE=Debug -DMC_COVERAGE=ON &&
    for name in $names; do cmake --build build/cov --target "fuzz_$name" || exit 1; done) \
    >build/fuzz/coverage.log 2>&1 || { tail -n 20 build/fuzz/coverage.log; exit 2; }
worst=0
for name in $names; do
    LLVM_PROFILE_FILE=build/fuzz/$name.profraw "build/cov/fuzz_$name" "fuzz/corpus/$name" >/dev/null
    llvm-profdata-14 merge -o "build/fuzz/$name.profdata" "build/fuzz/$name.profraw"
    percent=$(llvm-cov-14 export --summary-only "build/cov/fuzz_$name" \
        -instr-profile="build/fuzz/$name.profdata" | /usr/bin/python3 -c '
import json, pathlib, sys
wanted = {pathlib.Path(p).resolve() for p in sys.argv[1:]}
lines = [f["summary"]["lines"] for f in json.load(sys.stdin)["data"][0]["files"]
         if pathlib.Path(f["filename"]).resolve() in wanted]
print(100 * sum(n["covered"] for n in lines) / max(1, sum(n["count"] for n in lines)))
' ${sources[$name]})
    if /usr/bin/python3 -c "import sys; sys.exit($percent < 85)"; then verdict=PASS; else verdict=FAIL worst=1; fi
    printf '%s %s: %.1f %% of the lines of %s\n' $verdict "$name" "$percent" "${sources[$name]}"
done
exit $worst

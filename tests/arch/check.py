#!/usr/bin/python3
"""check - the house rules as a test: arrows, symbols, sizes, names, format.

    tests/arch/check.py [ROOT]

Prints one line per broken rule (`file:line: what is wrong`) and exits 1 when there is any.
Symbols are read from the libraries in ROOT/build when they were built."""
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
if root.is_file():
    root = root.parent.parent.parent
broken = []


def wrong(path, line, text):
    broken.append(f"{path.relative_to(root) if path.is_absolute() else path}:{line}: {text}")


# --- what may stand at the root -------------------------------------------------------------------
ROOT = {"relay", "msrp", "dpp", "tests", "fuzz", "CMakeLists.txt", "README.md", "LICENSE",
        "CMakePresets.json", "build"}
for entry in root.iterdir():
    if entry.name not in ROOT and not entry.name.startswith("."):
        wrong(entry, 0, "the root holds nothing that the house does not name")

# --- arrows: which room may include which -----------------------------------------------------------
DPP = {"dpp", "dpp/sds", "dpp/seal", "dpp/keys"}
BASE = {"relay", "msrp"} | DPP
MAY = {
    "msrp": {"msrp"},
    "dpp": DPP, "dpp/sds": DPP, "dpp/seal": DPP, "dpp/keys": DPP,
    "relay": BASE,
    "relay/auth": {"relay/auth"} | BASE,
    "relay/route": {"relay/route"} | BASE,
    "relay/store": {"relay/store"} | BASE,
    "relay/core": {"relay/core", "relay/auth", "relay/route", "relay/store"} | BASE,
    "relay/client": {"relay/client"} | BASE,
    "relay/tls": {"relay/tls"} | BASE,
    "relay/kms": {"relay/kms", "relay/auth"} | BASE,
    "relay/ops": {"relay/ops", "relay/core", "relay/auth", "relay/route", "relay/store"} | BASE,
    "relay/loop": {"relay/loop", "relay/core", "relay/client", "relay/tls", "relay/route",
                   "relay/auth"} | BASE,
}
MAY["relay/cmd"] = set().union(*MAY.values()) | {"relay/cmd"}

# --- a library has one door -------------------------------------------------------------------------
DOORS = {
    "uv.h": r"relay/loop/.*",
    "microhttpd.h": r"relay/loop/https?\.[ch]",
    "curl/": r"relay/loop/fetch\.c",
    "cjson/cJSON.h": r"relay/auth/json\.c",
    "libxml/": r"dpp/xml\.c",
    "srtp2/": r"dpp/seal/srtcp\.c",
    "openssl/ssl.h": r"relay/tls/.*",
    "openssl/rand.h": r"relay/(loop|ops|cmd|store)/.*",
    "yaml.h": r"relay/ops/.*",
    "openssl/": r"(dpp|relay)/.*",
    "sys/socket.h": r"relay/(loop|ops)/.*",
    "sys/random.h": r"relay/(loop|ops|cmd)/.*",
    "fcntl.h": r"relay/(loop|ops|store|cmd)/.*",
    "pthread.h": r"relay/loop/.*",
}
LIBC_ONLY = {"arpa/inet.h", "assert.h", "ctype.h", "errno.h", "inttypes.h", "limits.h", "stdarg.h", "stdbool.h",
             "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "strings.h", "sys/types.h"}
BANNED = re.compile(r"\b(sprintf|vsprintf|strcpy|strcat|atoi|atol|gets|alloca|assert|rand|strtok)\s*\(")
SIZE = 600

sources = [p for top in ("msrp", "dpp", "relay") for p in sorted((root / top).rglob("*.[ch]"))]
for path in sources:
    name = path.relative_to(root).as_posix()
    room = path.parent.relative_to(root).as_posix()
    text = path.read_text(errors="replace")
    lines = text.splitlines()
    if len(lines) > SIZE:
        wrong(path, len(lines), f"longer than {SIZE} lines: split it")
    if room not in MAY:
        wrong(path, 1, f"no such room: {room}")
        continue
    code = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.S)
    code = re.sub(r'"(\\.|[^"\\\n])*"', lambda m: m[0] if "/" in m[0] or ".h" in m[0] else '""', code)
    for number, line in enumerate(code.splitlines(), 1):
        own = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        system = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
        if own:
            target = own[1].rsplit("/", 1)[0] if "/" in own[1] else ""
            if target not in MAY[room]:
                wrong(path, number, f"{room} may not include {own[1]}: arrows point down only")
        if system:
            door = next((d for d in DOORS if system[1].startswith(d)), None)
            if door and not re.fullmatch(DOORS[door], name):
                wrong(path, number, f"<{system[1]}> may not be included here")
            if room == "msrp" and system[1] not in LIBC_ONLY:
                wrong(path, number, f"msrp/ is libc only: <{system[1]}>")
        banned = BANNED.search(line)
        if banned and not system and not own:
            wrong(path, number, f"{banned[1]}() is not used in this house")
        if re.match(r"\s*typedef\b", line):
            wrong(path, number, "struct tags, no typedefs")

# --- nothing speaks of a machine --------------------------------------------------------------------
TEXT = {".c", ".h", ".md", ".py", ".txt", ".yaml", ".json", ".service", ".sh", ".scd", ""}
tracked = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"],
                         capture_output=True, text=True).stdout.split("\n")
for name in filter(None, tracked):
    path = root / name
    if path.suffix in TEXT and path.is_file() and not name.startswith(("fuzz/corpus", "tests/arch")):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if re.search(r"/work/|/root/|/tmp/w/", line):
                wrong(path, number, "a path of one machine")

# --- a test that a document names is there ----------------------------------------------------------
for path in sorted((root / "relay/doc").glob("*.md")):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for name, test in re.findall(r"`(tests/[\w/]+\.(?:c|py)):(\w+)`", line):
            source = root / name
            if not source.is_file() or not re.search(rf"\b(void|def) {test}\(", source.read_text()):
                wrong(path, number, f"no test {test} in {name}")

# --- symbols: the prefix is the folder, and the lower rooms are sans-IO ------------------------------
OUTSIDE = re.compile(r"^(time|clock_gettime|gettimeofday|getenv|secure_getenv|socket|connect|open|"
                     r"open64|fopen|fopen64|read|write|getrandom|random|rand|RAND_.*|usleep|"
                     r"nanosleep|system|popen|fork|exec.*)$")
HEAP = re.compile(r"^(malloc|calloc|realloc|free|strdup|strndup|reallocarray|asprintf)$")
PREFIX = {"libmsrp.a": "msrp_", "libdpp.a": "dpp_"}
for library in sorted((root / "build").glob("lib*.a")):
    listing = subprocess.run(["nm", "-A", "--defined-only", "-g", library], capture_output=True,
                             text=True).stdout
    prefix = PREFIX.get(library.name, "relay_")
    for line in listing.splitlines():
        where, symbol = line.split()[0], line.split()[-1]
        if not symbol.startswith(prefix):
            wrong(pathlib.Path(library.name), 0,
                  f"{symbol} ({where.split(':')[1]}) does not begin with {prefix}")
    undefined = subprocess.run(["nm", "-A", "-u", library], capture_output=True, text=True).stdout
    sans_io = library.name in ("libmsrp.a", "libdpp.a", "librelay_base.a", "librelay_auth.a",
                               "librelay_route.a", "librelay_core.a", "librelay_client.a",
                               "librelay_tls.a", "librelay_kms.a")
    for line in undefined.splitlines():
        where, symbol = line.split()[0], line.split()[-1].split("@")[0]
        if library.name == "libmsrp.a" and HEAP.match(symbol):
            wrong(pathlib.Path(library.name), 0, f"msrp/ allocates nothing: {symbol} in {where}")
        if sans_io and OUTSIDE.match(symbol):
            wrong(pathlib.Path(library.name), 0,
                  f"no clock, socket, file, environment or random source here: {symbol} in {where}")

# --- a fuzz harness is short; the format is the formatter's -----------------------------------------
for path in sorted((root / "fuzz").glob("fuzz_*.c")):
    if len(path.read_text().splitlines()) > 40 and "longer than 40 lines" not in path.read_text():
        wrong(path, 41, "a harness is at most 40 lines, or says why it is longer than 40 lines")
formatter = next((f for f in ("clang-format-14", "clang-format")
                  if subprocess.run(["which", f], capture_output=True).returncode == 0), None)
files = [str(p) for top in ("msrp", "dpp", "relay", "tests", "fuzz")
         for p in sorted((root / top).rglob("*.[ch]"))]
if formatter and files:
    out = subprocess.run([formatter, "--dry-run", "--ferror-limit=1"] + files, capture_output=True,
                         text=True, cwd=root).stderr
    for line in out.splitlines():
        if "warning: code should be clang-formatted" in line:
            broken.append(line.split(": warning")[0].replace(f"{root}/", "") +
                          ": not formatted; run clang-format -i")

for line in broken:
    print(line)
print(f"{len(sources)} sources checked, {len(broken)} rules broken")
sys.exit(1 if broken else 0)

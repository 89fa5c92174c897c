#!/usr/bin/python3
"""selftest - shows that check.py finds a broken rule: each rule is broken once in a copy of the tree."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parent.parent.parent
FAULTS = [  # what, file, text added at its end, what check.py must say
    ("an arrow upwards", "msrp/str.c", '#include "relay/core/relay.h"\n', "arrows point down only"),
    ("dpp reads an envelope", "dpp/cur.c", '#include "msrp/uri.h"\n', "arrows point down only"),
    ("uv.h outside the loop", "relay/core/conn.c", "#include <uv.h>\n", "may not be included here"),
    ("cJSON outside its door", "relay/auth/jws.c", "#include <cjson/cJSON.h>\n", "may not be included"),
    ("msrp beyond libc", "msrp/str.c", "#include <openssl/evp.h>\n", "may not be included here"),
    ("a file too long", "msrp/str.c", "/* */\n" * 600, "longer than 600 lines"),
    ("an unsafe call", "msrp/str.c", "int x(char *a) { return atoi(a); }\n", "atoi() is not used"),
    ("a typedef", "msrp/str.c", "typedef int x_t;\n", "no typedefs"),
    ("wrong format", "msrp/str.c", "int   x( void ) ;\n", "not formatted"),
    ("a path of a machine", "relay/doc/DESIGN.md", "see /root" + "/x\n", "a path of one machine"),
    ("a test that is not there", "relay/doc/DESIGN.md", "`tests/msrp/str.c:" + "nowhere`\n", "no test nowhere"),
    ("a stray file at the root", "notes.txt", "x\n", "the root holds nothing"),
    ("a room nobody named", "relay/util/x.c", "int relay_x;\n", "no such room"),
]
SYMBOLS = [  # the same for what is read from the built libraries: library, C text, what is said
    ("a symbol without its prefix", "libmsrp.a", "int stray_symbol;", "does not begin with msrp_"),
    ("msrp allocates", "libmsrp.a", "#include <stdlib.h>\nvoid *msrp_x(void) { return malloc(1); }",
     "msrp/ allocates nothing"),
    ("dpp reads the clock", "libdpp.a", "#include <time.h>\nlong dpp_x(void) { return time(0); }",
     "no clock"),
]


def check(tree):
    p = subprocess.run([sys.executable, root / "tests/arch/check.py", tree], capture_output=True,
                       text=True)
    return p.returncode, p.stdout


failed = 0
with tempfile.TemporaryDirectory() as folder:
    tree = pathlib.Path(folder) / "tree"
    shutil.copytree(root, tree, ignore=shutil.ignore_patterns("build", ".git", "corpus", "__pycache__"))
    for cache in [tree / ".pytest_cache", tree / ".hypothesis"]:
        shutil.rmtree(cache, ignore_errors=True)
    subprocess.run(["git", "init", "-q", tree], check=True)
    code, said = check(tree)
    if code:
        failed += 1
        print("FAIL the copy itself is clean\n" + said)
    for what, name, text, expected in FAULTS:
        path = tree / name
        before = path.read_text() if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((before or "") + text)
        code, said = check(tree)
        ok = code == 1 and re.search(re.escape(name) + r".*" + re.escape(expected), said)
        failed += not ok
        print("PASS" if ok else "FAIL", what)
        if before is None:
            path.unlink()
            if path.parent != tree and not any(path.parent.iterdir()):
                path.parent.rmdir()
        else:
            path.write_text(before)
    (tree / "build").mkdir()
    for what, library, text, expected in SYMBOLS:
        (tree / "x.c").write_text(text)
        subprocess.run(["cc", "-c", "-o", tree / "build/x.o", tree / "x.c"], check=True)
        (tree / "x.c").unlink()
        subprocess.run(["ar", "rcs", tree / "build" / library, tree / "build/x.o"], check=True)
        code, said = check(tree)
        ok = code == 1 and expected in said
        failed += not ok
        print("PASS" if ok else "FAIL", what)
        (tree / "build" / library).unlink()
sys.exit(1 if failed else 0)

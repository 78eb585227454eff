#!/usr/bin/env python3
"""Runs the tables of recorded cases and compares the counts with the floors in tests/conformance.toml.

usage: tables.py --golden DIR --conformance DIR [--tools DIR --binary FILE] [--write]

Always in process: the test targets golden, serdes_golden and conformance read the two folders. With --tools and
--binary also over HTTP: the runners in that folder (run_http.py, run_random.py, run_traces.py) against `FILE serve`.
Fails if a count is below its floor or missing. --write raises the floors to what was counted. Standard library only.
"""

import argparse
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLOORS = ROOT / "tests" / "conformance.toml"
HEADER = """\
# How many cases (in-process: comparisons) of each table pass at least; tests/tables.py fails below. Raised with
# `tests/tables.py … --write` when more pass, never lowered without a reason in the commit.
"""


def run(title, command, environment):
    """The output of a command; shown at once where it did not end with success."""
    begin = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    print(f"{title}: exit status {done.returncode}, {time.monotonic() - begin:.0f} s")
    return done.stdout + done.stderr, done.returncode


def in_process(golden, conformance):
    """Rows of the three test targets, by `target/table`; whether all of them ended well."""
    rows, good = {}, True
    environment = {"MUSTER_GOLDEN_DIR": str(golden), "MUSTER_CONFORMANCE_DIR": str(conformance)}
    for target in ("golden", "serdes_golden", "conformance"):
        # libtest, behind which serdes_golden runs, shows the output of what passes only if asked to.
        command = ["cargo", "test", "--workspace", "--locked", "--quiet", "--test", target, "--", "--nocapture"]
        output, status = run(f"target {target}", command, environment)
        found = re.findall(r"([\w.-]+)\.json: (\d+) (?:cases|read).*?(\d+) passed", output)
        for table, _, passed in found:
            rows[f"{target}/{table}"] = int(passed)
        if status != 0 or not found:
            good = False
            print("\n".join(output.splitlines()[-40:]))
    return rows, good


def serve(binary):
    """A registry on a free port, empty and throw-away."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [binary, "serve", "--listen", f"127.0.0.1:{port}", "--store", "sqlite::memory:"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    ready = process.stdout.readline()
    if "ready" not in ready:
        sys.exit(f"{binary} serve did not become ready: {ready}")
    return process, f"http://127.0.0.1:{port}"


def over_http(tools, conformance, binary):
    """Rows of the runners; whether every case of each passed."""
    rows, good = {}, True
    tables = ["--tables", str(conformance)]
    for runner in ("run_http.py", "run_random.py"):
        process, url = serve(binary)
        try:
            output, status = run(runner, [sys.executable, str(tools / runner), *tables], {"SR_URL": url})
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        good &= status == 0
        if status != 0:
            print("\n".join(output.splitlines()[-40:]))
        for name, passed in re.findall(r"^([a-z][\w.-]+):? (?:cases )?(\d+)/\d+", output, re.MULTILINE):
            rows[name] = int(passed)
    start = f"exec {binary} serve --listen 127.0.0.1:$PORT --store sqlite::memory: --rulesets drop"
    output, status = run("run_traces.py", [sys.executable, str(tools / "run_traces.py"), *tables], {"SR_START": start})
    for name, passed in re.findall(r"^(traces|passed) (\d+) of \d+", output, re.MULTILINE):
        rows["traces" if name == "traces" else "traces.calls"] = int(passed)
    return {f"http/{name}": passed for name, passed in rows.items()}, good and status == 0


def judge(rows, parts):
    """Whether no row of these parts is below its floor; prints each."""
    floors = tomllib.loads(FLOORS.read_text())["floors"] if FLOORS.exists() else {}
    good = True
    counted = {name for name, passed in rows.items() if passed}
    for name in sorted(counted | {name for name in floors if name.split("/")[0] in parts}):
        passed, floor = rows.get(name), floors.get(name)
        low = passed is None or (floor is not None and passed < floor)
        good &= not low
        note = "MISSING" if passed is None else "BELOW THE FLOOR" if low else ""
        print(f"  {name:50s} {passed if passed is not None else '-':>7} (floor {floor if floor is not None else 'none'}) {note}")
    return good, floors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--golden", type=pathlib.Path, required=True)
    parser.add_argument("--conformance", type=pathlib.Path, required=True)
    parser.add_argument("--tools", type=pathlib.Path)
    parser.add_argument("--binary")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    golden, conformance = options.golden.resolve(), options.conformance.resolve()
    rows, good = in_process(golden, conformance)
    parts = {"golden", "serdes_golden", "conformance"}
    if options.tools:
        if not options.binary:
            parser.error("--tools needs --binary")
        binary = str(pathlib.Path(options.binary).resolve())
        found, all_passed = over_http(options.tools.resolve(), conformance, binary)
        rows, good = rows | found, good and all_passed
        parts.add("http")
    enough, floors = judge(rows, parts)
    if options.write:
        counted = {name: passed for name, passed in rows.items() if passed}
        floors = {name: max(floors.get(name, 0), counted.get(name, 0)) for name in floors | counted}
        FLOORS.write_text(HEADER + "\n[floors]\n" + "".join(f'"{n}" = {floors[n]}\n' for n in sorted(floors)))
    if not enough:
        print("a count is below its floor or missing")
    sys.exit(0 if good and enough else 1)


if __name__ == "__main__":
    main()

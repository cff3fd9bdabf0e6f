"""Time scratchnn against tf.keras, and what else is installed, on the same work.

    python benchmarks/versus_keras.py --quick
    python benchmarks/versus_keras.py
    python benchmarks/versus_keras.py --workloads mnist-32 wide-128 --contenders scratchnn torch

The first takes under 3 minutes, the second under 20. Needs: pip install -e ".[bench]". Writes
results.md, results.json, results.png and results_dark.png.

Each contender runs in a process of its own, with the same data, initial weights, optimizer
settings and number of threads. A run that warms up is not counted; then they take turns, A B C
A B C, while the others wait; medians are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import report
from contenders import CONTENDERS, Contender, installed
from machine import cores, describe_machine, thread_environment
from workloads import Workload, positive, workloads, write_data

FOLDER = Path(__file__).resolve().parent
PAUSE = 0.1
"""Seconds between two runs, in which the threads of the last one fall asleep."""


class WorkerError(Exception):
    """A contender that could not do its work; the message is what it printed last."""


class Worker:
    """A process that holds one contender, and waits when it is not asked.

    Arguments:
        contender: its class.
        threads: how many it may use.
        data: the folder of the data.
    """

    def __init__(self, contender: type[Contender], threads: int, data: Path) -> None:
        self._errors: IO[str] = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, str(FOLDER / "worker.py"), contender.name, str(threads), str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            env=environment_of(contender, threads),
        )

    def ask(self, do: str, **what: Any) -> dict[str, Any]:
        """Return the answer to a request.

        Raises:
            WorkerError: if there is none, or it is an error.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            print(json.dumps({"do": do, **what}), file=stdin, flush=True)
            line = stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._errors.seek(0)
            raise WorkerError("".join(self._errors.readlines()[-20:]) or "It ended silently.")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.close()
            self._process.wait(20)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()


class Benchmark:
    """All workloads, one after the other.

    Arguments:
        contenders: those that take part, in the order of their turns.
        threads: how many each may use.
        rounds: how often each takes its turn; fewer where a workload says so.
        data: the folder of the data.
    """

    def __init__(
        self, contenders: Sequence[type[Contender]], threads: int, rounds: int, data: Path
    ) -> None:
        self._contenders = list(contenders)
        self._threads = threads
        self._rounds = rounds
        self._data = data
        self._workers: dict[str, Worker] = {}
        self.versions: dict[str, str] = {}
        self.errors: dict[str, str] = {}

    def __enter__(self) -> Benchmark:
        """Start all workers, at the same time; it also brings their files into memory."""
        self._workers = {c.name: Worker(c, self._threads, self._data) for c in self._contenders}
        for contender in list(self._contenders):
            try:
                self.versions |= self._workers[contender.name].ask("versions")["versions"]
            except WorkerError as error:
                self.errors[contender.title] = str(error)
                self._contenders.remove(contender)
        return self

    def __exit__(self, *exception: Any) -> None:
        for worker in self._workers.values():
            worker.__exit__(None, None, None)

    def run(self, work: Workload) -> dict[str, Any]:
        """Return {contender: its times, and the loss it reached} for one workload."""
        taking_part = [
            c for c in self._contenders if work.kind in c.kinds and work.network in c.networks
        ]
        if work.kind == "import":
            return self._import(taking_part, work)
        if work.kind == "memory":
            return self._memory(taking_part, work)
        found: dict[str, Any] = {}
        ready = [c for c in taking_part if self._try(c, work, "prepare", found) is not None]
        for _ in range(min(self._rounds, work.rounds)):
            for contender in ready:
                time.sleep(PAUSE)
                answer = self._try(contender, work, "run", found)
                if answer is not None:
                    for key, value in answer.items():
                        found[contender.name].setdefault(key, []).append(value)
        for contender in ready:
            answer = self._try(contender, work, "loss", found)
            if answer is not None:
                found[contender.name]["loss"] = answer["loss"]
        return {name: result for name, result in found.items() if "seconds" in result}

    def _try(
        self, contender: type[Contender], work: Workload, do: str, found: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Ask a contender; one that failed in this workload is not asked again."""
        key = f"{contender.title}, {work.title}"
        if key in self.errors:
            return None
        worker = self._workers[contender.name]
        try:
            answer = worker.ask(do, workload=work._asdict()) if do == "prepare" else worker.ask(do)
        except WorkerError as error:
            self.errors[key] = str(error)
            found.pop(contender.name, None)
            return None
        found.setdefault(contender.name, {})
        return answer

    def _import(self, taking_part: Sequence[type[Contender]], work: Workload) -> dict[str, Any]:
        found: dict[str, Any] = {contender.name: {"seconds": []} for contender in taking_part}
        for _ in range(min(self._rounds, work.rounds)):
            for contender in taking_part:
                found[contender.name]["seconds"].append(import_seconds(contender, self._threads))
        return found

    def _memory(self, taking_part: Sequence[type[Contender]], work: Workload) -> dict[str, Any]:
        """Train in fresh processes; they are not timed, so two may run at once."""
        found: dict[str, Any] = {}

        def train(contender: type[Contender]) -> None:
            try:
                with Worker(contender, self._threads, self._data) as worker:
                    worker.ask("prepare", workload=work._asdict())
                    worker.ask("run")
                    found[contender.name] = worker.ask("memory")
            except WorkerError as error:
                self.errors[f"{contender.title}, {work.title}"] = str(error)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(train, taking_part))
        return found


def environment_of(contender: type[Contender], threads: int) -> dict[str, str]:
    """Return the environment of a contender's processes: quiet, on the CPU, so many threads."""
    return {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TERM": "xterm",
        **thread_environment(threads),
        **contender.environment,
    }


def import_seconds(contender: type[Contender], threads: int) -> float:
    """Return how long a fresh Python takes to import what a contender's programs start with."""
    code = (
        "import time; start = time.perf_counter()\n"
        f"{contender.imports}\n"
        "print(time.perf_counter() - start)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment_of(contender, threads),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options; `contenders` become classes, `workloads` Workloads."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    keys = [work.key for work in workloads()]
    add("--quick", action="store_true", help="fewer images and rounds: under 3 minutes")
    add("--workloads", nargs="+", choices=keys, metavar="W", help=f"of {', '.join(keys)}")
    add(
        "--contenders",
        nargs="+",
        choices=list(CONTENDERS),
        metavar="C",
        help=f"of {', '.join(CONTENDERS)}; all that are installed unless given",
    )
    add("--rounds", type=positive, help="turns of each contender; 5, or 3 if quick")
    add("--threads", type=positive, default=cores(), help="of each contender; the cores")
    add("--samples", type=positive, help="training images; 60,000, or 10,000 if quick")
    add("--output", type=Path, default=FOLDER / "results", help="the folder to write to")
    args = parser.parse_args(argv)
    args.rounds = args.rounds or (3 if args.quick else 5)
    args.contenders = choose(args.contenders, parser)
    args.workloads = [
        work
        for work in workloads(args.quick, args.samples)
        if not args.workloads or work.key in args.workloads
    ]
    return args


def choose(names: Sequence[str] | None, parser: argparse.ArgumentParser) -> list[type[Contender]]:
    """Return the contenders of these names, or all that are installed, tf.keras always."""
    missing = [
        name
        for name, contender in CONTENDERS.items()
        if not installed(contender) and (name in names if names else name == "tf.keras")
    ]
    if missing:
        parser.error(
            f'not installed: {", ".join(missing)}. Run `pip install -e ".[bench]"`, or choose '
            "others with --contenders."
        )
    return [
        contender
        for name, contender in CONTENDERS.items()
        if (name in names if names else installed(contender))
    ]


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    args = parse(argv)
    start = time.perf_counter()
    results: dict[str, Any] = {
        "command": command(sys.argv[1:] if argv is None else argv),
        "machine": describe_machine(),
        "threads": args.threads,
        "rounds": args.rounds,
        "contenders": {c.name: c.title for c in args.contenders},
        "workloads": {},
    }
    samples = max((work.samples for work in args.workloads), default=0)
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder), max(samples, 1))
        with Benchmark(args.contenders, args.threads, args.rounds, Path(folder)) as benchmark:
            for work in args.workloads:
                print(f"{time.perf_counter() - start:4.0f} s  {work.title}:", end=" ", flush=True)
                found = benchmark.run(work)
                results["workloads"][work.key] = {**work._asdict(), "contenders": found}
                print(report.one_line(results, work.key), flush=True)
    results["versions"] = benchmark.versions
    results["errors"] = benchmark.errors
    results["seconds"] = round(time.perf_counter() - start)
    write(results, args.output)
    return results


def command(argv: Sequence[str]) -> str:
    """Return the command line, without what is particular to this machine."""
    return shlex.join(["python", "benchmarks/versus_keras.py", *argv])


def write(results: Mapping[str, Any], folder: Path) -> None:
    """Write the results as JSON, as a table and as pictures, and print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    text = report.markdown(results)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (folder / "results.md").write_text(text, encoding="utf-8")
    for theme, name in (("light", "results.png"), ("dark", "results_dark.png")):
        report.picture(results, theme).savefig(folder / name, dpi=200)
    print(f"\n{text}\nwritten to {folder}")


if __name__ == "__main__":
    main()

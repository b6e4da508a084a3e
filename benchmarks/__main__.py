"""`python -m benchmarks [NAME ...]`: names of benchmarks enter; new benchmarks/<name>.md and .json leave."""

import importlib
import sys

NAMES = ("models", "main_job", "auto", "defaults", "android_memory", "latency", "operators", "catalog", "building",
         "interrupted", "alike", "jvm", "swift", "subsampled", "routes", "network_families", "webgpu", "costs",
         "proofs", "web_scan", "web_memory", "web_start", "updates", "tokenizers", "two_stage",
         "ray_cost")


def main(arguments: list[str]) -> int:
    """Runs the named benchmarks, or all if none is named. Exit status 0, or 2 for an unknown name."""
    unknown = set(arguments) - set(NAMES)
    if unknown:
        print(f"benchmarks: no such benchmark; expected {', '.join(NAMES)}; found {', '.join(sorted(unknown))}",
              file=sys.stderr)
        return 2
    for name in arguments or NAMES:
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

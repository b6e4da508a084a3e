"""Arguments of `python -m catalog_builder embed --ray` enter; the exit status leaves, after work by workers that fail.

Run in the environment of Ray: `python -m tests.ray_workers KIND ARGUMENTS`. `cluster` starts Ray, prints its address,
and ends with its standard input. Each worker commits after every picture, so that a test can count what it has kept.
"""

import functools
import os
import signal
import sys
import time

from catalog_builder import __main__ as command
from catalog_builder.builder import embed
from catalog_builder.machines import cluster, cluster_session, cluster_worker

KEPT = 3                                     # pictures of the part, before its worker dies
SECONDS = 0.2                                # of a slow worker, for a picture
COMPUTED = cluster_worker.Computed           # as it is
DIES = 2                                     # the part whose worker dies


class Counted(cluster_worker.Computed):
    """Waits after every picture."""

    def __call__(self, more: int, computed: bool) -> None:
        super().__call__(more, computed)
        if computed:
            time.sleep(SECONDS)


class Dying(cluster_worker.Computed):
    """Kills its process when one more than `kept` is computed."""

    kept = KEPT

    def __call__(self, more: int, computed: bool) -> None:
        super().__call__(more, computed)
        if self.pictures > self.kept:
            os.kill(os.getpid(), signal.SIGKILL)


class DyingAtOnce(Dying):
    """Keeps nothing."""

    kept = 0


class Slow(cluster_worker.Worker):
    """Takes its time."""

    def embed(self, number, paths):
        embed.COMMIT, cluster_worker.Computed = 0.0, Counted
        return super().embed(number, paths)


class DiesOnce(cluster_worker.Worker):
    """Dies in its first try of the part DIES."""

    dying: type[Dying] = Dying

    def embed(self, number, paths):
        dies = number == DIES and self.dies((self.job.folder / f"{number}.tries").stat().st_size)
        embed.COMMIT, cluster_worker.Computed = 0.0, self.dying if dies else COMPUTED
        return super().embed(number, paths)

    def dies(self, tries: int) -> bool:
        """Whether this try is to fail."""
        return tries == 1


class DiesAlways(DiesOnce):
    """Dies in every try of the part DIES."""

    dying = DyingAtOnce

    def dies(self, tries: int) -> bool:
        return True


KINDS = {"slow": Slow, "dies-once": DiesOnce, "dies-always": DiesAlways}


def main(kind: str, arguments: list[str]) -> int:
    """Exit status."""
    if kind == "cluster":
        with cluster_session.session(cluster_session.LOCAL, "auto", 2, None):
            import ray

            print(ray.get_runtime_context().gcs_address, flush=True)
            sys.stdin.read()
        return 0
    cluster.embed_list = functools.partial(cluster.embed_list, worker=KINDS[kind])
    return command.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

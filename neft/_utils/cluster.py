"""Run independent calls on the workers of a Dask scheduler, on any number of machines.

A worker is a process that runs one call at a time and sees this machine's current folder, where
each call runs. What else would change results, or lose them, is refused by the worker.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from neft._utils import parallel

if TYPE_CHECKING:
    from distributed import Client, Future

PATIENCE = 5.0
"""Seconds until a scheduler that does not answer is given up."""

LOADED = parallel.digest(sorted(path.name for path in parallel.PACKAGE.iterdir()))
"""Names the package's code and torch's version, as this process loaded them."""


@contextmanager
def connected(scheduler: str) -> Iterator["Client"]:
    """Connect to a scheduler that has workers.

    Args:
        scheduler: its address, tcp://HOST:PORT, or tls://HOST:PORT with Dask's own settings.

    Raises:
        ValueError: Dask is not installed, no scheduler answers, or it has no worker.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError("scheduler needs Dask: pip install 'neft[cluster]'") from error
    try:
        client = Client(scheduler, timeout=PATIENCE)
    except Exception as error:  # of any kind, when another program answers
        rule = f"scheduler must be the address of a Dask scheduler that answers in {PATIENCE:g} s"
        why = " ".join(str(error).split())
        raise ValueError(f"{rule}, got {scheduler} ({why})") from error
    with client:
        if not client.nthreads():
            raise ValueError(f"scheduler must have a worker (docs/cluster.md), got {scheduler}")
        yield client


def run(calls: Sequence[Callable[[], Any]], *, scheduler: str, description: str) -> list:
    """Make all calls on the scheduler's workers and return the results in the order of the calls.

    Workers may come and go. A call whose worker is lost is made again on another one; the call of
    the fourth lost worker is given up (Dask's `distributed.scheduler.allowed-failures`).

    Args:
        calls: can be pickled; code goes by name, so that workers must have the same.
        scheduler: see `connected`.
        description: of the progress bar, and of the calls on Dask's dashboard.

    Raises:
        ValueError: see `connected`; or a worker has another code, more than one thread, or does
            not see the current folder.
        Exception: the first that a call raised. What runs still is then stopped.
    """
    with connected(scheduler) as client, NamedTemporaryFile(prefix=".neft-", dir=".") as seen:
        futures = client.map(
            _on_worker, calls, seen=Path(seen.name).absolute(), loaded=LOADED,
            key=description, pure=False,
        )  # fmt: skip
        try:
            return _results(client, futures, description)
        except BaseException:
            _stop(client, futures)
            raise


def _results(client: "Client", futures: "list[Future]", description: str) -> list:
    from distributed import as_completed

    done = tqdm(as_completed(futures), description, total=len(futures), mininterval=1)
    for future in done:
        future.result()
    return client.gather(futures)


def _stop(client: "Client", futures: "list[Future]") -> None:
    """Restart the workers that have some of the calls: Dask cannot stop a call that runs."""
    keys = {future.key for future in futures}
    with suppress(Exception):  # no scheduler any more, or workers that cannot be restarted
        busy = [worker for worker, own in client.processing().items() if keys.intersection(own)]
        client.cancel(futures)
        client.restart_workers(busy, raise_for_error=False)


def _on_worker(call: Callable[[], Any], seen: Path, loaded: str) -> Any:
    from distributed import get_worker

    worker = get_worker()
    if worker.state.nthreads != 1:
        rule = "must run one call at a time (--nthreads 1)"
        raise ValueError(f"worker {worker.address} {rule}, got {worker.state.nthreads}")
    if loaded != LOADED:
        rule = "must have the same neft and torch as the run, and be restarted when they change"
        raise ValueError(f"worker {worker.address} {rule}, got others")
    if not seen.exists():
        rule = "must see the run's folder, as on a shared file system"
        raise ValueError(f"worker {worker.address} {rule}, found no {seen}")
    with chdir(seen.parent):
        return call()

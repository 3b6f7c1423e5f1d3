"""Independent jobs on one machine or on Ray; results come as they are done.

A job is a module-level function called with what all jobs share and with its own item.  What is
shared travels once.  Every job computes on one thread, so that its result does not depend on
how many run beside it.  Where there are several devices, each process has one to itself.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from mescope.errors import RecipeError
from mescope.io.devices import claimed

_TOKEN = (
    "; if it asks for a token, as newer versions of Ray do, put that into ~/.ray/auth_token "
    "here and on every node, and start nodes with RAY_AUTH_MODE=token"
)
_PATIENCE = 5.0  # seconds to wait for a cluster to answer
_LAST_PORT = 65535
_AHEAD = 2  # jobs given to a cluster for each of its cores

Engine = Literal["local", "ray"]
Item = TypeVar("Item")
Result = TypeVar("Result")


def checked_engine(name: str, address: str | None = None) -> Engine:
    """Return an engine from its name; ``address``: of a cluster, if one is named.

    Raises:
        RecipeError: there is no such engine, or it is none that has an address.
    """
    if name not in get_args(Engine):
        raise RecipeError(
            f"expected an engine of {', '.join(get_args(Engine))}, found {name!r}"
        )
    if address is not None and name != "ray":
        raise RecipeError(
            f"expected --engine ray beside --address {address}, found {name}: only a Ray "
            "cluster has an address"
        )
    return cast(Engine, name)


def run_jobs(
    function: Callable[[Any, Item], Result],
    shared: Any,
    items: Sequence[Item],
    *,
    jobs: int = 1,
    engine: Engine = "local",
    address: str | None = None,
    devices: Sequence[str] = (),
    keep_going: bool = False,
) -> Iterator[tuple[Item, Result]]:
    """Yield every item with its result, in the order in which they are done.

    Args:
        function: called as ``function(shared, item)``.
        shared: given to all jobs; with several processes it is copied to each.
        items: one for each job.
        jobs: processes on this machine; Ray decides by its own resources where it is joined.
        engine: ``local`` or ``ray``.
        address: of a running Ray cluster, such as ``127.0.0.1:6379``; None starts one that
            only this machine can reach and that ends with the run.
        devices: one for each process (:func:`mescope.io.devices.spread`), in place of ``jobs``;
            ``shared`` is then a dataclass with a field ``device``, which gets that of the
            process.  Ray gives every job a card of its own where these are cards.
        keep_going: with Ray, a job whose workers died has that error as its result.

    Raises:
        RecipeError: Ray is not installed or not reached, or a process died.
        Exception: whatever a job raises.
    """
    jobs = len(devices) or jobs
    if len(set(devices)) == 1:
        shared = replace(shared, device=devices[0])
    if engine == "ray":
        card = bool(devices) and devices[0].startswith("cuda")
        if card:
            shared = replace(shared, device="cuda")  # Ray shows a job no other card
        yield from _on_ray(
            function, shared, items, jobs, address, card=card, keep_going=keep_going
        )
    elif len(set(devices)) > 1:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            own = _Own(function, folder, tuple(devices))
            yield from _on_processes(own, shared, items, jobs)
    elif jobs == 1:
        for item in items:
            yield item, _alone(function, shared, item)
    else:
        yield from _on_processes(function, shared, items, jobs)


class _Own:
    """A function whose shared part is told the device of the process that runs it."""

    def __init__(
        self, function: Callable[..., Any], folder: str, devices: tuple[str, ...]
    ) -> None:
        self.function, self.folder, self.devices = function, folder, devices

    def __call__(self, shared: Any, item: Any) -> Any:
        device = claimed(self.folder, self.devices)
        return self.function(replace(shared, device=device), item)


def _alone(function: Callable[[Any, Item], Result], shared: Any, item: Item) -> Result:
    """Run one job on one thread, whatever this process uses otherwise."""
    if importlib.util.find_spec("torch") is None:  # nothing of torch is asked for then
        return function(shared, item)
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return function(shared, item)
    finally:
        torch.set_num_threads(threads)


def _numbered(
    function: Callable[[Any, Item], Result], shared: Any, number: int, item: Item, folder: str
) -> tuple[int, Result]:
    os.chdir(folder)  # a process that is used again may be where its first caller was
    return number, _alone(function, shared, item)


def _on_processes(
    function: Callable[[Any, Item], Result], shared: Any, items: Sequence[Item], jobs: int
) -> Iterator[tuple[Item, Result]]:
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    here = os.getcwd()
    calls = (
        delayed(_numbered)(function, shared, n, item, here) for n, item in enumerate(items)
    )
    try:
        with parallel_config(backend="loky", inner_max_num_threads=1):
            done = Parallel(n_jobs=jobs, return_as="generator_unordered")(calls)
            for number, result in done:
                yield items[number], result
    except TerminatedWorkerError as error:
        raise RecipeError(
            "a worker process was ended from outside, most often because memory ran out; what "
            "was finished is kept: run the same command again, with fewer jobs"
        ) from error


def _on_ray(
    function: Callable[[Any, Item], Result],
    shared: Any,
    items: Sequence[Item],
    jobs: int,
    address: str | None,
    *,
    card: bool = False,
    keep_going: bool = False,
) -> Iterator[tuple[Item, Result]]:
    if importlib.util.find_spec("ray") is None:
        raise RecipeError("expected Ray, found it not installed; `pip install ray`")
    if address is not None:
        _show_token()
    import ray

    with _joined(ray, jobs, address):
        if card and not ray.cluster_resources().get("GPU"):
            raise RecipeError(
                "expected a Ray cluster with cards, found none in it; start its nodes with "
                "`ray start --num-gpus N`, or take --device cpu"
            )
        task = ray.remote(num_cpus=1, num_gpus=int(card), max_retries=2)(_alone)
        kept, coming = ray.put(shared), iter(items)
        # Results are kept by the cluster until they are asked for: so many, and no more.
        room = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        waiting: dict[Any, Item] = {}
        while True:
            for item in itertools.islice(coming, room - len(waiting)):
                waiting[task.remote(function, kept, item)] = item
            if not waiting:
                return
            (ready,), _ = ray.wait(list(waiting), num_returns=1)
            item, result = waiting.pop(ready), _result(ray, ready)
            if isinstance(result, RecipeError) and not keep_going:
                raise result
            yield item, result


def _result(ray: Any, ready: Any) -> Any:
    """Return what a job returned, or what its workers died of; raise what it raised."""
    from ray.exceptions import RayError, RayTaskError, WorkerCrashedError

    try:
        return ray.get(ready)
    except RayTaskError as error:
        raise error.cause from None
    except WorkerCrashedError:
        return RecipeError(
            "a Ray worker died three times at the same job, most often because memory ran out; "
            "what was finished is kept"
        )
    except RayError as error:  # such as OwnerDiedError: a node went with what it held
        reason = (str(error).strip() or "no reason given").splitlines()[0]
        return RecipeError(
            f"Ray lost a job ({type(error).__name__}: {reason}); what was finished is kept: "
            "run the same command again"
        )


@contextmanager
def _joined(ray: Any, jobs: int, address: str | None) -> Iterator[None]:
    """Join a Ray cluster, or start one on the loopback address, and leave it in the end."""
    if address is None:
        place = {"address": "local", "num_cpus": jobs, "_node_ip_address": "127.0.0.1"}
        place["include_dashboard"] = False
    else:
        _check_address(address)
        place = {"address": address}
    try:
        ray.init(**place, log_to_driver=False, logging_level="error")
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"at {address}" if address else "on this machine"
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RecipeError(
            f"expected a Ray cluster {where}, could not join: {reason}{_TOKEN * bool(address)}"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _show_token() -> None:
    """Let Ray show the token that is here, if there is one, to a cluster that it joins.

    Ray asks for it by itself where `ray start --head` finds one, and shows it only if told to;
    a cluster that asks for none lets in whoever shows one.  It reads this as it is imported.
    """
    named = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys()
    if named or (Path.home() / ".ray" / "auth_token").is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _check_address(address: str) -> None:
    """Refuse an address where nothing answers; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > _LAST_PORT:
        raise RecipeError(
            f"expected the address of a Ray cluster as host:port, found {address!r}"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    except OSError as error:
        raise RecipeError(
            f"expected a Ray cluster at {address}, nothing answers there ({error}); start one "
            "with `ray start --head`, which prints its address"
        ) from None

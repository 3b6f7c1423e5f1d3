"""``mescope app``: judge what the models propose, in a browser."""

from __future__ import annotations

import os
import secrets
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mescope.cli.console import explain, show, show_json
from mescope.cli.options import SHIPPED, Json, Models
from mescope.errors import MescopeError
from mescope.io.file_names import printable

if TYPE_CHECKING:
    import socket
    from types import FrameType

LOOPBACK = "127.0.0.1"


def app(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="[FOLDER]", help="Folder with recordings; the app keeps its work in it."
        ),
    ] = Path(),
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on.  Another than this machine's own needs --token."
        ),
    ] = LOOPBACK,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port; 0 takes any that is free.")
    ] = 8765,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="MESCOPE_TOKEN",
            help="Secret of 16 letters and digits or more that browsers must show.  Others see "
            "it in the list of processes: --token-file and MESCOPE_TOKEN hide it.",
        ),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the secret, which only you can read.")
    ] = None,
    no_token: Annotated[
        bool,
        typer.Option(
            "--no-token",
            help="Let every account of this machine in.  Without this option a secret is made "
            "where there is more than one account.",
        ),
    ] = False,
    model: Models = SHIPPED,
    words: Annotated[
        Path | None,
        typer.Option(
            help="A translation of the page: a copy of app/static/words.json in another "
            "language."
        ),
    ] = None,
    api_only: Annotated[
        bool,
        typer.Option("--api-only", help="Serve the interface for programs without the page."),
    ] = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open a browser.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Review recordings in a browser: what the model proposes, frame by frame.

    Videos, judgements and everything else stay on this machine.  Judgements are kept in
    FOLDER/.mescope as they are made; Ctrl-C ends the server, and the same command goes on.
    """
    _needed()
    secret, once = _secret(host, token, token_file, no_token), secrets.token_hex(16)
    models = _weights(model)
    from mescope.app.server import create_app

    listening = _listen(host, port)
    ending = threading.Event()
    application = create_app(
        folder, hosts=_names(host), token=secret, once=once, models=models,
        page=not api_only, words=words, ending=ending,
    )  # fmt: skip
    chosen = listening.getsockname()[1]
    address = f"http://{_shown(host)}:{chosen}/"
    opened = address + (f"?token={secret}" if secret else "")
    if as_json:
        facts = {"address": address, "folder": printable(str(folder)), "pid": os.getpid()}
        show_json(facts | {"token": secret})
    else:
        show(opened)
    explain(f"reviewing {folder}; Ctrl-C ends it")
    if not (no_browser or api_only or as_json):
        page = address + (f"?token={once}" if secret else "")
        threading.Timer(1.0, webbrowser.open, [page]).start()
    _serve(application, listening, ending)


def _secret(
    host: str, token: str | None, token_file: Path | None, no_token: bool
) -> str | None:
    """Return the token that browsers must show; None: whoever reaches the port is let in.

    Raises:
        MescopeError: the token cannot be used.
        typer.BadParameter: other machines reach the port and none is given.
    """
    from mescope.app.accounts import checked_token, new_token, shares_machine, token_in
    from mescope.app.security_middleware import is_loopback

    if sum((token is not None, token_file is not None, no_token)) > 1:
        raise typer.BadParameter("expected one of --token, --token-file and --no-token")
    own = is_loopback(host)
    if token is not None:
        token = checked_token(token, "--token")
    elif token_file is not None:
        token = token_in(token_file)
    elif not own:
        raise typer.BadParameter(
            f"--host {host}: whoever reaches this address could see the recordings; expected "
            f"a secret, such as {new_token()}, by --token-file or --token"
        )
    elif no_token:
        explain("every account of this machine can see and change these recordings")
    elif shares_machine():
        token = new_token()
        explain(
            "there are several accounts on this machine: the secret in the address keeps the "
            "others out (--no-token lets them in)"
        )
    if not own:
        _warn(host)
    return token


def _warn(host: str) -> None:
    explain(
        f"other machines can reach {host}: recordings travel unencrypted over the network; "
        "use it in a network you trust, or behind a server with TLS"
    )


def _weights(models: list[str]) -> list[str]:
    """Return the chosen weights, none if they are the shipped ones.

    Raises:
        WeightsError: they cannot be used; better told now than by the first analysis.
    """
    if models == SHIPPED:
        return []
    from mescope.models.fold_cards import described

    explain(f"analyses use {described(models).name}")
    return models


def _names(host: str) -> tuple[str, ...]:
    """Return the names under which browsers may address the server, besides numbers."""
    import socket

    from mescope.app.security_middleware import is_loopback

    if is_loopback(host):
        return ()
    return (host, socket.gethostname(), socket.getfqdn())


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, before anything else is opened.

    Raises:
        MescopeError: the port is taken, or the address is not this machine's.
    """
    import socket

    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, number)
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        raise MescopeError(
            f"cannot listen on {host}, port {port} ({(error.strerror or str(error)).lower()}); "
            "choose another port with --port, 0 takes any that is free"
        ) from error
    return listening


def _serve(application: Any, listening: socket.socket, ending: threading.Event) -> None:
    """Serve until somebody ends it."""
    import uvicorn

    from mescope.app.connections import served

    class Server(uvicorn.Server):
        """Tells streams to end, so that nobody waits for them."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            ending.set()
            super().handle_exit(sig, frame)

    Server(served(application)).run(sockets=[listening])


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _needed() -> None:
    """Tell a missing part before anything is opened."""
    import importlib.util

    missing = [n for n in ("fastapi", "uvicorn") if importlib.util.find_spec(n) is None]
    if missing:
        raise MescopeError(
            f"the app needs {' and '.join(missing)}, which is not installed; "
            "run: pip install fastapi uvicorn"
        )

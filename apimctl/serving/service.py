"""The face of `apimctl gateway serve`: everything is opened, in order, then supervised."""

import os
import secrets
from collections.abc import Callable

from apimctl.config import Settings
from apimctl.edge.metric_files import metrics_folder
from apimctl.edge.observer import check_log
from apimctl.edge.tls import Certificate
from apimctl.services.identifiers import new_id
from apimctl.serving import activation, logs
from apimctl.serving.handover import take_inheritance
from apimctl.serving.notify import Notifier
from apimctl.serving.sockets import open_sockets
from apimctl.serving.supervisor import OnReady, Supervisor
from apimctl.serving.worker import Post, require_c_parser


def run(
    settings: Settings, *, reload: Callable[[], Settings], on_ready: OnReady, is_verbose: bool
) -> int | None:
    """Serve until SIGTERM or SIGINT, or until another process does so on the same sockets.

    Returns that process's id. `reload` returns the settings anew. Raises StoreError, ConflictError
    for a port in use, DeniedError for one that needs rights, InvalidInputError for a bad host, a
    certificate or an access log that cannot be used, or sockets that came and say nothing.
    """
    logs.set_up(is_verbose=is_verbose)
    require_c_parser()
    notifier = Notifier.take(os.environ)
    inheritance = take_inheritance(os.environ)
    given = activation.take_sockets(os.environ, process_id=os.getpid())
    if inheritance is not None:
        given = inheritance.sockets
    # Before any worker: it is made once, and workers share the keys of their session tickets.
    has_tls = settings.gateway.tls_port is not None or "https" in given
    certificate = Certificate(settings) if has_tls else None
    sockets = open_sockets(settings.gateway, given)
    gateway_id = inheritance.gateway_id if inheritance else new_id(secrets.token_bytes)
    check_log(settings.gateway)
    with metrics_folder() as folder:
        post = Post(gateway_id, settings, reload, sockets, certificate, folder)
        supervisor = Supervisor(post, on_ready=on_ready, notifier=notifier, inheritance=inheritance)
        return supervisor.run()

"""The server under every contender: gunicorn's threads, with the one trick of our own server given to all."""

import gc

worker_class = "gthread"
keepalive = 120
accesslog = None
loglevel = "warning"
control_socket_disable = True


def post_worker_init(_worker: object) -> None:
    """Put what was loaded aside, so that collections do not walk over it."""
    gc.collect()
    gc.freeze()

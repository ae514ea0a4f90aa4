"""The processes around the gateway: a supervisor, and the workers that serve.

`service.run` opens what is listened on; `supervisor` starts the workers, starts them again when
they fall, and obeys signals; `worker` is one event loop with one `apimctl.gateway`. No request
passes through the supervisor.
"""

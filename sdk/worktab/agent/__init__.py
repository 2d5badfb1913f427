"""The device's daemon: sells WASM jobs over HTTP, and settles and submits in the background.

    errors    why a request for a job is refused
    modules   the modules that a device holds for its buyers
    jobs      runs paid jobs on threads and records them
    app       the application that sells them

Nothing is imported here, so that each part pays only for what it uses.
"""

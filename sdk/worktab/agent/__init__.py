"""The device's daemon, and buying from daemons.

    errors     why a job, a module or a setting is refused
    modules    the modules that a device holds for its buyers
    uploads    takes them in, a few at a time
    jobs       runs paid jobs on threads and records them
    app        the application that sells them
    settings   what a daemon can be told: a TOML file, flags
    tariff     its price, and when it settles, in base units
    observing  a provider that counts what it does
    metrics    what is counted, for Prometheus
    loops      background work that outlives its failures
    serving    uvicorn within the daemon
    starting   what must hold before anything is sold
    stopping   its last settling
    daemon     all of it together
    unit       a systemd unit for it
    buying     buys a job from the cheapest daemon that answers
    purchases  what a buyer must not forget of a purchase

Nothing is imported here, so that each part pays only for what it uses.
"""

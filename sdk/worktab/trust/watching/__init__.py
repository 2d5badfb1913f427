"""Watching promises: what is owed is taken in time, and what would be lost is told in time.

seeing    reads what a look is about: SLAs, disputes, bonds, and what a provider's book has
deciding  what to do and what to tell, from what was seen alone
acting    does it, one thing after the other
running   looks again and again
metrics   what it tells Prometheus

A watcher remembers nothing: whatever it did is on chain, so it may be killed at any time and started again.
"""

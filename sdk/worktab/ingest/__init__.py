"""Receipts of any number of devices: received, checked and kept, for epochs to be built from.

rows.py        receipts and registrations as fixed rows
facts.py       what is known of the network
kept.py        registrations as a store keeps them, and which of a device's counts
checking.py    form, time, context and signature of receipts; enrolling.py those of enrolments
verdicts.py    what becomes of each
merging.py     receipts beside those that are held: newer, older, forked
store.py       what a store does; base.py what both share, tables.py what it asks of sqlite.py and postgres.py
inputs.py      what an epoch is built from
mirroring.py   registrations on chain, as the store has them
intake.py      posts, checked and stored together
app.py         the service; wire.py what crosses it, limits.py how much it takes
client.py      posting and pulling; syncing.py what another ingest holds, verified
"""

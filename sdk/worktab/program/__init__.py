"""The on-chain program as Python sees it: its binary, its IDL, and a typed client generated from that.

generated/      instructions, accounts, events, errors and types, written by `scripts/generate-client`
codec, structs  how values lie in bytes
bulk            many accounts at once, as a numpy array
logs            events out of a transaction's logs
errors          an error's class by its number
"""

"""Talking to a Solana cluster: one `Chain` protocol, an embedded and an RPC implementation, sending and confirming.

Nothing is imported here, so that a device that only needs the journal or the wallet does not pay for an RPC client.
"""

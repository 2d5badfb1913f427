"""Proofs that payees are in a root: served, exported as files, and found by those who claim."""

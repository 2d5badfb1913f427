"""The kinds of node that a localnet can run, and which to take.

built      Worktab's own
surfpool   the simulator of that name, if it is installed
validator  solana-test-validator, if it is installed
"""

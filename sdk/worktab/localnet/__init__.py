"""A full Solana node of one's own, with the program deployed, for tests and for trying things out."""

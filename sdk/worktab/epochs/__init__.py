"""From receipts to roots, proofs and claims."""

"""What `scripts/demo` shows: real jobs of a small neural network, signed, recorded and paid."""

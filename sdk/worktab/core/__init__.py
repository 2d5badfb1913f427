"""Pure core: messages, records, contexts, keys, addresses and amounts. No I/O; imports nothing else of ours."""

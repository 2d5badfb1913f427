"""What happens on a device: running and metering jobs, recording them durably, signing receipts, checking records.

    spool      the durable record of jobs and receipts, one file per device
    sent       transactions on their way, in the same file
    blobs      modules, inputs and outputs, by hash
    wasm       running WASM jobs with exact metering
    meters     CPU, GPU, bytes and samples
    worker     run one job and record it
    verify     re-execute records and say which differ
    bundle     records and their data as one file, for somebody else to verify

Imports `worktab.core`, `worktab.chain.journal` and `worktab.chain.durable`, nothing else of ours.
"""

"""What epochs of many devices cost: `scripts/bench epochs`.

devices.py     devices with real keys, enrolments and receipts
measuring.py   one size, in a process of its own: check, store, build, prove
onchain.py     the root of the largest size on the embedded chain, with three attestors
extrapolating.py  what a hundred million would take, and what breaks first
plotting.py    the growth, as a picture
"""

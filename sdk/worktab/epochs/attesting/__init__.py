"""Attesting: an epoch built again, published data checked, a sample of its records run again, and a vote.

slots.py       what a sample is drawn from: the hash of a slot that nobody could know before
sampling.py    which records are drawn
requests.py    how an attestor asks a device for records, and shows that it is one
evidence.py    records, fetched from folders and devices
records.py     the drawn records, run again
"""

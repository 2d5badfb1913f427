"""Attesting: an epoch built again, published data checked, a sample of its records run again, and a vote.

attestor.py    an attestor's work: one look at the chain, and what it does about it
watching.py    looking without end
judging.py     what is found about one commitment
comparing.py   how published data differ from what follows from receipts, terms and chain
merging.py     published receipts and enrolments, verified and taken over
versions.py    registrations on chain as they were before they changed
results.py     what commitments have in common
accepted.py    the epochs that an attestor stands by
sources.py     published data, from folders and over HTTP
population.py  what an epoch pays for
slots.py       what a sample is drawn from: the hash of a slot that nobody could know before
sampling.py    which records are drawn
requests.py    how an attestor asks a device for records, and shows that it is one
evidence.py    records, fetched from folders and devices
records.py     the drawn records, run again
sampler.py     taking a sample
verdicts.py    what is found, and every reason to refuse
reports.py     what one look found and did
memory.py      what is remembered between looks
choosing.py    what is known of commitments, and which one is approved of
committing.py  the attestor's own commitment
finalizing.py  making final what is due
status.py      who voted what
"""

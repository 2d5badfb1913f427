"""Guarantees with teeth: what finds broken promises, shows them, and judges them.

- `evidence`: from a chain of records and a signed receipt to what opens a dispute
- `challenging`: runs published records again and finds what is wrong with them
- `accusing`: chooses what of it to dispute, and shows what is at stake
- `judging`: what an attestor finds about a disputed record
- `attesting`: watches a network's open disputes, votes on them, and ends them
- `status`: who voted what, and where the money went
- `watching`: takes what SLAs and disputes bring in time, and warns of what they would cost
- `stakes`: what a dispute costs and what it may bring
"""

"""Small clients, one for each party: who runs a network, who owns devices, the device itself, and anybody who looks.

reading       accounts of a network; needs no key. root_reading, trust_reading: parts of it
tabs          a consumer's tab and its lanes, as they are read; invoices likewise
decoding      numbers in accounts that name something
stats         what a network and its devices did, are owed and have at stake
ledger        whether a network's vault holds what it owes (PROTOCOL section 5)
events        what happens in a network; party_events: to a tab, to a device
operator      creates and runs a network; treasury: the part of it that moves tokens
owner         registers, updates, retires devices and claims for them
claiming      claims for anybody's devices
device        submits receipts
submitting    from a spool to the chain, safe to kill anywhere
consumer      buys work: deposits, reserves, signs vouchers, pays invoices, lets agents spend within limits
settling      moves what vouchers owe to devices' earnings, for anybody
bonds         what owners put at stake for devices
sla_opening   two parties sign an SLA, on one machine or two; sla_offers: what they send each other
slas          where SLAs stand; ended, contested, voted on
invoicing     makes invoices, ends them, gives payments back

Nothing is imported here, so that a device pays only for what it uses.
"""

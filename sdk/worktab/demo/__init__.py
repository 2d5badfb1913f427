"""What `scripts/demo` shows: an agent buys the work of a small neural network, and everybody is paid for it.

digits        the work: images of handwritten digits, and the job that reads them
jobs          what the agent wants done
shopping      how it buys that, and prices by which it comes to its limit
stage         a chain with a token and a network
devices       three devices that sell over HTTP, one of which goes down
buying        the consumer, its agent, and an owner who buys from itself
purchases     what they bought, and what happened on the way
getting_paid  vouchers settled, receipts, an invoice, claims
story         all of this in order
report        what was found, and what must add up
show          the report for people
printing      what such reports are made of
cheating      another scenario: devices that cheat are caught
"""

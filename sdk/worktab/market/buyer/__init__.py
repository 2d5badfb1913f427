"""The consumer's side of pay per request: what it may spend, what it has signed, and the client that pays.

budget     what a caller allows, checked before anything is signed
purse      the consumer's lanes and newest vouchers, on the disk before they leave
locks      one request at a time on a lane, whichever process sends it
checking   a device's terms and answers, believed only as far as chain and signatures bear them out
lanes      opening lanes on chain and topping them up
transport  an httpx transport that pays by itself

Nothing is imported here, so that a caller pays only for what it uses.
"""

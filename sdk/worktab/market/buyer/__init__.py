"""The consumer's side of pay per request: what it may spend, what it has signed, and the client that pays.

    budget      what a caller allows, checked before anything is signed
    purse       the consumer's lanes and newest vouchers, on the disk before they leave
    lane_state  a lane as the purse knows it
    purse_file  the purse's SQLite file
    locks       one request at a time on a lane, whichever process sends it
    lanes       opening lanes on chain and topping them up
    checking    a device's terms and answers, believed only as far as chain and signatures bear them out
    refusals    what a device's server answers in place of work
    delivery    bringing a paid request to a device
    purchases   one purchase: what is asked, what pays for it, what it cost
    exact       exact vouchers, left with devices now and then
    transport   an httpx transport that pays by itself
    client      an httpx client with it
    bill        what a piece of work cost, with everything around it

Nothing is imported here, so that a caller pays only for what it uses.
"""

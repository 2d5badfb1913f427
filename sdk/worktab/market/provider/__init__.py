"""The device's side of pay per request.

provider    quotes, takes payments, runs the settling; what a server asks
sale        one paid request, from its voucher to its answer
seller      who sells: the device, its network, its token
checking    whether a voucher is good for a request
tabs        the chain's tabs, remembered for a while
orders      what is asked for, and what was ordered
turns       one request at a time on a lane
book        vouchers, charges and answers, on the disk
rows        the same as values
committing  many small changes of the book in one write
settling    which vouchers to bring to the chain, and when
reserves    telling when a lane's reserve runs low
"""

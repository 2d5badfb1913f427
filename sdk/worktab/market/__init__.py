"""Pay per request over HTTP: a device sells work, a consumer buys it with the vouchers of a lane.

    pricing    what work costs
    terms      what a device asks for a request, in the JSON shapes of x402
    wire       headers and bodies that cross between the two sides
    errors     why a payment is refused
    routes     what a server sells, and at what price
    provider   the device's side: checks vouchers, remembers charges and answers, settles
    server     an ASGI middleware that sells an application's routes
    buyer      the consumer's side: budget, purse, and an httpx transport that pays by itself
    x402       Worktab as a scheme of the official x402 package

Nothing is imported here, so that each side pays only for what it uses.
"""

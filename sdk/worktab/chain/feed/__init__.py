"""Following the transactions that name an address: none missed, none twice, in the chain's order.

The history of the address (`Chain.history`) is the one source of what is delivered and in which order. It is read
from the newest entry down to the last one that was delivered, so that an answer proves to be whole: a node that lags,
was reset or pruned what is between does not show that one, and the feed waits or raises `CursorLost`. A websocket
only says when to look (and saves requests by bringing the logs), so nothing hangs on it: it may break, tell of things
late, twice or never. A feed looks after every new connection, after every notification and, while none comes, every
`check` seconds; what it then finds without having been told proves a subscription dead, and a new one is made.
On a chain in this process, which has no websocket, it looks twenty times a second.

What a feed delivers is at the chain's level. A confirmed block has the votes of two thirds of the stake; no fork has
ever replaced one, and where that must not even be possible, make the `RpcChain` with `Level.FINALIZED`, at the price
of some 13 seconds. Blocks are delivered once a later one is settled: nodes write their history a moment after a block.

`Feed.cursor` is the last signature delivered. Who keeps it (`CursorFile`) goes on after it in another process.
"""

from worktab.chain.feed.cursor import CursorFile
from worktab.chain.feed.errors import CursorLost, NodeBehind, TransactionMissing
from worktab.chain.feed.feed import Delivery, Feed, Start
from worktab.chain.feed.url import websocket_url

__all__ = [
    "CursorFile",
    "CursorLost",
    "Delivery",
    "Feed",
    "NodeBehind",
    "Start",
    "TransactionMissing",
    "websocket_url",
]

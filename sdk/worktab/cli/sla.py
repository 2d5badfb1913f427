"""`worktab sla`: promises to deliver by a deadline. How two parties open one is in `sla_opening`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worktab.cli import sla_opening
from worktab.cli.options import Cluster, Json, NetworkArgument, Wallet, examples, expanded, group
from worktab.cli.output import Amount, Rows, emit

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from worktab.chain.sending import Confirmed
    from worktab.cli.connecting import Acting, Reading
    from worktab.core.errors import WorktabError
    from worktab.roles.sla_standing import SlaStanding
    from worktab.roles.slas import EndedSla

app = group(
    "SLAs: a device promises a consumer to deliver by a deadline, with its bond.",
    examples("worktab sla status $NETWORK --device $DEVICE", "worktab sla enforce $SLA"),
)
app.add_typer(sla_opening.app)

_Sla = Annotated[str, typer.Argument(metavar="SLA", help="Address of the SLA.", show_default=False)]
_Device = Annotated[str | None, typer.Option("--device", metavar="ADDRESS", help="Only those of this device.")]
_Consumer = Annotated[str | None, typer.Option("--consumer", metavar="ADDRESS", help="Only those to this consumer.")]


class Verdict(StrEnum):
    """What an attestor says of a contested penalty."""

    UPHELD = "upheld"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"


@app.command(
    epilog=examples(
        "worktab sla status $NETWORK",
        "worktab sla status $NETWORK --device $DEVICE",
        "worktab sla status $NETWORK --consumer $CONSUMER --json",
    )
)
@expanded
def status(
    network: NetworkArgument,
    device: _Device = None,
    consumer: _Consumer = None,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Show the SLAs that have not ended, by deadline: what was delivered, what a miss would cost, who can do what."""
    from worktab.cli.connecting import read
    from worktab.cli.parsing import address, address_or_none
    from worktab.cli.sla_facts import sla_rows
    from worktab.roles.slas import read_standings

    where = address(network, "NETWORK")
    of, to = address_or_none(device, "--device"), address_or_none(consumer, "--consumer")

    async def look(session: Reading) -> tuple[list[SlaStanding], int]:
        reader = session.network(where)
        tab = None if to is None else reader.tab_address(to)
        return await read_standings(reader, tab=tab, device=of), (await reader.network()).decimals

    found, decimals = read(cluster, "Reading the SLAs", look)
    emit({"network": where, "slas": sla_rows(found, decimals)}, as_json=as_json)


@app.command(
    epilog=examples(
        "worktab sla enforce $SLA",
        "worktab sla enforce --network $NETWORK --consumer $CONSUMER",
        "worktab sla enforce --network $NETWORK --device $DEVICE",
    )
)
@expanded
def enforce(
    slas: Annotated[
        list[str] | None, typer.Argument(metavar="[SLA]...", help="Addresses of SLAs.", show_default=False)
    ] = None,
    network: Annotated[
        str | None, typer.Option("--network", metavar="NETWORK", help="All of this network that can end.")
    ] = None,
    device: _Device = None,
    consumer: _Consumer = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """End SLAs that are kept or whose time is over; anyone may. A missed one pays its penalty into the consumer's tab.

    The account of an SLA that ended is gone, and its rent went back to who paid it.
    """
    from worktab.cli.connecting import act
    from worktab.cli.failures import Unsuccessful
    from worktab.cli.parsing import address, address_or_none
    from worktab.core.errors import InputError, WorktabError
    from worktab.roles.slas import Slas

    if bool(slas) == (network is not None):
        raise InputError(
            "It is not said which SLAs to end",
            expected="addresses of SLAs, or --network",
            got="both" if slas else "neither",
        )
    if slas and (device or consumer):
        raise InputError("SLAs that are named are not chosen by --device or --consumer", expected="one or the other")
    named = [address(each, "SLA") for each in slas or ()]
    of, to = address_or_none(device, "--device"), address_or_none(consumer, "--consumer")
    where = address_or_none(network, "--network")

    async def work(session: Acting) -> tuple[list[EndedSla | WorktabError], list[Pubkey], int]:
        place = where or await _network_of(session, named)
        role = Slas(session.sender(), place, program_id=session.program)
        decimals, chosen = (await role.reader.network()).decimals, named
        if where is not None:
            tab = None if to is None else role.reader.tab_address(to)
            chosen = [each.view.address for each in await role.standings(tab=tab, device=of) if each.can_end]
        ended: list[EndedSla | WorktabError] = []
        for each in chosen:
            try:
                ended.append(await role.enforce(each))
            except WorktabError as error:
                ended.append(error)
        return ended, chosen, decimals

    ended, chosen, decimals = act(wallet, "Ending SLAs", work)
    facts = _ended(ended, chosen, decimals)
    failed = [each for each in ended if isinstance(each, WorktabError)]
    if failed:
        raise Unsuccessful(failed[0], facts) if len(ended) > 1 else failed[0]
    emit(facts, as_json=as_json)


@app.command(epilog=examples("worktab sla contest $SLA"))
@expanded
def contest(sla: _Sla, wallet: Wallet = Wallet(), as_json: Json = False) -> None:
    """Contest the penalty of a missed SLA; the wallet is the device's owner. From then on attestors decide.

    Only within the network's challenge delay after the deadline. What attestors do not uphold is not paid. A repeat is
    no failure.
    """
    from worktab.roles.slas import SlaOwner

    async def work(session: Acting, network: Pubkey, where: Pubkey) -> tuple[Confirmed | None, SlaStanding]:
        role = SlaOwner(session.sender(), network, session.actor, program_id=session.program)
        return await role.contest(where), await role.standing(where)

    _change(sla, wallet, "Contesting", work, as_json=as_json)


@app.command(epilog=examples("worktab sla vote $SLA upheld", "worktab sla vote $SLA dismissed"))
@expanded
def vote(
    sla: _Sla,
    verdict: Annotated[Verdict, typer.Argument(help="The penalty is due, is not, or no vote.", show_default=False)],
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Say whether a contested penalty is due; the wallet is an attestor. What enough of them agree on stands.

    A repeat is no failure.
    """
    from worktab.roles.slas import SlaAttestor

    upheld = {Verdict.UPHELD: True, Verdict.DISMISSED: False}.get(verdict)

    async def work(session: Acting, network: Pubkey, where: Pubkey) -> tuple[Confirmed | None, SlaStanding]:
        role = SlaAttestor(session.sender(), network, session.actor, program_id=session.program)
        return await role.vote(where, upheld), await role.standing(where)

    _change(sla, wallet, "Voting", work, as_json=as_json)


def _change(sla: str, wallet: Wallet, doing: str, work: Any, *, as_json: bool) -> None:
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address
    from worktab.cli.sla_facts import network_of_sla, sla_facts

    where = address(sla, "SLA")

    async def change(session: Acting) -> tuple[Confirmed | None, SlaStanding, int]:
        network = await network_of_sla(session, where)
        confirmed, stands = await work(session, network, where)
        return confirmed, stands, (await session.network(network).network()).decimals

    confirmed, stands, decimals = act(wallet, doing, change)
    told = None if confirmed is None else transaction(confirmed)
    emit({**sla_facts(stands, decimals), "transaction": told}, as_json=as_json)


async def _network_of(session: Acting, named: list[Pubkey]) -> Pubkey:
    """The network of the first SLA that is there. Raises `SlaNotFound` where none is."""
    from worktab.cli.sla_facts import network_of_sla
    from worktab.roles.errors import SlaNotFound

    for each in named[:-1]:
        try:
            return await network_of_sla(session, each)
        except SlaNotFound:
            continue
    return await network_of_sla(session, named[-1])


def _ended(ended: list[EndedSla | WorktabError], chosen: list[Pubkey], decimals: int) -> dict[str, Any]:
    from worktab.cli.connecting import transaction
    from worktab.core.errors import WorktabError

    rows: list[dict[str, Any]] = []
    for address, each in zip(chosen, ended, strict=True):
        row: dict[str, Any] = {"sla": address, "outcome": None, "delivered": None, "penalty": None, "error": None}
        if isinstance(each, WorktabError):
            row |= {"error": each.code, "transaction": None}
        else:
            row |= {
                "outcome": None if each.outcome is None else each.outcome.name.lower(),
                "delivered": Amount(each.delivered, decimals),
                "penalty": Amount(each.penalty, decimals),
                "transaction": None if each.confirmed is None else transaction(each.confirmed),
            }
        rows.append(row)
    paid = sum(0 if isinstance(each, WorktabError) else each.penalty for each in ended)
    return {
        "ended": sum(row["outcome"] is not None for row in rows),
        "penalties": Amount(paid, decimals),
        "slas": Rows(rows, ("sla", "outcome", "delivered", "penalty", "error")),
    }

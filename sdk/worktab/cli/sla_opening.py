"""`worktab sla open`, `offer`, `accept` and `complete`: two parties sign one SLA, on one machine or on two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from worktab.cli.options import DeviceArgument, Json, Wallet, examples, expanded
from worktab.cli.output import When, emit

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from worktab.cli.connecting import Acting
    from worktab.roles.sla_offers import SlaAcceptance, SlaOffer
    from worktab.roles.sla_opening import OpenedSla, SlaParty

app = typer.Typer()

_YEAR: Final = 365 * 86_400
"""As far away as the program takes a deadline, in seconds."""

_Due = Annotated[
    str,
    typer.Argument(
        metavar="AMOUNT", help="What vouchers must have moved by then, in whole tokens.", show_default=False
    ),
]
_Lane = Annotated[
    int,
    typer.Option(
        "--lane",
        metavar="NONCE",
        min=0,
        max=2**32 - 1,
        show_default=False,
        help="The lane, on which the consumer buys.",
    ),
]
_By = Annotated[
    str,
    typer.Option(
        "--by",
        metavar="TIME",
        show_default=False,
        help="The deadline: in so long, as 90m, 36h or 7d; or such as 2027-06-01T12:00:00Z. A year away at most.",
    ),
]
_Penalty = Annotated[
    int,
    typer.Option(
        "--penalty",
        metavar="BPS",
        min=0,
        max=10_000,
        show_default=False,
        help="Of what is not delivered, in basis points: 5000 is half. 0 where the network has no attestors or no"
        " challenge delay.",
    ),
]
_Consumer = Annotated[
    str | None,
    typer.Option("--consumer", metavar="ADDRESS", help="To whom it is promised; by default the wallet."),
]
_Force = Annotated[bool, typer.Option("--force", help="Write over the --output file if it exists.")]
_Offer = Annotated[Path, typer.Argument(metavar="OFFER", help="File of the offer.", show_default=False)]


@app.command(
    epilog=examples("worktab sla open $DEVICE 5 --lane 173 --by 36h --penalty 5000 --other-key owner.json"),
)
@expanded
def open(
    device: DeviceArgument,
    due: _Due,
    lane: _Lane,
    by: _By,
    penalty: _Penalty,
    other_key: Annotated[
        Path, typer.Option("--other-key", metavar="FILE", show_default=False, help="Key file of the other party.")
    ],
    consumer: _Consumer = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Open an SLA with both keys at hand: the wallet is the lane's consumer or the device's owner, and the other key
    the other party's.

    Until it ends, the lane can't be closed, and the bond holds the largest penalty. Where the keys are on two machines:
    `worktab sla offer`, `accept`, `complete`.
    """
    from worktab.cli import keyfiles

    other = keyfiles.wallet(other_key)

    async def work(session: Acting) -> tuple[SlaOffer, OpenedSla, int]:
        promised = other.pubkey() if consumer is None and await _owns(session, device) else None
        party, offer, decimals = await _offer(session, device, due, lane, by, penalty, consumer, promised)
        return offer, await party.open(offer, other), decimals

    _show_opened(wallet, "Opening the SLA", work, as_json=as_json)


@app.command(
    epilog=examples(
        "worktab sla offer $DEVICE 5 --lane 173 --by 36h --penalty 5000 --output offer.json",
        "worktab sla offer $DEVICE 5 --lane 173 --consumer $CONSUMER --by 7d --penalty 2000 --output offer.json",
    )
)
@expanded
def offer(
    device: DeviceArgument,
    due: _Due,
    lane: _Lane,
    by: _By,
    penalty: _Penalty,
    output: Annotated[
        Path, typer.Option("--output", metavar="FILE", show_default=False, help="Where to write the offer.")
    ],
    consumer: _Consumer = None,
    force: _Force = False,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Write down the terms of an SLA for the other party; nothing is signed, and nobody is bound.

    The wallet is the lane's consumer, or the device's owner (with --consumer). The fee payer pays the rent once it is
    opened, and gets it back when it ends.
    """
    from worktab.cli.connecting import act
    from worktab.cli.sla_facts import offer_facts
    from worktab.core.errors import InputError

    async def work(session: Acting) -> tuple[SlaOffer, int, Pubkey]:
        _, made, decimals = await _offer(session, device, due, lane, by, penalty, consumer, None)
        now = await session.chain.unix_time()
        if not now < made.terms.deadline <= now + _YEAR:
            raise InputError(
                "The deadline is over, or too far away", expected=f"from now on to {When(now + _YEAR)}", got=repr(by)
            )
        return made, decimals, session.program

    made, decimals, program = act(wallet, "Reading the terms", work)
    _write(output, made.to_json(), "offer", force)
    emit({**offer_facts(made, program, decimals), "offer": output}, as_json=as_json)


@app.command(epilog=examples("worktab sla accept offer.json --output accepted.json"))
@expanded
def accept(
    offer: _Offer,
    output: Annotated[
        Path, typer.Option("--output", metavar="FILE", show_default=False, help="Where to write the signature.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking.")] = False,
    force: _Force = False,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Sign an SLA that the other party offered; the wallet is the other of consumer and owner.

    Shows the terms and asks; with --json it needs --yes. The file goes back to the other party, who opens the SLA with
    it, on these terms and no others, within about a minute: a signature is good for no longer, and after that binds
    nobody.
    """
    from worktab.cli.connecting import act
    from worktab.cli.sla_facts import offer_facts
    from worktab.core.errors import InputError

    if as_json and not yes:
        raise InputError("With --json nobody is asked whether to sign", expected="--yes")
    offered = _read_offer(offer)

    async def look(session: Acting) -> tuple[int, Pubkey]:
        offered.other(session.actor.pubkey())
        return (await session.network(offered.network).network()).decimals, session.program

    decimals, program = act(wallet, "Reading the network", look)
    terms = offer_facts(offered, program, decimals)
    if not as_json:
        emit(terms, as_json=False)
    if not yes:
        typer.confirm("Sign for these terms?", abort=True, err=True)

    async def work(session: Acting) -> SlaAcceptance:
        return await _party(session, offered.network).accept(offered)

    accepted = act(wallet, "Signing", work)
    _write(output, accepted.to_json(), "signature", force)
    facts = {"signer": accepted.signer, "accepted": output}
    emit({"offer": terms, **facts} if as_json else facts, as_json=as_json)


@app.command(epilog=examples("worktab sla complete offer.json accepted.json"))
@expanded
def complete(
    offer: _Offer,
    accepted: Annotated[
        Path, typer.Argument(metavar="ACCEPTED", help="What the other party signed.", show_default=False)
    ],
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Open an SLA that the other party accepted; wallet and fee payer are those of the offer.

    The terms are those of this wallet's own offer. A repeat is no failure.
    """
    from worktab.roles.sla_offers import SlaAcceptance

    offered, acceptance = _read_offer(offer), SlaAcceptance.from_json(_read(accepted))

    async def work(session: Acting) -> tuple[SlaOffer, OpenedSla, int]:
        party = _party(session, offered.network)
        decimals = (await party.reader.network()).decimals
        return offered, await party.complete(offered, acceptance), decimals

    _show_opened(wallet, "Opening the SLA", work, as_json=as_json)


def _show_opened(wallet: Wallet, doing: str, work: Any, *, as_json: bool) -> None:
    from worktab.cli.connecting import act, transaction
    from worktab.cli.sla_facts import offer_facts

    programs: list[Pubkey] = []

    async def open(session: Acting) -> Any:
        programs.append(session.program)
        return await work(session)

    offered, opened, decimals = act(wallet, doing, open)
    facts = {
        **offer_facts(offered, programs[0], decimals),
        "transaction": None if opened.confirmed is None else transaction(opened.confirmed),
    }
    emit(facts, as_json=as_json)


async def _owns(session: Acting, device: str) -> bool:
    from worktab.cli.parsing import address

    return (await session.device(address(device, "DEVICE"))).device.owner == session.actor.pubkey()


async def _offer(
    session: Acting,
    device: str,
    due: str,
    lane: int,
    by: str,
    penalty: int,
    consumer: str | None,
    promised: Pubkey | None,
) -> tuple[SlaParty, SlaOffer, int]:
    """The wallet as a party, its terms, and the token's decimals."""
    from worktab.cli.parsing import address, address_or_none, amount_above_zero, deadline_time

    where = address(device, "DEVICE")
    party = _party(session, await session.network_of(where))
    decimals, now = (await party.reader.network()).decimals, await session.chain.unix_time()
    made = await party.offer(
        where,
        consumer=address_or_none(consumer, "--consumer") or promised or session.actor.pubkey(),
        nonce=lane,
        due=amount_above_zero(due, decimals, "AMOUNT"),
        bps=penalty,
        deadline=deadline_time(by, now, "--by"),
    )
    return party, made, decimals


def _party(session: Acting, network: Pubkey) -> SlaParty:
    from worktab.roles.sla_opening import SlaParty

    return SlaParty(session.sender(), network, session.actor, program_id=session.program)


def _read_offer(file: Path) -> SlaOffer:
    from worktab.roles.sla_offers import SlaOffer

    return SlaOffer.from_json(_read(file))


def _read(file: Path) -> Any:
    import json

    from worktab.cli.keyfiles import read_file
    from worktab.core.errors import EncodingError

    try:
        return json.loads(read_file(file, "file"))
    except (ValueError, RecursionError):
        raise EncodingError(f"{file} holds no JSON") from None


def _write(file: Path, value: dict[str, Any], name: str, force: bool) -> None:
    import json

    from worktab.cli.keyfiles import write_file

    write_file(file, json.dumps(value, indent=2) + "\n", name, force=force)

"""The scenario's report for people: tables on a terminal, plain columns elsewhere."""

from __future__ import annotations

from typing import Final

from rich.console import Group
from rich.text import Text

from worktab.demo.cheating.report import CheatReport, DeviceFacts
from worktab.demo.cheating.scene import ATTESTORS, BOND, DEPOSIT, SLASH_BPS
from worktab.demo.printing import (
    holds,
    last_line,
    ledger_group,
    ms,
    percent,
    print_parts,
    saying,
    tabular,
    told_sum,
)

_HEX: Final = 16
"""Digits of a hash that are shown."""


def show(report: CheatReport) -> None:
    """Print a report to standard output."""
    parts: list[Text | Group] = [_begun(report), _found(report), _votes(report), _bonds(report), _consumer(report)]
    parts += [_sla(report), _devices(report), _sums(report), ledger_group(report.ledgers, saying(report.decimals))]
    parts += [_costs(report), _units(report), last_line(report.holds, report.seconds)]
    print_parts(parts)


def _begun(report: CheatReport) -> Text:
    tokens = saying(report.decimals)
    cheats = [f"the {each.name} ({each.part.cheat})" for each in report.devices if each.part.cheat]
    bought = ", ".join(f"the {name} for {tokens(price)}" for name, price in report.paid.items())
    return Text(
        f"Each of {len(report.devices)} devices has a bond, in tokens: {tokens(BOND)}."
        f" Cheating: {', '.join(cheats) or 'none'}.\n"
        f"A consumer bought a result from {bought}.\n"
        "All brought their receipts to the chain, are owed rewards for them, and published their records."
    )


def _found(report: CheatReport) -> Group:
    names = report.names
    table = tabular(
        "device", "job >", "challenged by", "because it", "output it states", "run again", "fuel it states >",
        "run again >",
    )  # fmt: skip
    for each in report.cases:
        suspect, rerun = each.accused.suspect, each.accused.rerun
        record = suspect.shown.record
        hashes = (record.output.hex()[:_HEX], rerun.output[:_HEX])
        fuel = (f"{record.units:,}", f"{rerun.units:,}")
        name = names[each.accused.device]
        table.add_row(name, str(suspect.seq), each.accused.by, suspect.fault.value, *hashes, *fuel)
    found = report.challenges
    cleared = ", ".join(names[each] for each in found.cleared) or "none"
    title = (
        f"What was found by running {found.executed} of {found.examined} records again; to see a repeat takes no run"
    )
    details = [f"{names[each.accused.device]}: {each.accused.suspect.detail}." for each in report.cases]
    return Group(Text(title), table, Text("\n".join([*details, f"Nothing wrong with: {cleared}."])))


def _votes(report: CheatReport) -> Group:
    table = tabular("device", *(f"attestor {number + 1}" for number in range(ATTESTORS)), "verdict")
    for each in report.cases:
        votes = dict(each.votes)
        told = (votes[number].name.lower() if number in votes else "not needed" for number in range(ATTESTORS))
        table.add_row(report.names[each.accused.device], *told, _words(each.verdict.name))
    title = "What attestors voted, each after asking the device for the record over HTTP and running it again"
    return Group(Text(title), table)


def _bonds(report: CheatReport) -> Group:
    tokens = saying(report.decimals)
    table = tabular(
        "device", "bond >", "to the consumer >", "to the challenger >", "to the pool >", "bond left >",
        "rewards forfeited >", "now",
    )  # fmt: skip
    for device in report.devices:
        case = report.case(device)
        if case is not None:
            moved, now = case.resolved, "suspended" if device.after.suspended else "ACTIVE"
            parts = (moved.to_consumer, moved.to_challenger, moved.to_pool, device.after.bond, moved.forfeited)
            table.add_row(device.name, tokens(device.before.bond), *map(tokens, parts), now)
    title = f"Where the bonds went, in tokens; one dispute takes {percent(SLASH_BPS)} at most"
    back = sum(each.resolved.deposit_back for each in report.cases)
    note = f"Challengers deposited {tokens(DEPOSIT)} for each dispute and got {tokens(back)} back in all."
    return Group(Text(title), table, Text(note))


def _consumer(report: CheatReport) -> Text:
    tokens, told = saying(report.decimals), []
    for each in report.of("the consumer"):
        price, moved = each.accused.suspect.shown.record.amount, each.resolved
        told.append(
            f"The consumer paid {tokens(price)} for the {report.names[each.accused.device]}'s result, and got"
            f" {tokens(moved.to_consumer)} back out of its bond,"
            f" and {tokens(moved.to_challenger)} more for its own challenge."
        )
    return Text("\n".join(told) or "The consumer bought nothing wrong.")


def _sla(report: CheatReport) -> Text:
    tokens, sla = saying(report.decimals), report.missed
    [name] = [each.name for each in report.devices if each.part.leaves]
    return Text(
        f"The {name} promised results worth {tokens(sla.due)}, delivered {tokens(sla.delivered)} and went away:"
        f" {_words(sla.outcome.name)}. Its bond paid {tokens(sla.penalty)}; the penalty was to be {percent(sla.bps)} of"
        " the rest."
    )


def _devices(report: CheatReport) -> Group:
    tokens = saying(report.decimals)
    table = tabular(
        "device",
        "bond before >",
        "after >",
        "rewards before >",
        "after >",
        "earnings before >",
        "after >",
        "paid >",
        "",
    )

    def row(each: DeviceFacts) -> None:
        before, after = each.before, each.after
        pairs = (before.bond, after.bond, before.rewards, after.rewards, before.earnings, after.earnings, each.wallet)
        if each.part.cheat is not None:
            said = str(each.part.cheat)
        elif each.part.leaves:
            said = "went away"
        else:
            said = "honest, untouched" if each.untouched else "honest, TOUCHED"
        table.add_row(each.name, *map(tokens, pairs), said)

    for each in report.devices:
        row(each)
    return Group(
        Text("All devices, before the challenges and after the verdicts, and what their owners were paid"), table
    )


def _sums(report: CheatReport) -> Text:
    tokens = saying(report.decimals)
    rules = {
        "Who cheated is guilty, slashed and suspended, and nobody else is": report.caught,
        "The consumer has its money back": report.whole,
        "Nothing was taken from honest devices": report.untouched,
    }
    told = (f"{rule}: {holds(held)}" for rule, held in rules.items())
    return Text("\n".join(["Sums", *(told_sum(each, tokens) for each in report.sums), *told]))


def _costs(report: CheatReport) -> Group:
    table = tabular("lamports", "transactions >", "fees >", "rent >")
    for name, each in report.costs.items():
        table.add_row(name, *(f"{number:,}" for number in (each.transactions, each.fees, each.rent)))
    challengers, attestors = ms(report.challenges.cpu_ns), ms(report.attestors_cpu_ns)
    note = (
        f"Checking took {report.checking_fees:,} lamports of fees; {challengers} of CPU for challengers to run records"
        f" again; and {attestors} for attestors, the devices that served them and the chain."
    )
    return Group(Text("What it cost on chain"), table, Text(note))


def _units(report: CheatReport) -> Group:
    table = tabular("instruction", "transactions >", "least >", "most >")
    for name, each in report.units.items():
        table.add_row(name, *(f"{number:,}" for number in (each.count, each.least, each.most)))
    return Group(Text("Compute units, each with all of the transaction"), table)


def _words(name: str) -> str:
    return name.lower().replace("_", " ")

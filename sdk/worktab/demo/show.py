"""The demo's report for people: tables on a terminal, plain columns elsewhere."""

from __future__ import annotations

from collections import Counter

from rich.console import Group
from rich.text import Text

from worktab.demo.digits import render
from worktab.demo.printing import (
    Say,
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
from worktab.demo.purchases import FailOver, Use
from worktab.demo.report import DeviceReport, Report, Shown, per_job
from worktab.demo.stage import Costs


def show(report: Report) -> None:
    """Print a report to standard output."""
    parts: list[Text | Group] = [_image(report.shown)] if report.shown is not None else []
    parts += [_work(report), _bought(report), _on_the_way(report), _rewarded(report), _check(report), _sums(report)]
    ledgers = {"before claims": report.before, "after claims": report.after}
    parts += [ledger_group(ledgers, saying(report.decimals)), _costs(report), last_line(report.holds, report.seconds)]
    print_parts(parts)


def _image(shown: Shown) -> Group:
    said = f"The network reads {shown.found}; its writer meant {shown.image.label}."
    return Group(Text(render(shown.image)), Text(said))


def _work(report: Report) -> Text:
    answers = sum(len(each.bought) for each in report.devices)
    text = (
        f"An agent had {report.jobs:,} jobs done over HTTP; {len(report.devices)} devices sold {answers:,} answers"
        f" and reported {report.units:,} units of fuel."
    )
    if report.images is not None and report.correct is not None:
        share = percent(10_000 * report.correct // report.images)
        text += f"\nRight: {report.correct:,} of {report.images:,} images ({share})."
    return Text(text)


def _bought(report: Report) -> Group:
    tokens = saying(report.decimals)
    table = tabular(
        "device", "price >", "results >", "compared >", "retried >", "by its owner >", "answers >", "invoiced >",
        "fee >", "burned >", "earned >",
    )  # fmt: skip
    for each in report.devices:
        uses, claimed = Counter(bought.use for bought in each.bought), each.claimed
        invoiced = report.invoice.paid if report.invoice.device == each.stats.address else 0
        amounts = (each.charged, invoiced, claimed.fee, claimed.burn, claimed.earnings - claimed.fee - claimed.burn)
        counts = (f"{uses[use]:,}" for use in (Use.RESULT, Use.COMPARE, Use.RETRY, Use.OWN))
        table.add_row(each.name, tokens(each.price), *counts, *map(tokens, amounts))
    fee, burn = percent(report.fee_bps), percent(report.burn_bps)
    overhead = (
        f"Overhead on results worth {tokens(report.price(Use.RESULT))}:"
        f" comparing {tokens(report.price(Use.COMPARE))} ({percent(report.overhead_bps(Use.COMPARE))}),"
        f" retries {tokens(report.price(Use.RETRY))} ({percent(report.overhead_bps(Use.RETRY))})."
    )
    title = f"What was bought, in tokens; prices for 1,000,000 units; of earnings {fee} fee and {burn} burned"
    return Group(Text(title), table, Text(overhead))


def _on_the_way(report: Report) -> Text:
    tokens, agent, invoice = saying(report.decimals), report.agent, report.invoice
    names = {each.stats.address: each.name for each in report.devices}
    told = ["Nothing broke off, as it was meant to."]
    if report.fail_over is not None:
        told = _told(report.fail_over, names[report.fail_over.device], names[report.fail_over.successor], tokens)
    if agent.refusal is None:
        told.append("The agent was NOT REFUSED at its limit.")
    else:
        refusal = agent.refusal
        told.append(
            f"Of its {tokens(agent.limit)} tokens the agent had set {tokens(agent.limit - refusal.allowance)} aside,"
            f" {tokens(refusal.allowance)} were left. It ordered all jobs once more, for {tokens(refusal.cost)};"
            f" its lane had room for {tokens(refusal.room)}.\n  Refused: {refusal.error.message}"
            f" ({refusal.error.code}). {refusal.error.next_step}."
        )
    odd = f"ODD: {', '.join(invoice.misfits)}" if invoice.misfits else "nothing odd"
    told.append(
        f"The {names[invoice.device]} did {invoice.units:,} units on account. Its owner's invoice of"
        f" {tokens(invoice.amount)}: {odd}; {tokens(invoice.paid)} paid from the consumer's tab,"
        f" {tokens(invoice.outstanding)} open."
    )
    return Text("\n".join(told))


def _told(found: FailOver, name: str, successor: str, tokens: Say) -> list[str]:
    before, after = found.charged
    verdict = "charged once" if found.holds else "CHARGED WRONG"
    return [
        f"The {name} went down in job {found.job + 1}, after {found.broken.sent} of the answer's"
        f" {found.broken.length} bytes ({found.error}); the {successor} took over.",
        f"  Back again, it was asked for that answer and gave {'the same' if found.same else 'ANOTHER'} as the"
        f" {successor}: {tokens(before)} charged on its lane before, {tokens(found.price)} for it,"
        f" {tokens(after)} after: {verdict}.",
    ]


def _rewarded(report: Report) -> Group:
    tokens = saying(report.decimals)
    table = tabular(
        "device", "key", "sent by", "jobs >", "units reported >", "sold >", "self-sold >", "receipts >", "reward >",
        "earned >", "paid >",
    )  # fmt: skip
    who = tabular("device", "", "address")
    for each in report.devices:
        table.add_row(*_reported(each, tokens))
        who.add_row(each.name, "its account", str(each.stats.address))
        who.add_row("", "owner, who was paid", str(each.stats.owner))
    title = f"What the chain says, with a reward of {tokens(report.rate)} token for 1,000,000 units reported"
    return Group(Text(title), table, Text(), who)


def _reported(each: DeviceReport, tokens: Say) -> list[str]:
    stats, claimed = each.stats, each.claimed
    return [
        each.name,
        {"p256": "P-256", "ed25519": "Ed25519"}[stats.key_kind.name.lower()],
        "a relay" if each.relayed else "itself",
        f"{stats.jobs:,}",
        f"{stats.units:,}",
        f"{stats.units_sold:,}",
        f"{stats.units_self_sold:,}",
        str(each.settled.receipts),
        tokens(each.settled.reward),
        tokens(claimed.paid - claimed.rewards),
        tokens(each.wallet),
    ]


def _check(report: Report) -> Text:
    found = report.checked
    differing = "all agree" if found.differing == 0 else f"{found.differing:,} DIFFER"
    recorded = "The chain holds what the devices signed"
    if not all(each.recorded for each in report.devices):
        recorded = "THE CHAIN HOLDS SOMETHING ELSE than the devices signed"
    return Text(
        f"Verification: {found.executed:,} of {found.records:,} records were executed again: {differing}.\n"
        f"{recorded}.\n"
        f"It took {ms(found.cpu_ns)} of CPU, {found.ratio:.0%} of what executing all of them takes"
        f" ({ms(found.work_cpu_ns)}).\n"
        f"Buying took {ms(found.bought_cpu_ns)}: jobs, records, HTTP and payments, of both sides."
    )


def _sums(report: Report) -> Text:
    tokens = saying(report.decimals)

    once = all(each.holds for each in report.devices)
    each_once = "Each answer was charged once, and exactly that was settled and paid"
    return Text("\n".join(["Sums", *(told_sum(each, tokens) for each in report.sums), f"{each_once}: {holds(once)}"]))


def _costs(report: Report) -> Group:
    table = tabular("lamports", "transactions >", "fees >", "rent >", "fees a job >", "rent a job >")

    def row(name: str, costs: Costs) -> None:
        shares = (per_job(costs.fees, report.jobs), per_job(costs.rent, report.jobs))
        table.add_row(name, *(f"{each:,}" for each in (costs.transactions, costs.fees, costs.rent, *shares)))

    row("tabs, agent and lanes", report.buying)
    row("settling, receipts, invoice and claims", report.paying)
    row("setting up", report.setup)
    note = "Fees are gone; rent is a deposit in the accounts that were made."
    return Group(Text("Costs on chain"), table, Text(note))

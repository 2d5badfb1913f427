"""`worktab invoice`, on a real program behind real HTTP. The payer owns the devices, and sponsors the consumer."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.cli import Cli, utc
from support.selling import consumer_of
from worktab.core.addresses import find_invoice
from worktab.core.invoices import SignedDispute
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.accounts import Device
from worktab.roles.invoices import InvoiceView

TOKENS = 1_000_000
"""Base units of a whole token."""
DAY = 86_400
EVIL = """<script>alert(1)</script> "quoted" & 'more' </td></table>
second line"""


class Page(HTMLParser):
    """An HTML page: its tags, whether they close in order, its attributes and its text."""

    VOID = frozenset({"meta"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.cells: list[str] = []
        self.text = self.style = ""
        self.declaration = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_decl(self, decl: str) -> None:
        self.declaration = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self._open.append(tag)
        if tag in ("th", "td"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.style += data
            return
        self.text += data
        if self._open and self._open[-1] in ("th", "td"):
            self.cells[-1] += data

    @property
    def rows(self) -> dict[str, str]:
        return dict(zip(self.cells[::2], self.cells[1::2], strict=True))


class Trade:
    """A device of the payer's, and a consumer with 20 tokens in its tab and no lamports."""

    def __init__(self, cli: Cli) -> None:
        self.cli, self.key = cli, Keypair()
        owner = cli.fleet.owner(cli.fleet.payer)
        self.seller = cli.served.do(cli.fleet.device(owner=owner))
        self.device = str(self.seller.device)
        cli.served.do(consumer_of(cli.fleet, 20 * TOKENS, key=self.key))
        self.wallet = ("--keypair", cli.key_file("consumer.json", self.key), "--fee-payer", cli.payer)

    @property
    def consumer(self) -> str:
        return str(self.key.pubkey())

    def create(self, amount: object = 5, *options: object) -> Any:
        return self.cli.json("invoice", "create", self.device, "--to", self.consumer, "--amount", amount, *options)

    def pay(self, invoice: object, *options: object) -> Any:
        return self.cli.json("invoice", "pay", invoice, "--yes", *self.wallet, *options)

    def refused(self, invoice: object, *options: object, code: int = 1) -> dict[str, str]:
        """The error of a payment that fails; people are shown the terms before, where there are any to show."""
        words = ("invoice", "pay", invoice, "--yes", *self.wallet, *options)
        result = self.cli.run(*words, "--json")
        assert (result.exit_code, result.stderr) == (code, "")
        error: dict[str, str] = json.loads(result.stdout)["error"]
        for_people = self.cli.run(*words)
        assert for_people.exit_code == code
        assert f"error: {error['message']}" in for_people.stderr
        return error

    def view(self, invoice: str) -> InvoiceView:
        return self.cli.served.do(self.cli.fleet.operator.reader.invoice(Pubkey.from_string(invoice)))

    def held(self) -> Device:
        return self.cli.served.do(self.cli.fleet.read(self.seller.device))

    def money(self) -> tuple[int, int]:
        """Base units in the consumer's balance, and of the device's earnings."""
        tab = self.cli.served.do(self.cli.fleet.operator.reader.tab(self.key.pubkey()))
        return tab.tab.balance, self.held().earnings_owed

    def history(self) -> int:
        """Transactions that named the consumer's tab."""
        tab = self.cli.fleet.operator.reader.tab_address(self.key.pubkey())
        return len(self.cli.served.do(self.cli.fleet.chain.history(tab)))


@pytest.fixture
def trade(cli: Cli) -> Trade:
    """Somebody who sells and somebody who buys."""
    return Trade(cli)


def test_create(cli: Cli, trade: Trade) -> None:
    head = hashlib.sha256(b"work").hexdigest()
    before = int(cli.served.time())
    made = trade.create("2.5", "--units", 700, "--due", 30, "--memo", "Frames", "--head", head, "--number", 12)
    address, _ = find_invoice(PROGRAM_ID, trade.seller.device, 12)
    last, due = int(cli.served.time()), made.pop("due")
    assert before // DAY + 31 <= (due + 1) // DAY <= last // DAY + 31
    assert (due + 1) % DAY == 0
    assert made.pop("transaction")["fee_lamports"] == 5_000
    expected = {
        "invoice": str(address),
        "network": cli.network,
        "device": trade.device,
        "number": 12,
        "issuer": str(cli.fleet.payer.pubkey()),
        "consumer": trade.consumer,
        "amount": 2_500_000,
        "units": 700,
        "head": head,
        "memo_hash": hashlib.sha256(b"Frames").hexdigest(),
        "status": "open",
        "paid": 0,
        "refunded": 0,
        "left": 2_500_000,
        "created_slot": trade.view(str(address)).invoice.created_slot,
    }
    assert made == expected
    plain = trade.create()
    assert (plain["number"], plain["units"], plain["due"], plain["head"], plain["memo_hash"]) == (
        13,
        0,
        None,
        None,
        None,
    )


def test_a_numbered_invoice_may_be_made_again_with_the_same_terms_only(cli: Cli, trade: Trade) -> None:
    made = trade.create(5, "--number", 3, "--due", "2099-12-31")
    again = trade.create(5, "--number", 3, "--due", "2099-12-31")
    assert again == made | {"transaction": None}
    create = ("invoice", "create", trade.device, "--to", trade.consumer, "--number", 3)
    assert cli.failure(*create, "--amount", 6)["code"] == "invoice_exists"


def test_a_number_of_days_is_the_same_all_day(cli: Cli, trade: Trade) -> None:
    # Not so near midnight that the day ends within the test.
    cli.pass_time(2 * DAY - int(cli.served.time()) % DAY)
    made = trade.create(5, "--number", 3, "--due", 1)
    cli.pass_time(DAY // 2)
    assert trade.create(5, "--number", 3, "--due", 1) == made | {"transaction": None}
    cli.pass_time(DAY)
    create = ("invoice", "create", trade.device, "--to", trade.consumer, "--number", 3, "--amount", 5, "--due", 1)
    assert cli.failure(*create)["code"] == "invoice_exists"


def test_due_dates(trade: Trade) -> None:
    def due(text: str) -> datetime:
        return datetime.fromtimestamp(trade.create(1, "--due", text)["due"], UTC)

    assert due("2099-06-01") == datetime(2099, 6, 1, 23, 59, 59, tzinfo=UTC)
    assert due("2099-06-01T12:30:00Z") == datetime(2099, 6, 1, 12, 30, tzinfo=UTC)
    assert due("2099-06-01T12:30:00+02:00") == datetime(2099, 6, 1, 10, 30, tzinfo=UTC)


def test_the_head_of_the_devices_newest_receipt(cli: Cli, trade: Trade) -> None:
    cli.next_epoch()
    cli.served.do(cli.fleet.earn(trade.seller, 1, 10))
    assert trade.create(1, "--from-device")["head"] == trade.held().head.hex() == (b"h" * 32).hex()


def test_create_refuses(cli: Cli, trade: Trade) -> None:
    def error(*options: object, code: int = 2) -> dict[str, str]:
        return cli.failure("invoice", "create", trade.device, "--to", trade.consumer, *options, code=code)

    assert error("--amount", "0.0000001")["code"] == "input"
    assert error("--amount", 0)["message"] == "--amount is nothing"
    assert error("--amount", 1, "--head", "ab")["message"] == "--head is no hash"
    assert error("--amount", 1, "--head", "0" * 64, "--from-device")["message"] == "The work is named twice"
    assert error("--amount", 1, "--due", 0)["message"] == "The date is too far away, or now"
    assert error("--amount", 1, "--due", "soon")["message"] == "--due is no time"
    create = ("invoice", "create", trade.device, "--amount", 1)
    assert cli.failure(*create, "--to", "me", code=2)["message"] == "--to is not an address"
    assert cli.failure("invoice", "create", cli.network, "--amount", 1, "--to", cli.mint)["code"] == "device_not_found"
    assert cli.failure(*create, "--to", cli.mint, *trade.wallet)["code"] == "program.unauthorized"
    assert cli.json("invoice", "list", cli.network)["invoices"] == []


def test_list(cli: Cli, trade: Trade) -> None:
    first = trade.create(5, "--due", 1)["invoice"]
    second = trade.create(3, "--due", 90)["invoice"]
    other = cli.json("invoice", "create", trade.device, "--to", cli.mint, "--amount", 7, "--due", 1)["invoice"]
    trade.pay(second)
    trade.pay(first, "--amount", 2)

    def found(*options: object) -> tuple[int, list[tuple[str, str]]]:
        facts = cli.json("invoice", "list", cli.network, *options)
        return facts["left"], [(each["invoice"], each["status"]) for each in facts["invoices"]]

    assert found() == (10 * TOKENS, [(first, "partly_paid"), (second, "paid"), (other, "open")])
    assert found("--overdue") == (0, [])
    cli.pass_time(2 * DAY)
    assert found("--overdue") == (10 * TOKENS, [(first, "overdue"), (other, "overdue")])
    assert found("--open", "--consumer", trade.consumer) == (3 * TOKENS, [(first, "overdue")])
    assert found("--consumer", cli.mint) == (7 * TOKENS, [(other, "overdue")])
    assert found("--device", trade.device)[0] == 10 * TOKENS
    assert found("--device", cli.mint) == (0, [])

    line = cli.text("invoice", "list", cli.network, "--overdue", "--consumer", trade.consumer).splitlines()[-1]
    due = trade.view(first).invoice.due
    assert line.split() == ["1", trade.device, trade.consumer, "5", "2", "0", "3", *utc(due).split(), "overdue"]
    assert cli.failure("invoice", "list", cli.mint)["code"] == "network_not_found"


def test_pay_in_parts_and_never_twice(cli: Cli, trade: Trade) -> None:
    invoice = trade.create(5, "--units", 100)["invoice"]
    part = trade.pay(invoice, "--amount", "1.5")
    assert (part["paid_now"], part["left"], part["doubts"]) == (1_500_000, 3_500_000, [])
    assert (part["invoice"]["invoice"], part["invoice"]["left"]) == (invoice, 5_000_000)
    assert part["transaction"]["fee_lamports"] == 10_000
    assert trade.money() == (18_500_000, 1_500_000)
    assert trade.refused(invoice, "--amount", "3.500001")["code"] == "program.invoice_overpaid"
    assert trade.money() == (18_500_000, 1_500_000)

    rest = trade.pay(f"{trade.device}#1")
    assert (rest["paid_now"], rest["left"]) == (3_500_000, 0)
    assert trade.money() == (15_000_000, 5_000_000)
    assert trade.held().units_sold == 100
    sent = trade.history()
    for options in ((), ("--amount", 1)):
        error = trade.refused(invoice, *options)
        assert (error["code"], error["got"]) == ("already_paid", "5 paid")
    assert trade.history() == sent
    assert trade.money() == (15_000_000, 5_000_000)


def test_pay_shows_the_terms_and_asks(cli: Cli, trade: Trade) -> None:
    invoice = trade.create("2.5", "--due", 1)["invoice"]
    cli.pass_time(2 * DAY)
    words = ("invoice", "pay", invoice, *trade.wallet)
    no = cli.run(*words, answer="n\n")
    assert no.exit_code == 1
    assert "amount        2.5" in no.stdout.splitlines()
    assert "status        overdue" in no.stdout.splitlines()
    told = "warning: its date has passed\nPay 2.5 tokens of it? [y/N]:"
    assert no.stderr == f"{told}error: aborted\n"
    assert trade.money() == (20_000_000, 0)
    assert cli.run(*words, answer="").exit_code == 1
    assert trade.money() == (20_000_000, 0)

    part = cli.run(*words, "--amount", "0.5", answer="y\n")
    assert (part.exit_code, "Pay 0.5 tokens of it?" in part.stderr) == (0, True)
    assert "paid now  0.5" in part.stdout.splitlines()
    assert trade.money() == (19_500_000, 500_000)
    error = json.loads(cli.run(*words, "--json").stdout)["error"]
    assert (error["code"], error["expected"]) == ("input", "--yes")
    assert trade.money() == (19_500_000, 500_000)


def test_pay_names_the_terms_that_were_shown(cli: Cli, trade: Trade, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the question and the answer the issuer puts other terms in their place."""
    invoice = trade.create(1)["invoice"]
    confirm = "worktab.cli.paying.typer.confirm"

    def swap(*_: object, **__: object) -> None:
        cli.json("invoice", "void", invoice)
        assert trade.create(2)["invoice"] == invoice

    monkeypatch.setattr(confirm, swap)
    result = cli.run("invoice", "pay", invoice, *trade.wallet)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: The invoice's terms are not those agreed to")
    assert trade.money() == (20_000_000, 0)


def test_pay_refuses(cli: Cli, trade: Trade) -> None:
    invoice = trade.create(21)["invoice"]
    assert trade.refused(invoice)["code"] == "program.insufficient_balance"
    assert trade.refused(invoice, "--amount", 0, code=2)["message"] == "--amount is nothing"
    assert trade.refused(invoice, "--amount", "1e3", code=2)["code"] == "input"
    assert trade.refused(cli.mint)["code"] == "invoice_not_found"
    assert trade.refused(trade.device)["code"] == "invoice_not_found"
    assert trade.refused(f"{trade.device}#9")["got"] == "no account"
    assert trade.refused("mine", code=2)["message"] == "INVOICE is not an address"
    assert trade.refused(f"mine#{2**64}", code=2)["message"] == "NUMBER is out of range"
    assert trade.refused(f"{trade.device}#x", code=2)["message"] == "NUMBER is not a whole number"
    as_stranger = ("--keypair", cli.authority)
    assert trade.refused(invoice, "--amount", 1, *as_stranger)["code"] == "program.unauthorized"
    assert trade.money() == (20_000_000, 0)


def test_a_delegate_pays_within_its_limits(cli: Cli, trade: Trade) -> None:
    agent = Keypair()
    file = cli.key_file("agent.json", agent)
    cli.json("tab", "delegate", cli.network, file, "--allowance", 4, *trade.wallet)
    invoice = trade.create(5)["invoice"]
    assert trade.refused(invoice, "--keypair", file)["code"] == "program.allowance_exceeded"
    assert trade.pay(invoice, "--amount", 4, "--keypair", file)["left"] == 1_000_000
    assert trade.money() == (16_000_000, 4_000_000)
    assert trade.refused(invoice, "--keypair", file)["code"] == "program.allowance_exceeded"


def test_refund(cli: Cli, trade: Trade) -> None:
    invoice = trade.create(5, "--units", 100)["invoice"]
    trade.pay(invoice)
    done = cli.json("invoice", "refund", invoice, 2)
    assert (done["refunded_now"], done["refunded"], done["paid"]) == (2_000_000, 2_000_000, 5_000_000)
    assert (done["units_unsold"], done["number"]) == (40, 1)
    assert trade.money() == (17_000_000, 3_000_000)
    assert trade.refused(invoice)["code"] == "already_paid"
    refund = ("invoice", "refund", invoice)
    assert cli.failure(*refund, 0, code=2)["message"] == "AMOUNT is nothing"
    assert cli.failure(*refund, "3.000001")["code"] == "program.refund_too_large"
    assert cli.failure(*refund, 1, *trade.wallet)["code"] == "program.unauthorized"
    assert cli.json("device", "claim", trade.device)["earnings"] == 3_000_000
    assert cli.failure(*refund, 1)["code"] == "program.refund_too_large"
    assert trade.money() == (17_000_000, 0)


def test_void(cli: Cli, trade: Trade) -> None:
    invoice = trade.create(5)["invoice"]
    trade.pay(invoice, "--amount", 2)
    assert cli.failure("invoice", "void", invoice, *trade.wallet)["code"] == "program.unauthorized"
    address, payer = Pubkey.from_string(invoice), cli.fleet.payer.pubkey()
    rent = cli.served.do(cli.fleet.lamports(address))
    before = cli.served.do(cli.fleet.lamports(payer))
    voided = cli.json("invoice", "void", f"{trade.device}#1")
    assert (voided["invoice"], voided["number"], voided["paid"]) == (invoice, 1, 2_000_000)
    assert cli.served.do(cli.fleet.lamports(payer)) == before + rent - voided["transaction"]["fee_lamports"]
    assert trade.money() == (18_000_000, 2_000_000)
    assert cli.failure("invoice", "void", invoice)["code"] == "invoice_not_found"
    assert trade.refused(invoice)["code"] == "invoice_not_found"
    assert cli.failure("invoice", "refund", invoice, 1)["code"] == "invoice_not_found"


def test_print(cli: Cli, trade: Trade) -> None:
    head = hashlib.sha256(b"work").hexdigest()
    made = trade.create("2.5", "--units", 1_234_567, "--due", "2099-06-01", "--head", head, "--memo", EVIL)
    trade.pay(made["invoice"], "--amount", 1)
    file = cli.folder / "pages" / "invoice.html"
    told = cli.json("invoice", "print", f"{trade.device}#1", "--memo", EVIL, "--output", file)
    assert told == {"invoice": made["invoice"], "file": str(file)}
    page = Page(file.read_text(encoding="utf-8"))
    rows = page.rows
    cluster = rows.pop("Cluster")
    assert cluster.startswith("genesis hash ")
    assert rows == {
        "Amount": "2.5 tokens (2,500,000 base units)",
        "Due": "2099-06-01 23:59:59 UTC",
        "Paid": "1",
        "Refunded": "0",
        "Left to pay": "1.5 tokens (1,500,000 base units)",
        "Work units": "1,234,567",
        "Chain head": head,
        "Memo": EVIL,
        "Device": trade.device,
        "Number": "1",
        "Issuer": str(cli.fleet.payer.pubkey()),
        "Consumer": trade.consumer,
        "Network": cli.network,
        "Token mint": cli.mint,
        "Invoice": made["invoice"],
    }
    assert "Invoice 1partly paid" in page.text
    assert f"worktab tab open {cli.network} --deposit 1.5\nworktab invoice pay {trade.device}#1" in page.text
    assert page.declaration == "DOCTYPE html"
    allowed = {"html", "head", "meta", "title", "style", "body", "header", "h1", "strong", "h2", "table", "tr", "th"}
    assert set(page.tags) == allowed | {"td", "p", "code", "pre", "footer"}
    names = {name for name, _ in page.attributes}
    assert names == {"lang", "charset", "http-equiv", "content", "name", "class", "scope"}
    assert "@page { size: A4" in page.style
    assert "url(" not in page.style
    assert "@import" not in page.style


def test_print_without_what_is_not_there(cli: Cli, trade: Trade) -> None:
    invoice = trade.create(1, "--memo", "secret")["invoice"]
    trade.pay(invoice)
    text = cli.text("invoice", "print", invoice)
    page = Page(text)
    assert page.rows["Memo"] == f"a text with the hash {hashlib.sha256(b'secret').hexdigest()}"
    assert (page.rows["Due"], page.rows["Chain head"], page.rows["Work units"]) == (
        "no date",
        "not stated",
        "not stated",
    )
    assert "How to pay" not in page.text
    assert "secret" not in text
    assert Page(cli.json("invoice", "print", invoice)["page"]).rows == page.rows
    assert Page(cli.text("invoice", "print", trade.create(1)["invoice"])).rows["Memo"] == "none"


def test_print_refuses(cli: Cli, trade: Trade) -> None:
    invoice = trade.create(1, "--memo", "secret")["invoice"]
    error = cli.failure("invoice", "print", invoice, "--memo", "public")
    assert (error["code"], error["message"]) == ("verification", "The text is not the invoice's")
    assert cli.failure("invoice", "print", cli.mint)["code"] == "invoice_not_found"
    taken = cli.file("taken", b"taken")
    error = cli.failure("invoice", "print", invoice, "--output", taken / "page.html")
    assert (error["code"], error["next_step"]) == ("storage", "Name a file in a folder that you may write to")
    error = cli.failure("invoice", "print", invoice, "--output", taken)
    assert (error["got"], error["next_step"]) == (
        "File exists",
        "Name another file, or write over this one with --force",
    )
    assert taken.read_bytes() == b"taken"
    cli.json("invoice", "print", invoice, "--output", taken, "--force")
    assert taken.read_text().startswith("<!DOCTYPE html>")


def test_dispute(cli: Cli, trade: Trade) -> None:
    invoice = trade.create(5)["invoice"]
    reason = ("--reason", "Only 300 of 400 frames came")
    file = cli.folder / "dispute.json"
    sent = trade.history()
    told = cli.json("invoice", "dispute", invoice, *reason, "--output", file, *trade.wallet)
    assert told == {"invoice": invoice, "file": str(file)}
    domain = cli.served.do(cli.fleet.operator.reader.domain())
    signed = SignedDispute.from_json(json.loads(file.read_text()))
    signed.verify(domain)
    assert (str(signed.invoice), str(signed.consumer), signed.reason) == (invoice, trade.consumer, reason[1])
    assert signed.terms == trade.view(invoice).invoice.terms
    assert trade.history() == sent

    dispute = ("invoice", "dispute", f"{trade.device}#1", *reason)
    assert SignedDispute.from_json(json.loads(cli.text(*dispute, *trade.wallet))) == signed
    assert SignedDispute.from_json(cli.json(*dispute, *trade.wallet)["statement"]) == signed
    assert cli.failure(*dispute)["code"] == "program.wrong_party"
    assert cli.failure("invoice", "dispute", invoice, "--reason", "", *trade.wallet, code=2)["code"] == "input"
    assert cli.failure("invoice", "dispute", cli.mint, *reason, *trade.wallet)["code"] == "invoice_not_found"

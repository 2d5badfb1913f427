"""A device's daemon shows its records, to attestors alone."""

from __future__ import annotations

import time

import httpx
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.agents import agent
from support.cli import Cli
from worktab.epochs.attesting.requests import RECORDS_PATH, RecordsRequest


def test_the_daemon_shows_no_records_to_strangers(cli: Cli) -> None:
    address, key = cli.device(capacity=100_000)
    cli.work(address, b"abc")
    domain = cli.served.do(cli.fleet.operator.reader.domain())
    asked = RecordsRequest(1, 1)
    signed = asked.headers(
        domain=domain, device=bytes(Pubkey.from_string(address)), attestor=Keypair(), now=int(time.time())
    )
    with agent(cli, address, key) as daemon:
        for headers, told in (
            ({}, "The request is not signed"),
            (signed, "The request is signed by somebody else"),
        ):
            answer = httpx.get(daemon.url + RECORDS_PATH, params=asked.query, headers=headers, timeout=120)
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["message"]) == (403, "not_an_attestor", told)

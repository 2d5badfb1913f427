"""The `worktab` command.

main        the command itself: groups, version, and what becomes of errors
options     options that commands share
output      results, for people and as JSON
failures    errors, for people and as JSON
connecting  wallets, device keys and the chain
state       where a device keeps its spool and its data
network, update, device, work, receipt, verify, stats  the commands

Every command takes `--json`: one JSON document then goes to standard output, whatever happens. Its keys are stable.
Integers beyond 2^53 - 1, which not every reader of JSON holds exactly, are strings of digits; smaller ones are numbers.
An error is `{"error": {"code", "message", "expected", "got", "next_step"}}`, beside the result if there is one.

Exit codes: 0 done; 1 refused or failed; 2 the command line, or what it passes, is not acceptable; 130 interrupted.

What a command needs of the SDK it imports when it runs, so that `worktab --help` answers at once.
"""

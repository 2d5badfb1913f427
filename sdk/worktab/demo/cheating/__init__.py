"""What `scripts/demo --cheat` shows: devices that cheat are caught and pay for it, and nobody else does.

cast        honest devices, one for each way to cheat, and one that goes away
scene       bonded devices in a network with attestors, what they did and what a consumer bought
challenges  published and bought records run again, and disputes about those that differ
court       attestors, who judge what the devices serve
outcome     what the chain says became of it
story       all of this in order
report      what was found, and what must add up
show        the report for people
"""

"""Receipts of any number of devices: received, checked and kept, for epochs to be built from.

rows.py        receipts and registrations as fixed rows
"""

"""Webhooks: events of the outbox, sent to the addresses that integrators have named.

`addresses` says which ones may be, `outbox` makes deliveries of events, `leases` gives them to workers, `messages` writes and
`signatures` signs what is sent, `transport` sends it, and `worker` puts these together. docs/webhooks.md is for integrators.
"""

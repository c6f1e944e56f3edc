"""Benchmarks that anyone can run.

    make bench                     the product beside other servers, COPY, and itself with more patients: docs/scaling.md
    python -m bench.chart          what the chart page costs
    python -m bench.neighbours     how long others wait while one organization imports
    python -m bench.stalls         what others wait for while many clients stall
    python -m bench.webhooks       what webhooks cost beside writers, and how many are delivered

`seed` makes the data, `sides` are the servers, `works` is what they are asked, `run` asks, and `report` shows it.
"""

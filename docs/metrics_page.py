"""``docs/metrics.md``: every metric a server tells, read off the class that tells them."""

from __future__ import annotations

from typing import Any, Final

from tfserver.metrics import Metrics

ADVICE: Final[dict[str, str]] = {
    "tfserver_build_info": "Different versions side by side are normal during an upgrade, and for no longer.",
    "tfserver_start_time_seconds": "Young again and again: it is killed or restarted; see its log.",
    "tfserver_fleet_processes": "Fewer than you run: one is gone, or can't reach the store.",
    "tfserver_fleet_known": "",
    "tfserver_fleet_online": "Falls: network, power, a balancer. `tfserver terminals --state offline`.",
    "tfserver_fleet_silent": "`tfserver doctor SN` tells why.",
    "tfserver_fleet_suspect_clocks": "`tfserver clock-report`; a zone that is not right, or an old battery.",
    "tfserver_fleet_pending": "`tfserver terminals --state pending`, then approve or deny.",
    "tfserver_fleet_quarantined": "A copied number or a new board: `tfserver terminals --state quarantined`.",
    "tfserver_fleet_gone": "`tfserver doctor SN`; delete those that were taken down, or it stays.",
    "tfserver_connections": "Many more than `tfserver_terminals`: refused ones come again and again.",
    "tfserver_terminals": "Very unequal among processes: see the balancer.",
    "tfserver_streams": "",
    "tfserver_pages": "",
    "tfserver_http_connections": "Near `http.connections`: more processes, or who asks so often?",
    "tfserver_http_refused": "Wrong tokens and passwords: who? The rest: see `http` in the configuration.",
    "tfserver_sign_ins": "",
    "tfserver_waits": "Near 500: clients that wait for terminals which do not answer.",
    "tfserver_store_ready": "0: no punch is acknowledged; `/readyz` and the log say why.",
    "tfserver_store_generation": "It grew: read docs/high-availability.md on what a failover can lose.",
    "tfserver_store_failures": "Grows: the store is slow or away; terminals send again.",
    "tfserver_store_memory_ratio": "From 0.7 on: is the archive behind? Else more memory for the store.",
    "tfserver_turned_away": "See `limits` in the configuration, and `tfserver frames` without a number.",
    "tfserver_cut_off": "Slow networks or attackers: the log names the address.",
    "tfserver_accept_pauses": "Storms after an outage do this; all the time: more processes.",
    "tfserver_reactor_lag_seconds": "Above 0.1 for minutes: too much for one core; more processes.",
    "tfserver_memory_bytes": "Near `limits.memory_mb`: more processes, or more memory and a higher limit.",
    "tfserver_pressure": "Above 0.8 for minutes: more processes.",
    "tfserver_yielded": "Grows for long: more processes.",
    "tfserver_notes": "The log names the terminal; `tfserver frames SN` shows what it said.",
    "tfserver_twins": "Two devices with one number: find the other one (`tfserver doctor SN`).",
    "tfserver_punches": "`bad`: GET /quarantine says what could not be read.",
    "tfserver_quarantine_full": "Batches wait at their terminals: read, then `DELETE /quarantine`.",
    "tfserver_requests": '`sendlog` with `result="false"`: punches wait at terminals; see the store.',
    "tfserver_answer_seconds": "Terminals give up after some 5 to 20 s; above 0.5 s doors feel slow.",
    "tfserver_orders": "`not_learned`, `too_late`: `tfserver orders SN`.",
    "tfserver_order_seconds": "A slow terminal or network.",
    "tfserver_catchup": "`gave up`, `silent`: docs/catchup.md.",
    "tfserver_erasures_open": "Stays above 0: `tfserver erasure` names the terminals.",
    "tfserver_erasures_oldest_seconds": "Grows beyond weeks: delete what never comes back.",
    "tfserver_completeness_seconds": "Grows beyond hours: `tfserver completeness` names the terminal.",
    "tfserver_without_completeness": "As above.",
    "tfserver_gaps": "`tfserver completeness`; fetch them with `tfserver backfill`, or acknowledge them.",
    "tfserver_archive_up": "0: the database; `tfserver doctor`. Punches are kept in the store meanwhile.",
    "tfserver_archive_lag_punches": "Grows: the archive is away or too slow, and the store fills.",
    "tfserver_archive_lag_seconds": "As above.",
    "tfserver_archived": "`quarantine`: the log names the record.",
    "tfserver_archive_failures": "Grows: the log says why.",
    "tfserver_webhooks": "`failed` grows: `tfserver webhooks`; `dead`: `tfserver webhooks dead ID`.",
    "tfserver_webhooks_failing": "`tfserver webhooks` says which, and what the receiver answered.",
    "tfserver_webhooks_behind_seconds": "The receiver is away or too slow: `tfserver webhooks`.",
}
"""What to do when a metric moves; empty: nothing. Every metric has a line here."""


def families() -> list[Any]:
    """The metrics of a server that has counted nothing yet."""
    return list(Metrics().families())


def page() -> str:
    """All of it."""
    lines = [
        "# Metrics",
        "",
        "Written by `docs/generate.py` from `tfserver/metrics.py`. `GET /metrics` needs no token and tells",
        "them in Prometheus' text format. No label holds a serial number, a person or an address.",
        "[operations.md](operations.md) says what to watch; `etc/alerts.yml` and",
        "`etc/grafana-dashboard.json` are made of these names.",
        "",
        "Each process tells its own numbers, except `tfserver_fleet_*`: these are of the whole fleet, the",
        "same at each process, counted every 10 s. Take `max` of them and never `sum`.",
        "",
        "| metric | type | labels | meaning | what to do |",
        "| --- | --- | --- | --- | --- |",
    ]
    for family in families():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(f"`{label}`" for label in family._labelnames)
        advice = ADVICE.get(family.name, "")
        lines.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} | {advice} |")
    return "\n".join(lines) + "\n"

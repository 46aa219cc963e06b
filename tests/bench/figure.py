"""One figure: what was measured, beside what, and whether that is good enough."""

import json
import statistics
import sys


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def show(name, unit, values, aim=None, judged="p50", **against):
    """Prints a figure. against: floor=values or peer=values, or a note; the aim holds for `judged`: p50, p99, max or
    ratio."""
    values = [float(value) for value in values]
    figure = {"name": name, "value": round(statistics.median(values), 3), "unit": unit}
    for kind, others in against.items():
        if kind not in ("floor", "peer"):
            figure[kind] = others
            continue
        others = [float(other) for other in others]
        beside = statistics.median(others)
        figure |= {kind: round(beside, 3), f"{kind}_p99": round(percentile(others, 99), 3)}
        figure["ratio"] = round(figure["value"] / beside, 3) if beside else None
    figure |= {"n": len(values), "p50": round(percentile(values, 50), 3), "p99": round(percentile(values, 99), 3),
               "max": round(max(values), 3)}
    if aim is not None:
        figure |= {"aim": f"{judged} <= {aim}", "met": figure[judged] <= aim}
    print(json.dumps(figure), flush=True)


def print_table(title, rows):
    """To be read by people, beside the figures: {stage: values in ms}."""
    print(f"{title:>24}  {'p50 ms':>8}  {'p99 ms':>8}", file=sys.stderr)
    for name, values in rows.items():
        print(f"{name:>24}  {percentile(values, 50):8.1f}  {percentile(values, 99):8.1f}", file=sys.stderr)

"""Adds up the rides in a log of lines such as `2026-04-12 blue 38.5 to the reservoir`."""

import sys
from collections import defaultdict
from datetime import date


def read_rides(lines):
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        day, bike, kilometres, *_ = line.split()
        yield date.fromisoformat(day), bike, float(kilometres)


def total_by_bike(rides):
    totals = defaultdict(float)
    for _, bike, kilometres in rides:
        totals[bike] += kilometres
    return dict(totals)


if __name__ == "__main__":
    for bike, kilometres in sorted(total_by_bike(read_rides(sys.stdin)).items()):
        print(f"{bike:10} {kilometres:8.1f} km")

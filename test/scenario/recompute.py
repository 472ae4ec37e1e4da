"""Recomputes the figures of a worked contract from what people have written into it, without a line of Concordata.

    python3 recompute.py <name> < document.json > <name>.figures.json

The document is what GET /api/FullContract has of it; fields that rules assign are not looked at.
"""

import json
import sys
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

CENT = Decimal("0.01")
PER_CENT = Decimal(100)


def amount(money):
    return Decimal(money["amount"])


def rounded(value, unit=CENT):
    return value.quantize(unit, ROUND_HALF_EVEN)


def plain(value):
    """As a field has a number: no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def reinsurance_slip(document):
    risk = document["Risk Details"]
    subject = amount(risk["Premium"]["Estimated Subject Premium"])
    layers = {}
    for layer in risk["Limit of Liability"]["Layers"]:
        premium = rounded(subject * Decimal(layer["Rate"]) / PER_CENT)
        layers[layer["Layer"]] = {
            "Premium": str(premium),
            "Rate on Line": plain(rounded(premium / amount(layer["Limit"]) * PER_CENT, Decimal("0.0001"))),
            "Brokerage": str(rounded(premium * Decimal(layer["Brokerage Rate"]) / PER_CENT)),
        }
    total = sum(Decimal(layer["Premium"]) for layer in layers.values())
    brokerage = sum(Decimal(layer["Brokerage"]) for layer in layers.values())

    security = document["Security Details"]
    order = Decimal(security["Order Hereon"])
    written = {line["Reinsurer"]: Decimal(line["Insurers Written Line"]) for line in security["Lines"]}
    all_written = sum(written.values())
    deductions = Decimal(document["Broker Remuneration and Deductions"]["Other Deductions from Premium"])
    lines = {}
    for reinsurer, line in written.items():
        signed = rounded(line * order / all_written if all_written > order else line, Decimal("0.0001"))
        premium_of_line = rounded(total * signed / PER_CENT)
        brokerage_of_line = rounded(brokerage * signed / PER_CENT)
        net = rounded((premium_of_line - brokerage_of_line) * (PER_CENT - deductions) / PER_CENT)
        lines[reinsurer] = {
            "Insurers Signed Line": plain(signed),
            "Premium": str(premium_of_line),
            "Brokerage": str(brokerage_of_line),
            "Net Premium": str(net),
        }

    fiscal = document["Fiscal and Regulatory"]
    rates = {row["Territory"]: Decimal(row["Rate"]) for row in fiscal["Tax Table"]}
    territories = {}
    for row in fiscal["Allocation of Premium to Coding"]:
        share = rounded(total * Decimal(row["Share"]) / PER_CENT)
        rate = rates[row["Territory"]]
        territories[row["Territory"]] = {
            "Premium": str(share),
            "Tax Rate": plain(rate),
            "Tax": str(rounded(share * rate / PER_CENT)),
        }
    return {
        "Risk Details/Limit of Liability/Layers": layers,
        "Risk Details/Premium": {
            "Total Premium": str(total),
            "Instalment": str(rounded(total / risk["Premium Payment Terms"]["Instalments"])),
        },
        "Broker Remuneration and Deductions": {"Total Brokerage": str(brokerage)},
        "Security Details/Lines": lines,
        "Fiscal and Regulatory/Allocation of Premium to Coding": territories,
        "Fiscal and Regulatory": {"Total Tax": str(sum(Decimal(row["Tax"]) for row in territories.values()))},
    }


WORKED = {"reinsurance-slip": reinsurance_slip}

if __name__ == "__main__":
    with localcontext(Context(prec=34, rounding=ROUND_HALF_EVEN)):
        figures = WORKED[sys.argv[1]](json.load(sys.stdin))
    json.dump(figures, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")

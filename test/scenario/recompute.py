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


def days(text):
    return date.fromisoformat(text)


def years_later(day, years):
    """The same day of a later year; the last of February where that has no 29th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def car_hire_agreement(document):
    charges, service = document["Charges"], document["Service"]
    surcharges = {row["Location"]: Decimal(row["Surcharge"]) for row in document["Locations"]}
    rates = {(row["Class"], row["Season"]): row for row in document["Rates"]}
    bookings = {}
    for booking in document["Bookings"]:
        pick_up, drop_off = days(booking["Pick Up"]), days(booking["Drop Off"])
        count = (drop_off - pick_up) // timedelta(days=1)
        (season,) = [
            row["Season"] for row in document["Seasons"] if days(row["From"]) <= pick_up <= days(row["To"])
        ]
        rate = rates[booking["Class"], season]
        daily, weekly = amount(rate["Daily Rate"]), amount(rate["Weekly Rate"])
        weeks, rest = divmod(count, 7)
        hire = weekly * weeks + min(weekly, daily * rest)
        surcharge = rounded(hire * surcharges[booking["Pick Up Location"]] / PER_CENT)
        is_young = years_later(days(booking["Date of Birth"]), service["Young Driver below"]) > pick_up
        young = amount(charges["Young Driver per Day"]) * count if is_young else Decimal("0.00")
        is_one_way = booking["Pick Up Location"] != booking["Drop Off Location"]
        one_way = amount(charges["One Way Fee"]) if is_one_way else Decimal("0.00")
        net = hire + surcharge + young + one_way
        vat = rounded(net * Decimal(charges["VAT"]) / PER_CENT)
        bookings[booking["Booking Reference"]] = {
            "Days": str(count),
            "Season": season,
            "Hire": str(hire),
            "Location Surcharge": str(surcharge),
            "Young Driver": str(young),
            "One Way": str(one_way),
            "Net": str(net),
            "VAT": str(vat),
            "Total": str(net + vat),
        }
    all_days = sum(int(booking["Days"]) for booking in bookings.values())
    all_hire = sum(Decimal(booking["Hire"]) for booking in bookings.values())
    all_total = sum(Decimal(booking["Total"]) for booking in bookings.values())
    rebate = max(Decimal(step["Rebate"]) for step in document["Volume Rebates"] if step["From Days"] <= all_days)
    return {
        "Bookings": bookings,
        "Volume": {"Days": str(all_days), "Hire": str(all_hire), "Total": str(all_total)},
        "Rebate": {"Rate": plain(rebate), "Amount": str(rounded(all_hire * rebate / PER_CENT))},
    }


def shared_records(document):
    cover = document["Cover"]
    fees = {row["Code"]: amount(row["Fee"]) for row in document["Fee Table"]}
    appointments = {}
    for appointment in document["Appointments"]:
        fee = fees[appointment["Code"]]
        insured = rounded(fee * Decimal(cover["Insured Share"]) / PER_CENT)
        appointments[appointment["Number"]] = {
            "Fee": str(fee),
            "Borne by Insurer": str(insured),
            "Borne by Patient": str(fee - insured),
        }
    totals = {
        name: sum(Decimal(one[name]) for one in appointments.values())
        for name in ("Fee", "Borne by Insurer", "Borne by Patient")
    }
    left = max(amount(cover["Authorised Amount"]) - totals["Borne by Insurer"], Decimal("0.00"))
    return {
        "Appointments": appointments,
        "Account": {
            "Fees": str(totals["Fee"]),
            "Borne by Insurer": str(totals["Borne by Insurer"]),
            "Borne by Patient": str(totals["Borne by Patient"]),
            "Left of the Authorisation": str(left),
        },
        "Referral/Urgent Pathway": {"Seen By": str(days(document["Referral"]["Referred On"]) + timedelta(days=14))},
    }


def binding_authority(document):
    authority = document["Authority"]
    commissions = {
        row["Class"]: Decimal(row["Commission"])
        for row in authority["Authorised Classes of Business and Coverages"]
    }
    taxes = {
        row["Territory"]: Decimal(row["Premium Tax"])
        for row in authority["Territories from which Each Insurance may be Bound"]
    }
    risks = {}
    gross = sum_insured = Decimal("0.00")
    for risk in document["Bordereaux"]["Risks Bound"]:
        premium = amount(risk["Gross Premium"])
        commission = rounded(premium * commissions[risk["Class"]] / PER_CENT)
        risks[risk["Certificate Number"]] = {
            "Commission": str(commission),
            "Tax": str(rounded(premium * taxes[risk["Territory"]] / PER_CENT)),
            "Net Premium": str(premium - commission),
        }
        gross += premium
        sum_insured += amount(risk["Sum Insured"])
    commission = sum(Decimal(risk["Commission"]) for risk in risks.values())
    net = gross - commission
    limit = amount(authority["Gross Premium Income Limit"])
    lines = {
        line["Insurer"]: {"Premium": str(rounded(net * Decimal(line["Insurers Signed Line"]) / PER_CENT))}
        for line in document["Security Details"]["Lines"]
    }
    return {
        "Bordereaux/Risks Bound": risks,
        "Premium Income": {
            "Gross Premium": str(gross),
            "Commission": str(commission),
            "Tax": str(sum(Decimal(risk["Tax"]) for risk in risks.values())),
            "Net Premium": str(net),
            "Ceded to the Slip": str(rounded(net * Decimal(document["Reinsurance"]["Cession"]) / PER_CENT)),
            "Percentage of Limit": plain(rounded(gross / limit * PER_CENT, Decimal("0.0001"))),
            "Sum Insured": str(sum_insured),
        },
        "Security Details/Lines": lines,
    }


WORKED = {
    "reinsurance-slip": reinsurance_slip,
    "car-hire-agreement": car_hire_agreement,
    "shared-records": shared_records,
    "binding-authority": binding_authority,
}

if __name__ == "__main__":
    with localcontext(Context(prec=34, rounding=ROUND_HALF_EVEN)):
        figures = WORKED[sys.argv[1]](json.load(sys.stdin))
    json.dump(figures, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")

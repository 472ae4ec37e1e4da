#!/bin/sh
# The car-hire agreement of the demo by curl alone: from its opening to a booking that a rule of it refuses.
# It wants two nodes whose parties have approved each other (docs/getting-a-node.md), made with `--handle meridian-car-hire` and
# `--handle cornhill-re`, and a key of each, such as the content of `api-token` in its data directory:
#
#   SUPPLIER=http://127.0.0.1:7480 SUPPLIER_KEY=… CUSTOMER=http://127.0.0.1:7481 CUSTOMER_KEY=… sh docs/car-hire.sh
#
# test/docs/car-hire.test.ts runs it, and compares what comes of it with the same agreement by the library.
set -eu

# METHOD PATH [JSON]: what the node answers; what is refused is told, and ends the script.
supplier() { call "$SUPPLIER" "$SUPPLIER_KEY" "$@"; }
customer() { call "$CUSTOMER" "$CUSTOMER_KEY" "$@"; }
call() {
  node=$1 key=$2 method=$3 path=$4
  shift 4
  if [ $# -gt 0 ]; then set -- -H 'Content-Type: application/json' --data-binary "$1"; fi
  set -- -X "$method" "$node$path" -H "Authorization: Bearer $key" -H 'Prefer: wait=60' "$@"
  answered=$(curl -sS --fail-with-body "$@") || {
    printf '%s\n' "$answered"
    printf '%s %s: %s\n' "$method" "$path" "$answered" >&2
    return 1
  }
  printf '%s\n' "$answered"
}

# MEMBER: what stands under that name in the JSON that comes in.
member() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

# Whoever goes on waits until it has what the other has got an answer for: it is there a moment later.
reaches() {
  until [ "$("$1" GET "/api/Contract/$uid" | member size)" -gt "$2" ]; do sleep 0.1; done
}

echo 'The supplier opens the contract, and invites its customer.'
uid=$(supplier POST /api/Contract '{"title": "Corporate Rate Agreement 2027, Meridian Car Hire and Cornhill Reinsurance"}' | member contract)
echo "contract $uid"
supplier POST "/api/Contract/$uid/Invitations" '{"party": "cornhill-re"}' >/dev/null
until customer GET /api/Contract | grep -q "$uid"; do sleep 0.1; done
customer POST "/api/Contract/$uid/Acceptance" >/dev/null

echo 'It defines what a percentage and a sum of money are, and drafts the document.'
supplier PUT "/api/Contract/$uid/Types/Percentage" '{"base": "decimal", "constraint": {"minimum": "0", "maximum": "100", "decimals": 4}, "hints": {"display": "percent"}}' >/dev/null
supplier PUT "/api/Contract/$uid/Types/Pounds" '{"base": "money", "constraint": {"currency": "GBP", "minimum": "0"}}' >/dev/null
supplier POST "/new-api/$uid" '{
  "Agreement": {
    "Agreement Number": {"$field": {"type": "text"}},
    "Supplier": {"$field": {"type": "party"}},
    "Customer": {"$field": {"type": "party"}},
    "Customer Account Number": {"$field": {"type": "text"}},
    "Corporate Discount Code": {"$field": {"type": "text"}},
    "From": {"$field": {"type": "date"}},
    "To": {"$field": {"type": "date"}},
    "Governing Law": {"$field": {"type": "text"}},
    "Booking Channel": {"$field": {"type": "text"}},
    "Invoicing": {"$field": {"type": "choice", "options": ["Monthly, consolidated", "Per rental"]}},
    "Payment Terms": {"$field": {"type": "duration"}},
    "Notice of Termination": {"$field": {"type": "duration"}}
  },
  "Service": {
    "Minimum Driver Age": {"$field": {"type": "integer"}},
    "Young Driver below": {"$field": {"type": "integer"}},
    "Longest Rental in Days": {"$field": {"type": "integer"}},
    "Grace Period": {"$field": {"type": "duration"}},
    "Fuel Policy": {"$field": {"type": "choice", "options": ["Full to full", "Prepaid"]}},
    "Mileage": {"$field": {"type": "text"}},
    "Free Cancellation": {"$field": {"type": "duration"}},
    "Delivery and Collection": {"$field": {"type": "text"}}
  },
  "Protection": {
    "Collision Damage Waiver": {"$field": {"type": "boolean"}},
    "Theft Protection": {"$field": {"type": "boolean"}},
    "Excess": {"$field": {"type": "custom", "name": "Pounds"}},
    "Third Party Liability": {"$field": {"type": "text"}},
    "Additional Drivers": {"$field": {"type": "integer"}}
  },
  "Seasons": {
    "$list": {"entry": {"Season": {"$field": {"type": "text"}}, "From": {"$field": {"type": "date"}}, "To": {"$field": {"type": "date"}}, "Minimum Days": {"$field": {"type": "integer"}}}, "entriesMax": 12, "key": "Season"}
  },
  "Rates": {
    "$list": {"entry": {"Code": {"$field": {"type": "text"}}, "Class": {"$field": {"type": "choice", "options": ["MCMR", "ECMR", "CDMR", "IDAR", "SFAR"]}}, "Season": {"$field": {"type": "text"}}, "Daily Rate": {"$field": {"type": "custom", "name": "Pounds"}}, "Weekly Rate": {"$field": {"type": "custom", "name": "Pounds"}}}, "entriesMax": 120, "key": "Code"}
  },
  "Locations": {
    "$list": {"entry": {"Location": {"$field": {"type": "text"}}, "Kind": {"$field": {"type": "choice", "options": ["City", "Airport", "Railway"]}}, "Surcharge": {"$field": {"type": "custom", "name": "Percentage"}}}, "entriesMax": 200, "key": "Location"}
  },
  "Charges": {
    "Young Driver per Day": {"$field": {"type": "custom", "name": "Pounds"}},
    "One Way Fee": {"$field": {"type": "custom", "name": "Pounds"}},
    "VAT": {"$field": {"type": "custom", "name": "Percentage"}}
  },
  "Volume Rebates": {
    "$list": {"entry": {"From Days": {"$field": {"type": "integer"}}, "Rebate": {"$field": {"type": "custom", "name": "Percentage"}}}, "entriesMax": 12, "key": "From Days"}
  },
  "Bookings": {
    "$list": {"entry": {"Booking Reference": {"$field": {"type": "text"}}, "Driver": {"$field": {"type": "text"}}, "Date of Birth": {"$field": {"type": "date"}}, "Class": {"$field": {"type": "choice", "options": ["MCMR", "ECMR", "CDMR", "IDAR", "SFAR"]}}, "Pick Up Location": {"$field": {"type": "text"}}, "Drop Off Location": {"$field": {"type": "text"}}, "Pick Up": {"$field": {"type": "date"}}, "Drop Off": {"$field": {"type": "date"}}, "Abroad": {"$field": {"type": "boolean"}}, "Days": {"$field": {"type": "integer"}}, "Season": {"$field": {"type": "text"}}, "Daily Rate": {"$field": {"type": "custom", "name": "Pounds"}}, "Weekly Rate": {"$field": {"type": "custom", "name": "Pounds"}}, "Hire": {"$field": {"type": "custom", "name": "Pounds"}}, "Location Surcharge": {"$field": {"type": "custom", "name": "Pounds"}}, "Young Driver": {"$field": {"type": "custom", "name": "Pounds"}}, "One Way": {"$field": {"type": "custom", "name": "Pounds"}}, "Net": {"$field": {"type": "custom", "name": "Pounds"}}, "VAT": {"$field": {"type": "custom", "name": "Pounds"}}, "Total": {"$field": {"type": "custom", "name": "Pounds"}}}, "entriesMax": 500, "key": "Booking Reference"}
  },
  "Volume": {
    "Days": {"$field": {"type": "integer"}},
    "Hire": {"$field": {"type": "custom", "name": "Pounds"}},
    "Total": {"$field": {"type": "custom", "name": "Pounds"}}
  },
  "Rebate": {
    "Rate": {"$field": {"type": "custom", "name": "Percentage"}},
    "Amount": {"$field": {"type": "custom", "name": "Pounds"}},
    "Credited To": {"$field": {"type": "text"}}
  },
  "Travel Abroad": {
    "Permitted Countries": {"$field": {"type": "text"}},
    "Breakdown Cover Abroad": {"$field": {"type": "text"}},
    "Vehicle on Hire Certificate": {"$field": {"type": "boolean"}}
  }
}' >/dev/null

echo 'It offers its terms, seasons, rates, locations and charges.'
supplier PUT "/new-api/$uid" '{
  "Agreement": {
    "Agreement Number": "MCH-UK-2027-00481",
    "Supplier": "meridian-car-hire",
    "Customer": "cornhill-re",
    "Customer Account Number": "4410-77219",
    "Corporate Discount Code": "CRNHL27",
    "From": "2027-01-01",
    "To": "2027-12-31",
    "Governing Law": "England and Wales",
    "Booking Channel": "This contract; a booking counts as soon as both hold it",
    "Invoicing": "Monthly, consolidated",
    "Payment Terms": "P30D",
    "Notice of Termination": "P90D"
  },
  "Service": {
    "Minimum Driver Age": 21,
    "Young Driver below": 25,
    "Longest Rental in Days": 28,
    "Grace Period": "PT59M",
    "Fuel Policy": "Full to full",
    "Mileage": "Unlimited in the United Kingdom; abroad 250 miles a day",
    "Free Cancellation": "PT24H",
    "Delivery and Collection": "Within 10 miles of a location, free of charge from three days on"
  },
  "Protection": {
    "Collision Damage Waiver": true,
    "Theft Protection": true,
    "Excess": {"amount": "250.00", "currency": "GBP"},
    "Third Party Liability": "Unlimited for injury, GBP 20,000,000 for damage",
    "Additional Drivers": 2
  }
}' >/dev/null
index=$(supplier PUT "/new-api/$uid" '{
  "Seasons": [
    {"Season": "Low", "From": "2027-01-01", "To": "2027-03-31", "Minimum Days": 1},
    {"Season": "Shoulder", "From": "2027-04-01", "To": "2027-06-30", "Minimum Days": 1},
    {"Season": "Peak", "From": "2027-07-01", "To": "2027-09-15", "Minimum Days": 3}
  ],
  "Rates": [
    {"Code": "MCMR-Low", "Class": "MCMR", "Season": "Low", "Daily Rate": {"amount": "24.50", "currency": "GBP"}, "Weekly Rate": {"amount": "149.00", "currency": "GBP"}},
    {"Code": "ECMR-Low", "Class": "ECMR", "Season": "Low", "Daily Rate": {"amount": "27.75", "currency": "GBP"}, "Weekly Rate": {"amount": "169.00", "currency": "GBP"}},
    {"Code": "CDMR-Low", "Class": "CDMR", "Season": "Low", "Daily Rate": {"amount": "31.50", "currency": "GBP"}, "Weekly Rate": {"amount": "192.50", "currency": "GBP"}},
    {"Code": "IDAR-Low", "Class": "IDAR", "Season": "Low", "Daily Rate": {"amount": "42.90", "currency": "GBP"}, "Weekly Rate": {"amount": "259.00", "currency": "GBP"}},
    {"Code": "SFAR-Low", "Class": "SFAR", "Season": "Low", "Daily Rate": {"amount": "58.25", "currency": "GBP"}, "Weekly Rate": {"amount": "352.75", "currency": "GBP"}},
    {"Code": "MCMR-Shoulder", "Class": "MCMR", "Season": "Shoulder", "Daily Rate": {"amount": "27.44", "currency": "GBP"}, "Weekly Rate": {"amount": "166.88", "currency": "GBP"}},
    {"Code": "ECMR-Shoulder", "Class": "ECMR", "Season": "Shoulder", "Daily Rate": {"amount": "31.08", "currency": "GBP"}, "Weekly Rate": {"amount": "189.28", "currency": "GBP"}},
    {"Code": "CDMR-Shoulder", "Class": "CDMR", "Season": "Shoulder", "Daily Rate": {"amount": "35.28", "currency": "GBP"}, "Weekly Rate": {"amount": "215.60", "currency": "GBP"}},
    {"Code": "IDAR-Shoulder", "Class": "IDAR", "Season": "Shoulder", "Daily Rate": {"amount": "48.05", "currency": "GBP"}, "Weekly Rate": {"amount": "290.08", "currency": "GBP"}},
    {"Code": "SFAR-Shoulder", "Class": "SFAR", "Season": "Shoulder", "Daily Rate": {"amount": "65.24", "currency": "GBP"}, "Weekly Rate": {"amount": "395.08", "currency": "GBP"}},
    {"Code": "MCMR-Peak", "Class": "MCMR", "Season": "Peak", "Daily Rate": {"amount": "33.32", "currency": "GBP"}, "Weekly Rate": {"amount": "202.64", "currency": "GBP"}},
    {"Code": "ECMR-Peak", "Class": "ECMR", "Season": "Peak", "Daily Rate": {"amount": "37.74", "currency": "GBP"}, "Weekly Rate": {"amount": "229.84", "currency": "GBP"}},
    {"Code": "CDMR-Peak", "Class": "CDMR", "Season": "Peak", "Daily Rate": {"amount": "42.84", "currency": "GBP"}, "Weekly Rate": {"amount": "261.80", "currency": "GBP"}},
    {"Code": "IDAR-Peak", "Class": "IDAR", "Season": "Peak", "Daily Rate": {"amount": "58.34", "currency": "GBP"}, "Weekly Rate": {"amount": "352.24", "currency": "GBP"}},
    {"Code": "SFAR-Peak", "Class": "SFAR", "Season": "Peak", "Daily Rate": {"amount": "79.22", "currency": "GBP"}, "Weekly Rate": {"amount": "479.74", "currency": "GBP"}}
  ],
  "Locations": [
    {"Location": "London Heathrow Airport", "Kind": "Airport", "Surcharge": "14.75"},
    {"Location": "Edinburgh Airport", "Kind": "Airport", "Surcharge": "12.5"},
    {"Location": "Leeds Railway Station", "Kind": "Railway", "Surcharge": "6"},
    {"Location": "London Victoria", "Kind": "City", "Surcharge": "0"}
  ],
  "Charges": {
    "Young Driver per Day": {"amount": "15.00", "currency": "GBP"},
    "One Way Fee": {"amount": "45.00", "currency": "GBP"},
    "VAT": "20"
  },
  "Volume Rebates": [{"From Days": 30, "Rebate": "1.5"}, {"From Days": 120, "Rebate": "2.75"}, {"From Days": 365, "Rebate": "4"}]
}' | member index)

echo 'The customer wants a cheaper compact in low season: both rates, or none.'
reaches customer "$index"
index=$(customer POST "/api/Contract/$uid/ChangeSets" '{
  "changes": [
    {"at": "Rates[Code = \"CDMR-Low\"]/Daily Rate", "set": {"amount": "29.90", "currency": "GBP"}},
    {"at": "Rates[Code = \"CDMR-Low\"]/Weekly Rate", "set": {"amount": "179.00", "currency": "GBP"}}
  ]
}' | member index)

echo 'The supplier takes it, and adds the rest of the year.'
reaches supplier "$index"
supplier POST "/new-api/$uid/Seasons" '{"Season": "Autumn", "From": "2027-09-16", "To": "2027-12-31", "Minimum Days": 1}' >/dev/null

echo 'It drafts the rules.'
supplier POST "/api/Contract/$uid/RuleSets" '{"name": "Prices"}' >/dev/null
supplier POST "/api/Contract/$uid/RuleSets" '{"name": "Bookings"}' >/dev/null
supplier POST "/api/Contract/$uid/RuleSets" '{"name": "Agreement"}' >/dev/null
while IFS= read -r rule; do
  index=$(supplier POST "/api/Contract/$uid/Rules" "$rule" | member index)
done <<'RULES'
{"at": "Bookings/0/Days", "ruleSet": 1, "says": {"kind": "assignment", "target": "Bookings/0/Days", "expression": "(`Drop Off` - `Pick Up`) / @\"P1D\""}, "about": {"title": "days of a booking"}}
{"at": "Bookings/0/Season", "ruleSet": 1, "says": {"kind": "assignment", "target": "Bookings/0/Season", "expression": "_.Seasons[From <= here.`Pick Up` and To >= here.`Pick Up`].Season"}, "about": {"title": "season of a booking"}}
{"at": "Bookings/0/Daily Rate", "ruleSet": 1, "says": {"kind": "assignment", "target": "Bookings/0/Daily Rate", "expression": "_.Rates[Class = here.Class and Season = here.Season].`Daily Rate`"}, "about": {"title": "daily rate of a booking"}}
{"at": "Bookings/0/Weekly Rate", "ruleSet": 1, "says": {"kind": "assignment", "target": "Bookings/0/Weekly Rate", "expression": "_.Rates[Class = here.Class and Season = here.Season].`Weekly Rate`"}, "about": {"title": "weekly rate of a booking"}}
{"at": "Bookings/0/Hire", "ruleSet": 1, "says": {"kind": "assignment", "target": "Bookings/0/Hire", "expression": "`Weekly Rate` * floor(Days / 7) + (if `Daily Rate` * modulo(Days, 7) > `Weekly Rate` then `Weekly Rate` else `Daily Rate` * modulo(Days, 7))"}, "about": {"title": "hire"}}
{"at": "Bookings/0/Location Surcharge", "ruleSet": 1, "says": {"kind": "assignment", "target": "Bookings/0/Location Surcharge", "expression": "decimal(Hire * _.Locations[Location = here.`Pick Up Location`].Surcharge / 100, 2)"}, "about": {"title": "surcharge of the location"}}
{"at": "Bookings/0/Young Driver", "ruleSet": 1, "says": {"kind": "assignment", "target": "Bookings/0/Young Driver", "expression": "if `Date of Birth` + @\"P1Y\" * _.Service.`Young Driver below` > `Pick Up` then _.Charges.`Young Driver per Day` * Days else money(0, \"GBP\")"}, "about": {"title": "young driver"}}
{"at": "Bookings/0/One Way", "ruleSet": 1, "says": {"kind": "assignment", "target": "Bookings/0/One Way", "expression": "if `Pick Up Location` = `Drop Off Location` then money(0, \"GBP\") else _.Charges.`One Way Fee`"}, "about": {"title": "one way"}}
{"at": "Bookings/0/Net", "ruleSet": 1, "says": {"kind": "assignment", "target": "Bookings/0/Net", "expression": "Hire + `Location Surcharge` + `Young Driver` + `One Way`"}, "about": {"title": "net"}}
{"at": "Bookings/0/VAT", "ruleSet": 1, "says": {"kind": "assignment", "target": "Bookings/0/VAT", "expression": "decimal(Net * _.Charges.VAT / 100, 2)"}, "about": {"title": "VAT"}}
{"at": "Bookings/0/Total", "ruleSet": 1, "says": {"kind": "assignment", "target": "Bookings/0/Total", "expression": "Net + VAT"}, "about": {"title": "total"}}
{"at": "Volume/Days", "ruleSet": 1, "says": {"kind": "assignment", "target": "Volume/Days", "expression": "sum(_.Bookings[Days != null].Days)"}, "about": {"title": "days of all"}}
{"at": "Volume/Hire", "ruleSet": 1, "says": {"kind": "assignment", "target": "Volume/Hire", "expression": "sum(_.Bookings[Hire != null].Hire)"}, "about": {"title": "hire of all"}}
{"at": "Volume/Total", "ruleSet": 1, "says": {"kind": "assignment", "target": "Volume/Total", "expression": "sum(_.Bookings[Total != null].Total)"}, "about": {"title": "total of all"}}
{"at": "Rebate/Rate", "ruleSet": 1, "says": {"kind": "assignment", "target": "Rebate/Rate", "expression": "max(_.`Volume Rebates`[`From Days` <= _.Volume.Days].Rebate)"}, "about": {"title": "rebate rate"}}
{"at": "Rebate/Amount", "ruleSet": 1, "says": {"kind": "assignment", "target": "Rebate/Amount", "expression": "decimal(_.Volume.Hire * Rate / 100, 2)"}, "about": {"title": "rebate"}}
{"at": "Bookings/0", "ruleSet": 2, "says": {"kind": "constraint", "condition": "`Pick Up` < `Drop Off`"}, "about": {"title": "picked up before dropped off"}}
{"at": "Bookings/0", "ruleSet": 2, "says": {"kind": "constraint", "condition": "`Pick Up` >= _.Agreement.From and `Drop Off` <= _.Agreement.To"}, "about": {"title": "within the agreement"}}
{"at": "Bookings/0", "ruleSet": 2, "says": {"kind": "constraint", "condition": "Days >= _.Seasons[Season = here.Season].`Minimum Days`"}, "about": {"title": "minimum days of the season"}}
{"at": "Bookings/0", "ruleSet": 2, "says": {"kind": "constraint", "condition": "Days <= _.Service.`Longest Rental in Days`"}, "about": {"title": "longest rental"}}
{"at": "Bookings/0", "ruleSet": 2, "says": {"kind": "constraint", "condition": "`Date of Birth` + @\"P1Y\" * _.Service.`Minimum Driver Age` <= `Pick Up`"}, "about": {"title": "minimum age"}}
{"at": "Bookings/0", "ruleSet": 2, "says": {"kind": "constraint", "condition": "count(_.Bookings[Driver = here.Driver and `Pick Up` < here.`Drop Off` and `Drop Off` > here.`Pick Up`]) = 1"}, "about": {"title": "one car for a driver"}}
{"at": "Bookings/0", "ruleSet": 2, "says": {"kind": "constraint", "condition": "list contains(_.Locations.Location, `Pick Up Location`) and list contains(_.Locations.Location, `Drop Off Location`)"}, "about": {"title": "known locations"}}
{"at": "Bookings/0", "ruleSet": 2, "says": {"kind": "constraint", "condition": "Days < 21", "severity": "warn"}, "about": {"title": "a lease would be cheaper"}}
{"at": "Seasons/0", "ruleSet": 3, "says": {"kind": "constraint", "condition": "count(_.Seasons[From <= here.To and To >= here.From]) = 1"}, "about": {"title": "seasons do not overlap"}}
{"at": "Seasons/0", "ruleSet": 3, "says": {"kind": "constraint", "condition": "count(distinct values(_.Rates[Season = here.Season].Class)) = 5", "severity": "warn"}, "about": {"title": "a rate for each class of a season"}}
{"at": "Rates/0", "ruleSet": 3, "says": {"kind": "constraint", "condition": "`Weekly Rate` <= `Daily Rate` * 7"}, "about": {"title": "a week is no dearer than seven days"}}
{"at": "Bookings", "ruleSet": 3, "says": {"kind": "access", "who": {"fields": ["Agreement/Customer"]}, "what": ["add", "propose", "remove"]}, "about": {"title": "customer books"}}
{"at": "Rates", "ruleSet": 3, "says": {"kind": "access", "who": {"fields": ["Agreement/Supplier"]}, "what": ["add", "propose", "remove"]}, "about": {"title": "supplier sets rates"}}
{"at": "Rates", "ruleSet": 3, "says": {"kind": "validation", "who": {"fields": ["Agreement/Customer"]}}, "about": {"title": "customer agrees to rates"}}
{"at": "Charges", "ruleSet": 3, "says": {"kind": "validation", "who": {"fields": ["Agreement/Customer"]}}, "about": {"title": "customer agrees to charges"}}
{"at": "Agreement", "ruleSet": 3, "says": {"kind": "required", "before": "live"}, "about": {"title": "parties and term before all"}}
{"at": "Agreement/Corporate Discount Code", "ruleSet": 3, "says": {"kind": "single"}, "about": {"title": "one discount code"}}
{"at": "", "ruleSet": null, "says": {"kind": "trigger", "condition": "Volume.Days >= min(`Volume Rebates`.`From Days`)", "activates": {"blocks": ["Rebate"]}}, "about": {"title": "rebate from the first step on"}}
{"at": "", "ruleSet": null, "says": {"kind": "trigger", "condition": "some booking in Bookings satisfies booking.Abroad", "activates": {"blocks": ["Travel Abroad"]}}, "about": {"title": "terms for travel abroad"}}
RULES

echo 'The customer reads them, and votes YES on each.'
reaches customer "$index"
# A rule a line: its number, and the hash of what it says, which is what the vote is for.
rules=$(customer GET "/api/Contract/$uid/Rules" |
  sed 's/{"number":/\
&/g' | sed -n 's/^{"number":\([0-9]*\),"at".*"hash":"\([0-9a-f]*\)","by".*/\1 \2/p')
while read -r number hash; do
  index=$(customer POST "/api/Contract/$uid/Rules/$number/Votes" "{\"hash\": \"$hash\", \"vote\": \"yes\"}" | member index)
done <<RULES
$rules
RULES

echo 'The supplier puts them into force.'
reaches supplier "$index"
read_rules=$(printf '%s\n' "$rules" | sed 's/\(.*\) \(.*\)/{"rule": \1, "hash": "\2"}/' | paste -s -d , -)
index=$(supplier POST "/api/Contract/$uid/Publications" "{\"ruleSets\": [1, 2, 3], \"rules\": [$read_rules]}" | member index)

echo 'The customer books two cars.'
reaches customer "$index"
customer POST "/new-api/$uid/Bookings" '{
  "Booking Reference": "CRN-0001",
  "Driver": "Priya Raman",
  "Date of Birth": "1988-05-17",
  "Class": "CDMR",
  "Pick Up Location": "London Victoria",
  "Drop Off Location": "London Victoria",
  "Pick Up": "2027-02-02",
  "Drop Off": "2027-02-05",
  "Abroad": false
}' >/dev/null
customer POST "/new-api/$uid/Bookings" '{
  "Booking Reference": "CRN-0002",
  "Driver": "Tom Ellery",
  "Date of Birth": "2003-11-30",
  "Class": "ECMR",
  "Pick Up Location": "London Heathrow Airport",
  "Drop Off Location": "Edinburgh Airport",
  "Pick Up": "2027-05-10",
  "Drop Off": "2027-05-20",
  "Abroad": false
}' >/dev/null

echo 'It tries to book a second car for a driver who has one.'
if answer=$(customer POST "/new-api/$uid/Bookings" '{
  "Booking Reference": "CRN-0003",
  "Driver": "Tom Ellery",
  "Date of Birth": "2003-11-30",
  "Class": "MCMR",
  "Pick Up Location": "Edinburgh Airport",
  "Drop Off Location": "Edinburgh Airport",
  "Pick Up": "2027-05-18",
  "Drop Off": "2027-05-22",
  "Abroad": false
}' 2>/dev/null); then
  echo 'nobody refuses it' >&2
  exit 1
fi
echo "refused $answer"

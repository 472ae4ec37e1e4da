"""Writes arithmetic.json: generated expressions, and what Python's decimal (34 digits, half-even) makes of them."""
import json
import pathlib
import random
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP
from decimal import Context, Decimal

FEEL = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, traps=[])
EXACT = Context(prec=50_000, Emin=-999_999, Emax=999_999, traps=[])
MODES = {"decimal": ROUND_HALF_EVEN, "floor": ROUND_FLOOR, "ceiling": ROUND_CEILING, "round up": ROUND_UP}
MODES |= {"round down": ROUND_DOWN, "round half up": ROUND_HALF_UP, "round half down": ROUND_HALF_DOWN}
pick = random.Random(20261129)


def number():
    digits = "".join(pick.choice("0123456789") for _ in range(pick.choice([1, 2, 3, 8, 17, 33, 34])))
    point = pick.randint(0, len(digits))
    text = f"{digits[:point] or '0'}.{digits[point:]}" if point < len(digits) else digits
    return Decimal(pick.choice(["", "-"]) + text)


def power(base, exponent):
    whole = EXACT.power(base, abs(exponent))
    return FEEL.plus(whole) if exponent >= 0 else FEEL.divide(Decimal(1), whole)


def expression(depth):
    if depth == 0:
        value = number()
        return f"({value:f})", value
    way = pick.randrange(10)
    left, one = expression(depth - 1)
    if way < 7:
        right, other = expression(depth - 1)
        sign = pick.choice("+-*/")
        if sign == "/" and other == 0:
            sign = "+"
        value = {"+": FEEL.add, "-": FEEL.subtract, "*": FEEL.multiply, "/": FEEL.divide}[sign](one, other)
        return f"({left} {sign} {right})", value
    if way == 7:
        exponent = pick.randint(-6, 12) if one != 0 else pick.randint(0, 12)
        return f"({left} ** {exponent})", power(one, exponent)
    if way == 8:
        return f"sqrt(abs({left}))", FEEL.sqrt(one.copy_abs())
    name = pick.choice(list(MODES))
    scale = pick.randint(-3, 20)
    value = one.quantize(Decimal(1).scaleb(-scale), MODES[name], EXACT)
    return f"{name}({left}, {scale})", FEEL.plus(value)


def tie():
    """Half a unit of the last digit more, or less: who rounds otherwise than half-even is found here."""
    whole = Decimal(pick.choice(["", "-"]) + "".join([pick.choice("123456789")] + [pick.choice("0123456789") for _ in range(33)]))
    half = Decimal(pick.choice(["0.5", "-0.5", "0.50000000000000000000000000000000001", "0.49999999999999999999999999999999"]))
    half = FEEL.plus(half)
    return f"({whole:f} + ({half:f}))", FEEL.add(whole, half)


def modulo():
    left, right = number(), number()
    if right == 0:
        return modulo()
    rest = EXACT.remainder(left, right)
    if rest != 0 and (rest < 0) != (right < 0):
        rest = EXACT.add(rest, right)
    return f"modulo({left:f}, {right:f})", FEEL.plus(rest)


def written(value):
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


cases = [expression(pick.choice([1, 1, 2, 3, 4])) for _ in range(700)] + [modulo() for _ in range(100)] + [tie() for _ in range(60)]
cases = [{"x": text, "is": written(value)} for text, value in cases if value.is_finite() and len(text) <= 1500]
about = "Expressions and their values by Python's decimal, 34 digits, half-even; written by write-arithmetic.py."
out = pathlib.Path(__file__).with_name("arithmetic.json")
out.write_text(json.dumps({"about": about, "cases": cases}, indent=0) + "\n")

interface Parts {
  readonly isNegative: boolean
  readonly whole: string
  readonly fraction: string
}

/** Which of two decimals, as the wire has them, is the greater one: below 0 the second, above 0 the first. Exact, of any length. */
export function compareDecimals(one: string, other: string): number {
  const [left, right] = [partsOf(one), partsOf(other)]
  if (left.isNegative !== right.isNegative) return left.isNegative ? -1 : 1
  return left.isNegative ? compareSizes(right, left) : compareSizes(left, right)
}

/** Without zeros that mean nothing; zero itself is not negative. */
function partsOf(decimal: string): Parts {
  const [whole = '', digits = ''] = decimal.replace('-', '').split('.')
  const fraction = digits.replace(/0+$/, '')
  return { isNegative: decimal.startsWith('-') && !(whole === '0' && fraction === ''), whole, fraction }
}

function compareSizes(left: Parts, right: Parts): number {
  if (left.whole.length !== right.whole.length) return left.whole.length - right.whole.length
  if (left.whole !== right.whole) return left.whole < right.whole ? -1 : 1
  if (left.fraction === right.fraction) return 0
  return left.fraction < right.fraction ? -1 : 1
}

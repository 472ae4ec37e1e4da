/** Names that are looked through: who has mistyped one among more is not told which. */
const NAMES_MAX = 2_000

/** The one that was probably meant: few letters are different. */
export function nearestName(written: string, names: Iterable<string>): string | undefined {
  const wanted = folded(written)
  let nearest: string | undefined
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1
  let count = 0
  for (const name of names) {
    if (++count > NAMES_MAX) break
    const distance = editDistance(wanted, folded(name), least)
    if (distance < least) {
      least = distance
      nearest = name
    }
  }
  return nearest
}

/** Letter case of ASCII only: a suggestion is no decision. */
function folded(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 32)).replace(/[\s_-]+/g, ' ')
}

/** Letters to add, leave out, change or swap with the next; `bound` where it is not less. */
function editDistance(one: string, other: string, bound: number): number {
  if (Math.abs(one.length - other.length) >= bound) return bound
  let before: number[] = []
  let row = Array.from({ length: other.length + 1 }, (_, n) => n)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      const change = one[i - 1] === other[j - 1] ? 0 : 1
      let least = Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, (row[j - 1] as number) + change)
      const isSwap = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      if (isSwap) least = Math.min(least, (before[j - 2] as number) + 1)
      next.push(least)
    }
    before = row
    row = next
  }
  return row[other.length] as number
}

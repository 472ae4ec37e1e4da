/** A set of code points: begin and end (exclusive) of each range in turn, ascending. */
export type CodePoints = Uint32Array

/** Numbers in base 36, each the distance from the one before it, between spaces. */
export function unpackCodePoints(packed: string): CodePoints {
  let at = 0
  return Uint32Array.from(packed.split(' '), (distance) => {
    at += Number.parseInt(distance, 36)
    return at
  })
}

export function packCodePoints(bounds: readonly number[]): string {
  return distances(bounds).join(' ')
}

/** For each code point, its distance from the one before it, a colon, and with dots between them the code points it stands for. */
export function unpackMapping(packed: string): ReadonlyMap<string, string> {
  let at = 0
  return new Map(
    packed.split(' ').map((entry) => {
      const [distance, targets] = entry.split(':') as [string, string]
      at += Number.parseInt(distance, 36)
      const target = targets.split('.').map((codePoint) => Number.parseInt(codePoint, 36))
      return [String.fromCodePoint(at), String.fromCodePoint(...target)]
    }),
  )
}

/** Requires entries in the order of their code points. */
export function packMapping(entries: readonly (readonly [number, string])[]): string {
  const steps = distances(entries.map(([codePoint]) => codePoint))
  return entries
    .map(([, target], place) => {
      const targets = [...target].map((character) => (character.codePointAt(0) as number).toString(36))
      return `${steps[place]}:${targets.join('.')}`
    })
    .join(' ')
}

export function includes(set: CodePoints, codePoint: number): boolean {
  let low = 0
  let high = set.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((set[middle] as number) <= codePoint) low = middle + 1
    else high = middle
  }
  // `low` bounds are at or below it: after an odd number of them a range is open.
  return low % 2 === 1
}

function distances(ascending: readonly number[]): string[] {
  return ascending.map((number, place) => (number - (ascending[place - 1] ?? 0)).toString(36))
}

import type { Handle, Seq } from '../events/ids.ts'
import type { Statement } from '../events/statement.ts'
import type { VerifiedStatement } from './verified-statement.ts'

/** Statements that have no place in the ledger yet, in the order in which they come to it. */
type Open = readonly VerifiedStatement[]

interface Index {
  readonly places: ReadonlyMap<string, number>
  readonly resigning: ReadonlySet<Handle>
}

const kept = new WeakMap<Open, Index>()

/** At which place it stands among them, undefined: it does not. The first question takes time linear in them, others none. */
export function placeAmong(open: Open, party: Handle, seq: Seq): number | undefined {
  return indexOf(open).places.get(`${party} ${seq}`)
}

/** Whose resignation stands among them. As before. */
export function resigningIn(open: Open): ReadonlySet<Handle> {
  return indexOf(open).resigning
}

function indexOf(open: Open): Index {
  const known = kept.get(open)
  if (known !== undefined) return known
  const places = new Map(open.map(({ statement: { party, seq } }, place) => [`${party} ${seq}`, place]))
  const resigning = new Set(open.filter(({ statement }) => resigns(statement)).map(({ statement }) => statement.party))
  const index = { places, resigning }
  kept.set(open, index)
  return index
}

function resigns({ requests }: Statement): boolean {
  return requests.some(({ commands }) => commands.some(({ type }) => type === 'Resign'))
}

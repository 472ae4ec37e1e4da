import type { Seat } from './configuration.ts'
import type { Party } from './party.ts'
import type { View } from './views.ts'

/** How it stands with one thing that somebody wants. `seq`: of the statement that carries the request. */
export type Client =
  | { readonly kind: 'planned' }
  | { readonly kind: 'waiting'; readonly seq: number }
  /** An outcome of the ledger; `withdrawn` as soon as the author's decision is durable. */
  | { readonly kind: 'told'; readonly seq: number; readonly answer: string }
  /** The machine crashed before it had an answer: it will never get one. */
  | { readonly kind: 'gone' }

/** One party's computer: a value. */
export interface Machine {
  readonly id: number
  readonly seat: Seat
  readonly party: Party
  /** On disk: it survives a crash. */
  readonly durable: View
  /** In memory: no less than that. */
  readonly volatile: View
  /** As in the plan of the seat. */
  readonly clients: readonly Client[]
  /** How often its power may still fail. */
  readonly crashes: number
}

/** What others get to see of it, and clients are told of. */
export function published({ seat, durable, volatile }: Pick<Machine, 'seat' | 'durable' | 'volatile'>): View {
  return seat.trustsMemory ? volatile : durable
}

/** Tells the clients that wait what has been published. */
export function told(clients: readonly Client[], { handle }: Party, view: View): readonly Client[] {
  return clients.map((client) => {
    if (client.kind !== 'waiting') return client
    const answer = answerTo(handle, client.seq, view)
    return answer === undefined ? client : { kind: 'told', seq: client.seq, answer }
  })
}

function answerTo(handle: Party['handle'], seq: number, { state, entries }: View): string | undefined {
  const settled = entries.find(({ entry: { request } }) => request.handle === handle && request.seq === seq)
  if (settled !== undefined && settled.entry.index < state.settling.settled) return settled.entry.outcome.kind
  const isWithdrawn = state.feeds
    .get(handle)
    ?.find(({ statement }) =>
      statement.decided.some(({ request, decision }) => request.seq === seq && decision === 'withdrawn'),
    )
  return isWithdrawn ? 'withdrawn' : undefined
}

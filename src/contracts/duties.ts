/** What a process is for. It decides what the process signs in the feed of its party, and who else writes to its store (design §9). */
export type Role =
  /** Everything, and the store is its own. */
  | 'node'
  /** Requests, decisions, answers, notes; `receive` and another `transmit` write to the same store. */
  | 'transmit'
  /** Only what the statements of others call for. */
  | 'receive'
  /** Nothing: it has no key, and leaves what its users ask for in the command queue. */
  | 'serve'

/** What a process of that role does in a contract (decision 0051). */
export interface Duties {
  /** Makes statements. */
  readonly signs: boolean
  /** Makes statements of its own accord: requests, decisions, notes. */
  readonly authors: boolean
  /** Other processes of the party append to the same streams. */
  readonly sharesStore: boolean
}

export const dutiesOf: { readonly [role in Role]: Duties } = {
  node: { signs: true, authors: true, sharesStore: false },
  transmit: { signs: true, authors: true, sharesStore: true },
  receive: { signs: true, authors: false, sharesStore: true },
  serve: { signs: false, authors: false, sharesStore: true },
}

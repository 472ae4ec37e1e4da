import type { LedgerIndex } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import type { Payloads, Request } from '../../src/events/statement.ts'
import type { Opening } from './opening.ts'
import type { Party } from './party.ts'
import type { View } from './views.ts'

export type Command = Request['commands'][number] & { readonly [member: string]: unknown }

/** What a client of a machine wants. */
export interface Ask {
  readonly commands: readonly Command[]
  readonly payloads: Payloads
  /** Shown, voted on and taking effect as one. */
  readonly changeSet?: true
  /** It counts only if the author confirms it. */
  readonly tentative?: true
  /** The author may lose patience at any moment before it has decided. Requires `tentative`. */
  readonly timesOut?: true
}

/** What depends on the start state is made from it. */
export type Planned = Ask | ((opening: Opening) => Ask)

/** One machine at the table. */
export interface Seat {
  readonly name: string
  /** The party that it acts for, if not of the same name: two machines of one party equivocate. */
  readonly party?: string
  /** Its software is not ours to vouch for: no law is checked of what it holds or is told. */
  readonly hostile?: true
  /** What its clients want, in that order; each at any moment. */
  readonly plan: readonly Planned[]
  /** How often its power may fail. */
  readonly crashes?: number
  /** A defect, there to show that the laws find it: others and clients learn of what is only in its memory. */
  readonly trustsMemory?: true
}

/**
 * How much one delivery carries, at most: all that the other lacks, what it lacks of one party's feed, or one statement. With
 * `statement` every set of statements that can be held at all is held in some state; with the others there are fewer states.
 */
export type Delivery = 'everything' | 'feed' | 'statement'

/** A small world to be walked through completely. */
export interface Configuration {
  readonly name: string
  /** Handles, the founder first: all are members, and all has settled, when the walk begins. */
  readonly members: readonly string[]
  /** Handles of who is invited by the founder, and not admitted. */
  readonly invited?: readonly string[]
  /** Requests before the walk begins, of the founder unless it is said whose; the document has the text fields 0.0 and 0.1 anyway. */
  readonly setUp?: readonly (readonly Command[] | SetUp)[]
  readonly seats: readonly Seat[]
  readonly delivery: Delivery
  /**
   * Who hears something that it owes an answer to gives it at once, as a node does in one turn of its loop. Left out: it may
   * hear more before it speaks, which is more than nodes do.
   */
  readonly answersAtOnce?: true
  /** The pairs of seats between which there is a connection. Left out: all. */
  readonly links?: readonly (readonly [string, string])[]
  /** What must be so in every view, beside the laws of all worlds: why it is not; undefined where it is. */
  readonly law?: (view: View) => string | undefined
  /** What the world is there for: some view is so, or the walk through all of it has shown nothing. */
  readonly reaches?: (view: View) => boolean
}

export interface SetUp {
  readonly by: string
  readonly commands: readonly Command[]
  readonly payloads?: Payloads
}

export function ask(...commands: Command[]): Ask {
  return { commands, payloads: {} }
}

export function propose(field: string, value: unknown, more: object = {}): Ask {
  const { seal: sealed, payload } = seal(value, new Uint8Array(16))
  return {
    commands: [{ type: 'ProposeValue', field, seal: sealed, basis: [], ...more }],
    payloads: { [sealed]: payload },
  }
}

/** The same for an audience. */
export function confide(field: string, value: unknown, audience: readonly string[]): Ask {
  return propose(field, value, { audience: [...audience].sort() })
}

/** Two wishes, one request. */
export function together(one: Ask, other: Ask): Ask {
  return { commands: [...one.commands, ...other.commands], payloads: { ...one.payloads, ...other.payloads } }
}

/** The same as one change set. */
export function asOne(asked: Ask): Ask {
  return { ...asked, changeSet: true }
}

/** The same, if everybody has answered before the author loses patience. */
export function tentatively(asked: Ask): Ask {
  return { ...asked, tentative: true, timesOut: true }
}

/** Brings the acceptance of an invitee in, given over the start state. */
export function admit(handle: string): Planned {
  return ({ parties, invitations, head }) => {
    const invitee = parties.get(handle) as Party
    const invitation = invitations.get(handle) as LedgerIndex
    return ask({ type: 'AdmitParty', accepted: invitee.accepts(invitation, head) })
  }
}

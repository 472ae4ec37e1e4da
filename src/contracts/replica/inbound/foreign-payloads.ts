import type { Completion } from '../../../agreement/completing.ts'
import { feedOf } from '../../../agreement/feeds.ts'
import type { AgreementState } from '../../../agreement/state.ts'
import type { Hash } from '../../../crypto/hash.ts'
import type { Handle } from '../../../events/ids.ts'
import { isFor, recipientsIn } from '../../../events/recipients.ts'
import type { Payload, Payloads } from '../../../events/statement.ts'
import { type SignedStatement, StatementRefused } from '../../../events/statement-codec.ts'
import type { LateValues } from './late-values.ts'

/** What came, without the payloads that are for an audience that this party is not in; and what says so of whoever has sent them. */
export interface Ours<T> {
  readonly ours: T
  readonly foreign: StatementRefused | undefined
}

/** Dropped before anything is stored: whoever sends them breaks a confidence, and nobody else is to help with that. */
export function oursOf(decoded: SignedStatement, self: Handle): Ours<SignedStatement> {
  const { statement, payloads } = decoded
  const recipients = recipientsIn(statement)
  if (recipients.size === 0) return { ours: decoded, foreign: undefined }
  const { kept, dropped } = parted(payloads, (seal) => isFor(recipients, seal, self))
  if (dropped === undefined) return { ours: decoded, foreign: undefined }
  return { ours: { ...decoded, payloads: kept }, foreign: foreignTo(self, statement, dropped) }
}

/** The same of payloads that came by themselves: those that this party has come to be in the audience of are its own. */
export function oursIn(
  { party, seq, payloads }: Completion,
  { contract, feeds }: AgreementState,
  self: Handle,
  isWantedLate: LateValues['isWanted'],
): Ours<Completion> & { readonly late: Payloads } {
  const isLate = (seal: Hash) => isWantedLate(party, seq, seal)
  const asked = parted(payloads, isLate)
  const feed = feedOf(feeds, party)
  const statement = seq < feed.base ? undefined : feed.get(seq)?.statement
  const recipients = statement && recipientsIn(statement)
  const { kept, dropped } = parted(
    payloads,
    (seal) => isLate(seal) || recipients === undefined || isFor(recipients, seal, self),
  )
  const foreign = dropped === undefined ? undefined : foreignTo(self, { contract, party, seq }, dropped)
  return { foreign, late: asked.kept, ours: { party, seq, payloads: kept } }
}

function parted(payloads: Payloads, isKept: (seal: Hash) => boolean): { kept: Payloads; dropped: Hash | undefined } {
  const entries = Object.entries(payloads) as [Hash, Payload][]
  const dropped = entries.find(([seal]) => !isKept(seal))?.[0]
  return {
    dropped,
    kept: dropped === undefined ? payloads : Object.fromEntries(entries.filter(([seal]) => isKept(seal))),
  }
}

function foreignTo(
  self: Handle,
  { contract, party, seq }: Pick<SignedStatement['statement'], 'contract' | 'party' | 'seq'>,
  seal: Hash,
): StatementRefused {
  const message = `a payload of ${party} ${seq} came that is not for ${self}`
  return new StatementRefused('payload_foreign', message, { contract, party, seq, seal })
}

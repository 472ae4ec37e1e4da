import type { Reception } from '../agreement/reception.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Handle } from '../events/ids.ts'
import { sealOf, sealsNamedBy } from '../events/seal.ts'
import type { Payload, Payloads, Statement } from '../events/statement.ts'
import { decodeStored, type SignedStatement } from '../events/statement-codec.ts'
import { ConcordataError, type ErrorCode } from '../runtime/errors.ts'
import type { Checklist } from './checklist.ts'
import type { NamedSeals } from './payloads.ts'
import { type AuditSource, isStoreCorrupt, type SealedAt, type StoredLine } from './source.ts'

/** The statements of a feed, up to the first that is damaged. Notes in `named` what all of them name. */
export async function readFeed(
  source: AuditSource,
  party: Handle,
  named: NamedSeals,
  checklist: Checklist,
): Promise<SignedStatement[]> {
  const damaged = (seq: number, code: ErrorCode, reason: string, evidence: Readonly<Record<string, unknown>> = {}) => {
    named.feedDamaged(party)
    checklist.damaged('statements', code, { kind: 'feed', party, seq }, reason, evidence)
  }
  const lines: StoredLine[] = []
  try {
    for await (const line of source.feed(party)) {
      if (line.revision !== lines.length) {
        damaged(lines.length, 'event_missing', `it is missing: the next one is ${line.revision}`)
        break
      }
      if (line.type !== 'StatementMade') {
        damaged(lines.length, 'event_foreign', `a feed holds no ${line.type}`)
        break
      }
      lines.push(line)
    }
  } catch (error) {
    if (!isStoreCorrupt(error)) throw error
    damaged(lines.length, error.code, error.message)
  }
  const sealed = lines.flatMap(({ data }, seq) => sealsIn(data).map((seal) => ({ seq, seal })))
  for (const { seq, seal } of sealed) named.add(party, seq, seal)
  const texts = await textsOf(source, party, sealed)
  const statements: SignedStatement[] = []
  for (const [seq, { data }] of lines.entries()) {
    try {
      const decoded = decodeStored(data, (statement) => payloadsOf(statement, texts))
      const { statement } = decoded
      if (statement.party !== party || statement.seq !== seq) {
        damaged(seq, 'event_foreign', `it is statement ${statement.seq} of ${statement.party}`)
        break
      }
      named.addValues(statement)
      statements.push(decoded)
    } catch (error) {
      if (error instanceof ConcordataError) damaged(seq, error.code, error.message, error.evidence)
      else damaged(seq, 'statement_malformed', 'it cannot be read')
      break
    }
  }
  return statements
}

/** One statement after another, where a row that cannot be read would hide all the others. */
async function textsOf(
  source: AuditSource,
  party: Handle,
  sealed: readonly SealedAt[],
): Promise<ReadonlyMap<Hash, string>> {
  try {
    return await source.payloads(party, sealed)
  } catch (error) {
    if (!isStoreCorrupt(error)) throw error
  }
  const texts = new Map<Hash, string>()
  for (const one of sealed) {
    try {
      for (const [seal, text] of await source.payloads(party, [one])) texts.set(seal, text)
    } catch (error) {
      if (!isStoreCorrupt(error)) throw error
    }
  }
  return texts
}

/** What is spelt otherwise still says what was sealed, and is a finding of its own; what says something else is not there. */
function payloadsOf(statement: Statement, texts: ReadonlyMap<Hash, string>): Payloads {
  const payloads: { [seal: Hash]: Payload } = {}
  for (const seal of sealsNamedBy(statement)) {
    const payload = payloadIn(texts.get(seal), seal)
    if (payload !== undefined) payloads[seal] = payload
  }
  return payloads
}

function payloadIn(text: string | undefined, seal: Hash): Payload | undefined {
  if (text === undefined) return undefined
  try {
    const { salt, value } = JSON.parse(text) as Payload
    return sealOf({ salt, value }) === seal ? { salt, value } : undefined
  } catch {
    return undefined
  }
}

/** Of a line that is not even JSON there are none; decoding will say so with its place. */
function sealsIn(data: string): Hash[] {
  try {
    return [...sealsNamedBy((JSON.parse(data) as { statement: Statement }).statement)]
  } catch {
    return []
  }
}

/** What was refused, and what contradicts what is held: of each feed the first, the others follow from it. */
export function verifyReception({ refused, equivocations, otherBranches }: Reception, checklist: Checklist): void {
  const seen = new Set<string>()
  const damaged = (
    { party, seq }: { party: string; seq: number },
    code: ErrorCode,
    reason: string,
    evidence: Readonly<Record<string, unknown>> = {},
  ) => {
    if (seen.has(party)) return
    seen.add(party)
    checklist.damaged('statements', code, { kind: 'feed', party, seq }, reason, evidence)
  }
  for (const { decoded, error } of refused) damaged(decoded.statement, error.code, error.message, error.evidence)
  for (const fork of equivocations) damaged(fork, 'equivocation', 'the party signed two statements here')
  for (const { signer, party, seq, theirs, ours } of otherBranches) {
    const reason = `${signer} covers another statement here than the one stored`
    damaged({ party, seq }, 'feed_mismatch', reason, { theirs, ours })
  }
}

export function placeOf({ statement: { party, seq } }: SignedStatement) {
  return { kind: 'feed', party, seq } as const
}

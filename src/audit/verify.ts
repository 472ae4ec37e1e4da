import { builtIn, type Engines } from '../aggregates/contract/engines.ts'
import { erasedIn } from '../aggregates/contract/erased-values.ts'
import { membersOf } from '../aggregates/contract/state.ts'
import { feedOf, firstCovering, newestOf, statementAt, withoutPast } from '../agreement/feeds.ts'
import type { Acknowledged } from '../agreement/ledger.ts'
import { receive } from '../agreement/receive.ts'
import { refusalIn } from '../agreement/refusals.ts'
import { type AgreementState, emptyAgreement } from '../agreement/state.ts'
import { confidentialFor } from '../agreement/values/lacked-values.ts'
import { type Hash, hashFromBytes } from '../crypto/hash.ts'
import { type Handle, requestKey, requestOf } from '../events/ids.ts'
import { computedSealsIn, type LedgerEntry } from '../events/ledger-entry.ts'
import type { SignedStatement } from '../events/statement-codec.ts'
import { leafHash, nodeHash } from '../merkle/hashing.ts'
import { AuditFailed } from './audit-failed.ts'
import { Checklist } from './checklist.ts'
import { StoredContents } from './contents.ts'
import { withErasedTaken } from './erased.ts'
import { placeOf, readFeed, verifyReception } from './feeds.ts'
import { equivocationsIn, partyNamed, wrongHeads } from './misconduct.ts'
import { NamedSeals, verifyPayloads } from './payloads.ts'
import type { AuditReport } from './report.ts'
import { type AuditSource, isStoreCorrupt } from './source.ts'

/**
 * Recomputes a contract from one party's store and compares: form and canonical bytes, signatures, hash links, clocks
 * and covering of every statement; every payload with its seal; order, outcome, events and record hash of every entry; the bytes of
 * the stored ledger; the Merkle root, by another way than the node's. Trusts nothing in the store. What a member did is reported.
 * Throws AuditFailed, with the whole report, if the store is damaged, and EngineUnknown where the ledger goes on in an engine that is not among `engines`.
 */
export async function verifyContract(source: AuditSource, engines: Engines = builtIn): Promise<AuditReport> {
  const checklist = new Checklist()
  const { state, settled, named, waiting } = await recompute(source, engines, checklist)
  for await (const request of judgedByValues(source)) {
    named.need(request)
    if (source.self !== undefined) needConfided(named, request, source.self, state)
  }
  const { lacking } = state.ledger
  // What signs for it is stored: its holder had the values.
  const without = withoutPast(state.feeds, waiting)
  if (lacking !== undefined && waiting.length > without.size) named.need(requestKey(lacking.request))
  await verifyPayloads(source, named, new StoredContents(settled, state, source.self), checklist)
  const [lost] = waiting
  const mayBeAhead = !source.isAtomic && waiting.length === without.size
  if (lost !== undefined && checklist.damage.length === 0 && !mayBeAhead) {
    const reason = 'something that it covers is missing in the store'
    checklist.damaged('statements', 'event_missing', placeOf(lost), reason)
  }
  const isUndamaged = lacking === undefined && checklist.findings('statements') === 0
  const isWhole = waiting.length === 0 && isUndamaged
  if (!isWhole)
    checklist.notChecked(
      'statements',
      `${waiting.length} that follow from what is ${mayBeAhead ? 'missing' : 'damaged'}`,
    )
  if (lost !== undefined && mayBeAhead && isUndamaged) {
    const { party, seq } = lost.statement
    checklist.remark(
      'statements',
      `a crash has left out what ${party} ${seq} covers, which whoever made it gives again`,
    )
  }
  // Nothing has settled beyond what is missing: entries are stored after all that they follow from.
  await verifyLedger(source, settled, isWhole || (mayBeAhead && isUndamaged), checklist)
  const taken = state.ledger.known.size
  if (taken > 0) {
    checklist.remark(
      'ledger',
      `${taken} taken and not recomputed, since the values that they were judged by are erased; every member has signed for them`,
    )
  }
  const root = verifyRoot(state, settled, checklist)
  const misconduct = [...(await equivocationsIn(source, state, isWhole, checklist)), ...wrongHeads(state, checklist)]
  checklist.notChecked('notes', 'a claim of their author; whoever relies on a note verifies it (docs/protocol.md)')
  checklist.notChecked('end', 'only the store of another member shows that the end of this one was cut off')
  const report: AuditReport = {
    contract: source.contract,
    title: state.ledger.document.title,
    statements: state.feeds.reduce((sum, feed) => sum + feed.size, 0),
    size: settled.length,
    pending: state.ledger.log.size - settled.length,
    root,
    record: engines.recordHash(state.settling.agreed),
    members: membersOf(state.settling.agreed).map(({ card: { handle } }) => ({
      ...partyNamed(state, handle),
      statements: (newestOf(state.feeds, handle)?.statement.seq ?? -1) + 1,
      signedSize: state.settling.signed.get(handle) ?? 0,
    })),
    checks: checklist.checks,
    damage: checklist.damage,
    misconduct,
  }
  if (report.damage.length > 0) throw new AuditFailed(report)
  return report
}

interface Recomputed {
  readonly state: AgreementState
  readonly settled: readonly Acknowledged[]
  readonly named: NamedSeals
  /** What could not be judged, since something is missing that it follows from. */
  readonly waiting: readonly SignedStatement[]
}

/** Takes in all feeds, the founder's first: it names the parties whose feeds come next. */
async function recompute(source: AuditSource, engines: Engines, checklist: Checklist): Promise<Recomputed> {
  let state = emptyAgreement(source.contract, engines)
  let waiting: readonly SignedStatement[] = []
  const settled: Acknowledged[] = []
  const named = new NamedSeals()
  const read = new Set<Handle>()
  for (let unread: readonly Handle[] = [source.founder]; unread.length > 0; ) {
    const statements: SignedStatement[] = [...waiting]
    for (const party of unread) {
      read.add(party)
      for (const decoded of await readFeed(source, party, named, checklist)) statements.push(decoded)
    }
    const reception = await withErasedTaken(source, receive(state, statements))
    verifyReception(reception, checklist)
    if (reception.unjudged[0] !== undefined) throw reception.unjudged[0].error
    state = reception.state
    waiting = reception.waiting
    for (const entry of reception.settled) settled.push(entry)
    unread = [...state.ledger.invited.keys()].filter((handle) => !read.has(handle))
  }
  for (const { entry } of settled) named.addComputed(entry.index, computedSealsIn(entry), true)
  for (const { entry } of state.settling.unsettled) named.addComputed(entry.index, computedSealsIn(entry), false)
  named.erased(erasedIn(state.settling.agreed))
  return { state, settled, named, waiting }
}

/** Of what this party has acknowledged it held the confidential values that are for it; of what is for others it has none. */
function needConfided(named: NamedSeals, key: string, self: Handle, { feeds }: AgreementState): void {
  const ref = requestOf(key)
  const held = statementAt(feeds, ref.handle, ref.seq)
  const request = held?.statement.requests[ref.index]
  if (held === undefined || request === undefined) return
  const seals = confidentialFor(held, self, [request])
  if (seals.length === 0) return
  const answer = firstCovering(feedOf(feeds, self), ref.handle, ref.seq)
  const isAcknowledged = answer !== undefined && refusalIn(answer.statement, ref) === undefined
  if (ref.handle === self || isAcknowledged) named.needIn(`${ref.handle}.${ref.seq}`, seals)
}

/** The requests that the stored ledger says to have been judged. Whether it is right is another question. */
async function* judgedByValues(source: AuditSource): AsyncGenerator<string> {
  try {
    for await (const { data } of source.ledger()) {
      const judged = judgedIn(data)
      if (judged !== undefined) yield judged
    }
  } catch (error) {
    if (!isStoreCorrupt(error)) throw error
  }
}

function judgedIn(data: string): string | undefined {
  try {
    const { request, outcome } = JSON.parse(data) as LedgerEntry
    return outcome.kind === 'accepted' || outcome.kind === 'void' ? requestKey(request) : undefined
  } catch {
    return undefined
  }
}

async function verifyLedger(
  source: AuditSource,
  settled: readonly Acknowledged[],
  isWhole: boolean,
  checklist: Checklist,
): Promise<void> {
  const damaged = (...what: Parameters<typeof ledgerDamage>) => checklist.damaged('ledger', ...ledgerDamage(...what))
  let index = 0
  try {
    for await (const { revision, type, data } of source.ledger()) {
      if (revision > index) damaged('event_missing', index, `it is missing: the next one is ${revision}`)
      index = revision
      const expected = settled[index]
      if (expected === undefined && !isWhole) break
      if (type !== 'RequestSettled') damaged('event_foreign', index, `a ledger holds no ${type}`)
      else if (expected === undefined) {
        damaged('ledger_mismatch', index, 'it is stored as settled, but not everybody in the feeds has signed for it')
      } else if (data !== expected.text) {
        const evidence = { stored: data, recomputed: expected.text }
        damaged('ledger_mismatch', index, 'it is not what the feeds make of it', evidence)
      }
      index++
    }
  } catch (error) {
    if (!isStoreCorrupt(error)) throw error
    damaged(error.code, index, error.message)
    index = settled.length
  }
  if (index < settled.length) damaged('event_missing', index, 'it is missing, though everybody has signed for it')
  if (!isWhole) checklist.notChecked('ledger', `from entry ${settled.length} on, since the feeds are damaged`)
}

function ledgerDamage(
  code: Parameters<Checklist['damaged']>[1],
  index: number,
  reason: string,
  evidence: Record<string, unknown> = {},
) {
  return [code, { kind: 'ledger', index }, reason, evidence] as const
}

/** The root of the settled ledger straight from the definition, beside the one that the log kept as it grew. */
function verifyRoot(state: AgreementState, settled: readonly Acknowledged[], checklist: Checklist): Hash {
  const leaves = settled.map(({ text }) => leafHash(text))
  const root = leaves.length === 0 ? state.ledger.log.rootAt(0) : hashFromBytes(treeHash(leaves))
  const kept = state.ledger.log.rootAt(settled.length)
  if (root !== kept) {
    const place = { kind: 'ledger', index: settled.length - 1 } as const
    checklist.damaged('root', 'ledger_mismatch', place, 'the Merkle root cannot be reproduced', { root, kept })
  }
  return root
}

/** RFC 9162 §2.1.1, as it stands there. */
function treeHash(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0] as Uint8Array
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return nodeHash(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)))
}

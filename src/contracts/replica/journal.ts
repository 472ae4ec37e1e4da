import { Compile } from 'typebox/compile'
import { isErased } from '../../aggregates/contract/erased-values.ts'
import type { Completion } from '../../agreement/completing.ts'
import type { Acknowledged } from '../../agreement/ledger.ts'
import { receive } from '../../agreement/receive.ts'
import type { Equivocation, Reception } from '../../agreement/reception.ts'
import type { Divergence } from '../../agreement/settlement.ts'
import type { AgreementState } from '../../agreement/state.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { Hash } from '../../crypto/hash.ts'
import { attachmentsAmong } from '../../events/attachments/attachment.ts'
import type { NamedContent } from '../../events/attachments/content.ts'
import type { Handle, LedgerIndex, Seq, Uid } from '../../events/ids.ts'
import { confidentialSealsOf, sealsNamedBy } from '../../events/seal.ts'
import { type Payload, PayloadSchema, type Payloads, placesOf } from '../../events/statement.ts'
import {
  type Bare,
  decodeBare,
  decodeSigned,
  encodeSigned,
  encodeStored,
  type SignedStatement,
  StatementRefused,
  withStoredPayloads,
} from '../../events/statement-codec.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { jsonOf } from '../../runtime/parse-json.ts'
import { parseStored } from '../../runtime/stored-json.ts'
import type { Turns } from '../../runtime/turns.ts'
import { WrongExpectedRevision } from '../../store/errors.ts'
import type { PayloadEntry } from '../../store/payload-group.ts'
import { computedGroup, groupOf, type PayloadGroup, refsIn, textsInOrder } from '../../store/payload-group.ts'
import type { NewEvent, Store, Write } from '../../store/port.ts'
import { contractStream, evidenceStream, feedStream } from '../../store/streams.ts'
import { awaitedWrite } from '../contents/content-log.ts'
import { contentsOf } from '../contents/content-sources.ts'
import { entriesTaken } from './inbound/known-entries.ts'

/** What the store holds of a contract contradicts itself: it was damaged or changed by somebody. */
export class ContractDamaged extends ConcordataError {}

const payloadForm = Compile(PayloadSchema)
/** EventStoreDB takes 1 MiB in one append, and a statement may have up to 768 KiB. */
const PROOF_BYTES_MAX = 1_000_000

/** What one turn of a contract made durable. */
export interface Change {
  readonly before: AgreementState
  /** Statements that are held now, causes before effects. */
  readonly held: readonly VerifiedStatement[]
  /** What came of payloads after their statements. Left out: nothing. */
  readonly completions?: readonly Completion[]
  /** Entries that it acknowledged, with what rules have computed in them. Left out: none. */
  readonly acknowledged?: readonly Acknowledged[]
  /** Entries that have settled, oldest first. */
  readonly settled: readonly Acknowledged[]
  readonly equivocations: readonly Equivocation[]
  readonly divergences: readonly Divergence[]
  /** Before which ledger index entries were taken from others by now. Left out: before none that was not before. */
  readonly takenUntil?: LedgerIndex
}

/** What of it the store may have before what it hangs on, since whoever has made it brings that again. Left out: nothing. */
export interface BroughtAgain {
  /** Of which statements the values. */
  readonly values: (held: VerifiedStatement) => boolean
  /** Of which statements those that they cover. */
  readonly covered: (held: VerifiedStatement) => boolean
  /** Which statements it has already. */
  readonly stored?: (held: VerifiedStatement) => boolean
}

const nothingAgain: BroughtAgain = { values: () => false, covered: () => false }

/**
 * In the order in which they must become durable, should the store stop half way: values before the statements that
 * seal them, covered statements before those that cover them, statements before the entries that follow from them (decision 0060).
 */
export function writesFor(
  { before, held, completions = [], acknowledged = [], settled, equivocations, divergences, takenUntil }: Change,
  again: BroughtAgain = nothingAgain,
): Write[] {
  const { contract } = before
  const contents = contentsIn({ before, held, completions })
  const values = payloadWrites(before, held, completions)
  const computed = computedWrites(contract, acknowledged)
  const withValues = held.filter(({ payloads }) => Object.keys(payloads).length > 0)
  const goAlong =
    values.length > 0 &&
    computed.length + contents.length + completions.length === 0 &&
    // A confidential value may not be given again once it has been replaced, or its time is over.
    withValues.every((one) => again.values(one) && confidentialSealsOf(one.statement.requests).size === 0)
  return [
    ...values,
    ...computed,
    ...contents.map(({ party, seq, contents }) => awaitedWrite(contract, party, seq, contents)),
    ...feedWrites(before, held, again, goAlong),
    ...evidenceWrites(contract, equivocations, divergences),
    ...(takenUntil === undefined ? [] : [entriesTaken(contract, takenUntil)]),
    ...settledWrites(contract, before.settling.settled, settled),
  ]
}

/** Without what all members have voted to erase, whoever brings it again. */
function payloadWrites(
  { contract, ledger: { document } }: AgreementState,
  held: readonly VerifiedStatement[],
  completions: readonly Completion[],
): Write[] {
  const groups = new Map<PayloadGroup, PayloadEntry[]>()
  const add = (party: Handle, seq: Seq, payloads: Payloads) => {
    const seals = (Object.keys(payloads) as Hash[]).filter((seal) => !isErased(document, seal))
    const entries = seals.map((seal) => ({ seal, text: canonicalJson(payloads[seal]) }))
    if (entries.length === 0) return
    const group = groupOf({ handle: party, seq })
    const together = groups.get(group)
    if (together === undefined) groups.set(group, entries)
    else for (const entry of entries) together.push(entry)
  }
  for (const { payloads, statement } of held) add(statement.party, statement.seq, payloads)
  for (const { payloads, party, seq } of completions) add(party, seq, payloads)
  return Array.from(groups, ([group, entries]) => ({ kind: 'payloads', contract, group, entries }))
}

/** The contents that values name which have come. */
export interface ContentsNamed {
  readonly party: Handle
  readonly seq: Seq
  /** One at least. */
  readonly contents: readonly NamedContent[]
}

/** Those of statements that are held now, and of values that came after their statements. */
export function contentsIn({
  before,
  held,
  completions = [],
}: Pick<Change, 'before' | 'held' | 'completions'>): ContentsNamed[] {
  const found: ContentsNamed[] = []
  const add = (party: Handle, seq: Seq, all: readonly NamedContent[]) => {
    if (all.length === 0) return
    const contents = all.filter(({ name }) => !isErased(before.ledger.document, name))
    if (contents.length > 0) found.push({ party, seq, contents })
  }
  for (const one of held) add(one.statement.party, one.statement.seq, contentsOf(one))
  for (const { payloads, party, seq } of completions) add(party, seq, attachmentsAmong(payloads))
  return found
}

/** Durable before a head that counts them is signed. */
function computedWrites(contract: Uid, acknowledged: readonly Acknowledged[]): Write[] {
  return acknowledged.flatMap(({ computed, entry }): Write[] => {
    if (computed.size === 0) return []
    const entries = Array.from(computed, ([seal, payload]) => ({ seal, text: canonicalJson(payload) }))
    return [{ kind: 'payloads', contract, group: computedGroup(entry.index), entries }]
  })
}

/** The statements of one party that stand at one depth. */
interface Run {
  readonly party: Handle
  readonly first: Seq
  readonly events: NewEvent[]
}

/**
 * By depth: at the first stand those that cover none of the others, at the next those that cover some of these, and so on. What
 * stands at one depth depends on nothing there, so each party's are one append, and these appends are independent. `goAlong`: those
 * of the first depth, with the values.
 */
function feedWrites(
  before: AgreementState,
  held: readonly VerifiedStatement[],
  again: BroughtAgain,
  goAlong: boolean,
): Write[] {
  const depths: Map<Handle, Run>[] = []
  const depthAt = new Map<string, number>()
  for (const one of held) {
    if (again.stored?.(one)) continue
    const { statement, text, signature } = one
    const { party, seq, seen } = statement
    const below = again.covered(one) ? 0 : 1
    const depth = placesOf(seen).reduce(
      (deepest, [handle, place]) => Math.max(deepest, (depthAt.get(`${handle} ${place.seq}`) ?? -below) + below),
      depthAt.get(`${party} ${seq - 1}`) ?? 0,
    )
    depthAt.set(`${party} ${seq}`, depth)
    const runs = depths[depth] ?? new Map<Handle, Run>()
    depths[depth] = runs
    const run = runs.get(party) ?? { party, first: seq, events: [] }
    runs.set(party, run)
    run.events.push({ type: 'StatementMade', data: encodeStored(text, signature) })
  }
  return depths.flatMap((runs, depth) =>
    Array.from(runs.values(), ({ party, first, events }, index) => ({
      kind: 'append' as const,
      stream: feedStream(before.contract, party),
      expectedRevision: first - 1,
      events,
      ...((index > 0 || (depth === 0 && goAlong)) && { withPrevious: true as const }),
    })),
  )
}

function evidenceWrites(
  contract: Uid,
  equivocations: readonly Equivocation[],
  divergences: readonly Divergence[],
): Write[] {
  const seen = divergences.map((divergence) => ({ type: 'DivergenceSeen', data: canonicalJson(divergence) }))
  const proven = equivocations.map(({ party, seq, held, other }) => ({
    type: 'EquivocationProven',
    data: proofOf(party, seq, held, other),
  }))
  const events = [...proven, ...seen]
  return events.length === 0
    ? []
    : [{ kind: 'append', stream: evidenceStream(contract), expectedRevision: 'any', events }]
}

/** Both statements, or the one that stands in no feed, should the two be more than every store takes at once. */
function proofOf(
  party: Handle,
  seq: Seq,
  held: VerifiedStatement | SignedStatement,
  other: VerifiedStatement | SignedStatement,
): string {
  const signed = ({ text, signature }: VerifiedStatement | SignedStatement): unknown =>
    JSON.parse(encodeSigned(text, signature, {}))
  const both = canonicalJson({ party, seq, held: signed(held), other: signed(other) })
  if (Buffer.byteLength(both) <= PROOF_BYTES_MAX) return both
  return canonicalJson({ party, seq, held: null, other: signed(other) })
}

/** One proof convicts a party: of those that are new, the first of each party that none is kept of yet. */
export function isNewEvidence(kept: readonly Equivocation[], found: readonly Equivocation[]): Equivocation[] {
  const known = new Set(kept.map(({ party }) => party))
  return found.filter(({ party }) => !known.has(party) && known.add(party))
}

/** The proofs of equivocation that the store keeps, as far as they still prove something to this view. Throws ContractDamaged. */
export async function loadEvidence(store: Store, state: AgreementState): Promise<Equivocation[]> {
  const proven: Equivocation[] = []
  for await (const { type, data, revision } of store.events.read(evidenceStream(state.contract))) {
    if (type !== 'EquivocationProven') continue
    const reception = receive(state, [statementProven(data, state.contract, revision)])
    proven.push(...isNewEvidence(proven, reception.equivocations))
  }
  return proven
}

function statementProven(data: string, contract: Uid, revision: number): SignedStatement {
  try {
    const { other } = parseStored(data) as { other: unknown }
    return decodeSigned(canonicalJson(other))
  } catch (cause) {
    const message = `the stored proof ${revision} is none: ${(cause as Error).message}`
    throw new ContractDamaged('contract_damaged', message, { contract, revision }, { cause })
  }
}

function settledWrites(contract: Uid, from: number, settled: readonly Acknowledged[]): Write[] {
  if (settled.length === 0) return []
  const events = settled.map(({ text }) => ({ type: 'RequestSettled', data: text }))
  return [{ kind: 'append', stream: contractStream(contract), expectedRevision: from - 1, events }]
}

/** What stands in the store was valid when it was written. Throws ContractDamaged, and EngineUnknown. */
export function assertNothingRefused({ refused, unjudged }: Reception, contract: Uid): void {
  if (unjudged[0] !== undefined) throw unjudged[0].error
  const [first] = refused
  if (first === undefined) return
  throw new ContractDamaged('contract_damaged', `a stored statement is not valid: ${first.error.message}`, {
    contract,
    ...first.error.evidence,
  })
}

/** The statements of one feed as stored, in order, from a seq on, decoded but not verified. Throws ContractDamaged. */
export async function readFeed(
  store: Store,
  contract: Uid,
  handle: Handle,
  range: { readonly from?: Seq; readonly limit?: number } = {},
  turns?: Turns,
): Promise<SignedStatement[]> {
  const lines: string[] = []
  for await (const event of store.events.read(feedStream(contract, handle), range)) lines.push(event.data)
  return decodeFeed(store, contract, handle, range.from ?? 0, lines, turns)
}

/** The same of lines that are known, the first at `from`, with their values as stored. Throws ContractDamaged. */
export async function decodeFeed(
  store: Store,
  contract: Uid,
  handle: Handle,
  from: Seq,
  lines: readonly string[],
  turns?: Turns,
): Promise<SignedStatement[]> {
  const statements: { readonly bare: Bare; readonly seals: ReadonlySet<Hash> }[] = []
  const sealed: { readonly seq: Seq; readonly seal: Hash }[] = []
  for (const [index, line] of lines.entries()) {
    if (turns?.isOver === true) await turns.next()
    const seq = from + index
    const bare = orDamaged({ contract, party: handle, seq }, () => decodeBare(line))
    const seals = sealsNamedBy(bare.statement)
    for (const seal of seals) sealed.push({ seq, seal })
    statements.push({ bare, seals })
  }
  const texts = await textsInOrder(refsIn(handle, sealed), (refs) => store.payloads.get(contract, refs))
  let place = 0
  const decoded: SignedStatement[] = []
  for (const [index, { bare, seals }] of statements.entries()) {
    if (turns?.isOver === true) await turns.next()
    const payloads: { [seal: Hash]: Payload } = {}
    for (const seal of seals) {
      const text = texts[place++]
      if (text !== undefined) payloads[seal] = readPayload(text, contract, seal)
    }
    const evidence = { contract, party: handle, seq: from + index }
    decoded.push(orDamaged(evidence, () => withStoredPayloads(bare, payloads)))
  }
  return decoded
}

/** Throws ContractDamaged where the stored statement is none. */
function orDamaged<Result>(
  evidence: { readonly contract: Uid; readonly party: Handle; readonly seq: Seq },
  decode: () => Result,
): Result {
  try {
    return decode()
  } catch (cause) {
    if (!(cause instanceof StatementRefused)) throw cause
    const message = `the stored statement ${evidence.party} ${evidence.seq} is none: ${cause.message}`
    throw new ContractDamaged('contract_damaged', message, evidence, { cause })
  }
}

function readPayload(text: string, contract: Uid, seal: Hash): Payload {
  const payload = jsonOf(payloadForm, text)
  if (payload !== undefined) return payload
  throw new ContractDamaged('contract_damaged', 'a stored value is not what was stored', { contract, seal })
}

/**
 * Appends settled entries, the first at `index`, where other processes of this node may have appended the same ones
 * already, or some of them. Requires that all before them stand there. Throws ContractDamaged if others stand there.
 */
export async function extendLedger(
  store: Store,
  contract: Uid,
  index: number,
  settled: readonly string[],
): Promise<void> {
  let events = settled.map((data) => ({ type: 'RequestSettled', data }))
  for (let next = index; events.length > 0; ) {
    try {
      const append = { kind: 'append', stream: contractStream(contract), expectedRevision: next - 1, events } as const
      await store.write([append])
      return
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision) || error.actual < next) throw error
    }
    const standing = store.events.read(contractStream(contract), { from: next, limit: events.length })
    for await (const { data } of standing) {
      if (data !== events[0]?.data) throw ledgerDamaged(contract, next)
      events = events.slice(1)
      next++
    }
  }
}

export function ledgerDamaged(contract: Uid, index: number): ContractDamaged {
  return new ContractDamaged('contract_damaged', `ledger entry ${index} is not what the feeds say`, { contract, index })
}

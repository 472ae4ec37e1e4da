import { builtIn, type Engines } from '../aggregates/contract/engines.ts'
import { membersOf } from '../aggregates/contract/state.ts'
import { newestOf } from '../agreement/feeds.ts'
import type { Acknowledged } from '../agreement/ledger.ts'
import { type Reception, receive } from '../agreement/receive.ts'
import { type AgreementState, emptyAgreement } from '../agreement/state.ts'
import type { Hash } from '../crypto/hash.ts'
import { hashFromBytes } from '../crypto/hash.ts'
import type { Handle, Uid } from '../events/ids.ts'
import { sealsNamedBy } from '../events/seal.ts'
import type { Payload, Payloads, Statement } from '../events/statement.ts'
import { type Decoded, decodeStored } from '../events/statement-codec.ts'
import { leafHash, nodeHash } from '../merkle/hashing.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { AuditFailed } from './audit-failed.ts'
import { equivocationsIn, type Misconduct, type PartyNamed, partyNamed, wrongHeads } from './misconduct.ts'
import type { AuditSource, StoredLine } from './source.ts'

/** What an auditor found, all of it recomputed from the feeds. */
export interface AuditReport {
  readonly contract: Uid
  readonly title: string
  readonly statements: number
  /** Settled entries; what is pending besides. */
  readonly size: number
  readonly pending: number
  readonly root: Hash
  readonly record: Hash
  readonly members: readonly (PartyNamed & { readonly statements: number; readonly signedSize: number })[]
  /** What members did, by their own signatures; the store itself is sound. */
  readonly misconduct: readonly Misconduct[]
}

/**
 * Recomputes a contract from one party's store and compares: form and canonical bytes, signatures, hash links, clocks
 * and covering of every statement; order, outcome, events and record hash of every entry; the bytes of the stored
 * ledger; the Merkle root, by another way than the node's. Trusts nothing in the store. What a member did is reported.
 * Throws AuditFailed at the first place where the store is damaged, and EngineUnknown where the ledger goes on in an engine that is not among `engines`.
 */
export async function verifyContract(source: AuditSource, engines: Engines = builtIn): Promise<AuditReport> {
  const { state, settled } = await recompute(source, engines)
  await verifyLedger(source, settled)
  const root = verifyRoot(state, settled)
  const misconduct = [...(await equivocationsIn(source, state)), ...wrongHeads(state)]
  return {
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
    misconduct,
  }
}

/** Takes in all feeds, the founder's first: it names the parties whose feeds come next. */
async function recompute(
  source: AuditSource,
  engines: Engines,
): Promise<{ state: AgreementState; settled: readonly Acknowledged[] }> {
  let state = emptyAgreement(source.contract, engines)
  let waiting: readonly Decoded[] = []
  const settled: Acknowledged[] = []
  const read = new Set<Handle>()
  for (let unread: readonly Handle[] = [source.founder]; unread.length > 0; ) {
    const statements: Decoded[] = [...waiting]
    for (const party of unread) {
      read.add(party)
      for (const decoded of await readFeed(source, party)) statements.push(decoded)
    }
    const reception = receive(state, statements)
    verifyReception(reception)
    if (reception.unjudged[0] !== undefined) throw reception.unjudged[0].error
    state = reception.state
    waiting = reception.waiting
    for (const entry of reception.settled) settled.push(entry)
    unread = [...state.ledger.invited.keys()].filter((handle) => !read.has(handle))
  }
  const [lost] = waiting
  if (lost !== undefined)
    throw new AuditFailed(placeOf(lost), 'something that it covers or seals is missing in the store')
  return { state, settled }
}

async function readFeed(source: AuditSource, party: Handle): Promise<Decoded[]> {
  const lines: StoredLine[] = []
  for await (const line of source.feed(party)) {
    const place = { kind: 'feed', party, seq: lines.length } as const
    if (line.revision !== lines.length) throw new AuditFailed(place, `it is missing: the next one is ${line.revision}`)
    if (line.type !== 'StatementMade') throw new AuditFailed(place, `a feed holds no ${line.type}`)
    lines.push(line)
  }
  const sealed = lines.flatMap(({ data }, seq) => sealsIn(data).map((seal) => ({ seq, seal })))
  const texts = await source.payloads(party, sealed)
  return lines.map(({ data }, seq) => {
    const place = { kind: 'feed', party, seq } as const
    const decoded = decodeAt(place, data, texts)
    if (decoded.statement.party !== party || decoded.statement.seq !== seq) {
      throw new AuditFailed(place, `it is statement ${decoded.statement.seq} of ${decoded.statement.party}`)
    }
    return decoded
  })
}

function decodeAt(place: AuditFailed['place'], data: string, texts: ReadonlyMap<Hash, string>): Decoded {
  try {
    return decodeStored(data, (statement) => payloadsOf(statement, texts))
  } catch (cause) {
    if (cause instanceof ConcordataError) throw new AuditFailed(place, cause.message, cause.evidence, { cause })
    throw new AuditFailed(place, 'a value in it cannot be read', {}, { cause })
  }
}

function payloadsOf(statement: Statement, texts: ReadonlyMap<Hash, string>): Payloads {
  const payloads: { [seal: Hash]: Payload } = {}
  for (const seal of sealsNamedBy(statement)) {
    const text = texts.get(seal)
    if (text !== undefined) payloads[seal] = JSON.parse(text) as Payload
  }
  return payloads
}

/** Of a line that is not even JSON there are none; decoding will say so with its place. */
function sealsIn(data: string): Hash[] {
  try {
    return [...sealsNamedBy((JSON.parse(data) as { statement: Statement }).statement)]
  } catch {
    return []
  }
}

function verifyReception({ refused, equivocations, otherBranches }: Reception): void {
  const first = refused[0]
  if (first !== undefined) {
    throw new AuditFailed(placeOf(first.decoded), first.error.message, {
      code: first.error.code,
      ...first.error.evidence,
    })
  }
  const forked = equivocations[0]
  if (forked !== undefined) {
    throw new AuditFailed(
      { kind: 'feed', party: forked.party, seq: forked.seq },
      'the party signed two statements here',
    )
  }
  const branch = otherBranches[0]
  if (branch !== undefined) {
    const reason = `${branch.signer} covers another statement here than the one stored`
    throw new AuditFailed({ kind: 'feed', party: branch.party, seq: branch.seq }, reason, {
      theirs: branch.theirs,
      ours: branch.ours,
    })
  }
}

function placeOf({ statement }: Decoded): AuditFailed['place'] {
  return { kind: 'feed', party: statement.party, seq: statement.seq }
}

async function verifyLedger(source: AuditSource, settled: readonly Acknowledged[]): Promise<void> {
  let index = 0
  for await (const line of source.ledger()) {
    const expected = settled[index]
    if (line.revision !== index) {
      throw new AuditFailed({ kind: 'ledger', index }, `it is missing: the next one is ${line.revision}`)
    }
    if (line.type !== 'RequestSettled')
      throw new AuditFailed({ kind: 'ledger', index }, `a ledger holds no ${line.type}`)
    if (expected === undefined) {
      throw new AuditFailed(
        { kind: 'ledger', index },
        'it is stored as settled, but not everybody in the feeds has signed for it',
      )
    }
    if (line.data !== expected.text) {
      throw new AuditFailed({ kind: 'ledger', index }, 'it is not what the feeds make of it', {
        stored: line.data,
        recomputed: expected.text,
      })
    }
    index++
  }
  if (index < settled.length) {
    throw new AuditFailed({ kind: 'ledger', index }, 'it is missing, though everybody has signed for it')
  }
}

/** The root of the settled ledger straight from the definition, beside the one that the log kept as it grew. */
function verifyRoot(state: AgreementState, settled: readonly Acknowledged[]): Hash {
  const leaves = settled.map(({ text }) => leafHash(text))
  const root = leaves.length === 0 ? state.ledger.log.rootAt(0) : hashFromBytes(treeHash(leaves))
  const kept = state.ledger.log.rootAt(settled.length)
  if (root === kept) return root
  throw new AuditFailed({ kind: 'ledger', index: settled.length - 1 }, 'the Merkle root cannot be reproduced', {
    root,
    kept,
  })
}

/** RFC 9162 §2.1.1, as it stands there. */
function treeHash(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0] as Uint8Array
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return nodeHash(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)))
}

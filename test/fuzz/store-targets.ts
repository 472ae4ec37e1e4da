import { isUtf8 } from 'node:buffer'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AgreementState, emptyAgreement } from '../../src/agreement/state.ts'
import { verifyContract } from '../../src/audit/verify.ts'
import {
  type AskedCommand,
  decodeOutbox,
  done,
  doneThrough,
  type OutboxEvent,
  queued,
} from '../../src/contracts/commands/queued-command.ts'
import { passiveContractOf, passiveFormOf } from '../../src/contracts/passive/passive-contract.ts'
import { Contracts } from '../../src/contracts/registry/contracts.ts'
import { contractHeldIn } from '../../src/contracts/registry/held-contracts.ts'
import { findSettled } from '../../src/contracts/replica/find-settled.ts'
import { loadEvidence, writesFor } from '../../src/contracts/replica/journal.ts'
import { loadContract } from '../../src/contracts/replica/opening/load.ts'
import { keyReserved, keyRevoked } from '../../src/contracts/signing/own-revocations.ts'
import { memoryGuard } from '../../src/contracts/signing/signing-guard.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { sign } from '../../src/crypto/key-pair.ts'
import { keySigner } from '../../src/crypto/signer.ts'
import { defaultCharter } from '../../src/events/charter.ts'
import { declineBytes } from '../../src/events/parties/decline.ts'
import { seal, valueUnder } from '../../src/events/seal.ts'
import { decodeSigned } from '../../src/events/statement-codec.ts'
import { encodeMessage } from '../../src/gossip/message.ts'
import { Fold } from '../../src/projections/fold.ts'
import { openReadModel } from '../../src/projections/read-model.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { completed } from '../../src/runtime/turns.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import { recorded } from '../../src/store/eventstoredb/reading.ts'
import type { NewEvent, RecordedEvent, Store, Write } from '../../src/store/port.ts'
import { openSqliteSnapshots } from '../../src/store/sqlite/snapshots.ts'
import { contractStream, evidenceStream, feedStream } from '../../src/store/streams.ts'
import { allOf, CONTRACT, market, owes, talk } from '../support/market.ts'
import { decodeSnapshot, encodeSnapshot, snapshotOf } from '../support/snapshots-at-once.ts'
import { parse, type Target } from './target.ts'

const [ana, ben] = market('ana', 'ben')
const founder = { handle: ana.handle, signing: ana.card.keys.signing }
const request = ana.request([{ type: 'AddField', parent: '0', name: 'ü', field: { type: 'text' } }])
ana.proposes('0.0', 'a value')
talk([ana, ben], owes)
const revocation = ana.revocation({ privateKey: ben.privateKey, publicKey: ben.card.keys.signing })
const place = { handle: ana.handle, seq: 1, index: 0 }

export const event = (type: string, data: string, stream = 'outbox-asks'): RecordedEvent => ({
  stream,
  revision: 0,
  position: 0,
  type,
  data,
})

/** One of these, by the text: so that each text has one outcome. */
const someOf = <Item>(items: readonly Item[], text: string) => items[text.length % items.length] as Item

function asks(): NewEvent[] {
  const { seal: sealed, payload } = seal('x', new Uint8Array(16))
  const { revocation: revoked, signature } = revocation
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const all: AskedCommand[] = [
    { kind: 'request', request, payloads: { [sealed]: payload }, retry: true, traceparent },
    { kind: 'withdraw', request: place, about: { text: 'no' } },
    { kind: 'answer', request: place, refusal: null },
    { kind: 'accept' },
    { kind: 'revoke', revocation: revoked, signature },
    { kind: 'open', title: 'x', charter: defaultCharter },
  ]
  const outcomes = [
    { result: { deep: [null, 1] } },
    { problem: { code: 'not_invited', message: 'no', evidence: { contract: CONTRACT } } },
  ] as const
  return [
    ...all.map((ask) => queued({ id: request.id, contract: CONTRACT, ask })),
    ...outcomes.map((outcome) => done({ id: 'x', contract: null, ...outcome })),
    doneThrough(7),
  ]
}

function encodeQueued(what: OutboxEvent): string {
  if ('queued' in what) return queued(what.queued).data
  return 'done' in what ? done(what.done).data : doneThrough(what.through).data
}

function words(): string[] {
  const decline = { contract: CONTRACT, invitation: 3, handle: ana.handle }
  const declined = { decline, signature: sign(ana.privateKey, declineBytes(decline)) }
  const [reserved] = keyReserved(ben.card.keys.signing, [CONTRACT]) as [NewEvent]
  return [canonicalJson(ana.accepts(3)), canonicalJson(declined), reserved.data, keyRevoked(revocation).data]
}

/** The contracts of a node. */
export const contractsIn = (store: Store) =>
  Contracts.open({
    store,
    signer: keySigner(ana.privateKey),
    guard: memoryGuard(),
    clock: systemClock,
    card: ana.card,
    uidOf: () => CONTRACT,
    newRequestId: () => 'x',
  } as unknown as Parameters<typeof Contracts.open>[0])

/** What ana's store has of the contract, in the order of writing. */
function stored(): Write[] {
  const held = allOf(ana).map((decoded) => {
    const found = ana.state.feeds.get(decoded.statement.party)?.get(decoded.statement.seq)
    if (found === undefined) throw new Error('it does not hold its own')
    return found
  })
  return writesFor({ before: emptyAgreement(CONTRACT), held, settled: [], equivocations: [], divergences: [] })
}

const writes = stored()
export const texts = writes.flatMap((write) =>
  write.kind === 'payloads' ? write.entries.map(({ text }) => text) : write.events.map(({ data }) => data),
)

/** A store with one of its texts changed. */
export async function changed(from: string, to: string): Promise<Store> {
  const change = (text: string) => (text === from ? to : text)
  const store = openMemoryStore()
  await store.write(
    writes.map((write) =>
      write.kind === 'payloads'
        ? { ...write, entries: write.entries.map((entry) => ({ ...entry, text: change(entry.text) })) }
        : { ...write, events: write.events.map((written) => ({ ...written, data: change(written.data) })) },
    ),
  )
  return store
}

/** Whose place a text takes: its own, if it has one. */
const placeOf = (text: string) => (texts.includes(text) ? text : someOf(texts, text))

/** A memory store takes no text that is no Unicode, and SQLite could not keep it. */
const loadChanged = async (text: string) =>
  loadContract(await changed(placeOf(text), text.toWellFormed()), CONTRACT, ana.handle)

/** Loading it completes the ledger. */
const wholeStore = await changed('', '')
const whole = await loadContract(wholeStore, CONTRACT, ana.handle)
const settledTexts = whole.settled.map(({ text }) => text)
const eventsAsStored = await Array.fromAsync(wholeStore.events.readAll())

function auditSource(text: string) {
  const from = placeOf(text)
  const change = (data: string) => (data === from ? text : data)
  async function* linesOf(stream: string) {
    for (const { data, ...line } of eventsAsStored.filter((found) => found.stream === stream))
      yield { ...line, data: change(data) }
  }
  const sealed = writes.flatMap((write) => (write.kind === 'payloads' ? write.entries : []))
  async function* groups() {
    for (const write of writes) {
      if (write.kind !== 'payloads') continue
      const entries = write.entries.map(({ seal: of, text: kept }) => [of, change(kept)] as const)
      yield { group: write.group, entries, faults: [] }
    }
  }
  return {
    contract: CONTRACT,
    founder: ana.handle,
    isAtomic: true,
    groups,
    feed: (party: string) => linesOf(feedStream(CONTRACT, party as typeof ana.handle)),
    ledger: () => linesOf(contractStream(CONTRACT)),
    evidence: () => linesOf('none'),
    payloads: async () => new Map(sealed.map(({ seal: of, text: kept }) => [of, change(kept)])),
  }
}

const snapshot = snapshotOf(whole.state)
const snapshotStore = await changed('', '')
const sameAs = ({ settling, feeds }: AgreementState) =>
  canonicalJson([settling.settled, [...feeds].map(([handle, feed]) => [handle, feed.size, feed.last()?.hash ?? null])])

/** What its hash does not tell from a snapshot, but of so many slots, each to be given out, that no document has them. */
const isVast = (text: string) => /"slots":(?:-?\d{5}|\d[\d.]*e)/i.test(text)

const proof = () => {
  const [one, other] = market('ana', 'ben')
  const said = other.says()
  const forged = decodeSigned(
    other.forges(said, (statement) => {
      statement.time = '2027-01-01T00:00:00.000Z'
    }),
  )
  one.hears(...allOf(other))
  const { equivocations } = one.hears(forged)
  const [write] = writesFor({ before: one.state, held: [], settled: [], equivocations, divergences: [] })
  if (write?.kind !== 'append') throw new Error('there is no proof to begin with')
  return { state: one.state, data: (write.events[0] as NewEvent).data }
}
export const proven = proof()

/** For files of SQLite, which has no other way in. */
const dir = mkdtempSync(join(tmpdir(), 'fuzz-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))

const model = openReadModel(join(dir, 'read-model.sqlite'))
const places = openSqliteSnapshots(join(dir, 'passive.sqlite'))
const history = [
  event('ContractHeld', canonicalJson({ contract: CONTRACT, founder }), 'contracts'),
  ...eventsAsStored,
].map((found, position) => ({ ...found, position }))

/** What a store keeps: its own node wrote it, but a disk fails, an administrator errs, and `serve` is trusted the least. */
export const storeTargets: readonly Target[] = [
  {
    name: 'an event of the command queue',
    valid: asks().map(({ data }) => data),
    decode(text) {
      const type = someOf(['IntentQueued', 'IntentQueued', 'IntentSigned', 'IntentRejected', 'IntentsDone', 'x'], text)
      const what = decodeOutbox(event(type, text))
      return () => encodeQueued(what)
    },
  },
  (() => {
    const contracts = contractsIn(openMemoryStore())
    return {
      name: 'an event of the invitations',
      valid: words(),
      async decode(text: string) {
        const type = someOf(
          ['InvitationAccepted', 'InvitationDeclined', 'KeyReserved', 'KeyRevoked', '__proto__'],
          text,
        )
        const contract = (await contracts).learnReply(event(type, text, 'invitations'))
        if (contract === undefined) return null
        const word = JSON.parse(text)
        return () => {
          // It is carried to others as it is.
          encodeMessage(new Map(), [], [word])
          return canonicalJson(word)
        }
      },
      close: async () => (await contracts).close(),
    }
  })(),
  {
    name: 'an event of the contracts held',
    valid: [canonicalJson({ contract: CONTRACT, founder })],
    decode(text) {
      const held = contractHeldIn({ data: text, stream: 'contracts', revision: 0 })
      return held === undefined ? null : () => canonicalJson(held)
    },
  },
  {
    name: 'a contract as it is stored',
    valid: texts,
    share: 0.5,
    async decode(text) {
      await loadChanged(text)
      return undefined
    },
  },
  {
    name: 'a contract as an auditor reads it',
    valid: texts,
    share: 0.5,
    async decode(text) {
      await verifyContract(auditSource(text))
      return undefined
    },
  },
  {
    name: 'an entry of the ledger',
    valid: settledTexts,
    share: 0.5,
    async decode(text) {
      const store = openMemoryStore()
      await store.events.append(contractStream(CONTRACT), 'any', [{ type: 'x', data: text.toWellFormed() }])
      await findSettled(store.events, CONTRACT, 'nobody.0.0')
      return undefined
    },
  },
  {
    name: 'a stored proof of misbehaviour',
    valid: [proven.data],
    share: 0.5,
    async decode(text) {
      const store = openMemoryStore()
      await store.events.append(evidenceStream(CONTRACT), 'any', [
        { type: 'EquivocationProven', data: text.toWellFormed() },
      ])
      await loadEvidence(store, proven.state)
      return undefined
    },
  },
  {
    name: 'a value as it is kept',
    valid: ['x', { a: [1, 'ü'] }].map((value) => canonicalJson(seal(value, new Uint8Array(16)).payload)),
    decode(text) {
      const value = valueUnder(seal('x', new Uint8Array(16)).seal, text)
      return () => canonicalJson({ salt: 'A'.repeat(22), value })
    },
  },
  {
    name: 'what the read model is made of',
    valid: history.map(({ data }) => data),
    share: 0.5,
    decode(text) {
      const from = someOf(history, text)
      model.exec('BEGIN')
      try {
        // What cannot be folded is noted as a failure; another exception would stop all contracts.
        completed(new Fold(model).folding(history.map((found) => (found === from ? { ...found, data: text } : found))))
      } finally {
        model.exec('ROLLBACK')
      }
      return undefined
    },
  },
  {
    name: 'an event of EventStoreDB',
    valid: texts,
    decode(text) {
      const data = Buffer.from(text, someOf(['utf8', 'latin1', 'utf16le'], text))
      const revision = someOf([0n, 7n, -1n, 2n ** 63n], text)
      const found = {
        streamId: someOf(['ns-feed', 'ns-', '$x', 'other'], text),
        isJson: false,
        revision,
        type: 'x',
        data,
      }
      const read = recorded({ event: { ...found, position: { commit: revision } } } as never, 'ns-')
      // Bytes that are no text are handed on as what no form fits.
      const isKept = () => (isUtf8(data) ? Buffer.from(read?.data ?? '').equals(data) : !canBeJson(read?.data ?? ''))
      return read && (() => (isKept() ? text : read.data))
    },
  },
  {
    name: 'a contract at rest',
    valid: [JSON.stringify(passiveFormOf(whole.state, ana.handle))],
    decode(text) {
      // What is none is loaded.
      const passive = passiveContractOf(text)
      return passive === undefined ? null : () => canonicalJson(passive) && text
    },
  },
  {
    name: 'a snapshot of a contract',
    valid: [encodeSnapshot(snapshot)],
    decode(text) {
      const read = decodeSnapshot(text, CONTRACT)
      return read === undefined ? null : () => encodeSnapshot(read)
    },
  },
  {
    name: 'a snapshot under a right hash',
    valid: [JSON.stringify(snapshot)],
    share: 0.5,
    async decode(text) {
      if (isVast(text) || parse(text) === undefined) return undefined
      const named = `${sha256(text)}\n${text}`
      const { state } = await loadContract(snapshotStore, CONTRACT, ana.handle, 'alone', named)
      // Whatever it says, what was signed is what counts.
      return () => (sameAs(state) === sameAs(whole.state) ? text : sameAs(state))
    },
  },
  {
    name: 'the place of a request at rest',
    valid: [JSON.stringify(place)],
    share: 0.5,
    decode(text) {
      const kept = parse(text)
      if (kept === undefined) return undefined
      const requests = new Map([['x', kept.value as typeof place]])
      places.put(CONTRACT, { snapshot: '', passive: '', parties: [], requests }, 0)
      const found = places.placeOf(CONTRACT, 'x')
      return () => canonicalJson(found) && text
    },
    close: async () => places.close(),
  },
]

function canBeJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { statementDue } from '../../src/agreement/draft.ts'
import { receive } from '../../src/agreement/receive.ts'
import { emptyAgreement } from '../../src/agreement/state.ts'
import type { AuditFailed } from '../../src/audit/audit-failed.ts'
import { verifyContract } from '../../src/audit/verify.ts'
import { auditSourceOf } from '../../src/cli/audit/audit-source.ts'
import { writesFor } from '../../src/contracts/replica/journal.ts'
import { partyFingerprint } from '../../src/events/parties/party-card.ts'
import { decodeSigned, type SignedStatement } from '../../src/events/statement-codec.ts'
import { decodeRow, encodeRow } from '../../src/store/sqlite/payload-row.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { contractStream, feedStream } from '../../src/store/streams.ts'
import { allOf, CONTRACT, market, owes as owesAnything, Player, talk } from '../support/market.ts'
import { putIn, type StoredEvent, setData, storedEvents, takeOut } from '../support/stored-events.ts'

const ana = new Player('ana')
const ben = new Player('ben')
const owes = ({ state, handle }: Player) =>
  state.ledger.invited.has(handle) && statementDue(state, handle) !== undefined

ana.requests(ana.opening())
ana.requests({ type: 'InviteParty', party: ben.card })
talk([ana, ben], owes)
ana.requests({ type: 'AdmitParty', accepted: ben.accepts(1) })
ana.requests({ type: 'AddField', parent: '0', name: 'Country', field: { type: 'text' } })
talk([ana, ben], owes)
for (const [player, value] of [
  [ana, 'Mexico'],
  [ben, 'Chile'],
  [ana, 'Peru'],
] as const) {
  player.proposes('0.0', value)
  talk([ana, ben], owes)
}

/** A file as ana's node would have it, for each test its own. */
async function storeOf(t: Test, statements: readonly SignedStatement[] = allOf(ana)): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'concordata-audit-'))
  t.teardown(() => rm(dir, { recursive: true }))
  const path = join(dir, 'store.sqlite')
  const store = await openSqliteStore(path)
  const before = emptyAgreement(CONTRACT)
  const { taken, settled, equivocations, state } = receive(before, statements)
  const { divergences } = state.settling
  await store.write(writesFor({ before, held: taken, settled, equivocations, divergences }))
  await store.close()
  return path
}

async function audit(path: string) {
  const store = await openSqliteStore(path, { readonly: true, snapshot: true })
  try {
    return await verifyContract(auditSourceOf(store, CONTRACT, ana.handle))
  } finally {
    await store.close()
  }
}

function change(
  path: string,
  work: (database: Database.Database, ids: { feed: number; ledger: number }) => void,
): void {
  const database = new Database(path)
  const idOf = (name: string) => database.prepare('SELECT id FROM streams WHERE name = ?').pluck().get(name) as number
  database.pragma('foreign_keys = OFF')
  work(database, { feed: idOf(feedStream(CONTRACT, ben.handle)), ledger: idOf(contractStream(CONTRACT)) })
  database.close()
}

t.test('what nobody has touched is what it claims to be', async (t) => {
  const report = await audit(await storeOf(t))
  t.match(report, { title: 'test', size: ana.settled, pending: 0, root: ana.state.ledger.log.rootAt(ana.settled) })
  t.match(report.members, [{ handle: 'ana', signedSize: ana.settled }, { handle: 'ben' }])
})

function eventAt(database: Database.Database, streamId: number, revision: number): StoredEvent {
  const found = storedEvents(database).find((event) => event.streamId === streamId && event.revision === revision)
  if (found === undefined) throw new Error(`stream ${streamId} has no event ${revision}`)
  return found
}

function proofIn(database: Database.Database): StoredEvent {
  const proof = storedEvents(database).find(({ type }) => type === 'EquivocationProven')
  if (proof === undefined) throw new Error('no proof is stored')
  return proof
}

const flip = (text: string, at: number) => {
  const character = text.charAt(at)
  return text.slice(0, at) + (character === 'x' ? 'y' : 'x') + text.slice(at + 1)
}

t.test('one byte of any stored event, wherever it is flipped, is found with its place', async (t) => {
  const original = await storeOf(t)
  const database = new Database(original)
  for (const event of storedEvents(database)) {
    const { stream, revision, data } = event
    if (!stream.startsWith('feed-') && !stream.startsWith('contract-')) continue
    // Every part of the event in turn: a step that has no factor in common with its structure.
    for (let at = 0; at < data.length; at += 97) {
      setData(database, event, flip(data, at))
      const place = stream.startsWith('feed') ? { kind: 'feed', seq: revision } : { kind: 'ledger', index: revision }
      await t.rejects(audit(original), { code: 'audit_failed', place }, `${stream} ${revision} at ${at}`)
      setData(database, event, data)
    }
  }
  database.close()
  await t.resolves(audit(original))
})

t.test('an event that is taken out is missed', async (t) => {
  for (const stream of ['feed', 'ledger'] as const) {
    const path = await storeOf(t)
    change(path, (database, ids) => {
      takeOut(database, ids[stream], 2)
    })
    await t.rejects(audit(path), { message: /2/ }, stream)
  }
})

t.test('the end of a stream cannot be cut off unseen', async (t) => {
  for (const stream of ['feed', 'ledger'] as const) {
    const path = await storeOf(t)
    change(path, (database, ids) => {
      const last = database.prepare('SELECT last_revision FROM streams WHERE id = ?').pluck().get(ids[stream]) as number
      takeOut(database, ids[stream], last)
      database.prepare('UPDATE streams SET last_revision = ? WHERE id = ?').run(last - 1, ids[stream])
    })
    await t.rejects(audit(path), { message: /missing|last event|settled/ }, stream)
  }
})

t.test('two events that change places are found', async (t) => {
  for (const stream of ['feed', 'ledger'] as const) {
    const path = await storeOf(t)
    change(path, (database, ids) => {
      const [one, two] = [1, 2].map((revision) => eventAt(database, ids[stream], revision)) as [
        StoredEvent,
        StoredEvent,
      ]
      setData(database, one, two.data)
      setData(database, two, one.data)
    })
    const place = stream === 'feed' ? { kind: 'feed', seq: 1 } : { kind: 'ledger', index: 1 }
    await t.rejects(audit(path), { code: 'audit_failed', place }, stream)
  }
})

t.test('an event that is put in is found', async (t) => {
  for (const stream of ['feed', 'ledger'] as const) {
    const path = await storeOf(t)
    change(path, (database, ids) => {
      const last = database.prepare('SELECT last_revision FROM streams WHERE id = ?').pluck().get(ids[stream]) as number
      putIn(database, ids[stream], last + 1, eventAt(database, ids[stream], last))
      database.prepare('UPDATE streams SET last_revision = ? WHERE id = ?').run(last + 1, ids[stream])
    })
    await t.rejects(audit(path), { code: 'audit_failed' }, stream)
  }
})

t.test('a value that was changed or lost is found with the statement that sealed it', async (t) => {
  const holding = (text: string, row: Buffer) => [...decodeRow(row)].filter(([, value]) => value.includes(text))
  const faults: Record<string, (row: Buffer) => Buffer | null> = {
    changed: (row) =>
      encodeRow(new Map([...decodeRow(row)].map(([seal, text]) => [seal, text.replace('Chile', 'China')]))),
    lost: (row) => encodeRow(new Map([...decodeRow(row)].filter(([, text]) => !text.includes('Chile')))),
    'lost with its row': () => null,
  }
  for (const [name, fault] of Object.entries(faults)) {
    const path = await storeOf(t)
    change(path, (database) => {
      const rows = database.prepare<[], { id: number; entries: Buffer }>('SELECT id, entries FROM payloads').all()
      const { id, entries } = rows.find((row) => holding('Chile', row.entries).length > 0) as (typeof rows)[0]
      const damaged = fault(entries)
      if (damaged === null) database.prepare('DELETE FROM payloads WHERE id = ?').run(id)
      else database.prepare('UPDATE payloads SET entries = ? WHERE id = ?').run(damaged, id)
    })
    await t.rejects(audit(path), { code: 'audit_failed', place: { kind: 'payloads', group: /^ben\.\d+$/ } }, name)
  }
})

t.test(
  'the report has all that is damaged, says what could not be checked for it, and keeps misconduct apart',
  async (t) => {
    const path = await storeOf(t)
    change(path, (database, { feed, ledger }) => {
      const spoil = (stream: number, revision: number, text: string, other: string) => {
        const event = eventAt(database, stream, revision)
        t.match(event.data, text)
        setData(database, event, event.data.replace(text, other))
      }
      spoil(feed, 2, '"clock":', '"clock" :')
      spoil(ledger, 0, '"accepted"', '"refused"')
    })
    const { report } = (await audit(path).catch((error: unknown) => error)) as AuditFailed
    t.match(report.damage, [
      { code: 'statement_not_canonical', place: { kind: 'feed', party: 'ben', seq: 2 } },
      { code: 'ledger_mismatch', place: { kind: 'ledger', index: 0 } },
    ])
    t.equal(report.damage.length, 2, 'what only follows from the one is no finding of its own')
    const of = (name: string) => report.checks.find((check) => check.name === name)
    t.match(of('statements'), { findings: 1, notChecked: /^[1-9]\d* that follow/ })
    t.match(of('ledger'), { findings: 1, notChecked: /^from entry \d+ on/ })
    t.match(
      [of('payloads'), of('root'), of('heads'), of('proofs')].map((check) => check?.findings),
      [0, 0, 0, 0],
    )
    t.match(of('end'), { findings: 0, notChecked: /another member/ })
    t.same(report.misconduct, [])
  },
)

t.test('a stored proof that is spelt otherwise is damage, though it still convicts', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const [one, other] = ben.forks()
  ana.hears(one)
  const path = await storeOf(t, [...allOf(ana), other])
  const database = new Database(path)
  const proof = proofIn(database)
  setData(database, proof, proof.data.replaceAll('"seq":', '"seq": '))
  database.close()
  const { report } = (await audit(path).catch((error: unknown) => error)) as AuditFailed
  t.match(report.damage, [{ code: 'statement_not_canonical', place: { kind: 'evidence', revision: 0 } }])
})

t.test('a lying head that was corrected at once is misconduct of its author, and the store is sound', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const lie = decodeSigned(
    ben.forges(ben.says(), (statement) => {
      statement.head = { ...(statement.head as object), root: '0'.repeat(64) }
    }),
  )
  ana.hears(lie)
  const corrected = new Player('ben', ben.keys)
  corrected.hears(...allOf(ana))
  corrected.proposes('0.0', 'true')
  talk([ana, corrected], owesAnything)
  const report = await audit(await storeOf(t, allOf(ana)))
  t.match(report, { size: ana.settled, pending: 0 }, 'all of it has settled')
  const { card } = ben
  const party = { handle: 'ben', did: card.did, fingerprint: partyFingerprint(card) }
  t.match(report.misconduct, [{ kind: 'misconduct', what: 'wrong head', party, seq: lie.statement.seq }])
  t.match(report.members[1], party, 'the report names parties for those who know no handles')
})

t.test('a proven fork is misconduct; a stored proof that convicts nobody is damage', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const [one, other] = ben.forks()
  ana.hears(one)
  const path = await storeOf(t, [...allOf(ana), other])
  const { misconduct } = await audit(path)
  t.match(misconduct, [{ what: 'equivocation', party: { handle: 'ben' }, seq: one.statement.seq }])
  t.equal(misconduct.length, 1)
  const database = new Database(path)
  const proof = proofIn(database)
  t.match(proof.data, other.signature)
  setData(database, proof, proof.data.replaceAll(other.signature, one.signature))
  database.close()
  await t.rejects(audit(path), { code: 'audit_failed', place: { kind: 'evidence', revision: 0 } })
})

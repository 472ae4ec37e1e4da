import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { childrenOf, type Element } from '../../src/aggregates/contract/document/element.ts'
import type { ContractState } from '../../src/aggregates/contract/state.ts'
import { type Exported, exportingTemplate } from '../../src/aggregates/contract/templates/export-template.ts'
import { standingAt } from '../../src/aggregates/contract/values/standing.ts'
import type { AgreementState } from '../../src/agreement/state.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { type ElementId, requestKey, type Uid } from '../../src/events/ids.ts'
import { Fold } from '../../src/projections/fold.ts'
import { draftReadModel } from '../../src/projections/read-model.ts'
import { READ_MODEL_SCHEMA, READ_MODEL_VERSION } from '../../src/projections/tables.ts'
import { completed } from '../../src/runtime/turns.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import type { RecordedEvent } from '../../src/store/port.ts'
import { contractStream } from '../../src/store/streams.ts'
import { SeededRandom } from '../simulation/seeded-random.ts'
import { busyContract, busyUid, Recorder, recordBusyContract } from '../support/busy-contract.ts'
import { CONTRACT, Player } from '../support/market.ts'
import { dump } from '../support/read-model-dump.ts'

const [one, other] = [busyUid(1), busyUid(2)]
const busy = { members: 3, rounds: 5, requestsPerStatement: 3, fields: 4 }

async function emptyModel(t: Test): Promise<Database.Database> {
  const dir = await mkdtemp(join(tmpdir(), 'fold-'))
  const database = draftReadModel(join(dir, 'read-model.sqlite'))
  t.teardown(async () => {
    database.close()
    await rm(dir, { recursive: true, force: true })
  })
  return database
}

t.test('the tables say what the aggregate says', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(1_000_000), async (seed) => {
      const store = openMemoryStore()
      const database = await emptyModel(t)
      let last: Recorder | undefined
      for await (const recorder of busyContract(store, { ...busy, contract: one }, new SeededRandom(seed)))
        last = recorder
      const { settling } = (last as Recorder).state
      completed(new Fold(database).folding(await Array.fromAsync(store.events.readAll())))
      t.same(documentIn(database), documentOf(settling.agreed))
      t.same(
        database
          .prepare('SELECT handle, admitted_at FROM Market JOIN Party USING (id) WHERE standing = ?')
          .all('member'),
        settling.agreed.parties.members.map(({ card, admittedAt }) => ({
          handle: card.handle,
          admitted_at: admittedAt,
        })),
      )
      t.match(database.prepare('SELECT title, size FROM Contract').get(), {
        title: settling.agreed.title,
        size: settling.settled,
      })
      const pending = database.prepare("SELECT handle || '.' || seq || '.' || place FROM Pending").pluck().all()
      t.same(pending.sort(), underWay((last as Recorder).state).sort(), 'and what is under way')
      await store.close()
    }),
    { numRuns: 12 },
  )
})

/** Requests that are not settled: acknowledged ones, and those that are not even that. */
function underWay({ ledger, settling }: AgreementState): string[] {
  const open = ledger.open.flatMap(({ statement: { party: handle, seq, requests } }, place) =>
    [...requests.keys()]
      .filter((index) => place > 0 || index >= ledger.next)
      .map((index) => requestKey({ handle, seq, index })),
  )
  return [...settling.unsettled.map(({ entry }) => requestKey(entry.request)), ...open]
}

interface Shown {
  readonly path: string
  readonly key: string
  readonly kind: string
  readonly owner: string | null
  /** Seals of what stands, the agreed one first, each with who has voted YES. */
  readonly standing: readonly string[]
}

function documentOf({ document }: ContractState): Shown[] {
  const shown: Shown[] = []
  const show = (element: Element, path: string) => {
    const proposals = element.kind === 'field' ? standingAt(element) : []
    const standing = proposals.map(
      (one) => `${one.seal} ${'yes' in one ? `candidate ${one.yes.toSorted()}` : 'agreed'}`,
    )
    shown.push({ path, key: element.id, kind: element.kind, owner: element.owner, standing })
    if (element.kind === 'field') return
    const children = [
      ...(element.kind === 'list' && element.instance === undefined ? [element.prototype] : []),
      ...childrenOf(element),
    ]
    for (const child of children) {
      // What stands in an entry has a row from its first value on.
      if (child.instance !== undefined && element.kind !== 'list' && child.instance.own === undefined) continue
      show(child, path === '' ? child.name : `${path}/${child.name}`)
    }
  }
  show(document, '')
  return shown.sort((a, b) => (a.key < b.key ? -1 : 1))
}

function documentIn(database: Database.Database): Shown[] {
  const elements = database
    .prepare<[], Omit<Shown, 'standing'> & { id: number }>(
      `SELECT shown.id, path, key, kind, handle AS owner
       FROM Path JOIN DocumentElement AS shown ON shown.id = Path.element LEFT JOIN Party ON Party.id = shown.owner`,
    )
    .all()
  const standing = database.prepare<[number], { id: number; seal: string; agreed_at: number | null }>(
    `SELECT id, seal, agreed_at FROM Proposal WHERE element = ? AND ended_at IS NULL ORDER BY agreed_at IS NULL, id`,
  )
  const votes = database
    .prepare<[number], string>(
      `SELECT handle FROM Vote JOIN Party ON Party.id = Vote.party
       WHERE proposal = ? AND superseded_at IS NULL`,
    )
    .pluck()
  return elements
    .map(({ id, ...element }) => ({
      ...element,
      standing: standing.all(id).map((proposal) => {
        const { seal, agreed_at } = proposal
        return `${seal} ${agreed_at === null ? `candidate ${votes.all(proposal.id).sort()}` : 'agreed'}`
      }),
    }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
}

t.test('an entry, and what stands in it, is shown as its prototype has it, after every change of that', async (t) => {
  const store = openMemoryStore()
  const database = await emptyModel(t)
  const ana = new Player('ana')
  const recorder = await Recorder.open(store, CONTRACT, ana.card)
  const share = { type: 'decimal', hint: 'percent' } as const
  await recorder.hears(ana.requests(ana.opening()))
  await recorder.hears(
    ana.requests(
      { type: 'AddList', parent: '0', name: 'Layers', entry: 'block', entriesMax: 9 },
      {
        type: 'AddList',
        parent: '#0.0',
        name: 'Lines',
        entry: 'block',
        entriesMax: 9,
        key: { name: 'Insurer', field: { type: 'text' } },
      },
      { type: 'AddField', parent: '#1.0', name: 'Written', field: share },
      { type: 'AddEntry', list: '#0' },
      { type: 'AddEntry', list: '#3.0' },
    ),
  )
  await recorder.hears(ana.proposes('0.0.1.0.1.1', '12.5'))
  await recorder.hears(
    ana.requests(
      { type: 'RenameElement', element: '0.0.0.0.0.1', name: 'Share' },
      { type: 'RenameElement', element: '0.0.0.0', name: 'Subscriptions' },
      { type: 'ArrangeChildren', block: '0.0.0.0.0', order: [1] },
    ),
  )
  const shown = () =>
    database
      .prepare('SELECT path, key, kind, type, hint, place FROM Path JOIN DocumentElement ON id = element ORDER BY key')
      .raw()
      .all()
  const fold = new Fold(database)
  completed(fold.folding(await Array.fromAsync(store.events.readAll())))
  t.same(documentIn(database), documentOf(recorder.state.settling.agreed))
  t.same(shown(), [
    ['', '0', 'block', null, null, null],
    ['Layers', '0.0', 'list', null, null, null],
    ['Layers/0', '0.0.0', 'block', null, null, null],
    ['Layers/0/Subscriptions', '0.0.0.0', 'list', null, null, null],
    ['Layers/0/Subscriptions/0', '0.0.0.0.0', 'block', null, null, null],
    ['Layers/0/Subscriptions/0/Insurer', '0.0.0.0.0.0', 'field', 'text', null, null],
    ['Layers/0/Subscriptions/0/Share', '0.0.0.0.0.1', 'field', 'decimal', 'percent', 0],
    ['Layers/1', '0.0.1', 'block', null, null, null],
    ['Layers/1/Subscriptions', '0.0.1.0', 'list', null, null, null],
    ['Layers/1/Subscriptions/1', '0.0.1.0.1', 'block', null, null, null],
    ['Layers/1/Subscriptions/1/Share', '0.0.1.0.1.1', 'field', 'decimal', 'percent', 0],
  ])
  const before = fold.checkpoint?.position ?? 0
  await recorder.hears(ana.requests({ type: 'RemoveElement', element: '0.0.0.0.0.1' }))
  completed(fold.folding(await Array.fromAsync(store.events.readAll({ after: before }))))
  t.same(documentIn(database), documentOf(recorder.state.settling.agreed))
  t.same(
    database.prepare('SELECT ended_by FROM Proposal').pluck().all(),
    ['removed'],
    'with the field of the prototype',
  )
  await store.close()
})

const FIELDS = 2_000
/** Rows that are written in one step are so many at most. */
const ROWS_AT_ONCE = 600

t.test('one event may add, take away or order thousands of elements: it is folded in in steps', async (t) => {
  const store = openMemoryStore()
  const ana = new Player('ana')
  const recorder = await Recorder.open(store, CONTRACT, ana.card)
  await recorder.hears(ana.requests(ana.opening(), { type: 'AddBlock', parent: '0', name: 'Slip' }))
  for (let at = 0; at < FIELDS; at += 500) {
    const field = { type: 'AddField', parent: '0.0', field: { type: 'text' } }
    await recorder.hears(ana.requests(...Array.from({ length: 500 }, (_, n) => ({ ...field, name: `${at + n}` }))))
  }
  const order = Array.from({ length: FIELDS }, (_, n) => FIELDS - 1 - n)
  await recorder.hears(ana.requests({ type: 'ArrangeChildren', block: '0.0', order }))
  const { document, log } = ana.state.ledger
  const exported = completed(
    exportingTemplate(document, { element: '0.0' as ElementId, root: log.root(), size: log.size }),
  )
  const { hash, text } = exported as Exported
  await recorder.hears(ana.requests({ type: 'BringTemplate', bytes: text.length, from: 0, hash, text }))
  await recorder.hears(ana.requests({ type: 'ImportTemplate', at: '0', name: 'Copy', hash, roles: {} }))
  await recorder.hears(ana.proposes('0.1.7', 'agreed'), ana.proposes('0.1.1999', 'agreed, too'))
  await recorder.hears(ana.requests({ type: 'RemoveElement', element: '0.1' }))
  const database = await emptyModel(t)
  const rowsWritten = database.prepare<[], number>('SELECT total_changes()').pluck()
  const steps = new Fold(database).folding(await Array.fromAsync(store.events.readAll()))
  const inSteps: number[] = []
  for (let before = 0, isDone = false; !isDone; ) {
    isDone = steps.next().done === true
    const now = rowsWritten.get() ?? 0
    inSteps.push(now - before)
    before = now
  }
  t.ok(Math.max(...inSteps) <= ROWS_AT_ONCE, `${Math.max(...inSteps)} rows in a step`)
  t.same(documentIn(database), documentOf(recorder.state.settling.agreed))
  t.same(database.prepare('SELECT count(*), count(removed_at), count(place) FROM Element').raw().get(), [
    3 + 2 * FIELDS,
    1 + FIELDS,
    2 * FIELDS,
  ])
  t.same(database.prepare('SELECT ended_by FROM Proposal').pluck().all(), ['removed', 'removed'])
  await store.close()
})

t.test('an LEI stands in the table of parties as what it is: claimed', async (t) => {
  const store = openMemoryStore()
  const database = await emptyModel(t)
  const [ana, ben] = [new Player('ana'), new Player('ben')]
  const lei = '506700GE1G29325QX363'
  const recorder = await Recorder.open(store, CONTRACT, ana.card)
  const opening = ana.requests(ana.opening(), { type: 'InviteParty', party: { ...ben.card, lei } })
  await recorder.hears(opening)
  completed(new Fold(database).folding(await Array.fromAsync(store.events.readAll())))
  t.same(database.prepare('SELECT handle, claimed_lei FROM Party ORDER BY id').all(), [
    { handle: 'ana', claimed_lei: null },
    { handle: 'ben', claimed_lei: lei },
  ])
  await store.close()
})

t.test('a contract whose event cannot be folded stands still, and the others go on', async (t) => {
  const store = openMemoryStore()
  await recordBusyContract(store, { ...busy, contract: one }, new SeededRandom(1))
  await recordBusyContract(store, { ...busy, contract: other }, new SeededRandom(2))
  const whole = await Array.fromAsync(store.events.readAll())
  const broken = whole.filter(({ stream }) => stream === contractStream(one)).at(-5) as RecordedEvent
  const damages: [string, (event: RecordedEvent) => RecordedEvent | undefined][] = [
    ['is no JSON', (event) => ({ ...event, data: `${event.data.slice(0, -1)}, secret` })],
    ['names what is not there', (event) => ({ ...event, data: event.data.replace(/"seq":\d+/, '"seq":999999') })],
    ['cannot be written', (event) => ({ ...event, data: event.data.replace(/"statement":"\w+"/, '"statement":null') })],
    ['is missing', () => undefined],
  ]
  for (const [what, damage] of damages) {
    const events = whole.flatMap((event) => (event === broken ? (damage(event) ?? []) : event))
    const dumps: string[][] = []
    for (const length of [events.length, 7, 1]) {
      const database = await emptyModel(t)
      const failures = []
      for (let at = 0; at < events.length; at += length) {
        failures.push(...completed(new Fold(database).folding(events.slice(at, at + length))))
      }
      t.match(failures, [{ subject: one, stream: contractStream(one) }], what)
      t.equal(failures.length, 1)
      t.notMatch(JSON.stringify(failures), /secret/, 'no content in the reason')
      const size = (uid: Uid) => database.prepare('SELECT size FROM Contract WHERE uid = ?').pluck().get(uid)
      t.equal(size(one), broken.revision, 'what came before stands')
      t.equal(size(other), (await store.events.lastRevision(contractStream(other))) + 1)
      dumps.push(dump(database))
    }
    t.same(dumps[1], dumps[0], 'however it is cut')
    t.same(dumps[2], dumps[0])
  }
})

t.test('whoever changes the schema raises the version of the read model', async (t) => {
  t.same(
    { version: READ_MODEL_VERSION, schema: sha256(READ_MODEL_SCHEMA.replace(/\s+/g, ' ')) },
    { version: 10, schema: '8da600f59e5483bc425688f7134ecc4ea1806a8b8708c18df14f613547411b9e' },
    'raise READ_MODEL_VERSION in src/projections/tables.ts, and write it and the hash of the new schema here',
  )
})

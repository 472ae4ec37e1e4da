import type Database from 'better-sqlite3'
import type { Handle } from '../../events/ids.ts'
import { placesOf, type Statement } from '../../events/statement.ts'
import type { ContractRows, FeedRow } from '../contract-rows.ts'
import { FoldFailed } from '../fold-failed.ts'
import { RowBuffer } from '../row-buffer.ts'

/**
 * Feed is how far each party has come: its newest statement with its head, and its newest note, a claim that is compared
 * and verified by whoever reads it (audit-view.ts). `signing_key` is null as long as it is that of the card.
 * Statement is what is needed to say who has answered what is pending: of each statement that the order of the ledger is
 * not beyond, what it names as seen: `{handle: seq}`.
 */
const SCHEMA = `
  CREATE TABLE Feed (
    contract       INTEGER NOT NULL,
    handle         TEXT NOT NULL,
    seq            INTEGER NOT NULL,
    clock          INTEGER NOT NULL,
    time           TEXT NOT NULL,
    head_size      INTEGER NOT NULL,
    head_root      TEXT NOT NULL,
    head_record    TEXT NOT NULL,
    signing_key    TEXT,
    note_size      INTEGER,
    note_root      TEXT,
    note_time      INTEGER,
    note_signature TEXT,
    note_key       TEXT,
    PRIMARY KEY (contract, handle)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE Statement (
    contract INTEGER NOT NULL,
    clock    INTEGER NOT NULL,
    handle   TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    seen     TEXT NOT NULL,
    PRIMARY KEY (contract, clock, handle)
  ) STRICT, WITHOUT ROWID;
`

const COLUMNS = [
  'contract',
  'handle',
  'seq',
  'clock',
  'time',
  'head_size',
  'head_root',
  'head_record',
  'signing_key',
  'note_size',
  'note_root',
  'note_time',
  'note_signature',
  'note_key',
]

const nothingSaid = {
  seq: -1,
  clock: 0,
  time: '',
  head_size: 0,
  head_root: '',
  head_record: '',
  signing_key: null,
  note_size: null,
  note_root: null,
  note_time: null,
  note_signature: null,
  note_key: null,
}

export class FeedTable {
  static readonly schema = SCHEMA
  readonly #rows: RowBuffer
  readonly #statements: RowBuffer
  readonly #ofContract
  readonly #prune

  constructor(database: Database.Database) {
    this.#rows = new RowBuffer(database, 'Feed', COLUMNS, 'INSERT OR REPLACE')
    this.#statements = new RowBuffer(database, 'Statement', ['contract', 'clock', 'handle', 'seq', 'seen'])
    this.#ofContract = database.prepare<[number], FeedRow>(
      `SELECT ${COLUMNS.slice(1).join(', ')} FROM Feed WHERE contract = ? ORDER BY handle`,
    )
    this.#prune = database.prepare('DELETE FROM Statement WHERE contract = ? AND clock < ?')
  }

  load(contract: number): Map<Handle, FeedRow> {
    return new Map(this.#ofContract.all(contract).map((row) => [row.handle, row]))
  }

  /** Throws FoldFailed for one that does not come next in its feed. */
  stated(page: ContractRows, statement: Statement, revision: number): void {
    const { contract, party: handle, seq, clock, time, head, key, note, seen } = statement
    let feed = page.feeds.get(handle)
    if (feed === undefined) {
      feed = { handle, ...nothingSaid }
      page.feeds.set(handle, feed)
    }
    if (contract !== page.uid || seq !== revision || seq !== feed.seq + 1) {
      throw new FoldFailed(`the feed of ${handle} does not go on with statement ${seq}`, { handle, seq, revision })
    }
    page.changedFeeds.add(feed)
    feed.seq = seq
    feed.clock = clock
    feed.time = time
    feed.head_size = head.size
    feed.head_root = head.root
    feed.head_record = head.record
    // A takeover is signed with the key that it brings in, a rotation still with the one before.
    if (key !== undefined && 'revoke' in key) feed.signing_key = key.revoke.revocation.signing
    if (note !== undefined) {
      feed.note_size = note.size
      feed.note_root = note.root
      feed.note_time = note.time
      feed.note_signature = note.signature
      feed.note_key = feed.signing_key
    }
    if (key !== undefined && 'rotate' in key) feed.signing_key = key.rotate.signing
    const named = Object.fromEntries(placesOf(seen).map(([other, place]) => [other, place.seq]))
    page.statements.push([clock, handle, seq, JSON.stringify(named)])
  }

  save(page: ContractRows): void {
    for (const feed of page.changedFeeds) {
      const head = [feed.seq, feed.clock, feed.time, feed.head_size, feed.head_root, feed.head_record]
      const note = [feed.note_size, feed.note_root, feed.note_time, feed.note_signature]
      this.#rows.push([page.number, feed.handle, ...head, feed.signing_key, ...note, feed.note_key])
    }
    page.changedFeeds.clear()
    if (page.prunedTo < page.clock) {
      page.prunedTo = page.clock
      this.#prune.run(page.number, page.clock)
    }
    for (const [clock, handle, seq, seen] of page.statements) {
      if (clock >= page.clock) this.#statements.push([page.number, clock, handle, seq, seen])
    }
    page.statements = []
  }

  *flushing(): Generator<void, void> {
    yield* this.#rows.flushing()
    yield* this.#statements.flushing()
  }

  drop(): void {
    this.#rows.drop()
    this.#statements.drop()
  }
}

import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { childAt, type Field } from '../../src/aggregates/contract/document/element.ts'
import { standingAt } from '../../src/aggregates/contract/values/standing.ts'
import { EntityRows } from '../../src/projections/entities/entity-rows.ts'
import { Fold } from '../../src/projections/fold.ts'
import { openReadModel, openReadModelToRead } from '../../src/projections/read-model.ts'
import { completed } from '../../src/runtime/turns.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import type { Store } from '../../src/store/port.ts'
import { SeededRandom } from '../simulation/seeded-random.ts'
import { busyContract, busyUid, Recorder } from './busy-contract.ts'
import { about, allOf, CONTRACT, type Command, contractFoundedBy, owes, Player, talk } from './market.ts'
import { ruledMarket } from './ruled-market.ts'

/** A contract of ana alone that grows when it is told to. */
export class GrowingContract {
  readonly #ana: Player
  readonly #recorder: Recorder
  #fields = 0

  private constructor(recorder: Recorder, ana: Player) {
    this.#recorder = recorder
    this.#ana = ana
  }

  static async open(store: Store): Promise<GrowingContract> {
    const uid = contractFoundedBy('ana', 5)
    const ana = new Player('ana', undefined, uid)
    const contract = new GrowingContract(await Recorder.open(store, uid, ana.card), ana)
    await contract.asks(ana.opening())
    await contract.asks(
      {
        type: 'DefineType',
        name: 'Share',
        base: 'decimal',
        constraint: { maximum: '100' },
        hints: { display: 'percent' },
      },
      { type: 'AddBlock', parent: '0', name: 'Risk' },
      {
        type: 'AddField',
        parent: '#1',
        name: 'Line',
        field: { type: 'choice', options: ['marine', 'air'] },
        owner: 'ana',
      },
      { type: 'AddRuleSet', name: 'Terms' },
      { type: 'DefineType', name: 'Line', base: 'text', constraint: {}, hints: {} },
    )
    const rule = (at: string, body: object): Command => ({ type: 'DraftRule', at, ruleSet: 1, body })
    await contract.asks(
      rule('0.0', { kind: 'required', before: 'live' }),
      rule('0.0.0', { kind: 'access', who: { parties: ['ana'], fields: [] }, what: ['propose', 'vote'] }),
    )
    return contract
  }

  async asks(...commands: Command[]): Promise<void> {
    await this.#recorder.hears(this.#ana.requests(...commands))
  }

  /** So many fields more, some with one name after the other in the alphabet. */
  async grows(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 500) {
      const fields = Array.from({ length: Math.min(left, 500) }, (): Command => {
        const name = `f${String((this.#fields++ * 7919) % 100_003)}`
        return { type: 'AddField', parent: '0', name, field: { type: 'text' } }
      })
      await this.asks(...fields)
    }
  }
}

/** One in which a value is agreed with votes, another is turned down, and a request is refused. */
async function recordVotes(store: Store): Promise<void> {
  const validation = { kind: 'validation', who: { parties: ['ana', 'ben'], fields: [] } }
  const { founder, players } = ruledMarket(['ana', 'ben'], { at: '0.0', body: validation })
  const [, ben] = players
  for (const vote of ['yes', 'no']) {
    founder.proposes('0.0', vote)
    talk(players, owes)
    const field = childAt(ben.state.settling.agreed.document, 0) as Field
    const proposal = standingAt(field).at(-1)?.id
    ben.requests({ type: 'CastVote', field: '0.0', proposal, vote })
    talk(players, owes)
  }
  const { seq } = founder.proposes('0.1', 'refused').statement
  ben.hears(...allOf(founder))
  const said = about('=not like this')
  const request = { handle: founder.handle, seq, index: 0 }
  ben.says({ refusals: [{ request, code: 'person', about: said.about }], payloads: said.payloads })
  talk(players, owes)
  const recorder = await Recorder.open(store, CONTRACT, founder.card)
  await recorder.hears(...allOf(founder))
}

export interface EntityReadModel {
  readonly database: Database.Database
  readonly rows: EntityRows
  readonly store: Store
  readonly growing: GrowingContract
  /** Folds what has been stored since. */
  catchUp(): Promise<void>
  close(): Promise<void>
}

/** A read model of three contracts: one of three members who do all that can be done to values, one in which they vote, and one with types and rules that grows. `first`: which comes first. */
export async function entityReadModel(dir: string, first: 'busy' | 'growing' = 'busy'): Promise<EntityReadModel> {
  const store = openMemoryStore()
  const isBusy = async () => {
    const busy = { contract: busyUid(1), members: 3, rounds: 8, requestsPerStatement: 4, fields: 4 }
    for await (const _ of busyContract(store, busy, new SeededRandom(7)));
  }
  if (first === 'busy') await isBusy()
  await recordVotes(store)
  const growing = await GrowingContract.open(store)
  if (first === 'growing') await isBusy()
  const path = join(dir, `${first}.sqlite`)
  const database = openReadModel(path)
  const reader = openReadModelToRead(path) as Database.Database
  const fold = new Fold(database)
  const catchUp = async () => {
    const after = fold.checkpoint?.position
    completed(fold.folding(await Array.fromAsync(store.events.readAll(after === undefined ? {} : { after }))))
  }
  await catchUp()
  return {
    database: reader,
    rows: new EntityRows(reader),
    store,
    growing,
    catchUp,
    async close() {
      reader.close()
      database.close()
      await store.close()
    },
  }
}

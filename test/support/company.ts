import './checked-answers.ts'
import type { Test } from 'tap'
import { startProcess } from '../../src/cli/demo/party-process.ts'
import type { ObstacleCode } from '../../src/contracts/obstacles/obstacles.ts'
import { openNode } from '../../src/index.ts'
import { type NodeParty, until } from './node-party.ts'
import { runCommand } from './run-command.ts'

/** Where an obstacle is named, and by which codes with which parties. */
const places = ['contract', 'attention', 'api', 'metric', 'doctor'] as const
type Naming = Partial<Record<(typeof places)[number], string[]>>

interface Found {
  readonly check: string
  readonly level: string
  readonly finding: string
  readonly advice?: string
}

interface Told {
  readonly code: string
  readonly parties: readonly string[]
}

/** A party and its node, which goes down and comes up again. */
export class Company {
  readonly party: NodeParty
  #down: (() => Promise<void>) | undefined

  constructor(party: NodeParty) {
    this.party = party
  }

  async up(): Promise<void> {
    const node = await openNode({ data: this.party.data })
    this.#down = () => node.close()
  }

  /** The same in a process of its own. Its process id. */
  async upApart(variables: Readonly<Record<string, string>> = {}): Promise<number> {
    const { pid, stop } = await startProcess(this.party.data, 'node', variables)
    this.#down = stop
    return pid
  }

  async down(): Promise<void> {
    await this.#down?.()
    this.#down = undefined
  }

  async doctor(): Promise<Found[]> {
    return JSON.parse((await runCommand('doctor', '--data', this.party.data, '--json')).output)
  }

  /** Waits until it is named, by the metric for each party: what only waits for a party counts for alarms after half a minute, so there of Attention alone. */
  async names(t: Test, contract: string, code: ObstacleCode, ...parties: string[]): Promise<void> {
    const named = [code, ...parties].join(' ')
    const where = code === 'party_silent' ? (['attention'] as const) : places
    let naming: Naming = {}
    const each = parties.length === 0 ? [code] : parties.map((party) => `${code} ${party}`)
    const isNamedAt = (place: (typeof places)[number], all: Naming) =>
      (place === 'metric' ? each : [named]).every((one) => all[place]?.includes(one))
    const isNamedIn = (all: Naming) => where.every((place) => isNamedAt(place, all))
    await until(`${this.party.handle} to name ${named}`, async () => {
      naming = await this.#naming(contract, (told) => isNamedIn({ ...told, doctor: [named] }))
      return isNamedIn(naming)
    }).catch(() => {})
    for (const place of where)
      t.ok(isNamedAt(place, naming), `${this.party.handle} names ${named}: ${place} has ${naming[place]}`)
  }

  async namesNothing(t: Test, contract: string): Promise<void> {
    let naming: Naming = {}
    const isCalm = ({ contract, attention, api, metric, doctor }: Naming) =>
      [contract, attention, api, metric].flat().length === 0 && doctor?.includes('obstacles') === true
    await until('nothing to be in the way', async () => {
      naming = await this.#naming(contract, (told) => isCalm({ ...told, doctor: ['obstacles'] }))
      return isCalm(naming)
    }).catch(() => {})
    t.ok(isCalm(naming), `${this.party.handle} names nothing: ${JSON.stringify(naming)}`)
  }

  /** `doctor` examines the whole node: it is asked once the others agree. */
  async #naming(contract: string, isWorthAsking: (told: Naming) => boolean): Promise<Naming> {
    const { party } = this
    const codes = (found: readonly Told[]) => found.map(({ code, parties }) => [code, ...parties].join(' '))
    const { obstacles } = (await party.call('GET', `/api/Contract/${contract}`)).body
    const attention = (await party.call('GET', '/api/Attention?overdueAfterSeconds=0')).body.obstacles.items
    const all = (await party.call('GET', '/api/Obstacle')).body
    const metrics = await fetch(`${party.api}/metrics`, { headers: { authorization: `Bearer ${party.token}` } })
    const samples = [...(await metrics.text()).matchAll(/^concordata_obstacles\{code="(\w+)",party="(\w*)"\} [1-9]/gm)]
    const told = {
      contract: codes(obstacles),
      attention: codes(attention),
      api: codes(all),
      metric: samples.map(([, code, who]) => `${code} ${who}`.trim()),
    }
    if (!isWorthAsking(told)) return told
    const doctor = (await this.doctor()).map(({ check, finding }) => {
      const who = /^((?:ana|ben|cleo)(?:, (?:ana|ben|cleo))*): /.exec(finding)?.[1]?.split(', ') ?? []
      return [check, ...who].join(' ')
    })
    return { ...told, doctor }
  }
}

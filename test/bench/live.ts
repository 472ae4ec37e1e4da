import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { readConfiguration, readEnvironment } from '../../src/node/config/configuration.ts'
import { startNode } from '../../src/node/node.ts'
import { openLogger } from '../../src/node/observability/logging.ts'
import { configure, newParty } from '../support/unchecked-party.ts'

export interface LiveExtent {
  readonly contracts: number
  /** Subscribers of each. */
  readonly ofEach: number
  /** How often both take their turn, behind one to warm up: a disk that others wait for makes all of them late for a while. */
  readonly turns: number
  /** Of a turn of each. */
  readonly seconds: number
  readonly warmUpSeconds: number
}

/** From settled to received by another process, milliseconds. */
export interface LiveFigures {
  readonly contracts: number
  readonly ofEach: number
  readonly told: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of one subscriber to all of them, under the same changes. */
  readonly aloneP50Ms: number
  readonly aloneP99Ms: number
}

/** One change a second on each of so many contracts, with so many subscribers each, and the same with one subscriber, who is told of all of them, in turns. */
export async function measureLive(
  dir: string,
  { contracts, ofEach, turns, seconds, warmUpSeconds }: LiveExtent,
): Promise<LiveFigures> {
  process.env.CONCORDATA_LOG_LEVEL = 'silent'
  const ana = await newParty(dir, 'ana')
  await configure(ana, { inwardLimits: { callerCallsPerSecond: 1_000_000, callerConnectionsMax: 10_000 } })
  const environment = readEnvironment(process.env)
  const configuration = await readConfiguration(ana.data, environment)
  const node = await startNode(configuration, environment, openLogger(configuration, { party: configuration.handle }))
  /** When what was written last to a contract has settled. */
  const settledAt = new Map<string, number>()
  const now = () => performance.timeOrigin + performance.now()
  node.contracts.listen({ settled: ({ contract }) => void settledAt.set(contract, now()) })
  try {
    const uids: string[] = []
    for (let made = 0; made < contracts; made++) {
      const { contract } = (await ana.call('POST', '/api/Contract', { title: `told ${made}` })).body
      await ana.call('POST', `/new-api/${contract}`, { Field: '' })
      uids.push(contract)
    }
    const subjects = uids.map((uid) => `/new-api/${uid}/Field`)
    const times = new Map<string, number>()
    let written = 0
    const during = async (each: number, seconds: number): Promise<number[]> => {
      const took: number[] = []
      const script = join(import.meta.dirname, 'live-client.ts')
      const client = fork(script, [ana.api.replace('http', 'ws'), ana.token, String(each), ...subjects])
      await once(client, 'message')
      const came: { value: string; came: number }[] = []
      client.on('message', (message) => came.push(message as { value: string; came: number }))
      const expected = seconds * subjects.length * Math.max(1, each)
      for (let second = 0; second < seconds; second++) {
        const begun = now()
        for (const [place, uid] of uids.entries()) {
          const due = begun + (place * 1000) / uids.length
          if (due > now()) await new Promise((resolve) => setTimeout(resolve, due - now()))
          const value = `${uid} ${written++}`
          void ana
            .call('PUT', `/new-api/${uid}/Field`, value)
            .then(() => times.set(value, settledAt.get(uid) as number))
        }
        const rest = begun + 1000 - now()
        if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest))
      }
      for (const deadline = now() + 60_000; came.length < expected; ) {
        if (now() > deadline) throw new Error(`${came.length} of ${expected} were told`)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      client.kill()
      for (const one of came) took.push(one.came - (times.get(one.value) as number))
      return took
    }
    const [alone, all]: [number[], number[]] = [[], []]
    for (const each of [0, ofEach]) await during(each, warmUpSeconds)
    for (let turn = 0; turn < turns; turn++) {
      alone.push(...(await during(0, seconds)))
      all.push(...(await during(ofEach, seconds)))
    }
    for (const took of [alone, all]) took.sort((one, other) => one - other)
    const at = (sorted: readonly number[], part: number) =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] as number
    return {
      contracts,
      ofEach,
      told: all.length,
      p50Ms: at(all, 0.5),
      p99Ms: at(all, 0.99),
      aloneP50Ms: at(alone, 0.5),
      aloneP99Ms: at(alone, 0.99),
    }
  } finally {
    await node.close()
  }
}

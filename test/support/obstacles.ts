import type { ObstacleCode } from '../../src/contracts/obstacles/obstacles.ts'
import type { PartyProcess } from '../../src/contracts/processes/party-process.ts'
import type { Handle } from '../../src/events/ids.ts'
import { openLogger } from '../../src/node/observability/logging.ts'
import { Obstacles, type ObstaclesPorts } from '../../src/node/observability/obstacles.ts'
import { systemClock } from '../../src/runtime/clock.ts'

/** What a test file has brought about. */
export const named = new Set<ObstacleCode>()

/** Those of a process rather than of a contract: test/contracts/obstacles/process-obstacles.test.ts brings them about. */
export const ofTheProcess: readonly ObstacleCode[] = [
  'disk_full',
  'clock_off',
  'certificate_invalid',
  'webhook_failing',
  'acceptance_overtaken',
  'unasked_given_up',
  'ahead_given_up',
  'introductions_given_up',
]

/** What a process without edges says of itself. */
export function sayingOf({ contracts, replicas, gossip }: PartyProcess, more: Partial<ObstaclesPorts> = {}) {
  const lines: { obstacle: string }[] = []
  const logger = openLogger({ logLevel: 'info' }, {}, { write: (line) => void lines.push(JSON.parse(line)) })
  const process = { contracts, replicas, gossip, isTakenUp: true }
  const known = { byHandle: () => undefined, givenUp: 0, handles: () => new Set<Handle>(), parties: () => [] }
  const obstacles = new Obstacles({
    role: 'node',
    party: process,
    directory: known,
    dir: '.',
    clock: systemClock,
    certificate: () => undefined,
    aheadMs: () => new Map(),
    webhooksFailing: () => 0,
    logger,
    ...more,
  })
  const codes = () => {
    const all = obstacles.all(0)
    for (const { code } of all) named.add(code)
    return all.map(({ code }) => code)
  }
  return { obstacles, codes, lines }
}

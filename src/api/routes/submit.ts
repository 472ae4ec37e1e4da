import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import type { Intent, Submission } from '../../contracts/requests/submission.ts'
import type { Command } from '../../events/commands.ts'
import type { Payloads } from '../../events/statement.ts'
import { parsePreferences } from '../http/prefer-header.ts'

/** How long who does not insist on an answer waits for this party's own signature. Milliseconds. */
const SIGNED_WITHIN_MS = 10_000

export type Waiting = Pick<Intent, 'timeoutMs' | 'signedWithinMs' | 'retry'>

/** How long a client waits, and for what: as its header `Prefer` asks for, or the node's default. */
export function waitingFor(prefer: string | string[] | undefined, defaultWaitMs: number): Waiting {
  const { isLenient, isPatient, waitSeconds } = parsePreferences(prefer)
  const retry = isPatient ? { retry: true as const } : {}
  if (isLenient) return { signedWithinMs: SIGNED_WITHIN_MS, ...retry }
  return { timeoutMs: waitSeconds === undefined ? defaultWaitMs : waitSeconds * 1000, ...retry }
}

/**
 * Sends commands on their way as one request. It is tentative: until it is confirmed its user can take it back, and with a
 * time-out the node does so by itself.
 */
export function submitter({ newRequestId }: { newRequestId: () => string }) {
  return (
    live: LiveContract,
    commands: readonly Command[],
    payloads: Payloads,
    waiting: Waiting,
    retry = false,
  ): Submission =>
    live.submit({
      request: {
        commands: [...commands],
        id: newRequestId(),
        tentative: true,
      },
      payloads,
      ...waiting,
      ...(retry ? { retry: true as const } : {}),
    })
}

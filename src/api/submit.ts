import type { LiveContract } from '../contracts/live-contract.ts'
import type { Submission } from '../contracts/submission.ts'
import type { Command } from '../events/commands.ts'
import type { Payloads } from '../events/statement.ts'

/**
 * Sends commands on their way as one request. It is tentative: until it is confirmed its user can take it back, and with a
 * time-out the node does so by itself.
 */
export function submitter({ newRequestId }: { newRequestId: () => string }) {
  return (
    live: LiveContract,
    commands: readonly Command[],
    payloads: Payloads,
    timeoutMs?: number,
    retry = false,
  ): Submission =>
    live.submit({
      request: {
        commands: [...commands],
        id: newRequestId(),
        tentative: true,
      },
      payloads,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(retry ? { retry: true as const } : {}),
    })
}

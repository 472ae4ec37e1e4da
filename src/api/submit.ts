import type { LiveContract } from '../contracts/live-contract.ts'
import type { Submission } from '../contracts/submission.ts'
import type { Command } from '../events/commands.ts'
import type { Payloads } from '../events/statement.ts'

/** Sends commands on their way as one request, tentative if it has a time-out. */
export function submitter({ newRequestId }: { newRequestId: () => string }) {
  return (live: LiveContract, commands: readonly Command[], payloads: Payloads, timeoutMs?: number): Submission =>
    live.submit({
      request: {
        commands: [...commands],
        id: newRequestId(),
        ...(timeoutMs === undefined ? {} : { tentative: true as const }),
      },
      payloads,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    })
}

import { jsonLines, printResult } from '../output.ts'

/** What a write has come to, as far as it is printed. */
export interface Written {
  readonly request?: string
  readonly index?: number
  readonly unchanged?: true
  readonly waitingFor?: 'votes' | readonly string[]
  readonly candidates?: readonly { readonly proposal: string; readonly waitsFor: readonly string[] }[]
}

/** What a write has come to, or would come to. */
export function printWritten(
  uid: string,
  answer: unknown,
  { dryRun, json }: { readonly dryRun?: true | undefined; readonly json?: true | undefined },
): void {
  printResult(json, answer, dryRun ? jsonLines(answer) : [fateOf(uid, answer as Written)])
}

export function fateOf(uid: string, { candidates = [], index, request, unchanged, waitingFor }: Written): string {
  if (unchanged) return 'That is what stands there already.'
  if (waitingFor === 'votes') {
    const waits = candidates.map(({ proposal, waitsFor }) => `${proposal} (${waitsFor.join(', ')})`)
    return `It waits for votes: ${waits.join('; ')}.`
  }
  if (waitingFor !== undefined || index === undefined) {
    const whom = waitingFor === undefined || waitingFor.length === 0 ? '' : `: it waits for ${waitingFor.join(', ')}`
    return `It is not agreed yet${whom}. Follow it with: concordata request follow ${uid} ${request}`
  }
  return `Agreed, as entry ${index} of the ledger.`
}

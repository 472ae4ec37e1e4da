import type { ChangeCounts, VoteFate } from '../../documents/vote-fate.ts'
import { fateOf, type Written } from './write-lines.ts'

/** What the API has answered of a vote, whatever it was on, or of a change set that was proposed. */
export interface Voted extends Written {
  readonly vote?: VoteFate
}

const COUNTED: readonly (readonly [keyof ChangeCounts, one: string, several: string])[] = [
  ['values', 'value', 'values'],
  ['computed', 'value computed', 'values computed'],
  ['added', 'element added', 'elements added'],
  ['removed', 'element removed', 'elements removed'],
  ['renamed', 'element renamed', 'elements renamed'],
  ['granted', 'element granted', 'elements granted'],
  ['arranged', 'block arranged', 'blocks arranged'],
  ['erased', 'value erased', 'values erased'],
]

/** Whether there is more to wait for, and else what it has come to. */
export function voteLine(uid: string, voted: Voted): string {
  const { vote } = voted
  if (vote === undefined) return fateOf(uid, voted)
  switch (vote.state) {
    case 'open':
      return `It waits for the vote of ${vote.waitsFor.join(', ') || 'nobody'}.`
    case 'agreed':
      return `Agreed, as entry ${vote.endedAt} of the ledger${countLine(vote.changes)}.`
    case 'ended':
      return `It has come to nothing, at entry ${vote.endedAt} of the ledger: ${why(vote)}.`
  }
}

function why({ reason, why }: VoteFate & { state: 'ended' }): string {
  const said = why.replaceAll('_', ' ')
  if (reason === undefined) return said
  return `${said} (${reason.code}${reason.with === undefined ? '' : ` with ${reason.with.join(', ')}`})`
}

function countLine(changes: ChangeCounts): string {
  const said = COUNTED.flatMap(([kind, one, several]) => {
    const count = changes[kind]
    return count === 0 ? [] : [`${count} ${count === 1 ? one : several}`]
  })
  return said.length === 0 ? '' : `: ${said.join(', ')}`
}

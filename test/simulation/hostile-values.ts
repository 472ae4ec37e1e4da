import type { AgreementState } from '../../src/agreement/state.ts'
import { recipientsIn } from '../../src/events/recipients.ts'
import type { Wanted } from '../../src/gossip/message.ts'
import { withOtherValues, withoutPayloads } from './lost-values.ts'
import type { Sinner } from './sinner.ts'

/** A line as its sins have it. Of the values of its own requests it has the only copy. */
export function withItsValues(self: Sinner, line: string): string {
  const isOwn = line.startsWith('{"payloads":{"') && line.includes(`,"party":"${self.handle}"`)
  if (!isOwn) return line
  if (self.commits('withhold values')) return withoutPayloads(line)
  if (self.commits('late values') && self.random.chance(0.5)) return withoutPayloads(line)
  return self.commits('false values') && self.random.chance(0.5) ? withOtherValues(line) : line
}

/** What is for others, the newest of it: whoever is hostile asks for all of it. */
export function othersSecrets({ feeds }: AgreementState): Wanted[] {
  const wanted: Wanted[] = []
  for (const feed of feeds.values()) {
    for (const { statement } of feed) {
      const seals = [...recipientsIn(statement).keys()]
      if (seals.length > 0) wanted.push({ party: statement.party, seals, seq: statement.seq })
    }
  }
  return wanted.slice(-100)
}

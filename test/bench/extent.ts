import type { ApiExtent } from './api.ts'
import type { LiveExtent } from './live.ts'
import type { RebuildExtent } from './rebuild.ts'
import type { RulesExtent } from './rule-language.ts'
import type { Plan } from './side.ts'
import type { WebhooksExtent } from './webhooks.ts'
import type { WideExtent } from './wide-contract.ts'

/** How much of each part is measured. */
export interface Extent {
  readonly three: Plan
  /** Of two, five and ten parties. */
  readonly others: Plan
  readonly rules: RulesExtent
  readonly wide: WideExtent
  readonly webhooks: WebhooksExtent
  readonly api: ApiExtent
  readonly live: LiveExtent
  readonly rebuild: RebuildExtent
}

export const WHOLE: Extent = {
  three: { rounds: 6, warmUpSeconds: 4, floorSeconds: 1.5, ourSeconds: 4, samples: 50 },
  others: { rounds: 3, warmUpSeconds: 3, floorSeconds: 1, ourSeconds: 3, samples: 30 },
  rules: { rounds: 9, millisecondsEach: 300, warmUpRuns: 60 },
  wide: { rounds: 9, changesEach: 300, fieldsHashed: [100, 100_000] },
  webhooks: { entries: 1_000, rounds: 8 },
  api: { sizes: [100, 100_000], requests: 10_000, turns: 5, rows: 10_000 },
  live: { contracts: 50, ofEach: 20, turns: 4, seconds: 30, warmUpSeconds: 30 },
  rebuild: { made: 4, copies: 40, runs: 3 },
}

/**
 * Two minutes on two cores that nobody else uses: the same lines, from less. Fewer changes at rest than a page of SQLite holds of the
 * floor, twelve, may take it no bytes; fewer messages measure what it takes to begin a replay.
 */
export const QUICK: Extent = {
  three: { rounds: 2, warmUpSeconds: 2, floorSeconds: 0.4, ourSeconds: 1.2, samples: 30 },
  others: { rounds: 1, warmUpSeconds: 0.8, floorSeconds: 0.3, ourSeconds: 0.8, samples: 24 },
  rules: { rounds: 3, millisecondsEach: 40, warmUpRuns: 60 },
  wide: { rounds: 3, changesEach: 100, fieldsHashed: [100, 30_000] },
  webhooks: { entries: 400, rounds: 8 },
  api: { sizes: [100, 10_000], requests: 2_000, turns: 2, rows: 10_000 },
  live: { contracts: 50, ofEach: 20, turns: 2, seconds: 3, warmUpSeconds: 1 },
  rebuild: { made: 2, copies: 10, runs: 2 },
}

import t from 'tap'
import { crashRounds } from './crash-rounds.ts'

process.env.CONCORDATA_LOG_LEVEL = 'error'

t.test('nodes killed at random moments lose nothing that a client was told', { timeout: 240_000 }, async (t) => {
  const report = await crashRounds({ rounds: 4, seed: 7, layout: 'node', progress: (line) => t.comment(line) })
  t.ok(report.kills >= 4, `${report.kills} kills`)
  t.ok(report.acknowledged >= 10, `${report.acknowledged} acknowledged`)
})

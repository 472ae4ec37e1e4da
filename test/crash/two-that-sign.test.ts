import t from 'tap'
import { crashRounds } from './crash-rounds.ts'
import { OwnServer } from './own-server.ts'

process.env.CONCORDATA_LOG_LEVEL = 'error'

t.test(
  'where two processes of a party sign, killed as they are neither forks the feed, signs an intent twice, or loses one',
  { timeout: 570_000 },
  async (t) => {
    const server = await OwnServer.start()
    t.teardown(() => server.stop())
    const progress = (line: string) => t.comment(line)
    const report = await crashRounds({
      rounds: 3,
      seed: 7,
      layout: 'two that sign',
      server,
      acknowledgedFirst: 3,
      progress,
    })
    t.ok(report.kills >= 3, `${report.kills} kills`)
    // What nobody was told cannot be lost.
    t.ok(report.acknowledged >= 3, `${report.acknowledged} acknowledged, ${report.declined} declined`)
  },
)

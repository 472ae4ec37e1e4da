import t from 'tap'
import { type CrashOptions, crashRounds } from './crash-rounds.ts'
import { OwnServer } from './own-server.ts'

process.env.CONCORDATA_LOG_LEVEL = 'error'

const few: Pick<CrashOptions, 'rounds' | 'seed'> = { rounds: 4, seed: 7 }
const progress = (line: string) => t.comment(line)

t.test('nodes killed at random moments lose nothing that a client was told', { timeout: 240_000 }, async (t) => {
  const report = await crashRounds({ ...few, layout: 'node', progress })
  t.ok(report.kills >= 4, `${report.kills} kills`)
  t.ok(report.acknowledged >= 10, `${report.acknowledged} acknowledged`)
})

t.test(
  'nor do parties of which two processes sign at once, and neither forks the feed or signs an intent twice',
  { timeout: 300_000 },
  async (t) => {
    const server = await OwnServer.start()
    t.teardown(() => server.stop())
    const report = await crashRounds({ ...few, layout: 'two that sign', server, progress })
    t.ok(report.kills >= 4, `${report.kills} kills`)
    t.ok(report.acknowledged >= 4, `${report.acknowledged} acknowledged`)
  },
)

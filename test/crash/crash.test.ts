import t from 'tap'
import { crashRounds, killInTurn } from './crash-rounds.ts'
import { OwnServer } from './own-server.ts'
import { UnderWay } from './under-way.ts'

process.env.CONCORDATA_LOG_LEVEL = 'error'

t.test('nothing is killed before a request is under way: what nobody has asked for cannot be lost', async (t) => {
  const underWay = new UnderWay()
  const atKills: number[] = []
  const party = {
    processes: [{ command: 'node', pid: 0 }],
    kill: async () => {
      atKills.push(underWay.count)
      underWay.ended()
      // Whoever was cut off asks again some time later.
      setTimeout(() => underWay.began(), 20)
    },
    startAgain: async () => {},
  }
  const table = {
    acknowledged: { size: 0 },
    underWay,
    hasAcknowledged: async () => {},
    processes: () => [{ party, place: 0 }],
  }
  setTimeout(() => underWay.began(), 20)
  const report = await killInTurn(table, { rounds: 3, seed: 1, acknowledgedEach: 1, lifeMs: 0, progress: () => {} })
  t.same(atKills, [1, 1, 1])
  t.equal(report.underWayMin, 1)
})

// One after another: each has many processes, and beside each other they leave no time to answer anybody.

t.test('nodes killed at random moments lose nothing that a client was told', { timeout: 400_000 }, async (t) => {
  const progress = (line: string) => t.comment(line)
  const report = await crashRounds({ rounds: 2, seed: 7, layouts: ['node'], acknowledgedEach: 3, progress })
  t.ok(report.kills >= 2, `${report.kills} kills`)
  // What nobody was told cannot be lost.
  t.ok(report.acknowledged >= 6, `${report.acknowledged} acknowledged`)
  t.ok(report.underWayMin >= 1, `${report.underWayMin} under way at least`)
})

t.test(
  'where two processes of one party sign, killed as they are neither forks the feed, signs an intent twice, or loses one',
  { timeout: 600_000 },
  async (t) => {
    const server = await OwnServer.start()
    t.teardown(() => server.stop())
    const progress = (line: string) => t.comment(line)
    const report = await crashRounds({
      rounds: 3,
      seed: 7,
      layouts: ['two that sign', 'node'],
      server,
      acknowledgedEach: 1,
      progress,
    })
    t.ok((report.killed.transmit ?? 0) >= 2, `killed: ${JSON.stringify(report.killed)}`)
    t.ok(report.acknowledged >= 2, `${report.acknowledged} acknowledged, ${report.declined} declined`)
    t.ok(report.underWayMin >= 1, `${report.underWayMin} under way at least`)
  },
)

import type { Test } from 'tap'
import type { Member } from './eventstoredb-server/members.ts'
import { type EventStoreDbServer, startServer } from './eventstoredb-server/server.ts'

export interface Cluster {
  /** Names all three. */
  readonly url: string
  readonly servers: readonly EventStoreDbServer[]
  /** The leader is left alone: it leads no more, lets go of what it has begun, and no server knows of another. */
  loseQuorum(): void
  /** All is as before. */
  regainQuorum(): void
}

/** Three servers of ours with the same data, of which the first leads. */
export async function startCluster(t: Test): Promise<Cluster> {
  let hasQuorum = true
  const servers: EventStoreDbServer[] = []
  const members = (): Member[] =>
    servers.map(({ port }, index) => ({
      port,
      state: hasQuorum ? (index === 0 ? 'leader' : 'follower') : 'unknown',
      isAlive: hasQuorum || index === 0,
    }))
  const leader = await startServer(t.testdir(), { members })
  servers.push(leader)
  while (servers.length < 3) servers.push(await startServer('', { members, database: leader.database }))
  for (const follower of servers.slice(1)) follower.faults.leader = leader.port
  t.teardown(() => {
    for (const server of servers.toReversed()) server.close()
  })
  const set = (has: boolean) => {
    hasQuorum = has
    for (const server of servers) server.faults.hasLostQuorum = !has
  }
  const url = `esdb://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}?tls=false`
  return { url, servers, loseQuorum: () => set(false), regainQuorum: () => set(true) }
}

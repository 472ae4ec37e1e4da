import t from 'tap'
import { requestStages, standingOfRequest } from '../../../src/contracts/requests/progress.ts'
import type { RequestRef } from '../../../src/events/ids.ts'
import type { SignedStatement } from '../../../src/events/statement-codec.ts'
import { market, type Player } from '../../support/market.ts'

const field = (name: string) => ({ type: 'AddField', parent: '0', name, field: { type: 'text' } })

t.test('a request is in one stage after another, by what is held', async (t) => {
  const players = market('ana', 'ben', 'cleo')
  const [ana, ben, cleo] = players
  const hear = (from: Player, said: SignedStatement): RequestRef => {
    for (const other of players) if (other !== from) other.hears(said)
    return { handle: from.handle, seq: said.statement.seq, index: 0 }
  }
  const seen = new Set<string>()
  const stagesOf = (...requests: RequestRef[]) =>
    requests.map((request) => {
      const standing = standingOfRequest(cleo.state, request, settledAt(request))
      if (standing !== undefined) seen.add(standing.stage)
      return [standing?.stage, standing?.waitsFor?.what]
    })
  let settled: { readonly request: RequestRef; readonly index: number }[] = []
  const settledAt = ({ seq, handle }: RequestRef) =>
    settled.find(({ request }) => request.seq === seq && request.handle === handle)?.index

  const first = hear(ana, ana.tentatively(field('C')))
  const second = hear(ana, ana.tentatively(field('D')))
  const plain = hear(ben, ben.requests(field('E')))
  t.same(stagesOf(first, second), [
    ['signed', 'answer'],
    ['signed', 'answer'],
  ])
  hear(cleo, cleo.says())
  hear(ana, ana.says({ decided: [{ request: second, decision: 'confirmed' }] }))
  t.same(stagesOf(first, second, plain), [
    ['answered', 'decision'],
    ['confirmed', 'order'],
    ['answered', 'order'],
  ])
  hear(ana, ana.says({ decided: [{ request: first, decision: 'confirmed' }] }))
  t.same(stagesOf(first, second, plain), [
    ['acknowledged', 'head'],
    ['acknowledged', 'head'],
    ['acknowledged', 'head'],
  ])
  settled = cleo.state.settling.unsettled.map(({ entry }) => ({ request: entry.request, index: entry.index }))
  for (const player of [ben, cleo, ana]) hear(player, player.says())
  t.same(stagesOf(first, plain), [
    ['settled', 'note'],
    ['settled', 'note'],
  ])
  t.same(
    requestStages.filter((stage) => !seen.has(stage)),
    ['withdrawn', 'cosigned'],
    'the one of which its author tells, and the one that notes make',
  )
})

import t from 'tap'
import type { Handle } from '../../../src/events/ids.ts'
import { reportTo } from '../../../src/node/observability/log-events.ts'
import { openLogger } from '../../../src/node/observability/logging.ts'
import { ConcordataError } from '../../../src/runtime/errors.ts'

const peer = { handle: 'ben' as Handle, signingKey: '', exchange: () => Promise.reject() }
const refused = () => new ConcordataError('peer_refused', 'it refused the exchange with status 403')
const unreachable = () => new ConcordataError('peer_unreachable', 'nobody listens there')

t.test('of a peer that is blocked and approved again it is said anew', (t) => {
  const lines: string[] = []
  const report = reportTo(openLogger({ logLevel: 'info' }, {}, { write: (line) => void lines.push(line) }))
  report.unreachable(peer, refused())
  report.removed?.(peer.handle)
  report.unreachable(peer, refused())
  t.equal(lines.length, 2)
  report.removed?.(peer.handle)
  report.reached?.(peer)
  t.equal(lines.length, 2, 'nothing was said of it that could be over')
  t.end()
})

t.test('why a peer cannot be reached is said once, when the reason changes, and when it is over', (t) => {
  const lines: { msg: string; err?: { code: string } }[] = []
  const logger = openLogger({ logLevel: 'info' }, {}, { write: (line) => void lines.push(JSON.parse(line)) })
  const report = reportTo(logger)
  report.reached?.(peer)
  t.same(lines, [], 'that all is well is no news')
  for (let call = 0; call < 10; call++) report.unreachable(peer, refused())
  for (let call = 0; call < 10; call++) report.unreachable(peer, unreachable())
  report.reached?.(peer)
  report.reached?.(peer)
  report.unreachable(peer, unreachable())
  t.match(
    lines.map(({ err, msg }) => err?.code ?? msg),
    ['peer_refused', 'peer_unreachable', 'a peer can be reached again', 'peer_unreachable'],
  )
  t.equal(lines.length, 4)
  t.end()
})

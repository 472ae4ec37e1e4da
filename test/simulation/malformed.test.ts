import t from 'tap'
import { sign } from '../../src/crypto/key-pair.ts'
import { decodeReceived } from '../../src/events/statement-codec.ts'
import { ConcordataError } from '../../src/runtime/errors.ts'
import { market, overTheWire } from '../support/market.ts'
import { everyLie, everyWay, falseLines, malformedCommands, waysIn } from './malformed.ts'
import { simulate } from './simulation.ts'

t.test('every malformed command is void or refused, with a code, at whoever decides it', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const codes = new Set<string>()
  for (const { commands, name, payloads } of malformedCommands()) {
    const said = ben.says({ payloads, requests: [{ commands, id: 'lie' }] })
    const { refused, taken } = ana.hears(said)
    t.same([refused.length, taken.length], [0, 1], `${name}: the statement is sound`)
    ben.hears(ana.says())
    const { settled } = ana.hears(ben.says())
    const outcome = settled.at(-1)?.entry.outcome
    if (outcome?.kind === 'void') codes.add(outcome.reason.code)
    t.equal(ana.state.ledger.log.root(), ben.state.ledger.log.root(), name)
  }
  t.ok(codes.size > 15, `${codes.size} codes: ${[...codes].sort().join(' ')}`)
})

t.test('every malformed statement is refused with a code, or taken without what is false of it', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const before = ben.state
  const honest = ben.proposes('0.0', 'x')
  ben.state = before
  const lines = [...falseLines(honest, (bytes) => sign(ben.privateKey, bytes))]
  t.ok(lines.length > 50)
  for (const { line, name } of lines) {
    const held = ana.state
    try {
      const { decoded, mismatch } = decodeReceived(line)
      const { refused, waiting } = ana.hears(decoded)
      const isRefused = refused.length + waiting.length > 0 || mismatch !== undefined
      t.ok(isRefused, name)
      for (const one of refused) t.ok(one.error instanceof ConcordataError, name)
    } catch (error) {
      t.ok(error instanceof ConcordataError, `${name}: ${error}`)
    }
    ana.state = held
  }
  ana.hears(overTheWire(honest))
  t.equal(ana.state.ledger.open.length, 1, 'and the true one is taken after all of them')
})

t.test(
  'a liar that signs whatever is malformed, and asks for it, changes nothing: all come to one ledger, and go on',
  { timeout: 240_000 },
  async (t) => {
    const counts = new Map<string, number>()
    for (const seed of [1, 2]) {
      const report = await simulate(seed, undefined, {
        hostile: 1,
        parties: 3,
        rounds: 35,
        sins: 'malformed statements,malformed requests',
      })
      for (const [name, count] of Object.entries(report.counts)) counts.set(name, (counts.get(name) ?? 0) + count)
    }
    const told = (kind: string) =>
      [...counts.keys()].flatMap((name) => (name.startsWith(`${kind}: `) ? name.slice(kind.length + 2) : []))
    t.same(waysIn(told('lie')), everyWay, 'each command in each way')
    const missing = everyLie.filter((name) => !counts.has(`lie: ${name}`))
    t.ok(missing.length < everyLie.length / 10, `of ${everyLie.length} lies ${missing.length} were not told`)
    t.ok(told('false line').length > 40, `${told('false line').length} kinds of malformed statements`)
    t.ok((counts.get('accepted') ?? 0) > 10, 'and others got on')
  },
)

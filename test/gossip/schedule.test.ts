import fc from 'fast-check'
import t from 'tap'
import { settledHead } from '../../src/contracts/signing/cosigned-notes.ts'
import type { Handle } from '../../src/events/ids.ts'
import { afterLook, isUrgent, lazyRecipients, type News, ringOf } from '../../src/gossip/schedule.ts'
import { market, owes, type Player, talk } from '../support/market.ts'

const handleAt = (place: number) => `p${String(place).padStart(3, '0')}` as Handle
const nothing: News = { made: undefined, taken: [] }

/** What the player holds newest of its own feed, as if it had just made it. */
function made({ state, handle }: Player): News {
  return { made: state.feeds.get(handle)?.last(), taken: [] }
}

t.test('after ⌈log2 N⌉ turns around the ring everybody has what one had, whichever N', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 70 }), fc.nat(69), (size, first) => {
      const all = Array.from({ length: size }, (_, place) => ({ handle: handleAt(place) }))
      const rings = all.map(({ handle }) =>
        ringOf(
          handle,
          all.filter((other) => other.handle !== handle),
        ),
      )
      let has = new Set([handleAt(first % size)])
      for (let turn = 0; turn < Math.ceil(Math.log2(size)); turn++) {
        const then = new Set(has)
        for (const [place, ring] of rings.entries()) {
          const met = ring[turn]?.handle as Handle
          // A call goes both ways.
          if (has.has(met)) then.add(handleAt(place))
          if (has.has(handleAt(place))) then.add(met)
        }
        has = then
      }
      return has.size === size && rings.every((ring) => new Set(ring).size === size - 1)
    }),
  )
})

t.test('of what is not urgent only who carries it on is told', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const all = [ana, ben, cleo]
  const recipients = (player: Player, news: News, hasUnsettled = false) =>
    lazyRecipients(player.state, player.handle, news, hasUnsettled)

  const request = ana.proposes('0.0', 'new')
  t.ok(isUrgent(made(ana), false), 'a request is urgent')
  ben.hears(request)
  cleo.hears(request)
  ben.says()
  cleo.says()
  t.notOk(isUrgent(made(ben), false), 'an answer is not')
  t.ok(isUrgent(made(ben), true), 'but where an own request is under way')
  t.same(recipients(ben, made(ben)), new Set(['ana']), 'an answer goes to the author')
  t.same(recipients(ana, nothing, true), new Set(), 'who carries it by urgent news carries nothing else')
  t.equal(recipients(ana, nothing, false), 'all', 'whose request was forgotten, in a restart, does')

  talk(all, owes)
  for (const player of all) t.equal(player.settled, player.acknowledged)
  t.same(
    all.map((player) => recipients(player, made(player))),
    all.map(() => new Set()),
    'what has settled everybody has of the author',
  )
  const gathering = all.map((player) => {
    const { root, size } = settledHead(ana.state)
    const note = { root, signature: '', size, time: 0 }
    const noted = { ...made(player).made, statement: { ...made(player).made?.statement, note } } as News['made']
    return recipients(player, { made: noted, taken: [] })
  })
  t.same(gathering.filter((one) => one === 'all').length, 1, 'one member gathers the cosignatures, all know which')
  ben.rotates()
  t.equal(recipients(ben, made(ben)), 'all', 'a change of keys, of which nobody else knows')
})

t.test('others are left to what they have to carry as long as they bring it on', async (t) => {
  const watch = { settled: 7, inVain: 0 }
  t.equal(afterLook(watch, { settled: 7, tier: 4 }), 'done')
  t.equal(afterLook(watch, undefined), 'done', 'it is not held any more')
  t.equal(afterLook(watch, { settled: 7, tier: 1 }), 'carry', 'something is under way, and nothing has settled')
  t.same(afterLook(watch, { settled: 8, tier: 1 }), { settled: 8, inVain: 0 })
  const looks = []
  let next: ReturnType<typeof afterLook> = watch
  while (typeof next === 'object' && looks.length < 100) {
    next = afterLook(next, { settled: 7, tier: 3 })
    looks.push(next)
  }
  t.same([looks.length, next], [4, 'carry'], 'cosignatures have time')
})

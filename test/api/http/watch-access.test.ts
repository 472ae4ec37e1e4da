import t from 'tap'
import { type ApiCaller, TokenInvalid } from '../../../src/api/http/callers/authenticate.ts'
import { requireStillGood, watchAccess } from '../../../src/api/http/callers/watch-access.ts'
import { VirtualClock } from '../../simulation/virtual-clock.ts'

const reader: ApiCaller = { name: 'ana', roles: ['reader'] }

/** Somebody who stays connected; what is known of the key can change. `ended`: why it was ended, and after how many seconds. */
function watched(caller: ApiCaller) {
  const clock = new VirtualClock()
  const began = clock.now()
  const known = { whoIs: async (): Promise<ApiCaller | undefined> => caller }
  const ended: [string, number][] = []
  const ports = { clock, whoIs: () => known.whoIs() }
  const stop = watchAccess({ caller, key: 'k', role: 'reader' }, ports, (why) =>
    ended.push([why, (clock.now() - began) / 1000]),
  )
  return { known, ended, stop, pass: (seconds: number) => clock.runUntil(clock.now() + seconds * 1000) }
}

t.test('who stays connected is asked again, and stays as long as the answer is the same', async (t) => {
  const { ended, pass } = watched(reader)
  await pass(3600)
  t.same(ended, [])
})

t.test('a key that is revoked, has lost its role, or is no good any more ends it', async (t) => {
  const changes: (() => Promise<ApiCaller | undefined>)[] = [
    async () => undefined,
    async () => ({ name: 'ana', roles: ['editor'] }),
    () => Promise.reject(new TokenInvalid('token_invalid', 'of a key that the issuer has taken back')),
  ]
  for (const whoIs of changes) {
    const { known, ended, pass } = watched(reader)
    await pass(45)
    known.whoIs = whoIs
    await pass(100)
    t.same(ended, [['the key or token is not good any more', 60]])
  }
})

t.test('its time ends it, whatever the issuer says or does not say', async (t) => {
  const clock = new VirtualClock()
  const { known, ended, pass } = watched({ ...reader, until: clock.now() + 100_000 })
  known.whoIs = () => Promise.reject(new Error('the issuer is away'))
  await pass(99)
  t.same(ended, [], 'while nobody can tell, it stays')
  await pass(10)
  t.same(ended, [['the key or token has expired', 100]])
})

t.test('who has waited is looked up once more before the answer', async (t) => {
  const answers = (whoIs: () => Promise<ApiCaller | undefined>) =>
    requireStillGood({ caller: reader, key: 'k', role: 'reader' }, { whoIs })
  await answers(async () => reader)
  await answers(() => Promise.reject(new Error('the issuer is away')))
  await t.rejects(
    answers(async () => undefined),
    { code: 'not_authorized' },
  )
  await t.rejects(
    answers(async () => ({ name: 'ana', roles: ['editor'] })),
    { code: 'not_authorized' },
  )
  await t.rejects(
    answers(() => Promise.reject(new TokenInvalid('token_invalid', 'of a key that the issuer has taken back'))),
    { code: 'token_invalid' },
  )
})

t.test('nobody is asked about who has gone', async (t) => {
  const { known, ended, stop, pass } = watched(reader)
  stop()
  known.whoIs = () => Promise.reject(new Error('asked all the same'))
  await pass(3600)
  t.same(ended, [])
})

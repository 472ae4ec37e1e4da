import { connect, type TLSSocket } from 'node:tls'
import { frontierOf } from '../../src/agreement/feeds.ts'
import { encodeSigned } from '../../src/events/statement-codec.ts'
import { encodeMessage } from '../../src/gossip/message.ts'
import {
  CALLED_HEADER,
  CALLER_HEADER,
  EXCHANGE_MEDIA_TYPE,
  EXCHANGE_PATH,
  INTRODUCTION_PATH,
} from '../../src/gossip/transport/protocol.ts'
import { allOf, CONTRACT, market } from '../support/market.ts'
import { answerTo, isKnownCode, type RawAnswer, requestOf } from './raw.ts'
import type { Target } from './target.ts'
import type { World } from './world.ts'

interface Valid {
  readonly status: number
  readonly stranger: number
  readonly requests: readonly string[]
}

function exchanges(): string[] {
  const [ana, ben] = market('ana', 'ben')
  ben.hears(ana.proposes('0.0', 'x'))
  const lines = allOf(ana).map(({ text, signature, payloads }) => encodeSigned(text, signature, payloads))
  return [
    encodeMessage(new Map(), [], []),
    encodeMessage(new Map([[CONTRACT, frontierOf(ana.state.feeds)]]), lines, [ana.accepts(3)]),
  ]
}

/** What each outward path takes. `test/fuzz/sockets.test.ts` compares with the paths that the protocol has. */
export const outwardRequests = ({ hostile }: Pick<World, 'hostile'>): Readonly<Record<string, Valid>> => ({
  [`POST ${EXCHANGE_PATH}`]: {
    status: 200,
    stranger: 403,
    requests: exchanges().map((body) => `${EXCHANGE_PATH}\ncontent-type: ${EXCHANGE_MEDIA_TYPE}\n\n${body}`),
  },
  [`GET ${INTRODUCTION_PATH}`]: { status: 200, stranger: 200, requests: [INTRODUCTION_PATH] },
  [`POST ${INTRODUCTION_PATH}`]: {
    status: 204,
    stranger: 204,
    requests: [`${INTRODUCTION_PATH}\ncontent-type: application/json\n\n${hostile.introduction}`],
  },
})

/** Strangers are told nothing, and what is no HTTP neither: an empty body is an answer, too. */
function assertOutward(answer: RawAnswer | undefined, isStranger: boolean): number {
  if (answer === undefined) throw new Error('there is no answer')
  const { status, body, head } = answer
  if (!(status >= 200 && status < 500)) throw new Error(`status ${status}: ${body.slice(0, 300)}`)
  if (status < 400 || body === '') return status
  if (isStranger) throw new Error(`a stranger is told ${body.slice(0, 300)}`)
  const { code } = JSON.parse(body) as { code?: string }
  if (!isKnownCode(code) || !/^content-type: application\/problem\+json/im.test(head))
    throw new Error(`the code ${code} of status ${status} is in no list`)
  return status
}

function routeTarget({ endpoint, hostile, done }: World, route: string, valid: Valid, isStranger: boolean): Target {
  const [method = ''] = route.split(' ')
  const { hostname, port, host } = new URL(endpoint)
  const names = isStranger ? [] : [`${CALLER_HEADER}: hostile`, `${CALLED_HEADER}: honest`]
  const own = [`host: ${host}`, 'connection: close', ...names]
  const credentials = isStranger ? {} : { key: hostile.tls.key, cert: hostile.tls.certificate }
  let isFirst = true
  return {
    name: `an outward request ${route}${isStranger ? ' of a stranger' : ''}`,
    valid: valid.requests,
    share: 0.5,
    async decode(text) {
      const before = await done()
      const socket = await new Promise<TLSSocket>((resolve, reject) => {
        const opened = connect({ host: hostname, port: Number(port), rejectUnauthorized: false, ...credentials }, () =>
          resolve(opened),
        )
        opened.once('error', reject)
      })
      const status = assertOutward(await answerTo(socket, requestOf(method, text, own)), isStranger)
      const expected = isStranger ? valid.stranger : valid.status
      if (isFirst && status !== expected) throw new Error(`${status}, not ${expected}`)
      isFirst = false
      if ((status !== 200 || isStranger) && (await done()) !== before) throw new Error('the store has changed')
      return undefined
    },
  }
}

/** What faces other parties, for those who are approved and for everybody else. */
export function outwardTargets(world: World): Target[] {
  return Object.entries(outwardRequests(world)).flatMap(([route, valid]) =>
    [false, true].map((isStranger) => routeTarget(world, route, valid, isStranger)),
  )
}

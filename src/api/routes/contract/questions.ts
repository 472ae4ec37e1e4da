import { Type } from 'typebox'
import { feedOf, firstCovering, saidToHold } from '../../../agreement/feeds.ts'
import { withHistory } from '../../../agreement/history/looking-back.ts'
import { refusalIn } from '../../../agreement/refusals.ts'
import { covers } from '../../../agreement/version-vector.ts'
import type { LiveContract } from '../../../contracts/replica/live-contract.ts'
import { heldAbouts } from '../../../contracts/requests/held-abouts.ts'
import { type Hash, isHash } from '../../../crypto/hash.ts'
import { type RequestRef, requestKey, type Uid } from '../../../events/ids.ts'
import { valueSealsOf, valueUnder } from '../../../events/seal.ts'
import type { Request } from '../../../events/statement.ts'
import { groupOf } from '../../../store/payload-group.ts'
import type { PayloadStore } from '../../../store/port.ts'
import { NoBody } from '../../answers/common.ts'
import { ofContract } from '../../answers/problems.ts'
import { QuestionSchema } from '../../answers/requests.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { ContractParams, closed, OptionalAbout, RequestParams } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'
import { heldRequest } from './request-status.ts'

/** `/api/Contract/<uid>/Questions`: requests of others on which this node asks a person. */
export const questionRoutes: TypedRoutes<RoutePorts> = async (app, { contracts, store }) => {
  const given = new GivenAnswers()
  app.get(
    '/api/Contract/:uid/Questions',
    {
      config: { role: 'reader', problems: ofContract },
      schema: {
        operationId: 'listQuestions',
        summary: 'Requests of others on which this node asks a person',
        params: ContractParams,
        response: { 200: Type.Array(QuestionSchema) },
      },
    },
    async ({ params }) => {
      const asking = await contracts.use(params.uid, (live) => live)
      return shownQuestions(asking, store.payloads)
    },
  )

  app.post(
    '/api/Contract/:uid/Questions/:request',
    {
      config: {
        role: 'voter',
        problems: [...ofContract, 'no_such_request', 'not_asked', 'transmitter_silent', 'signer_unreachable'],
      },
      schema: {
        operationId: 'answerQuestion',
        summary: 'Says what a person says to a request',
        params: RequestParams,
        body: Type.Union([
          Type.Object({ answer: Type.Literal('acknowledge') }, closed),
          Type.Object({ answer: Type.Literal('refuse'), about: OptionalAbout }, closed),
        ]),
        response: { 204: NoBody },
      },
    },
    async ({ keyed, params, body }, reply) => {
      await contracts.use(params.uid, async (live) => {
        const { request } = await heldRequest(live, params.request)
        const { answer, ...refusal } = body
        // Whoever asks with a key asks again, maybe.
        if (keyed !== undefined && answer === (given.to(request, live) ?? (await answeredBefore(request, live)))) return
        await live.answer(request, answer === 'refuse' ? refusal : undefined)
        given.add(request, answer, live)
      })
      return reply.code(204).send()
    },
  )
}

type Answer = 'acknowledge' | 'refuse'

/** What persons have answered here, and this party has not signed yet. A contract in which there is such an answer stays in memory. */
class GivenAnswers {
  readonly #given = new WeakMap<LiveContract, Map<string, Answer>>()

  to(request: RequestRef, live: LiveContract): Answer | undefined {
    return this.#given.get(live)?.get(requestKey(request))
  }

  add(request: RequestRef, answer: Answer, live: LiveContract): void {
    const answers = this.#given.get(live) ?? new Map<string, Answer>()
    this.#given.set(live, answers)
    answers.set(requestKey(request), answer)
    const forgetSigned = () => {
      if (!isSigned(request, live)) return
      answers.delete(requestKey(request))
      stop()
    }
    const stop = live.listen({ news: forgetSigned })
    forgetSigned()
  }
}

function isSigned({ handle, seq }: RequestRef, { self, state }: LiveContract): boolean {
  return covers(saidToHold(state.feeds, self), handle, seq)
}

/** What this party has signed on a request of another; undefined: nothing yet, or that a rule refuses it, which no person has said. */
function answeredBefore(request: RequestRef, live: LiveContract): Promise<Answer | undefined> {
  return withHistory(live, ({ feeds }) => {
    const said = firstCovering(feedOf(feeds, live.self), request.handle, request.seq)
    if (said === undefined) return undefined
    const refusal = refusalIn(said.statement, request)
    if (refusal === undefined) return 'acknowledge'
    return refusal.code === 'person' ? 'refuse' : undefined
  })
}

/** Those of a contract as people read them. */
export function shownQuestions({ contract, questions }: LiveContract, payloads: PayloadStore) {
  return Promise.all(
    questions.map(async ({ request, asked, until, otherwise, reason }) => ({
      request: requestKey(request),
      by: request.handle,
      commands: asked.commands,
      ...(await openedIn(payloads, contract, request, asked)),
      until: new Date(until).toISOString(),
      otherwise,
      reason,
    })),
  )
}

/** By their seals the values that the commands name, and what its author says about it and about each of them. */
async function openedIn(payloads: PayloadStore, contract: Uid, request: RequestRef, asked: Request) {
  const ref = (seal: Hash) => ({ group: groupOf(request), seal })
  const values = valueSealsOf([asked])
  const { about } = asked
  const abouts = [asked, ...asked.commands].flatMap((one) => ('about' in one && isHash(one.about) ? [one.about] : []))
  const texts = await payloads.get(contract, [...values].map(ref))
  const held = await heldAbouts(payloads, contract, abouts.map(ref))
  return {
    ...(about === undefined ? {} : { about: held(about) }),
    values: Object.fromEntries([...texts].map(([seal, text]) => [seal, valueUnder(seal, text)])),
    abouts: Object.fromEntries(abouts.map((seal) => [seal, held(seal)])),
  }
}

import type { FastifyInstance, FastifyReply } from 'fastify'
import { type Static, Type } from 'typebox'
import { changesAfter, type ShownChanges } from '../../../documents/past/changes-after.ts'
import { parsePath } from '../../../documents/path.ts'
import type { Uid } from '../../../events/ids.ts'
import { ChangesSchema } from '../../answers/element-views.ts'
import { ofElement } from '../../answers/problems.ts'
import type { Access } from '../../http/callers/authenticate.ts'
import { requireStillGood, watchAccess } from '../../http/callers/watch-access.ts'
import { WAIT_SECONDS_MAX } from '../../http/prefer-header.ts'
import { TokenInQuery } from '../../http/validation.ts'
import { atElement, closed, LIMIT, LimitSchema } from '../forms.ts'
import type { LiveParts, LivePorts } from './parts.ts'

const Params = Type.Object(atElement)
const ChangesQuery = Type.Object(
  {
    // As an answer has it: −1 where nothing has settled.
    after: Type.Optional(Type.Integer({ minimum: -1 })),
    wait: Type.Optional(Type.Integer({ minimum: 0, maximum: WAIT_SECONDS_MAX })),
    // Those of one entry come together.
    limit: LimitSchema,
    ...TokenInQuery,
  },
  closed,
)

/** `/new-api/<uid>/<path>/~changes`: for whoever asks again and again; a call may wait until there is something. */
export function changesRoute(app: FastifyInstance, ports: LivePorts, parts: LiveParts): void {
  const waiting = new WaitingCalls(ports, parts)
  // The server waits for answers that are not at their end.
  app.addHook('preClose', async () => waiting.end())

  app.get(
    '/new-api/:uid/:element/~changes',
    {
      config: { role: 'reader', problems: [...ofElement, 'no_such_entry'] },
      schema: {
        operationId: 'listElementChanges',
        summary: 'What has changed at an element since an entry',
        params: Params,
        querystring: ChangesQuery,
        response: { 200: ChangesSchema },
      },
    },
    async (request, reply) => {
      const { uid, element } = request.params as Static<typeof Params>
      const { after, limit = LIMIT, wait = 0 } = request.query as Static<typeof ChangesQuery>
      const subject = { contract: uid as Uid, names: parsePath(element) }
      const read = (from: number): Promise<ShownChanges> => changesAfter(subject, from, limit, ports)
      const first = await read(after === undefined ? 0 : after + 1)
      if (wait === 0 || hasNews(first)) return first
      return waiting.wait({ contract: subject.contract, access: request.access as Access, reply, read, first }, wait)
    },
  )
}

/** A call that has found nothing new so far. */
interface WaitingCall {
  readonly contract: Uid
  readonly access: Access
  readonly reply: FastifyReply
  /** What has changed from an entry on. */
  readonly read: (from: number) => Promise<ShownChanges>
  readonly first: ShownChanges
}

class WaitingCalls {
  readonly #ports: LivePorts
  readonly #parts: LiveParts
  /** Has each answered with what there is. */
  readonly #ends = new Set<() => void>()

  constructor(ports: LivePorts, parts: LiveParts) {
    this.#ports = ports
    this.#parts = parts
  }

  end(): void {
    for (const end of this.#ends) end()
  }

  /** Until there is something new, the time or the connection ends, or the key is not good any more. Throws ApiTooManyCalls, NotAuthorized, TokenInvalid, and as `read`. */
  async wait({ access, contract, first, read, reply }: WaitingCall, seconds: number): Promise<ShownChanges> {
    const { callers, hub } = this.#parts
    const { name } = access.caller
    callers.enter(name)
    let isOver = false
    let hasSettled = false
    let wake = () => {}
    const end = () => {
      isOver = true
      wake()
    }
    const timer = setTimeout(end, seconds * 1000)
    reply.raw.once('close', end)
    const forget = watchAccess(access, this.#ports, end)
    this.#ends.add(end)
    const unwatch = hub.watch({
      settled(other) {
        if (other !== contract) return
        hasSettled = true
        wake()
      },
    })
    try {
      // What has settled between the first look and now.
      let found = await read(first.after + 1)
      while (!isOver && !hasNews(found)) {
        await new Promise<void>((resolve) => {
          wake = resolve
          if (hasSettled || isOver) resolve()
        })
        hasSettled = false
        found = await read(found.after + 1)
      }
      await requireStillGood(access, this.#ports)
      return found
    } finally {
      unwatch()
      forget()
      clearTimeout(timer)
      this.#ends.delete(end)
      reply.raw.removeListener('close', end)
      callers.close(name)
    }
  }
}

function hasNews({ changes, more }: ShownChanges): boolean {
  return changes.length > 0 || more
}

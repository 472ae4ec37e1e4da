import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
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
export function changesRoute(app: FastifyInstance, ports: LivePorts, { callers, hub }: LiveParts): void {
  const waiting = new Set<() => void>()
  // The server waits for answers that are not at their end.
  app.addHook('preClose', async () => {
    for (const end of waiting) end()
  })

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
      return wait === 0 || hasNews(first) ? first : waitFor(first, wait, request, reply, read)
    },
  )

  async function waitFor(
    first: ShownChanges,
    seconds: number,
    request: FastifyRequest,
    reply: FastifyReply,
    read: (from: number) => Promise<ShownChanges>,
  ): Promise<ShownChanges> {
    const { uid } = request.params as Static<typeof Params>
    const access = request.access as Access
    const { name } = access.caller
    callers.enter(name)
    let isOver = false
    let wake = () => {}
    const end = () => {
      isOver = true
      wake()
    }
    const timer = setTimeout(end, seconds * 1000)
    reply.raw.once('close', end)
    const forget = watchAccess(access, ports, end)
    waiting.add(end)
    let hasSettled = false
    const unwatch = hub.watch({
      settled(contract) {
        if (contract !== uid) return
        hasSettled = true
        wake()
      },
    })
    let found = first
    try {
      // What has settled between the first look and now.
      found = await read(found.after + 1)
      while (!isOver && !hasNews(found)) {
        await new Promise<void>((resolve) => {
          wake = resolve
          if (hasSettled || isOver) resolve()
        })
        hasSettled = false
        found = await read(found.after + 1)
      }
      await requireStillGood(access, ports)
      return found
    } finally {
      unwatch()
      forget()
      clearTimeout(timer)
      waiting.delete(end)
      reply.raw.removeListener('close', end)
      callers.close(name)
    }
  }
}

function hasNews({ changes, more }: ShownChanges): boolean {
  return changes.length > 0 || more
}

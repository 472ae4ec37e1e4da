import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import {
  type Documents,
  noSuchPath,
  type Precondition,
  PreconditionFailed,
  type Wait,
  type Written,
} from '../../documents/documents.ts'
import { textOf } from '../../documents/field-text.ts'
import { NoSuchPath, parsePath } from '../../documents/path.ts'
import { isSealed, ValueSealed } from '../../documents/sealed-value.ts'
import { CountSchema, type Uid } from '../../events/ids.ts'
import { TextBody } from '../http/body.ts'
import { entityTag, namesTag, preconditionIn } from '../http/entity-tag.ts'
import { BodyMalformed } from '../http/exact-json.ts'
import { waitOf as waitFrom } from '../http/prefer-header.ts'
import { tagsOf } from '../http/representations.ts'
import { send } from '../http/request-response.ts'
import { DryRunQuery, TokenInQuery } from '../http/validation.ts'
import type { RoutePorts } from './ports.ts'

/** `at`: after which ledger entry the document is read; left out: as it is. */
const ReadQuery = Type.Object({ at: Type.Optional(CountSchema), ...TokenInQuery }, { additionalProperties: false })

/** `/new-api/<uid>[/<block>…][/<field>]`: the document by the names in it, in the agreed view (design §10). */
export function pathRoutes(app: FastifyInstance, { documents, defaultWaitMs }: RoutePorts): void {
  const waitOf = (request: FastifyRequest): Wait => {
    const asked = preconditionIn(request.headers)
    const onlyIf: Precondition | undefined = asked && ((element, value) => asked(tagsOf(element, value)))
    return { ...waitFrom(request, defaultWaitMs), ...(onlyIf && { onlyIf }) }
  }

  for (const url of ['/new-api/:uid', '/new-api/:uid/*']) {
    app.get(url, { config: { role: 'reader' }, schema: { querystring: ReadQuery } }, (request, reply) =>
      read(documents, request, reply),
    )
    for (const method of ['PUT', 'POST'] as const) {
      app.route({
        method,
        url,
        config: { body: 'any', preconditions: true, role: 'editor' },
        schema: { querystring: DryRunQuery },
        handler: async (request, reply) => {
          const { uid, names } = placeOf(request)
          const written = await writtenBy(request, documents)
          return send(reply, await documents.propose(uid, names, written, waitOf(request)))
        },
      })
    }
    app.delete(
      url,
      { config: { preconditions: true, role: 'editor' }, schema: { querystring: DryRunQuery } },
      async (request, reply) => {
        const { uid, names } = placeOf(request)
        return send(reply, await documents.remove(uid, names, waitOf(request)))
      },
    )
  }
}

async function read(documents: Documents, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { uid, names } = placeOf(request)
  const { at } = request.query as Static<typeof ReadQuery>
  const agreed = await documents.get(uid, names, at)
  if (agreed === undefined) throw noSuchPath(uid, names)
  const value = await agreed.value()
  const wantsJson = /\bjson\b/.test(request.headers.accept ?? '')
  if (agreed.element.kind !== 'field' || wantsJson) return represented('application/json', JSON.stringify(value))
  if (value === null)
    throw new NoSuchPath('no_agreed_value', 'the field has no agreed value', { path: names.join('/') })
  if (isSealed(value)) {
    const message = 'the value is for an audience that the party of this node is not in, or has not come here'
    throw new ValueSealed('value_sealed', message, { path: names.join('/'), ...value.$sealed })
  }
  return represented('text/plain; charset=utf-8', textOf(value))

  // What only waits for votes, and is not shown, is in no tag.
  function represented(mediaType: string, body: string): FastifyReply {
    const tag = entityTag(mediaType, body)
    reply.header('etag', tag).header('vary', 'accept')
    const { 'if-match': match, 'if-none-match': noneMatch } = request.headers
    if (match !== undefined && preconditionIn({ 'if-match': match })?.([tag]) === false)
      throw new PreconditionFailed('precondition_failed', 'what stands there is not what If-Match names', {
        path: names.join('/'),
      })
    if (namesTag(noneMatch, tag)) return reply.code(304).send()
    return reply.type(mediaType).send(body)
  }
}

/** A body that is missing is told of only where there is something to write to. */
async function writtenBy(request: FastifyRequest, documents: Documents): Promise<Written> {
  const { method, body } = request
  if (body instanceof TextBody) return { text: body.text, adds: method === 'POST' }
  if (body !== undefined) return { json: body, adds: method === 'POST' }
  const { uid, names } = placeOf(request)
  if ((await documents.get(uid, names)) === undefined) throw noSuchPath(uid, names)
  throw new BodyMalformed('body_malformed', 'there is no body that says what to write')
}

/** What the URL names. Only behind the UID, escaped, can an escaped slash be told from a real one. */
function placeOf({ url, params }: Pick<FastifyRequest, 'url' | 'params'>): { uid: Uid; names: string[] } {
  const [path] = url.split('?', 1) as [string]
  const [, , , ...steps] = path.split('/')
  return { uid: (params as { uid: Uid }).uid, names: parsePath(`/${steps.join('/')}`) }
}

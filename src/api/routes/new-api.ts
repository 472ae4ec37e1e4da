import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Documents, Precondition, Wait, WrittenBody } from '../../documents/documents.ts'
import { noSuchPath } from '../../documents/path.ts'
import { ofElement, ofWrite } from '../answers/problems.ts'
import { written } from '../answers/written.ts'
import { BodyUnsupported, TableBody, TextBody } from '../http/body.ts'
import { preconditionIn } from '../http/entity-tag.ts'
import { BodyMalformed, parseExactly } from '../http/exact-json.ts'
import { XmlBody } from '../http/forms/exact-xml.ts'
import { tagsOf } from '../http/forms/representations.ts'
import { asksFor, waitOf as waitFrom } from '../http/prefer-header.ts'
import { send } from '../http/request-response.ts'
import { DryRunQuery, RequestMalformed } from '../http/validation.ts'
import { DocumentForms, DocumentQuery, type DocumentReadPorts, placeOf, readDocument } from './document-reads.ts'
import { closed } from './forms.ts'
import type { RoutePorts } from './ports.ts'

const DocumentParams = Type.Object({ uid: Type.String() })
const ElementParams = Type.Object({ uid: Type.String(), '*': Type.String() })

/** `split`: what is more than one statement can carry is several requests. */
const WriteQuery = Type.Object({ ...DryRunQuery.properties, split: DryRunQuery.properties['dry-run'] }, closed)

export type PathRoutesPorts = RoutePorts & DocumentReadPorts

/** `/new-api/<uid>[/<block>…][/<field>]`: the document by the names in it, in the agreed view (design §10). */
export function pathRoutes(app: FastifyInstance, ports: PathRoutesPorts): void {
  const { documents, defaultWaitMs } = ports
  const waitOf = (request: FastifyRequest): Wait => {
    const asked = preconditionIn(request.headers)
    const onlyIf: Precondition | undefined =
      asked && ((element, value) => asked(element === undefined ? [] : tagsOf(element, value)))
    const isSplit = asksFor('split', request.url)
    if (isSplit && request.keyed !== undefined)
      throw new RequestMalformed(
        'request_malformed',
        'under an Idempotency-Key stands one request: `split` is for several',
      )
    return { ...waitFrom(request, defaultWaitMs), ...(onlyIf && { onlyIf }), ...(isSplit && { isSplit: true }) }
  }

  const places = [
    { url: '/new-api/:uid', params: DocumentParams, of: 'Document' },
    { url: '/new-api/:uid/*', params: ElementParams, of: 'Element' },
  ] as const
  for (const { of, params, url } of places) {
    app.get(
      url,
      {
        config: {
          role: 'reader',
          problems: [
            ...ofElement,
            'no_such_entry',
            'history_too_long',
            'not_acceptable',
            'no_agreed_value',
            'value_sealed',
            'precondition_failed',
          ],
        },
        schema: {
          operationId: `get${of}`,
          summary: 'The agreed value',
          params,
          querystring: DocumentQuery,
          response: DocumentForms,
        },
      },
      (request, reply) => readDocument(ports, request, reply),
    )
    for (const [method, summary] of [
      ['PUT', 'Has this stand there'],
      ['POST', 'Adds to what stands there, or fills it'],
      ['PATCH', 'Merges into what stands there (RFC 7396)'],
    ] as const) {
      app.route({
        method,
        url,
        config: { role: 'editor', body: 'any', preconditions: true, problems: ofWrite },
        schema: {
          operationId: `${method.toLowerCase()}${of}`,
          summary,
          params,
          querystring: WriteQuery,
          response: written,
        },
        handler: async (request, reply) => {
          const { uid, names } = placeOf(request)
          const toWrite = await writtenBy(request, documents)
          return send(reply, await documents.propose(uid, names, toWrite, waitOf(request)))
        },
      })
    }
    app.delete(
      url,
      {
        config: { role: 'editor', preconditions: true, problems: ofWrite },
        schema: {
          operationId: `delete${of}`,
          summary: 'Removes what stands there',
          params,
          querystring: DryRunQuery,
          response: written,
        },
      },
      async (request, reply) => {
        const { uid, names } = placeOf(request)
        return send(reply, await documents.remove(uid, names, waitOf(request)))
      },
    )
  }
}

/** A body that is missing is told of only where there is something to write to. */
async function writtenBy(request: FastifyRequest, documents: Documents): Promise<WrittenBody> {
  const { method, body } = request
  if (method === 'PATCH' && body !== undefined) return { json: patchIn(body), adds: false, merges: true }
  if (body instanceof TextBody) return { text: body.text, adds: method === 'POST' }
  if (body instanceof TableBody) return { table: body.table, parse: parseExactly, adds: method === 'POST' }
  if (body instanceof XmlBody) return { markup: body.markup, adds: method === 'POST' }
  if (body !== undefined) return { json: body, adds: method === 'POST' }
  const { uid, names } = placeOf(request)
  if ((await documents.get(uid, names)) === undefined) throw noSuchPath(uid, names)
  throw new BodyMalformed('body_malformed', 'there is no body that says what to write')
}

/** Throws BodyUnsupported. */
function patchIn(body: unknown): unknown {
  if (!(body instanceof TextBody || body instanceof XmlBody || body instanceof TableBody)) return body
  throw new BodyUnsupported('media_type_unsupported', 'what is merged is written in JSON: application/merge-patch+json')
}

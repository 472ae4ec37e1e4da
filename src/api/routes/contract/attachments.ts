import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Attachments } from '../../../documents/attachments/attachments.ts'
import { PathSchema } from '../../../documents/path.ts'
import { ProposalIdSchema } from '../../../events/ids.ts'
import { NoBody } from '../../answers/common.ts'
import { StagedFileSchema } from '../../answers/element-views.ts'
import { ofContract, ofElement, ofWrite } from '../../answers/problems.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { written } from '../../answers/written.ts'
import { BodyUnsupported } from '../../http/body.ts'
import { namesTag } from '../../http/entity-tag.ts'
import { BodyMalformed } from '../../http/exact-json.ts'
import { type Keyed, keyReused, requireSame, sendAgain } from '../../http/idempotency.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery, TokenInQuery } from '../../http/validation.ts'
import { ChangeSetKeySchema, ContractParams, closed } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

const Name = Type.String({ minLength: 1, maxLength: 1_000 })

/** Of a media type of its own. */
const Bytes = { content: { '*/*': { schema: Type.String({ format: 'binary' }) } } }
const file = { 200: Bytes, 206: Bytes, 304: NoBody, 416: NoBody }

const ofFile = ['file_unfit', 'content_missing', 'contents_full', 'body_malformed', 'body_encoded'] as const

/** Has the body taken in as it comes, with its type. */
async function takingFile<Answer>(
  { body, headers }: Pick<FastifyRequest, 'body' | 'headers'>,
  reply: Pick<FastifyReply, 'header'>,
  take: (type: string, file: AsyncIterable<Uint8Array>) => Promise<Answer>,
): Promise<Answer> {
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1).map((part) => part.trim().toLowerCase())
  const source = body instanceof Readable ? body : Readable.from([])
  try {
    if (headers['content-encoding'] !== undefined)
      throw new BodyUnsupported('body_encoded', 'a file is taken only as it is, without content-encoding')
    if (headers['content-range'] !== undefined)
      throw new BodyMalformed('body_malformed', 'a file is taken whole: Content-Range is not understood')
    return await take(type, source.iterator({ destroyOnReturn: false }))
  } finally {
    // What is refused before it has come is not read, and neither is the next call on that connection.
    if (!source.readableEnded) {
      reply.header('connection', 'close')
      source.resume()
    }
  }
}

/** A part of the bytes that there is none of. */
interface Part {
  readonly from: number
  readonly to: number
}

/** `/api/Contract/<uid>/Attachments` */
export const attachmentRoutes: TypedRoutes<RoutePorts> = async (
  app,
  { contracts, documents, store, defaultWaitMs },
) => {
  const attachments = new Attachments(contracts, documents, store)
  // Here alone a body is bytes, read as they come.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))

  app.put(
    '/api/Contract/:uid/Attachments',
    {
      config: {
        role: 'editor',
        body: 'bytes',
        problems: [...ofWrite, ...ofFile],
      },
      schema: {
        operationId: 'putAttachment',
        summary: 'Puts a file at a field of the type attachment',
        querystring: Type.Object({ ...DryRunQuery.properties, at: PathSchema, name: Name }, closed),
        params: ContractParams,
        response: written,
      },
    },
    (request, reply) =>
      takingFile(request, reply, async (type, file) => {
        const { params, query } = request
        const { at, name } = query
        const wait = waitOf(request, defaultWaitMs)
        const { keyedFile } = request
        let isAgain = false
        const result = await attachments.put(params.uid, at, { name, type }, file, wait, async (hash) => {
          const keyed = keyedFile?.(hash)
          const before = keyed && (await documents.askedBefore(params.uid, keyed.key))
          if (keyed === undefined || before === undefined) return keyed
          requireSame(before, keyed)
          isAgain = true
          return documents.again(params.uid, before, wait, false)
        })
        return isAgain ? sendAgain(reply, result) : send(reply, result)
      }),
  )

  app.post(
    '/api/Contract/:uid/Attachments',
    {
      config: {
        role: 'editor',
        body: 'bytes',
        problems: [...ofContract, ...ofFile, 'write_unfit', 'text_unfit', 'requests_too_many'],
      },
      schema: {
        operationId: 'postAttachment',
        summary: 'Brings a file for a request that is to name it',
        querystring: Type.Object({ ...TokenInQuery, name: Name }, closed),
        params: ContractParams,
        response: { 201: StagedFileSchema },
      },
    },
    (request, reply) =>
      takingFile(request, reply, async (type, file) => {
        const { params, query } = request
        const said = { name: query.name, type }
        let keyed: Keyed | undefined
        const { file: staged, isAgain } = await attachments.stage(params.uid, said, file, (hash) => {
          keyed = request.keyedFile?.(hash)
          return keyed
        })
        if (isAgain && staged.asked?.id !== keyed?.id) throw keyReused()
        if (isAgain) reply.header('idempotent-replayed', 'true')
        const { seal, until, value } = staged
        return reply.code(201).send({ $file: seal, ...value, until: new Date(until).toISOString() })
      }),
  )

  app.get(
    '/api/Contract/:uid/Attachments',
    {
      config: {
        role: 'reader',
        problems: [
          ...ofElement,
          'no_agreed_value',
          'no_such_change_set',
          'value_sealed',
          'content_missing',
          'write_unfit',
        ],
      },
      schema: {
        operationId: 'getAttachment',
        summary: 'The bytes of an attachment, whole or in part',
        querystring: Type.Object(
          {
            ...TokenInQuery,
            at: PathSchema,
            changeSet: Type.Optional(ChangeSetKeySchema),
            proposal: Type.Optional(ProposalIdSchema),
          },
          closed,
        ),
        params: ContractParams,
        response: file,
      },
    },
    async ({ headers, params, query }, reply) => {
      const { value, bytes } = await attachments.open(params.uid, query.at, query)
      const etag = `"${value.hash}"`
      reply.headers({ ...safely(value.name), 'accept-ranges': 'bytes', etag })
      if (namesTag(headers['if-none-match'], etag)) return reply.code(304).send()
      const isOfThis = headers['if-range'] === undefined || headers['if-range'] === etag
      const part = isOfThis ? partAsked(headers.range, value.bytes) : undefined
      if (part === 'none') return reply.header('content-range', `bytes */${value.bytes}`).code(416).send()
      const { from, to } = part ?? { from: 0, to: value.bytes }
      if (part !== undefined) reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${value.bytes}`)
      reply.headers({ 'content-type': value.type, 'content-length': to - from })
      return sendBytes(reply, bytes(from, to))
    },
  )
}

/** Whatever a file is, a browser keeps it as a file: it guesses no other type, shows it nowhere, and runs nothing of it. */
function safely(name: string): Record<string, string> {
  const plain = name.replace(/[^\w .()-]/g, '_')
  return {
    'content-disposition': `attachment; filename="${plain}"; filename*=UTF-8''${encoded(name)}`,
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  }
}

/** RFC 8187 §3.2.1. */
function encoded(name: string): string {
  return encodeURIComponent(name).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}

/**
 * One part (RFC 9110 §14.1.2); undefined: all of it, as of a header that asks for several, or in another unit, `none`: there is no such
 * part.
 */
function partAsked(range: string | undefined, bytes: number): Part | 'none' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range ?? '') ?? []
  if (first === '' && last === '') return undefined
  if (first === '') return Number(last) === 0 ? 'none' : { from: Math.max(0, bytes - Number(last)), to: bytes }
  const from = Number(first)
  if (last !== '' && Number(last) < from) return undefined
  return from >= bytes ? 'none' : { from, to: Math.min(bytes, last === '' ? bytes : Number(last) + 1) }
}

function sendBytes(reply: FastifyReply, bytes: AsyncIterable<Uint8Array>): FastifyReply {
  return reply.send(Readable.from(bytes, { objectMode: false }))
}

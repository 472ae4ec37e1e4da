import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ConcordataError } from '../runtime/errors.ts'
import { assertNoNul, BodyMalformed, parseExactly } from './exact-json.ts'

/** The body is written in a way that is not read here: its media type, its charset, or compressed. */
export class BodyUnsupported extends ConcordataError {}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Naive clients write text; curl calls it a form unless told otherwise. */
const textTypes: ReadonlySet<string> = new Set(['text/plain', 'application/x-www-form-urlencoded'])

/** The one place where bodies are read: what arrives is what was sent, as text or as JSON, or it is refused. */
export function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    try {
      done(null, bodyOf(request, bytes))
    } catch (error) {
      done(error as Error)
    }
  })
}

/** Attacker-controlled: all of it. Throws BodyUnsupported, BodyMalformed. */
function bodyOf({ headers }: FastifyRequest, bytes: Buffer): unknown {
  assertPlain('content-encoding', headers['content-encoding'], 'identity')
  // Node undoes `chunked`, and leaves what stands before it as it is.
  assertPlain('transfer-encoding', headers['transfer-encoding'], 'chunked')
  if (headers['content-range'] !== undefined) {
    throw new BodyMalformed('body_malformed', 'a part of a value is no value: Content-Range is not understood')
  }
  const mediaType = mediaTypeOf(headers['content-type'] ?? '')
  const isText = textTypes.has(mediaType)
  if (!isText && mediaType !== 'application/json') {
    throw new BodyUnsupported('media_type_unsupported', 'a body is application/json or text/plain', { mediaType })
  }
  const text = textOf(bytes)
  if (!isText) return parseExactly(text)
  assertNoNul(text)
  return text
}

function assertPlain(name: string, value: string | undefined, plain: string): void {
  if (value === undefined || value.trim().toLowerCase() === plain) return
  throw new BodyUnsupported('body_encoded', `a body is taken only as it is, without ${name}: ${value}`)
}

/** Throws BodyUnsupported unless its charset is UTF-8. */
function mediaTypeOf(contentType: string): string {
  const [mediaType = '', ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase())
  for (const parameter of parameters) {
    const charset = /^charset=\s*"?([^"]*)"?$/.exec(parameter)?.[1]
    if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
      throw new BodyUnsupported('media_type_unsupported', 'a body is written in UTF-8', { charset })
    }
  }
  return mediaType
}

function textOf(bytes: Buffer): string {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch (cause) {
    throw new BodyMalformed('body_malformed', 'it is not UTF-8', {}, { cause })
  }
  if (text.startsWith('\ufeff')) throw new BodyMalformed('body_malformed', 'it begins with a byte order mark')
  return text
}

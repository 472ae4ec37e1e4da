import type { FastifyInstance, FastifyRequest } from 'fastify'
import { tableOfCsv } from '../../documents/tables/csv-table.ts'
import type { Table } from '../../documents/tables/table.ts'
import { tableOfXlsx } from '../../documents/tables/xlsx.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { BodyMalformed, parseExactly, requireText } from './exact-json.ts'
import { mediaTypes } from './forms/accept.ts'
import { parseXmlExactly, XmlBody } from './forms/exact-xml.ts'
import { timesSaid } from './raw-headers.ts'

/** The body is written in a way that is not read here: its media type, its charset, or compressed. */
export class BodyUnsupported extends ConcordataError {}

/** The route takes no body, and there is one: it says something that would not be done. */
export class BodyUnexpected extends ConcordataError {}

/** A body that came as text, not as JSON. */
export class TextBody {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** A body that came as CSV, or as a workbook. */
export class TableBody {
  readonly table: Table

  constructor(table: Table) {
    this.table = table
  }
}

/**
 * What a route takes: JSON, text, XML or a table, JSON alone, bytes that it reads itself, nothing; or nothing of it is done whatever comes. With `any`
 * there is no form for it: fastify would take none for `null`.
 */
export type TakenBody = 'any' | 'json' | 'bytes' | 'none' | 'passed over'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Naive clients write text; curl calls it a form unless told otherwise. */
const textTypes: ReadonlySet<string> = new Set(['text/plain', 'application/x-www-form-urlencoded'])
/** RFC 7396 §4: of PATCH alone. */
const MERGE_PATCH = 'application/merge-patch+json'
const ONLY_JSON = 'the body is application/json here'
const CSV = 'text/csv'
const WORKBOOK = mediaTypes.xlsx
const xmlTypes: ReadonlySet<string> = new Set(['application/xml', 'text/xml'])

/**
 * The one place where bodies are read: what arrives is what was sent, as text or as JSON, or it is refused. A route takes JSON
 * if it has a form for it, and else none, unless it says otherwise (`config.body`).
 */
export function readBodies(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const body = route.schema?.body === undefined ? 'none' : 'json'
    route.config = { body, ...route.config }
  })
  // Of these methods nobody reads the body.
  app.addHook('preParsing', (request, _reply, payload, done) => {
    const { method, headers } = request
    const isUnread = method === 'GET' || method === 'HEAD'
    if (isUnread && announcesBody(headers) && takenBy(request) === 'none') done(unexpected())
    else done(null, payload)
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    if (request.headers['idempotency-key'] !== undefined) request.bodyBytes = bytes
    try {
      done(null, bodyOf(request, bytes))
    } catch (error) {
      done(error as Error)
    }
  })
}

function takenBy({ is404, routeOptions }: FastifyRequest): TakenBody {
  return is404 ? 'passed over' : (routeOptions.config.body ?? 'none')
}

function announcesBody(headers: FastifyRequest['headers']): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

function unexpected(): BodyUnexpected {
  return new BodyUnexpected('body_unexpected', 'there is a body, and none is taken here')
}

/** Attacker-controlled: all of it. Throws BodyUnexpected, BodyUnsupported, BodyMalformed. */
function bodyOf(request: FastifyRequest, bytes: Buffer): unknown {
  const [taken, { headers }] = [takenBy(request), request]
  if (taken === 'passed over') return undefined
  if (taken === 'none') {
    if (bytes.length > 0) throw unexpected()
    return undefined
  }
  requirePlain('content-encoding', headers['content-encoding'], 'identity')
  // Node undoes `chunked`, and leaves what stands before it as it is.
  requirePlain('transfer-encoding', headers['transfer-encoding'], 'chunked')
  if (headers['content-range'] !== undefined) {
    throw new BodyMalformed('body_malformed', 'a part of a value is no value: Content-Range is not understood')
  }
  if (timesSaid('content-type', request.raw.rawHeaders) > 1)
    throw new BodyUnsupported('media_type_unsupported', 'a body has one media type, and two are said')
  const mediaType = mediaTypeOf(headers['content-type'] ?? '')
  const isPatch = request.method === 'PATCH' && mediaType === MERGE_PATCH
  if (taken === 'any' && mediaType === CSV) return tableBody(tableOfCsv(textOf(withoutMark(bytes))))
  if (taken === 'any' && mediaType === WORKBOOK) return tableBody(tableOfXlsx(bytes))
  const [isText, isXml] = [textTypes.has(mediaType), xmlTypes.has(mediaType)]
  if (!isText && !isXml && !(mediaType === 'application/json' || isPatch)) {
    throw new BodyUnsupported('media_type_unsupported', expectedOf(taken, request.method), { mediaType })
  }
  const text = textOf(bytes)
  if (!isText && !isXml) return parseExactly(text)
  requireText(text)
  if (taken === 'any') return isXml ? new XmlBody(parseXmlExactly(text)) : new TextBody(text)
  throw new BodyUnsupported('media_type_unsupported', ONLY_JSON, { mediaType })
}

function expectedOf(taken: TakenBody, method: string): string {
  if (method === 'PATCH') return `the body is application/json or ${MERGE_PATCH} here`
  return taken === 'any' ? 'a body is application/json, text/plain, application/xml, text/csv or a workbook' : ONLY_JSON
}

/** Throws BodyMalformed. */
function tableBody(table: Table): TableBody {
  for (const cells of table) for (const cell of cells) if (cell !== null) requireText(cell)
  return new TableBody(table)
}

/** Spreadsheets put a byte order mark before CSV, by which they know UTF-8 again. */
function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
}

function requirePlain(name: string, value: string | undefined, plain: string): void {
  if (value === undefined || value.trim().toLowerCase() === plain) return
  throw new BodyUnsupported('body_encoded', `a body is taken only as it is, without ${name}: ${value}`)
}

/** Throws BodyUnsupported unless its charset is UTF-8, and where CSV has no names of columns. */
function mediaTypeOf(contentType: string): string {
  const [mediaType = '', ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase())
  for (const parameter of parameters) {
    if (mediaType === CSV && /^header\s*=\s*"?absent"?$/.test(parameter))
      throw new BodyUnsupported('media_type_unsupported', 'the first row of a table names its columns', { mediaType })
    const charset = /^charset\s*=\s*"?([^"]*)"?$/.exec(parameter)?.[1]
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

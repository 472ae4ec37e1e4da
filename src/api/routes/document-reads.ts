import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import type { ContractState } from '../../aggregates/contract/state.ts'
import { PreconditionFailed } from '../../documents/documents.ts'
import { textOf } from '../../documents/field-text.ts'
import { xmlOf } from '../../documents/markup/write-xml.ts'
import { lastEntryAt, type PastTimesPorts } from '../../documents/past/past-times.ts'
import { noAgreedValue, noSuchPath, parsePath, pathTo } from '../../documents/path.ts'
import { isSealed, ValueSealed } from '../../documents/sealed-value.ts'
import { csvOfTable } from '../../documents/tables/csv-table.ts'
import { tableOf } from '../../documents/tables/table.ts'
import { xlsxOfTable } from '../../documents/tables/xlsx.ts'
import { CountSchema, type LedgerIndex, type Uid } from '../../events/ids.ts'
import { type PointInTime, parsePointInTime, RebuildUnfit } from '../../projections/export/point-in-time.ts'
import type { Turns } from '../../runtime/turns.ts'
import { AnyValue, NoBody } from '../answers/common.ts'
import { entityTag, namesTag, preconditionIn } from '../http/entity-tag.ts'
import { type Format, formatFor, formats, mediaTypes, notAcceptable } from '../http/forms/accept.ts'
import type { KeptForms, ShownForm } from '../http/forms/kept-forms.ts'
import { NODE_HEADER } from '../http/node-header.ts'
import { LARGE_CHARACTERS } from '../http/preconditions.ts'
import { RequestMalformed, TokenInQuery } from '../http/validation.ts'
import { closed } from './forms.ts'
import { EVENT_STREAM, type EventStream, wantsEvents } from './live/event-stream.ts'
import type { RoutePorts } from './ports.ts'

/** In the form that is asked for; of a field by itself as text, of whatever else as JSON. */
export const DocumentForms = {
  200: {
    content: {
      'application/json': { schema: AnyValue },
      'text/plain': { schema: Type.String() },
      'application/xml': { schema: Type.String() },
      'text/csv': { schema: Type.String() },
      [mediaTypes.xlsx]: { schema: Type.String({ format: 'binary' }) },
    },
  },
  304: NoBody,
}

export interface DocumentReadPorts extends Pick<RoutePorts, 'contracts' | 'documents' | 'store'> {
  readonly events: EventStream
  readonly turns: Turns
  /** Left out: what is shown is made each time. */
  readonly keptForms?: KeptForms | undefined
  /** From the read model. */
  readonly ledgerTimes: PastTimesPorts['ledgerTimes']
}

/**
 * `format`: instead of `Accept`. `at`: after which ledger entry, or, by the claims of those who made them, at which time the
 * document is read; left out: as it is. `view`: `live` is with all that has not settled. `from`: of events, the first entry.
 */
export const DocumentQuery = Type.Object(
  {
    at: Type.Optional(Type.String({ maxLength: 40 })),
    format: Type.Optional(Type.Enum(formats)),
    view: Type.Optional(Type.Enum(['agreed', 'live'])),
    from: Type.Optional(CountSchema),
    ...TokenInQuery,
  },
  closed,
)

const ANYTHING = '*/*'
/** As the server writes it to all that is JSON, whether it comes as a text or as bytes. */
const JSON_SENT = `${mediaTypes.json}; charset=utf-8`

/** What is known is answered at once: a promise would take longer than that. */
export function readDocument(
  ports: DocumentReadPorts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> | undefined {
  const { uid } = request.params as { uid: Uid }
  const kept = isPlain(request.query as Static<typeof DocumentQuery>) ? keptOf(uid, ports) : undefined
  const { accept = ANYTHING } = request.headers
  const asked = accept === ANYTHING ? request.url : `${accept} ${request.url}`
  const known = kept?.shown.get(asked)
  if (known === undefined)
    return readAnew(ports, request, reply, (shown) => {
      // A document never comes back: what still stands is what was read.
      if (kept !== undefined && standing(uid, ports) === kept.document) ports.keptForms?.keep(kept, asked, shown)
    })
  answered(known, request, reply)
  return undefined
}

async function readAnew(
  ports: DocumentReadPorts,
  request: FastifyRequest,
  reply: FastifyReply,
  keep: (shown: ShownForm) => void,
): Promise<FastifyReply> {
  const shown = await shownOf(ports, request, reply)
  if (!('tag' in shown)) return shown
  keep(shown)
  return answered(shown, request, reply)
}

/** Whether it asks for what stands agreed, by nothing that is a secret. */
function isPlain({ at, from, token, view }: Static<typeof DocumentQuery>): boolean {
  return at === undefined && from === undefined && token === undefined && view === undefined
}

function keptOf(uid: Uid, ports: DocumentReadPorts): ReturnType<KeptForms['of']> | undefined {
  const document = ports.keptForms && standing(uid, ports)
  return document && ports.keptForms?.of(uid, document)
}

/** The agreed document, if its contract is in memory. */
function standing(uid: Uid, { contracts }: DocumentReadPorts): ContractState | undefined {
  return contracts.cache.glance(uid)?.state.settling.agreed
}

async function shownOf(
  ports: DocumentReadPorts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<ShownForm | FastifyReply> {
  const { documents } = ports
  const { uid, names } = placeOf(request)
  const { at, format: wanted, from, view } = request.query as Static<typeof DocumentQuery>
  if (wanted === undefined && wantsEvents(request)) {
    if (at !== undefined || view === 'live')
      throw new RequestMalformed('request_malformed', 'events are of what is agreed from now on, or with from, before')
    // It has no end, and nobody hears it.
    if (request.method === 'HEAD') {
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': EVENT_STREAM, [NODE_HEADER]: 'inward' }).end()
      return reply
    }
    const [spelling] = request.url.split('?', 1) as [string]
    return ports.events({ kind: 'changes', contract: uid, names }, spelling, from, request, reply)
  }
  if (from !== undefined) throw new RequestMalformed('request_malformed', `from is for Accept: ${EVENT_STREAM}`)
  if (view === 'live') {
    if (at !== undefined) throw new RequestMalformed('request_malformed', 'the live view is of now, not of a time')
    const live = await documents.live(uid, names)
    if (live === undefined) throw noSuchPath(uid, names)
    return shown(formatOf(request, ['json']), JSON.stringify(live))
  }
  const agreed = await documents.get(uid, names, at === undefined ? undefined : await entryAt(at, uid, ports))
  if (agreed === undefined) throw noSuchPath(uid, names)
  const { element, isErased } = agreed
  const value = await agreed.value()
  const format = formatOf(request, element.kind === 'field' ? ofField(value) : ['json', 'xml', 'csv', 'xlsx'])
  if (format === 'json') return shown(format, JSON.stringify(value))
  if (format === 'xml') return shown(format, xmlOf(element, value))
  if (format === 'csv') return shown(format, csvOfTable(tableOf(element, value)))
  if (format === 'xlsx') return shown(format, xlsxOfTable(tableOf(element, value)))
  if (value === null) throw noAgreedValue(pathTo(names), { isErased })
  if (isSealed(value)) {
    const message = 'the value is for an audience that the party of this node is not in, or has not come here'
    throw new ValueSealed('value_sealed', message, { path: pathTo(names), ...value.$sealed })
  }
  return shown(format, textOf(value))
}

/** A text that begins with a byte order mark is none as a body: whoever reads it there takes it away, and it is not put back. */
function ofField(value: unknown): [Format, ...Format[]] {
  return typeof value === 'string' && value.startsWith('\ufeff') ? ['json', 'xml'] : ['text', 'json', 'xml']
}

// What only waits for votes, and is not shown, is in no tag.
function shown(form: Format, body: string | Buffer): ShownForm {
  const mediaType = mediaTypes[form]
  const tag = entityTag(mediaType, body)
  // Written in UTF-8 once, not for each that asks.
  const sent = typeof body === 'string' && body.length >= LARGE_CHARACTERS ? Buffer.from(body) : body
  return { mediaType: form === 'json' ? JSON_SENT : mediaType, body: sent, tag }
}

function answered(shown: ShownForm, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { body, mediaType, tag } = shown
  const { 'if-match': match, 'if-none-match': noneMatch } = request.headers
  const isConditional = match !== undefined || noneMatch !== undefined
  if (!isConditional && request.method === 'GET' && request.keyed === undefined) return answeredAtOnce(shown, reply)
  reply.header('etag', tag).header('vary', 'accept')
  if (match !== undefined && preconditionIn({ 'if-match': match })?.([tag]) === false)
    throw new PreconditionFailed('precondition_failed', 'what stands there is not what If-Match names', {
      path: pathTo(placeOf(request).names),
    })
  if (noneMatch !== undefined && namesTag(noneMatch, tag)) return reply.code(304).send()
  return reply.type(mediaType).send(body)
}

const saidAlways = [NODE_HEADER, 'inward']

/** What has its tag, and is shown to whoever asks, is nothing to the hooks that look at answers: they take as long as all else here (decision 0151). */
function answeredAtOnce({ body, mediaType, tag }: ShownForm, reply: FastifyReply): FastifyReply {
  const length = String(Buffer.byteLength(body))
  reply.hijack()
  reply.raw
    .writeHead(200, [...saidAlways, 'etag', tag, 'vary', 'accept', 'content-type', mediaType, 'content-length', length])
    .end(body)
  return reply
}

/** The entry of a ledger that a query means. Throws RequestMalformed, NoSuchContract, NoSuchEntry. */
async function entryAt(
  at: string,
  uid: Uid,
  { contracts, ledgerTimes, store, turns }: DocumentReadPorts,
): Promise<LedgerIndex> {
  const point = pointIn(at)
  if ('index' in point) return point.index
  return contracts.use(uid, (live) => lastEntryAt(point.time, live, { ledgerTimes, store, turns }))
}

function pointIn(text: string): PointInTime {
  try {
    return parsePointInTime(text)
  } catch (cause) {
    if (!(cause instanceof RebuildUnfit)) throw cause
    throw new RequestMalformed('request_malformed', `the query at /at: ${cause.message}`, { path: '/at' }, { cause })
  }
}

/** Throws NotAcceptable. */
function formatOf({ headers, query }: FastifyRequest, offered: readonly [Format, ...Format[]]): Format {
  const { format } = query as Static<typeof DocumentQuery>
  if (format === undefined) return formatFor(headers.accept, offered)
  if (!offered.includes(format)) throw notAcceptable(offered)
  return format
}

/** What the URL names. Only behind the UID, escaped, can an escaped slash be told from a real one. */
export function placeOf({ url, params }: Pick<FastifyRequest, 'url' | 'params'>): { uid: Uid; names: string[] } {
  const [path] = url.split('?', 1) as [string]
  const [, , , ...steps] = path.split('/')
  return { uid: (params as { uid: Uid }).uid, names: parsePath(`/${steps.join('/')}`) }
}

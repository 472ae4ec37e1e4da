import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { elementHash } from '../../aggregates/contract/element-hash.ts'
import type { Element } from '../../aggregates/contract/state.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import type { Uid } from '../../events/ids.ts'
import { AgreedView } from '../../projections/agreed-view.ts'
import type { Store } from '../../store/port.ts'
import { textOf } from '../field-text.ts'
import { TextBody } from '../http/body.ts'
import { BodyMalformed } from '../http/exact-json.ts'
import { answerFor } from '../http/request-response.ts'
import { NoSuchPath, parsePath, subjectOf } from '../path.ts'
import { type Changes, changesFromJson, changesFromText, removal } from '../write.ts'
import { submitter, waitingFor } from './submit.ts'

export interface PathRoutesPorts {
  readonly contracts: Contracts
  readonly store: Store
  readonly newSalt: () => Uint8Array
  readonly newRequestId: () => string
  /** How long a write waits for unanimity when the client says nothing. Milliseconds. */
  readonly defaultWaitMs: number
}

interface Target {
  readonly live: LiveContract
  readonly view: AgreedView
  readonly names: string[]
  readonly element: Element | undefined
}

/** `/new-api/<uid>[/<block>…][/<field>]`: the document by the names in it, in the agreed view (design §10). */
export function pathRoutes(app: FastifyInstance, ports: PathRoutesPorts): void {
  const { contracts, store } = ports
  const submit = submitter(ports)

  const useTarget = <Result>(request: FastifyRequest, work: (target: Target) => Promise<Result>): Promise<Result> => {
    const { uid } = request.params as { uid: Uid }
    return contracts.use(uid, (live) => {
      const view = new AgreedView(live.state.settling.agreed, live.contract, store.payloads)
      const names = parsePath(pathBehind(request))
      return work({ live, view, names, element: view.find(names) })
    })
  }

  const read = async ({ view, names, element, live }: Target, request: FastifyRequest, reply: FastifyReply) => {
    if (element === undefined) throw noSuch(live, names)
    const etag = `"${elementHash(element)}"`
    reply.header('etag', etag).header('vary', 'accept')
    if (request.headers['if-none-match'] === etag) return reply.code(304).send()
    const value = await view.valueOf(element)
    const wantsJson = /\bjson\b/.test(request.headers.accept ?? '')
    if (element.kind === 'block' || wantsJson) return reply.type('application/json').send(JSON.stringify(value))
    if (value === null)
      throw new NoSuchPath('no_agreed_value', 'the field has no agreed value', { path: names.join('/') })
    return reply.type('text/plain; charset=utf-8').send(textOf(value))
  }

  const write = async (
    target: Target,
    request: FastifyRequest,
    reply: FastifyReply,
    changes: (target: Target) => Changes,
  ) => {
    const { live } = target
    const { commands, payloads: opened, createdAt } = changes(target)
    const submission = submit(live, commands, opened, waitingFor(request.headers.prefer, ports.defaultWaitMs))
    const created = createdAt && subjectOf(live.contract, createdAt)
    const answer = await answerFor(submission, live, ports.store.payloads, created)
    return reply.code(answer.status).headers(answer.headers).send(answer.body)
  }

  for (const url of ['/new-api/:uid', '/new-api/:uid/*']) {
    app.get(url, (request, reply) => useTarget(request, (target) => read(target, request, reply)))
    for (const method of ['PUT', 'POST'] as const) {
      app.route({
        method,
        url,
        config: { body: 'any' },
        handler: (request, reply) =>
          useTarget(request, (target) => write(target, request, reply, (on) => proposed(request, on, ports))),
      })
    }
    app.delete(url, (request, reply) =>
      useTarget(request, (target) =>
        write(target, request, reply, ({ element, names, live }) => {
          if (element === undefined) throw noSuch(live, names)
          return removal(element)
        }),
      ),
    )
  }
}

function proposed(request: FastifyRequest, { live, names, element }: Target, { newSalt }: PathRoutesPorts): Changes {
  if (element === undefined) throw noSuch(live, names)
  if (request.body === undefined) throw new BodyMalformed('body_malformed', 'there is no body that says what to write')
  const isPost = request.method === 'POST'
  if (request.body instanceof TextBody) return changesFromText(element, request.body.text, newSalt)
  return changesFromJson(element, names, request.body, isPost, newSalt)
}

/** What stands behind the UID, escaped: only there can an escaped slash be told from a real one. */
function pathBehind(request: FastifyRequest): string {
  const [path] = request.url.split('?', 1) as [string]
  const [, , , ...steps] = path.split('/')
  return `/${steps.join('/')}`
}

function noSuch(live: LiveContract, names: readonly string[]): NoSuchPath {
  const path = names.join('/')
  return new NoSuchPath('no_such_path', `the agreed document has no ${path}`, { contract: live.contract, path })
}

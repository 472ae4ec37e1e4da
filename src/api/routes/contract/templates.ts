import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { Hash } from '../../../crypto/hash.ts'
import { PathSchema } from '../../../documents/path.ts'
import { DocumentTemplates, type NamedTemplate } from '../../../documents/templates/document-templates.ts'
import type { Handle } from '../../../events/ids.ts'
import { HashSchema, UidSchema } from '../../../events/ids.ts'
import { type Roles, RolesSchema, TEMPLATE_BYTES_MAX } from '../../../events/template.ts'
import type { Turns } from '../../../runtime/turns.ts'
import { ofContract, ofElement, ofTemplate } from '../../answers/problems.ts'
import { TemplateDocument, TemplatesSchema, UpgradePreviewSchema } from '../../answers/templates.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { written } from '../../answers/written.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery, TokenInQuery } from '../../http/validation.ts'
import { ContractParams, closed } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

const JSON_TYPE = 'application/json; charset=utf-8'
const Name = Type.String({ minLength: 1, maxLength: 200 })
/** A template as JSON, or as a text that has this JSON. */
const Template = Type.Union([Type.String({ maxLength: TEMPLATE_BYTES_MAX }), Type.Object({})])
const common = { at: PathSchema, roles: Type.Optional(RolesSchema) }
/** By its bytes, or by its hash where the contract has it. */
const named = <Members extends object>(members: Members) =>
  Type.Union([
    Type.Object({ ...members, template: Template }, closed),
    Type.Object({ ...members, hash: HashSchema }, closed),
  ])
const Import = named({ ...common, name: Type.Optional(Name) })
const Upgrade = named(common)
const Taken = Type.Object(
  {
    at: PathSchema,
    name: Type.Optional(Name),
    /** `<party>:<role>`, with commas between. */
    roles: Type.Optional(
      Type.String({ maxLength: 65_000, pattern: '^[a-z0-9-]+:[a-z0-9-]+(?:,[a-z0-9-]+:[a-z0-9-]+)*$' }),
    ),
    outside: Type.Optional(Type.Literal('leave-out')),
    ...TokenInQuery,
  },
  closed,
)

/** `/api/Contract/<uid>/Template` and `/api/Contract/<uid>/Templates[/…]` */
export const templateRoutes: TypedRoutes<RoutePorts & { readonly turns: Turns }> = async (app, ports) => {
  const { contracts, documents, defaultWaitMs, store, turns } = ports
  const templates = new DocumentTemplates({ contracts, documents, store, turns })

  app.get(
    '/api/Contract/:uid/Template',
    {
      config: { role: 'reader', problems: [...ofElement, 'template_malformed'] },
      schema: {
        operationId: 'takeTemplate',
        summary: 'An element as a template',
        querystring: Taken,
        params: ContractParams,
        response: { 200: TemplateDocument },
      },
    },
    async ({ params: { uid }, query: { at, name, outside, roles } }, reply) => {
      const renamed = roles === undefined ? {} : { roles: rolesIn(roles) }
      const options = { ...(name !== undefined && { name }), ...renamed, leavesOut: outside !== undefined }
      return sendTemplate(reply, (await templates.take(uid, at, options)).text)
    },
  )

  app.get(
    '/api/Contract/:uid/Templates',
    {
      config: { role: 'reader', problems: ofContract },
      schema: {
        operationId: 'listTemplates',
        summary: 'Templates that the contract has, and what came from them',
        params: ContractParams,
        response: { 200: TemplatesSchema },
      },
    },
    async ({ params: { uid } }) => templates.list(uid),
  )

  app.get(
    '/api/Contract/:uid/Templates/:hash',
    {
      config: { role: 'reader', problems: [...ofContract, 'no_such_template'] },
      schema: {
        operationId: 'getTemplate',
        summary: 'A template that the contract has',
        params: Type.Object({ uid: UidSchema, hash: HashSchema }),
        response: { 200: TemplateDocument },
      },
    },
    async ({ params: { uid, hash } }, reply) => sendTemplate(reply, await templates.text(uid, hash)),
  )

  app.post(
    '/api/Contract/:uid/Templates/Imports',
    {
      config: { role: 'editor', problems: ofTemplate },
      schema: {
        operationId: 'importTemplate',
        summary: 'Adds what a template has',
        querystring: DryRunQuery,
        params: ContractParams,
        body: Import,
        response: written,
      },
    },
    async (request, reply) => {
      const { at, name, roles, ...which } = request.body as Asked & { readonly name?: string }
      const asked = { at, ...(name !== undefined && { name }), ...(roles && { roles }), ...namedBy(which) }
      return send(reply, await templates.import(request.params.uid, asked, waitOf(request, defaultWaitMs)))
    },
  )

  app.post(
    '/api/Contract/:uid/Templates/Upgrades',
    {
      config: { role: 'voter', problems: ofTemplate },
      schema: {
        operationId: 'upgradeTemplate',
        summary: 'Votes that what came from a template goes on as another one has it',
        querystring: DryRunQuery,
        params: ContractParams,
        body: Upgrade,
        response: written,
      },
    },
    async (request, reply) => {
      const asked = upgradeAsked(request.body as Asked)
      return send(reply, await templates.upgrade(request.params.uid, asked, waitOf(request, defaultWaitMs)))
    },
  )

  app.post(
    '/api/Contract/:uid/Templates/Previews',
    {
      config: { role: 'reader', problems: ofTemplate },
      schema: {
        operationId: 'previewTemplate',
        summary: 'What an upgrade would come to',
        params: ContractParams,
        body: Upgrade,
        response: { 200: UpgradePreviewSchema },
      },
    },
    async ({ params: { uid }, body }) => templates.preview(uid, upgradeAsked(body as Asked)),
  )
}

/** Its bytes, as they are hashed. */
function sendTemplate(reply: FastifyReply, text: string): FastifyReply {
  return reply.type(JSON_TYPE).send(text)
}

type Asked = { readonly at: string; readonly roles?: Roles } & Which
type Which = { readonly template: string | object } | { readonly hash: Hash }

function upgradeAsked({ at, roles, ...which }: Asked): { at: string; roles?: Roles } & NamedTemplate {
  return { at, ...(roles && { roles }), ...namedBy(which) }
}

function namedBy(which: Which): NamedTemplate {
  if ('hash' in which) return which
  const { template } = which
  return { template: typeof template === 'string' ? template : JSON.stringify(template) }
}

function rolesIn(text: string): { [handle: Handle]: Handle } {
  return Object.fromEntries(text.split(',').map((pair) => pair.split(':') as [Handle, Handle]))
}

import type { TSchema } from 'typebox'
import type { ElementSchema } from '../../documents/elements/element-schema.ts'
import { ProblemSchema } from '../answers/problem.ts'
import { written } from '../answers/written.ts'
import { Components } from './components.ts'

type Json = Readonly<Record<string, unknown>>
type Field = Extract<ElementSchema, { kind: 'field' }>

export interface DescribedContract {
  readonly contract: string
  readonly title: string
  readonly root: ElementSchema
}

/** Where the document itself is read and written. */
const WHOLE = 'the document'
/** More are in no document that a person opens: those behind are left out, and it is said. */
const ELEMENTS_MAX = 2_000

/** What every contract answers alike. */
const shared = new Components()
const problems = {
  default: {
    description: 'It did not come about',
    content: { 'application/problem+json': { schema: shared.refer(ProblemSchema) } },
  },
}
const answersToWrites = {
  200: answerToWrite('Agreed; unchanged; or what would happen', written[200]),
  201: answerToWrite('Agreed, and added', written[201]),
  202: answerToWrite('What it waits for', written[202]),
  ...problems,
}

/** OpenAPI 3.1 of one contract: its own paths, and the types of what stands there. Of a name that changes the operation stays. */
export function contractDocument({ contract, root, title }: DescribedContract, version: string): object {
  const document = new ContractPaths()
  document.add(root, `/new-api/${contract}`, [])
  const left = document.isWhole ? '' : ` It has more than ${ELEMENTS_MAX} elements: the others are left out.`
  return {
    openapi: '3.1.0',
    info: {
      title,
      version,
      description: `The document of the contract ${contract}: what stands in it is read and written by these paths.${left}`,
    },
    servers: [{ url: '/' }],
    tags: [...document.tags].map((name) => ({ name })),
    paths: document.paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { ...shared.schemas(), ...document.schemas },
    },
  }
}

function answerToWrite(description: string, schema: TSchema): object {
  return { description, content: { 'application/json': { schema: shared.refer(schema) } } }
}

class ContractPaths {
  readonly paths: Record<string, object> = {}
  readonly schemas: Record<string, unknown> = {}
  /** What stands right below the document, and first that itself: by these a page puts operations together. */
  readonly tags = new Set<string>()
  isWhole = true
  #count = 0
  #described = 0

  /** `parameters`: of the entries on the way. */
  add(element: ElementSchema, path: string, parameters: readonly object[], below: string | null = null): void {
    if (this.#count === ELEMENTS_MAX) return
    this.#count++
    const tag = below ?? WHOLE
    this.tags.add(tag)
    this.paths[path] = {
      ...(parameters.length > 0 && { parameters }),
      ...operationsOf(element, this.#valueOf(element), tag),
    }
    switch (element.kind) {
      case 'block':
        for (const child of element.children) {
          if (this.#count === ELEMENTS_MAX) break
          this.add(child, `${path}/${encodeURIComponent(child.name)}`, parameters, below ?? child.name)
        }
        break
      case 'list': {
        const name = `entry${parameters.length + 1}`
        const described = element.key === undefined ? 'Its number' : `Its number, or its ${element.key}`
        const entry = { name, in: 'path', required: true, description: described, schema: { type: 'string' } }
        this.add(element.entry, `${path}/{${name}}`, [...parameters, entry], tag)
        break
      }
    }
  }

  /** What stands there, as JSON. */
  #valueOf(element: ElementSchema): Json {
    switch (element.kind) {
      case 'field':
        return {
          ...(element.audience === undefined ? wireValue(element.type) : orSealed(wireValue(element.type))),
          ...(element.custom && { description: `Of the type ${element.custom.name}` }),
        }
      case 'list':
        return { type: 'array', items: this.#valueOf(element.entry), maxItems: element.entriesMax }
      case 'block': {
        const name = `Element_${element.element.replaceAll('.', '_')}`
        if (this.schemas[name] === undefined) {
          const shown = element.children.slice(0, ELEMENTS_MAX - this.#described)
          this.#described += shown.length
          this.isWhole &&= shown.length === element.children.length
          this.schemas[name] = {}
          this.schemas[name] = {
            type: 'object',
            title: element.name,
            properties: Object.fromEntries(shown.map((child) => [child.name, this.#valueOf(child)])),
            additionalProperties: shown.length < element.children.length,
          }
        }
        return { $ref: `#/components/schemas/${name}` }
      }
    }
  }
}

/** Named by the id of the element, which never changes. */
function operationsOf(element: ElementSchema, value: Json, tag: string): object {
  const id = element.element.replaceAll('.', '_')
  const at = element.at === '' ? WHOLE : element.at
  const common = (role: string) => ({ tags: [tag], security: [{ bearer: [role] }] })
  const json = { 'application/json': { schema: value } }
  const text = { 'text/plain': { schema: { type: 'string' } } }
  const content = element.kind === 'field' ? { ...json, ...text } : json
  const body = { required: true, content }
  return {
    get: {
      operationId: `get_${id}`,
      summary: `The agreed value of ${at}`,
      ...common('reader'),
      responses: { 200: { description: 'What is agreed', content }, ...problems },
    },
    put: {
      operationId: `put_${id}`,
      summary: `Has this stand at ${at}`,
      ...common('editor'),
      requestBody: body,
      responses: answersToWrites,
    },
    ...(element.kind === 'list' && {
      post: {
        operationId: `post_${id}`,
        summary: `Adds an entry to ${at}`,
        ...common('editor'),
        requestBody: { required: true, content: { 'application/json': { schema: value.items } } },
        responses: answersToWrites,
      },
    }),
  }
}

const anyText = { type: ['string', 'null'] }

/** On the wire; null: the field is empty. */
function wireValue(type: Field['type']): Json {
  switch (type.type) {
    case 'integer':
      return { type: ['integer', 'string', 'null'], pattern: '^-?[0-9]+$' }
    case 'decimal':
      return { type: ['string', 'null'], pattern: '^-?[0-9]+(\\.[0-9]+)?$' }
    case 'boolean':
      return { type: ['boolean', 'null'] }
    case 'choice':
      return { enum: [...type.options, null] }
    case 'date':
      return { ...anyText, format: 'date' }
    case 'date-time':
      return { ...anyText, format: 'date-time' }
    case 'money':
      return objectOf({
        amount: { type: 'string', pattern: '^-?[0-9]+(\\.[0-9]+)?$' },
        currency: type.currency === undefined ? { type: 'string', pattern: '^[A-Z]{3}$' } : { const: type.currency },
      })
    case 'contract':
      return {
        anyOf: [
          anyText,
          {
            type: 'object',
            properties: {
              contract: { type: 'string' },
              path: { type: 'string' },
              index: { type: 'integer', minimum: 0 },
            },
            required: ['contract'],
            additionalProperties: false,
          },
        ],
      }
    case 'attachment':
      return objectOf({
        bytes: { type: 'integer' },
        hash: { type: 'string' },
        name: { type: 'string' },
        type: { type: 'string' },
      })
    default:
      return anyText
  }
}

/** A confidential value that this node does not have. */
function orSealed(value: Json): Json {
  return { anyOf: [value, { type: 'object', properties: { $sealed: { type: 'object' } }, required: ['$sealed'] }] }
}

function objectOf(properties: Json): Json {
  return { type: ['object', 'null'], properties, required: Object.keys(properties), additionalProperties: false }
}

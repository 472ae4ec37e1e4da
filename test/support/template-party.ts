import {
  type Exported,
  exportingTemplate,
  type ToExport,
} from '../../src/aggregates/contract/templates/export-template.ts'
import { useAt } from '../../src/aggregates/contract/templates/template-book.ts'
import { utf8Length } from '../../src/crypto/bytes.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { Handle } from '../../src/events/ids.ts'
import { type Roles, type Template, templateHash } from '../../src/events/template.ts'
import { assert } from '../../src/runtime/assert.ts'
import { completed } from '../../src/runtime/turns.ts'
import { type Act, type Document, together } from './document.ts'
import type { Party } from './document-party.ts'

/** What stands at and below a path, as a template. */
export function taken(document: Document, path: string, changes: Partial<ToExport> = {}): Exported {
  const { root, size } = document.head
  const exported = completed(
    exportingTemplate(document.state, { element: document.idAt(path), root, size, ...changes }),
  )
  assert('text' in exported, `${path} is taken as a template: ${JSON.stringify(exported)}`)
  return exported
}

/** The same template but for what is changed in it. */
export function changed({ template }: Exported, change: (template: Template) => Partial<Template>): Exported {
  const text = canonicalJson({ ...template, ...change(template) })
  return { hash: templateHash(text), leftOut: [], template: JSON.parse(text) as Template, text }
}

/** Of bytes that need not be a template. */
export function bytes(text: string): Pick<Exported, 'hash' | 'text'> {
  return { hash: templateHash(text), text }
}

/** In pieces of so many characters, each a request. */
export function brings(party: Party, { hash, text }: Pick<Exported, 'hash' | 'text'>, piece = text.length): Act[] {
  const acts: Act[] = []
  let from = 0
  for (let start = 0; start < text.length; start += piece) {
    const part = text.slice(start, start + piece)
    acts.push(party.orders({ type: 'BringTemplate', bytes: utf8Length(text), from, hash, text: part }))
    from += utf8Length(part)
  }
  return acts
}

/** Below a path. Every role is the party of its name unless it is told otherwise. */
export function imports(party: Party, { hash, template }: Exported, at: string, name: string, bound: Roles = {}): Act {
  return {
    author: party.handle,
    write: (document) => ({
      commands: [{ at: document.idAt(at), hash, name, roles: bindings(template, bound), type: 'ImportTemplate' }],
      values: new Map(),
    }),
  }
}

/** Brought and imported in one request. */
export function bringsAndImports(party: Party, exported: Exported, at: string, name: string, bound: Roles = {}): Act {
  return together(...(brings(party, exported) as [Act]), imports(party, exported, at, name, bound))
}

/** A vote that what stands at a path goes on as this template has it. */
export function upgrades(
  party: Party,
  path: string,
  { hash, template }: Exported,
  changes: { from?: Hash; roles?: Roles } = {},
): Act {
  return {
    author: party.handle,
    write: (document) => {
      const element = document.idAt(path)
      const from = useAt(document.state.templates, element)?.template ?? hash
      const roles = bindings(template, {})
      return {
        commands: [{ element, from, roles, to: hash, type: 'UpgradeTemplate', ...changes }],
        values: new Map(),
      }
    },
  }
}

function bindings({ roles }: Template, bound: Roles): Roles {
  return Object.fromEntries(roles.map((role) => [role, bound[role] ?? role])) as { [role: Handle]: Handle }
}

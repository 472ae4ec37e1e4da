import { TemplateSchema } from '../../src/events/template.ts'

export const SCHEMA_FILE = new URL('../../docs/template.schema.json', import.meta.url)

/** What docs/template.schema.json has to be: `node test/docs/write-template-schema.ts` writes it. */
export function templateSchema(): string {
  const schema = { $schema: 'https://json-schema.org/draft/2020-12/schema', ...TemplateSchema }
  return `${JSON.stringify(schema, undefined, 2)}\n`
}

import type { FieldType } from '../events/field-type.ts'
export type ScenarioElement =
  | { readonly kind: 'block'; readonly name: string; readonly children: readonly ScenarioElement[] }
  | { readonly kind: 'field'; readonly name: string; readonly field: FieldType }
export interface Scenario {
  readonly title: string
  readonly parties: readonly { readonly handle: string; readonly name: string; readonly role: string }[]
  readonly document: readonly ScenarioElement[]
  readonly steps: readonly { readonly by: string; readonly say: string; readonly set: Readonly<Record<string, unknown>> }[]
}

import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { CountSchema, UID_PATTERN } from '../ids.ts'

const UidText = Type.String({ pattern: UID_PATTERN })

/**
 * A value of the type `contract`: the UID of a contract, or, with at least one of the two, what is meant in it: the path of an element,
 * its names with `/` between them, and the ledger index as of which. Only its form is judged: nobody need be on the other contract.
 */
const ContractReferenceSchema = Type.Union([
  UidText,
  Type.Object(
    {
      contract: UidText,
      path: Type.Optional(Type.String({ minLength: 1, maxLength: 2_000 })),
      index: Type.Optional(CountSchema),
    },
    { additionalProperties: false, minProperties: 2 },
  ),
])
export type ContractReference = Static<typeof ContractReferenceSchema>

const form = Compile(ContractReferenceSchema)
/** So that its text can be read back, no path ends as an index is written. */
const INDEX = /\?at=(0|[1-9]\d{0,15})$/
const uid = UID_PATTERN.replace(/^\^|\$$/g, '')
const TEXT = new RegExp(`^(${uid})(?:/(.+))?$`, 's')

/** Whether names on the path are names of elements is for the caller to judge. Attacker-controlled: `value`, any JSON. */
export function isContractReference(value: unknown): value is ContractReference {
  return form.Check(value) && (typeof value === 'string' || value.path === undefined || !INDEX.test(value.path))
}

/** As people write it, and as rules compare it: `<uid>/<path>?at=<index>`. */
export function contractReferenceText(reference: ContractReference): string {
  if (typeof reference === 'string') return reference
  const { contract, index, path } = reference
  return `${contract}${path === undefined ? '' : `/${path}`}${index === undefined ? '' : `?at=${index}`}`
}

/** Undefined for what is no text of one. */
export function contractReferenceFrom(text: string): ContractReference | undefined {
  const at = INDEX.exec(text)
  const [, contract, path] = TEXT.exec(at === null ? text : text.slice(0, at.index)) ?? []
  if (contract === undefined) return undefined
  const reference = {
    contract,
    ...(path !== undefined && { path }),
    ...(at !== null && { index: Number(at[1]) }),
  }
  const value = Object.keys(reference).length === 1 ? contract : reference
  return isContractReference(value) ? value : undefined
}

import type { SignedStatement } from '../../events/statement-codec.ts'
import type { ContractNews } from '../replica/contract-listener.ts'

/** After how many new statements a snapshot of a contract is written again, and memory is freed. */
const STATEMENTS_MAX = 1_000
/** Or after how much of them and of their values. Characters. */
const CHARACTERS_MAX = 16 * 1024 * 1024
/** What a value takes that is no text, and what each takes besides. */
const VALUE_CHARACTERS = 64

/** How much has come to each contract in memory since it was kept last. */
export class KeepSchedule<Contract extends object> {
  readonly #since = new WeakMap<Contract, { statements: number; characters: number }>()

  /** It has just been kept, or loaded. */
  kept(contract: Contract): void {
    this.#since.set(contract, { statements: 0, characters: 0 })
  }

  /** Counts what has come; whether the contract is to be kept by now. */
  isDue(contract: Contract, { made, taken }: ContractNews['news'][0]): boolean {
    const since = this.#since.get(contract) ?? { statements: 0, characters: 0 }
    for (const held of made === undefined ? taken : [...taken, made]) {
      since.statements++
      since.characters += charactersOf(held)
    }
    this.#since.set(contract, since)
    return since.statements >= STATEMENTS_MAX || since.characters >= CHARACTERS_MAX
  }
}

function charactersOf({ text, payloads }: Pick<SignedStatement, 'text' | 'payloads'>): number {
  let characters = text.length
  for (const { value } of Object.values(payloads))
    characters += VALUE_CHARACTERS + (typeof value === 'string' ? value.length : 0)
  return characters
}
